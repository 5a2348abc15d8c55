"""What `test_store_faults` runs on a disk of 6 MB: it fills, sentences are read, it is freed."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np

from core import jobs, limits
from core.cli import main
from core.errors import StoreError
from core.jobs import Context
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec
from tests.core.test_store import SCORE

SPEC = XFactorSpec("digits", "small", per_class=(5,), random=2, strategies=(), models=("gnb",))


def command(*arguments: str) -> tuple[int, str]:
    """Exit code and standard error of a command."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        return main(arguments), said.getvalue()


def check_sentence(text: str) -> None:
    """Fail unless a text says that the disk is full."""
    assert "is full; free some space" in text, text


def fill(folder: Path) -> None:
    """Take all the room that there is."""
    with (folder / "filler").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(512))


def scores_until_full(store: Store) -> list[str]:
    """Store scores, a thousand at a time, until the disk is full; gives those that were taken."""
    taken: list[str] = []
    for first in range(0, 10**6, 1000):
        some = [replace(SCORE, unit=f"u{number}") for number in range(first, first + 1000)]
        try:
            store.add_scores(some)
        except StoreError as error:
            check_sentence(str(error))
            return taken
        taken += [score.unit for score in some]
    raise AssertionError("the disk is not small")


def run(spec: XFactorSpec, context: Context) -> str:
    """A study that stores arrays until it has twenty, or no room for them."""
    for number in range(20):
        context.store.put_blob(f"array{number}", {"x": np.zeros(300_000, dtype=np.uint8)})
    return "20 arrays."


def check(folder: Path) -> None:
    """Do it all on the disk that is mounted at a folder."""
    os.environ["XFACTOR_CACHE"] = str(folder)
    file = folder / "small.toml"
    file.write_text(SPEC.to_toml())
    store = Store()
    jobs.runner_alive = lambda store: True  # type: ignore[assignment]

    # With less than a reserve free no study begins, which leaves room to note how others ended.
    assert limits.LEAST_FREE > 6 << 20
    code, said = command("study", "run", str(file), "--detach")
    assert (code, said.count("\n")) == (2, 1), said
    assert said.startswith(f"error: The disk that holds {folder} is full; free some space")
    assert jobs.all_jobs(store) == []

    # Somebody else takes the rest while a study stores arrays.
    limits.LEAST_FREE = 0
    study = jobs.STUDIES["xfactor"]
    jobs.STUDIES = {"xfactor": replace(study, run=run)}  # type: ignore[assignment]
    assert command("study", "run", str(file), "--detach")[0] == 0
    try:
        jobs.run_queue(store)  # Ends with the job, or with its runner where not even that fits.
    except StoreError as error:
        check_sentence(str(error))
    else:
        check_sentence(jobs.find(store, "small").message)
    assert not list(folder.glob("blobs/*.part"))
    kept = [number for number in range(20) if store.blob(f"array{number}") is not None]
    assert kept == list(range(len(kept)))

    # Not a byte is left: neither scores nor the end of a job can be written.
    fill(folder)
    taken = scores_until_full(store)
    code, said = command("study", "run", str(file), "--detach")
    assert code == 2, said
    check_sentence(said)

    # With room everything goes on.
    for path in [folder / "filler", *folder.glob("blobs/array*")]:
        path.unlink()
    assert store.scored(taken) == set(taken)
    jobs.STUDIES = {"xfactor": replace(study, run=lambda spec, context: "Done now.")}  # type: ignore[assignment]
    jobs.resume(store, jobs.find(store, "small").key)
    jobs.run_queue(store)
    assert jobs.find(store, "small").message == "Done now."
    again = scores_until_full(store)
    assert set(taken) < set(again)
    assert store.scored(again) == set(again)


if __name__ == "__main__":
    check(Path(sys.argv[1]))
