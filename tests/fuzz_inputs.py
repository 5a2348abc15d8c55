"""What is fed to everything that reads what users bring: bytes and tables made by Hypothesis."""

from __future__ import annotations

import contextlib
import gzip
import io
import json
import tarfile
import tempfile
import zipfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st
from PIL import Image

from core.bundle import away, scores_file
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec

FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
EDITS = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.sampled_from(("flip", "cut", "insert", "double", "zero")),
        st.binary(min_size=1, max_size=8),
    ),
    max_size=6,
)
# Names and cells as somebody might write them who means no good.
TEXTS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        (
            *("<script>alert(1)</script>", '"', "'", "a\nb", "\u202eabc", "😀", "=1+1", "../x"),
            *("NaN", "-inf", "1e999", "0x10", "١٢", "\x00", "\ufeff", "1_000", "x" * 5000),
        )
    ),
)


def edited(data: bytes, edits: list[tuple[float, str, bytes]]) -> bytes:
    """Bytes with some changed, cut out, put in, doubled or set to 0."""
    for place, kind, new in edits:
        at = int(place * len(data))
        if kind == "flip":
            data = data[:at] + new + data[at + len(new) :]
        elif kind == "cut":
            data = data[:at] + data[at + 64 * len(new) :]
        elif kind == "insert":
            data = data[:at] + new + data[at:]
        elif kind == "double":
            data = data[: at + 100] + data[at:]
        else:
            data = data[:at] + bytes(16 * len(new)) + data[at + 16 * len(new) :]
    return data


@cache
def image(kind: str, mode: str = "RGB") -> bytes:
    """A small image file."""
    pixels = np.random.default_rng(0).integers(0, 256, (9, 7, 3), dtype=np.uint8)
    file = io.BytesIO()
    Image.fromarray(pixels).convert(mode).save(file, format=kind)
    return file.getvalue()


IMAGES = st.builds(edited, st.sampled_from(FORMATS).map(image), EDITS)


@cache
def parquet_of(kind: str) -> bytes:
    """A small Parquet file of images or texts."""
    rows = 12
    columns: dict[str, Any] = {"label": [row % 3 for row in range(rows)]}
    if kind == "text":
        columns["text"] = [f"word{row % 3} and word{row}" for row in range(rows)]
    else:
        columns["image"] = [{"bytes": image("PNG"), "path": None}] * rows
    table = pa.table(columns)
    names = {"info": {"features": {"label": {"_type": "ClassLabel", "names": ["a", "b", "c"]}}}}
    file = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"huggingface": json.dumps(names)}), file)
    return file.getvalue()


@st.composite
def columns(draw: st.DrawFn) -> bytes:
    """A Parquet file of any columns, some of them called as those that are looked for."""
    names = st.sampled_from(("image", "img", "text", "label", "labels", "x"))
    kinds = (
        pa.int64(), pa.float64(), pa.string(), pa.binary(), pa.bool_(), pa.timestamp("s"),
        pa.list_(pa.int8()), pa.struct([("bytes", pa.binary())]), pa.null(), pa.uint64(),
        pa.dictionary(pa.int8(), pa.string()), pa.decimal128(5), pa.large_string(),
        pa.struct([("bytes", pa.string())]), pa.struct([("bytes", pa.large_binary())]),
    )  # fmt: skip
    cells = {
        pa.int64(): st.integers(-3, 3), pa.uint64(): st.integers(0, 2**64 - 1),
        pa.string(): TEXTS, pa.large_string(): TEXTS, pa.dictionary(pa.int8(), pa.string()): TEXTS,
        pa.struct([("bytes", pa.binary())]): st.fixed_dictionaries({"bytes": IMAGES | st.none()}),
    }  # fmt: skip
    rows = draw(st.integers(0, 8))
    fields, arrays = [], []
    for name in draw(st.lists(names, max_size=4)):
        kind = draw(st.sampled_from(kinds))
        cell = st.none() | cells.get(kind, st.none())
        values = draw(st.lists(cell, min_size=rows, max_size=rows))
        with contextlib.suppress(UnicodeEncodeError):
            arrays.append(pa.array(values, type=kind))
            fields.append(pa.field(name, kind))
    known = draw(st.none() | st.text(max_size=30) | st.just('{"info": {"features": {"x": 3}}}'))
    schema = pa.schema(fields, {"huggingface": known} if known is not None else None)
    file = io.BytesIO()
    pq.write_table(pa.Table.from_arrays(arrays, schema=schema), file)
    return file.getvalue()


@st.composite
def csv_text(draw: st.DrawFn) -> bytes:
    """Lines of cells, most of them as long as the first."""
    width = draw(st.integers(1, 5))
    cells = TEXTS | st.sampled_from(("1", "2.5", "", "a", "b", "label"))
    lines = draw(st.lists(st.lists(cells, min_size=width, max_size=width), max_size=12))
    names = draw(st.permutations(["label", "x", "y", "target", "z"]))[:width]
    names = draw(st.just(names) | st.lists(cells, min_size=width, max_size=width))
    text = "\n".join(",".join(line) for line in (names, *lines))
    return edited(text.encode("utf-8", "surrogatepass"), draw(EDITS))


@cache
def npz() -> bytes:
    """Arrays as bundles hold them."""
    file = io.BytesIO()
    np.savez(file, rows=np.arange(6).reshape(2, 3), names=np.array(["a", "é"]))
    return file.getvalue()


@cache
def zip_of(stored: bool) -> bytes:
    """A zip with the members of a bundle."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", 0 if stored else zipfile.ZIP_DEFLATED) as archive:
        for name in ("manifest.json", "job.json", "scores.json", f"blobs/{'0' * 32}.npz"):
            archive.writestr(name, b"{}")
        archive.comment = b"0" * 64
    return file.getvalue()


@cache
def idx_bytes() -> bytes:
    """Two images in MNIST's format."""
    return bytes((0, 0, 8, 3, *(0, 0, 0, 2), *(0, 0, 0, 3), *(0, 0, 0, 3))) + bytes(18)


@cache
def reviews() -> bytes:
    """An archive of reviews as IMDB's authors made it."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as archive:
        for split in ("train", "test"):
            for number, kind in enumerate(("neg", "pos", "neg", "pos")):
                text = f"a review that is {kind}".encode()
                member = tarfile.TarInfo(f"aclImdb/{split}/{kind}/{number}_1.txt")
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
    return file.getvalue()


SPEC = XFactorSpec("digits", "small", per_class=(3,), random=2, strategies=(), models=("gnb",))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=6,
)


@cache
def work() -> bytes:
    """The arrays of a work file."""
    with tempfile.TemporaryDirectory() as folder:
        return gzip.decompress(away.packed(SPEC, Store(Path(folder)))[0])


@cache
def scores() -> tuple[dict[str, Any], ...]:
    """The lines of a scores file: what it is, and two scores."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "scores.jsonl"
        away.worked(gzip.compress(work(), 1), out, 9, print)
        header, found = scores_file.read_scores(out.read_bytes())
    return header, *(dict(vars(score)) for score in found)


@st.composite
def signed(draw: st.DrawFn) -> bytes:
    """A scores file whose sums fit, with some values changed, of the study too."""
    lines = [dict(values) for values in scores()]
    lines[0]["spec"] = dict(lines[0]["spec"])
    for _ in range(draw(st.integers(1, 2))):
        spec = lines[0]["spec"]  # Which the first change may have made anything.
        named = [*lines, spec] if isinstance(spec, dict) and spec else lines
        values = draw(st.sampled_from(named))
        values[draw(st.sampled_from(sorted(values)))] = draw(JSON)
    return b"".join(map(scores_file.line, lines))


CENSUS = (
    b"39, State-gov, 7, Bachelors, 13, Never-married, Sales, Wife, White, Male, 2, 0, 40, US, "
    b"<=50K\n"
)
TOML = (
    'study = "faults"\ndataset = "digits"\nfaults = ["flip-random@0.1,0.2"]\nmodels = ["gnb"]\n'
    "repeats = 2\nimages = 30\n"
)


def folder_of(data: list[tuple[str, str, bytes]]) -> Callable[[Path], None]:
    """Writes files into class folders."""

    def write(root: Path) -> None:
        for name, file, content in data:
            folder = root / (name.replace("/", "").replace("\0", "")[:60] or "x")
            with contextlib.suppress(OSError, UnicodeEncodeError):
                folder.mkdir(parents=True, exist_ok=True)
                (folder / f"{file}.png").write_bytes(content)

    return write


FOLDERS = st.lists(
    st.tuples(TEXTS | st.sampled_from(("train", "test")), st.sampled_from("abcd"), IMAGES),
    min_size=1, max_size=8,
)  # fmt: skip
