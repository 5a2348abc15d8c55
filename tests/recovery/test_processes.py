"""Processes that die, run out of memory, start twice or see the clock go back: all ends clearly."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from core import jobs
from core.settings import PROJECT
from core.store import Store
from core.studies import xfactor
from core.studies.xfactor_spec import XFactorSpec
from tests.browser.harness import awaited, server_of, serving
from tests.load.session import session
from tests.recovery.test_recovery import runners, until

SMALL = XFactorSpec("digits", "check", per_class=(4,), random=4, strategies=(), models=("gnb",))
# The large network takes over 1.2 GB, which stands first, so that the others wait behind it.
LARGE = XFactorSpec(
    "digits", "check", per_class=(4,), random=1, strategies=(),
    models=("mlp-5:width=4096", "gnb", "svc"),
)  # fmt: skip
MEMORY = 1200 << 20
# Read by every Python that starts: a clock that goes back a day once a file is there.
CLOCK = """
import os, time
_now = time.time
time.time = lambda: _now() - 86400.0 * os.path.exists({!r})
"""
# Dask divides the least of several figures among its workers and kills what takes more.
LIMITED = f"""
import resource, sys
resource.setrlimit(resource.RLIMIT_RSS, ({MEMORY}, {MEMORY}))
from core.cli import main
if __name__ == "__main__":
    sys.exit(main(["runner"]))
"""


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XFACTOR_WORKERS", "1")
    monkeypatch.setenv("XFACTOR_DEVICE", "cpu")
    return Store()


def queue(store: Store, spec: XFactorSpec) -> None:
    """Let a study wait, on which nobody works."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "ensure_runner", lambda store: None)
        jobs.submit(store, "xfactor", spec)


def messages(store: Store) -> list[str]:
    return [text for _, text in jobs.log(store, jobs.find(store, "check").key)]


def test_two_runners_started_at_once_while_the_clock_goes_back(
    store: Store, tmp_path: Path
) -> None:
    queue(store, SMALL)
    back = tmp_path / "back"
    (tmp_path / "sitecustomize.py").write_text(CLOCK.format(str(back)))
    pair = [
        subprocess.Popen(
            [sys.executable, "-m", "core", "runner"],
            cwd=PROJECT,
            env=os.environ | {"PYTHONPATH": str(tmp_path)},
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    until(lambda: jobs.find(store, "check").state == "running", 120)
    back.touch()
    said = [runner.communicate(timeout=300)[1] for runner in pair]
    assert [runner.returncode for runner in pair] == [0, 0], said
    assert not any("Traceback" in text for text in said), said
    job = jobs.find(store, "check")
    assert messages(store) == ["Done. 4 units scored."]  # It ran once,
    assert len(xfactor.results(job, store).scores) == 4  # and whole;
    assert job.finished is not None
    assert job.finished < job.submitted  # the clock did go back,
    assert 0 < job.spent < 600  # and the time that it took is right all the same.


def test_a_unit_that_runs_its_worker_out_of_memory_is_named_and_the_rest_is_kept(
    store: Store,
) -> None:
    queue(store, LARGE)
    done = subprocess.run(
        [sys.executable, "-c", LIMITED], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    job = jobs.find(store, "check")
    assert (job.state, job.done, job.total) == ("done", 2, 3)
    assert job.message == "2 units scored, 1 failed."
    found = xfactor.results(job, store)
    assert set(found.scores["model"]) == {"gnb", "svc"}
    assert found.failures["model"].tolist() == ["mlp-5:width=4096"]
    named, _ = messages(store)
    assert named.startswith("mlp-5:width=4096 on 40 images: JobError: The worker process died")
    assert "too little memory" in named


async def look(address: str) -> str:
    """Open the page with the jobs, as a browser does; gives what it says."""
    async with session(address) as tab:
        await tab.open("jobs")
        return "\n".join(tab.said)


def test_one_of_two_servers_on_a_cache_is_killed_and_the_study_goes_on(store: Store) -> None:
    queue(store, SMALL)

    def ended() -> bool:
        job = jobs.find(store, "check")
        assert job.state in ("queued", "running", "done"), job
        return job.state == "done" and not runners(store.root)

    with serving(store.root) as first, serving(store.root) as second:
        assert "check" in awaited(look(first))  # Whoever looks at a study that waits
        assert "check" in awaited(look(second))  # sees to it that it runs, once.
        until(lambda: runners(store.root) or ended(), 120)
        server_of(first).kill()
        until(ended, 300)
        assert "4 units scored." in awaited(look(second))
    assert messages(store) == ["Done. 4 units scored."]
    assert len(xfactor.results(jobs.find(store, "check"), store).scores) == 4
