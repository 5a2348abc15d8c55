"""Bytes and tables made by Hypothesis, fed to everything that reads what users bring.

Nothing but an `InputError` may come out. `python -m tests.fuzz 600` looks for ten minutes, and
longer runs find more; the tests take a moment each, or `XFACTOR_FUZZ_SECONDS` in all.
"""

from __future__ import annotations

import contextlib
import gzip
import io
import os
import shutil
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

from hypothesis import HealthCheck, given, seed, settings
from hypothesis import strategies as st

from core import datasets, studies
from core.bundle import away
from core.bundle.archive import read_archive
from core.bundle.members import from_npz
from core.datasets import adult, csv_table, idx, imdb
from core.datasets.source import Files, Source, silent
from core.errors import InputError
from core.quality.files import read as read_picture
from core.store import Store
from tests.fuzz_inputs import (
    CENSUS,
    EDITS,
    FOLDERS,
    IMAGES,
    TOML,
    columns,
    csv_text,
    edited,
    folder_of,
    idx_bytes,
    npz,
    parquet_of,
    reviews,
    signed,
    work,
    zip_of,
)

Read = Callable[[Path], object]
Bytes = st.SearchStrategy[bytes]
AT_A_TIME = 40


def merged(path: Path) -> object:
    """What `study merge` does, with a store that nothing is in."""
    with tempfile.TemporaryDirectory() as folder:
        return away.merged(path.read_bytes(), Store(Path(folder)))


def loaded(path: Path) -> object:
    """What a user's data set gives: listed, found by its path, read."""
    datasets.catalogue()
    return datasets.load(str(path))


def of_source(source: Source) -> Read:
    """Reads a file as a registered source does."""
    return lambda path: source.read(Files(path.parent, (path,)), silent)


TARGETS: dict[str, tuple[Bytes, str, Read]] = {
    "image": (IMAGES, "x.png", read_picture),
    "parquet of images": (
        st.builds(edited, st.just("image").map(parquet_of), EDITS), "x.parquet", loaded,
    ),
    "parquet of texts": (
        st.builds(edited, st.just("text").map(parquet_of), EDITS), "x.parquet", loaded,
    ),
    "parquet columns": (columns(), "x.parquet", loaded),
    "csv": (csv_text(), "x.csv", loaded),
    "csv bytes": (st.binary(max_size=200), "x.csv", lambda path: csv_table.read(
        Files(path.parent, (path,)), silent)),
    "npz": (
        st.builds(edited, st.builds(npz), EDITS), "x.npz",
        lambda path: from_npz(path.name, path.read_bytes()),
    ),
    "bundle": (
        st.builds(edited, st.booleans().map(zip_of), EDITS), "x.zip",
        lambda path: read_archive(io.BytesIO(path.read_bytes())),
    ),
    "work": (
        st.builds(edited, st.builds(work), EDITS).map(gzip.compress), "x.gz",
        lambda path: away._read_work(path.read_bytes()),
    ),
    "work bytes": (
        st.builds(edited, st.builds(work).map(gzip.compress), EDITS), "x.gz",
        lambda path: away._read_work(path.read_bytes()),
    ),
    "scores": (signed(), "x.jsonl", merged),
    "idx": (
        st.builds(edited, st.builds(idx_bytes), EDITS), "x", lambda path: idx.parse(path, 3),
    ),
    "idx.gz": (
        st.builds(edited, st.builds(idx_bytes).map(gzip.compress), EDITS), "x.gz",
        lambda path: idx.parse(path, 3),
    ),
    "imdb": (st.builds(edited, st.builds(reviews), EDITS), imdb.ARCHIVE, of_source(imdb.IMDB)),
    "adult": (
        st.builds(edited, st.just(CENSUS * 4 + CENSUS.replace(b"<=", b">") * 3), EDITS),
        "adult.data", lambda path: adult.ADULT.read(Files(path.parent, (path, path)), silent),
    ),
    "study": (st.builds(edited, st.just(TOML.encode()), EDITS), "x.toml", studies.from_toml),
}  # fmt: skip


@contextlib.contextmanager
def data_root() -> Iterator[Path]:
    """A data root and a cache that are gone afterwards."""
    before = {name: os.environ.get(name) for name in ("XFACTOR_DATA", "XFACTOR_CACHE")}
    root = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
    (root / "data").mkdir()
    os.environ |= {"XFACTOR_DATA": str(root / "data"), "XFACTOR_CACHE": str(root / "cache")}
    try:
        yield root / "data"
    finally:
        shutil.rmtree(root)
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})


def _one(name: str, root: Path) -> Callable[[], None]:
    """Tries some inputs of one kind; raises what must not come out."""
    if name == "folder":

        @given(FOLDERS.map(folder_of))
        def attempt(write: Callable[[Path], None]) -> None:
            shutil.rmtree(root / "pets", ignore_errors=True)
            write(root / "pets")
            with contextlib.suppress(InputError):
                loaded(root / "pets")

        return attempt
    data, file, read = TARGETS[name]

    @given(data)
    def attempt_file(content: bytes) -> None:
        path = root / file
        path.write_bytes(content)
        with contextlib.suppress(InputError):
            read(path)

    return attempt_file


NAMES = (*TARGETS, "folder")


def fuzz(name: str, seconds: float, first_seed: int = 0) -> int:
    """Try inputs of one kind for some time; gives how many rounds there were.

    Raises:
        Exception: What came out besides an InputError; Hypothesis shows the input.
    """
    end, rounds = time.monotonic() + seconds, 0
    with data_root() as root, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attempt = settings(
            max_examples=AT_A_TIME,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
        )(_one(name, root))
        while not rounds or time.monotonic() < end:
            seed(first_seed + rounds)(attempt)()
            rounds += 1
    return rounds


def main(seconds: float) -> int:
    """Go through all kinds again and again; gives the exit code."""
    end, turn, failed = time.monotonic() + seconds, 0, set[str]()
    while time.monotonic() < end:
        for name in NAMES:
            if name in failed:
                continue
            try:
                rounds = fuzz(name, 5.0, first_seed=1000 * turn)
            except Exception:
                import traceback

                failed.add(name)
                print(f"== {name}", traceback.format_exc(), sep="\n", flush=True)
            else:
                print(f"{name}: {rounds * AT_A_TIME} inputs", flush=True)
        turn += 1
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else 600.0))
