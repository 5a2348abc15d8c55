"""What somebody might send who means no good: refused in one sentence, at once, in little memory.

Names that are hostile are in `datasets/test_folder.py` and `pages/test_hard_use.py`, every other
way in which a bundle is damaged or lies in `bundle/test_bundle.py`.
"""

from __future__ import annotations

import gzip
import io
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core import datasets, jobs
from core.bundle import away, opened, scores_file
from core.cli import main
from core.errors import InputError
from core.quality.files import Picture
from core.quality.files import read as read_picture
from core.store import Store
from core.studies import STUDIES
from core.studies.xfactor_spec import XFactorSpec

GB = 1 << 30
SECONDS = 5.0  # Of the processor, which a busy machine does not lengthen.
MEMORY = 100 << 20
SPEC = XFactorSpec("digits", "small", per_class=(3,), random=2, strategies=(), models=("gnb",))


@contextmanager
def refused(words: str) -> Iterator[None]:
    """What is inside ends in one sentence, soon, and takes little memory on the way."""
    tracemalloc.start()
    began = time.process_time()
    try:
        with pytest.raises(InputError, match=words) as error:
            yield
        assert time.process_time() - began < SECONDS
        assert tracemalloc.get_traced_memory()[1] < MEMORY
    finally:
        tracemalloc.stop()
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 1000


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root, and a cache."""
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XFACTOR_DEVICE", "cpu")
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


@cache
def zeros() -> bytes:
    """Ten gigabytes of zeros, deflated: one block of 64 MB again and again."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(bytes(64 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    end = zlib.compressobj(9, zlib.DEFLATED, -15)
    return block * (10 * GB >> 26) + end.flush()


def zip_of_zeros(says: int) -> bytes:
    """A zip whose member unpacks to ten gigabytes and says that it has another size."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("scores.json", zeros())
        (member,) = archive.filelist  # Written to the list at the end when the archive is closed.
        member.compress_type, member.file_size = zipfile.ZIP_DEFLATED, says
    return file.getvalue()


@pytest.mark.parametrize("says", [10 * GB, 10], ids=["said", "hidden"])
def test_ten_gigabytes_of_zeros_in_a_zip(says: int, root: Path) -> None:
    content = zip_of_zeros(says)
    with refused("Unpacked, the zip would hold 10.7 GB" if says > GB else "damaged"):
        opened(io.BytesIO(content), Store(), "f.zip")
    assert jobs.all_jobs(Store()) == []


@pytest.mark.parametrize("says", [1_000_000, 3], ids=["said", "hidden"])
def test_a_million_entries_in_a_zip(says: int, root: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", b"")
    one = file.getvalue()
    entry = one[one.index(b"PK\1\2") : one.index(b"PK\5\6")]
    head, length = one[: one.index(b"PK\1\2")], 1_000_000 * len(entry)
    far = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, says, says, length, len(head))
    far += struct.pack("<4sLQL", b"PK\6\7", 0, len(head) + length, 1)
    count = min(says, 0xFFFF)
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, count, count, length, len(head), 0)
    content = head + entry * 1_000_000 + (far if says > count else b"") + end
    with refused("lists more than 50,000 members; no bundle has so many"):
        opened(io.BytesIO(content), Store(), "f.zip")


@pytest.mark.parametrize("name", ["../../x", "/etc/passwd", "C:\\x", "blobs/../x.npz"])
def test_names_in_a_zip_that_lead_out(name: str, root: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr(name, b"x")
    with refused("which is no part of a bundle"):
        opened(file, Store(), "f.zip")


def test_a_link_in_a_zip(root: Path) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        link = zipfile.ZipInfo("job.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with refused("is a link; a bundle holds files only"):
        opened(file, Store(), "f.zip")


class Taken:
    """Unpickled, it would run a command."""

    def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
        return (pytest.fail, ("a pickle was opened",))


@pytest.fixture
def pickled() -> bytes:
    file = io.BytesIO()
    np.save(file, np.array([Taken()], dtype=object), allow_pickle=True)
    return file.getvalue()


def test_a_pickled_npy_in_a_work_file(root: Path, pickled: bytes) -> None:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("about.npy", pickled)
    with refused("no work file, or it is damaged: .* holds objects"):
        away.worked(gzip.compress(file.getvalue()), root / "out", 1, pytest.fail)


def test_a_pickled_npy_among_images_and_in_the_place_of_data(root: Path, pickled: bytes) -> None:
    for label in "ab":
        (root / "pets" / label).mkdir(parents=True)
        (root / "pets" / label / "x.npy").write_bytes(pickled)
    with refused("None of the 2 images can be read; the first, a/x.npy: not an image"):
        datasets.load("pets")
    for name in ("x.npy", "x.csv", "x.parquet"):
        (root / name).write_bytes(pickled)
        with refused("x"):
            datasets.load(name)


def test_a_work_file_of_zeros(root: Path) -> None:
    # Without the sum at its end, which takes longest to make; nobody reads so far.
    content = gzip.compress(b"")[:10] + zeros()
    with refused("no work file, or it is damaged: it holds no arrays"):
        away.worked(content, root / "out", 1, pytest.fail)


@pytest.mark.parametrize("command", ["merge", "work"])
def test_a_file_of_ten_gigabytes_in_the_place_of_scores_or_work(
    command: str, root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with (root / "large").open("wb") as file:
        file.truncate(10 * GB)  # It takes no room on the disk.
    out = ["--out", str(root / "out")] if command == "work" else []
    assert main(["study", command, str(root / "large"), *out]) == 2
    assert "has 10.7 GB, so it is none that" in capsys.readouterr().err


@pytest.mark.parametrize(
    "change",
    [
        {"unit": ["x"]},
        {"unit": None},
        {"class_accuracy": None},
        {"class_accuracy": {"a": 1}},
        {"epochs": 1 << 80},
        {"device": "\ud800"},
        {"versions": "x" * 5000},
        {"seconds": float("inf")},
        {"accuracy": float("nan")},
    ],
    ids=str,
)
def test_scores_to_merge_that_no_database_takes(
    change: dict[str, object], root: Path, scores: list[dict[str, object]]
) -> None:
    header, row = scores
    content = b"".join(scores_file.line(values) for values in (header, {**row, **change}))
    with refused("no scores file|no unit of the study|not one that its unit can have"):
        away.merged(content, Store())


@pytest.mark.parametrize("random", [10**12, "x", {"a": 1}])
def test_scores_to_merge_of_a_study_without_end(
    random: object, root: Path, scores: list[dict[str, object]]
) -> None:
    header, row = scores
    spec = {**SPEC.to_dict(), "random": random}
    with refused("no scores file"):
        away.merged(scores_file.line({**header, "spec": spec}) + scores_file.line(row), Store())


@pytest.fixture
def scores(root: Path) -> list[dict[str, object]]:
    """The header and the first row of a scores file, as values."""
    store, out = Store(root.parent / "home"), root / "out.jsonl"
    away.worked(away.packed(SPEC, store)[0], out, 9, pytest.fail)
    header, found = scores_file.read_scores(out.read_bytes())
    return [header, dict(vars(found[0]))]


@pytest.mark.parametrize(
    ("study", "settings"),
    [
        ("faults", {"dataset": "digits", "repeats": 10**12}),
        ("removal", {"dataset": "digits", "remove": "0-9", "repeats": 10**12}),
        ("refinement", {"dataset": "digits", "seeds": 10**12}),
        ("refinement", {"dataset": "digits", "rounds": 10**12}),
        ("leave-one-out", {"dataset": "digits", "rows": [1, 2, 3], "repeats": 10**12}),
    ],
)
def test_a_study_without_end(study: str, settings: dict[str, object]) -> None:
    with refused(r"must be a whole number from \d to 10,000; got 1000000000000"):
        STUDIES[study].spec.from_dict({**settings, "name": "endless"})


def test_a_csv_with_a_million_columns(root: Path) -> None:
    names = ",".join(f"c{number}" for number in range(1_000_000))
    (root / "wide.csv").write_text(f"{names}\n" + ",".join("1" * 1_000_000) + "\n")
    with refused("2 to 10,000 names of columns"):
        datasets.load("wide.csv")


def test_a_parquet_that_says_it_has_a_milliard_rows(root: Path) -> None:
    some = pa.table({"label": pa.array(np.zeros(1 << 20, np.int64)), "text": ["x"] * (1 << 20)})
    with pq.ParquetWriter(root / "long.parquet", some.schema) as writer:
        for _ in range(12):
            writer.write_table(some)
    assert (root / "long.parquet").stat().st_size < 1 << 20
    with refused("12,582,912 rows; at most 10,000,000 are read"):
        datasets.load("long.parquet")


@pytest.mark.parametrize(
    "schema",
    [
        pa.schema({"image": pa.int64(), "label": pa.int64()}),
        pa.schema({"image": pa.struct({"bytes": pa.int8()}), "label": pa.int64()}),
        pa.schema({"image": pa.struct({"bytes": pa.binary()}), "label": pa.list_(pa.int8())}),
        pa.schema([("text", pa.string()), ("label", pa.int8()), ("label", pa.int8())]),
        pa.schema({"text": pa.string(), "label": pa.int64()}, {"huggingface": "{"}),
        pa.schema({}),
    ],
    ids=["numbers", "no bytes", "lists", "twice", "metadata", "empty"],
)
def test_a_parquet_with_a_malformed_schema(schema: pa.Schema, root: Path) -> None:
    pq.write_table(schema.empty_table(), root / "odd.parquet")
    with refused(r"odd\.parquet"):
        datasets.load("odd.parquet")


@cache
def picture(kind: str) -> bytes:
    """An image of 64 by 48 pixels."""
    file = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(file, format=kind)
    return file.getvalue()


def bomb() -> bytes:
    """A PNG that says it has 30,000 by 30,000 pixels."""
    data = bytearray(picture("PNG"))
    data[16:24] = struct.pack(">2L", 30_000, 30_000)
    data[29:33] = struct.pack(">L", zlib.crc32(data[12:29]))
    return bytes(data)


FORMATS = ("TIFF", "PNG", "JPEG")
IMAGES = {
    "bomb": bomb(),
    **{f"half a {kind}": picture(kind)[: len(picture(kind)) // 2] for kind in FORMATS},
    "svg": b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
    "html": b"<html><script>alert(1)</script>",
}


@pytest.mark.parametrize("name", IMAGES)
def test_an_image_that_is_none(name: str, root: Path) -> None:
    """Alone it is a reason; in a folder it is left out; with nothing else there is no data set."""
    for label in "ab":
        (root / "pets" / label).mkdir(parents=True)
        (root / "pets" / label / "bad.png").write_bytes(IMAGES[name])
    reason = read_picture(root / "pets" / "a" / "bad.png")
    assert not isinstance(reason, Picture)
    assert "\n" not in reason
    with refused("None of the 2 images can be read; the first, a/bad.png: "):
        datasets.load("pets")
