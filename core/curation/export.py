"""Some rows of a data set, or some files of a folder, as a data set of their own.

Nothing here changes or deletes an original.
"""

from __future__ import annotations

import io
import json
import shutil
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from core.datasets import places
from core.datasets.base import Dataset, check_kind
from core.errors import InputError

BATCH = 1000
# What file systems or archives take for something else.
UNSAFE = str.maketrans(dict.fromkeys('/\\:*?"<>|\0', "_"))

Entry = tuple[str, Callable[[], bytes]]


def class_folders(dataset: Dataset) -> list[str]:
    """A folder name for each class: its own, without what no file system can hold."""
    names = [name.translate(UNSAFE).strip().strip(".")[:100] for name in dataset.classes]
    if len({name.casefold() for name in names}) < len(names) or not all(names):
        return [f"{number:03d}-{name}" for number, name in enumerate(names)]
    return names


def image_folder(dataset: Dataset, split: str, rows: Sequence[int]) -> Iterator[Entry]:
    """The files `split/class/row.png` of some rows, each with what makes its bytes.

    Raises:
        InputError: The data set is not one of images.
    """
    check_kind(dataset, {"image"}, "An image folder")
    part = dataset.train if split == "train" else dataset.test
    folders = class_folders(dataset)
    for row in rows:
        yield (
            f"{split}/{folders[part.y[row]]}/{row:07d}.png",
            lambda row=row: _png(part.x[row], dataset.peak),  # type: ignore[misc]
        )


def files(folder: Path, paths: Sequence[str]) -> Iterator[Entry]:
    """Some files of a folder as they are, under the names that they have there.

    Raises:
        InputError: One of them is outside the folders that may be read.
    """
    for name in paths:
        path = folder / name
        if not places.allowed(path):
            raise InputError(f"{name} is outside the folders that may be read; leave it out.")
        yield name, path.read_bytes


def write_folder(entries: Iterator[Entry], out: Path) -> int:
    """Write files below a new folder, all of them or none; returns how many.

    Raises:
        InputError: There is something at that path already, or it cannot be written.
    """

    def fill(part: Path) -> int:
        count = 0
        for name, data in entries:
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data())
            count += 1
        return count

    return _all_or_nothing(out, fill)


def link_folder(folder: Path, paths: Sequence[str], out: Path) -> int:
    """Make symbolic links to some files of a folder below a new one; returns how many.

    Raises:
        InputError: As `write_folder`, or a file is outside the folders that may be read.
    """

    def fill(part: Path) -> int:
        for name, _ in files(folder, paths):
            path = part / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.symlink_to((folder / name).absolute())
        return len(paths)

    return _all_or_nothing(out, fill)


def write_zip(entries: Iterator[Entry], file: BinaryIO) -> None:
    """Write files into an archive, uncompressed, as images are compressed already."""
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, data in entries:
            archive.writestr(name, data())


def write_parquet(dataset: Dataset, split: str, rows: Sequence[int], file: Path | BinaryIO) -> None:
    """Write some rows as a Parquet file as the Hugging Face hub stores images.

    Columns `image` ({bytes, path}), `label` (a number, with the class names in the metadata that
    the `datasets` library reads) and `row`, the row number in the data set.

    Raises:
        InputError: The data set is not one of images.
    """
    check_kind(dataset, {"image"}, "A Parquet file of images")
    part = dataset.train if split == "train" else dataset.test
    features = {
        "image": {"_type": "Image"},
        "label": {"names": list(dataset.classes), "_type": "ClassLabel"},
        "row": {"dtype": "int64", "_type": "Value"},
    }
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    schema = pa.schema(
        [("image", image), ("label", pa.int64()), ("row", pa.int64())],
        metadata={"huggingface": json.dumps({"info": {"features": features}})},
    )
    with pq.ParquetWriter(file, schema) as writer:
        for first in range(0, len(rows), BATCH):
            some = [int(row) for row in rows[first : first + BATCH]]
            images = [
                {"bytes": _png(part.x[row], dataset.peak), "path": f"{row:07d}.png"} for row in some
            ]
            columns = [images, part.y[some].tolist(), some]
            arrays = [
                pa.array(values, field.type) for values, field in zip(columns, schema, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))


def _png(pixels: npt.NDArray[np.uint8], peak: int) -> bytes:
    white = pixels if peak == 255 else np.rint(pixels * (255 / peak)).clip(0, 255)
    shown = white.astype(np.uint8)
    file = io.BytesIO()
    Image.fromarray(shown[..., 0] if shown.shape[2] == 1 else shown).save(file, "PNG")
    return file.getvalue()


def _all_or_nothing(out: Path, fill: Callable[[Path], int]) -> int:
    """Fill a folder under a temporary name, and give it its own when it is complete."""
    if out.exists():
        raise InputError(f"{out} is there already; give the path of a folder that is not.")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}-"))
        try:
            count = fill(part)
            part.chmod(0o755)  # mkdtemp lets nobody else in
            part.rename(out)
        except BaseException:
            shutil.rmtree(part)
            raise
    except OSError as error:
        raise InputError(f"{out} cannot be written: {error}.") from error
    return count
