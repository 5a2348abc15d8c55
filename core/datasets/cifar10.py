"""CIFAR-10: photographs of ten kinds of things, 50,000 + 10,000 of 32 × 32.

Read from Parquet files where the data root has `cifar10/`, else from the *binary* archive of
its authors. torchvision's class reads their Python archive, which is made of pickles.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from core import settings
from core.datasets import download, parquet
from core.datasets.base import Split
from core.datasets.source import Content, Files, Progress, Source
from core.errors import InputError

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"
ARCHIVE = "cifar-10-binary.tar.gz"
MEMBERS = (*(f"data_batch_{number}.bin" for number in range(1, 6)), "test_batch.bin")
RECORDS, RECORD = 10_000, 1 + 3 * 32 * 32
CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def _files() -> Files | None:
    root = settings.data_root()
    folder = root / "cifar10"
    if parquet.holds(folder):
        return parquet.find(folder)
    archive = root / ARCHIVE
    return Files(root, (archive,)) if archive.is_file() else None


def _fetch(progress: Progress) -> None:
    root = settings.data_root()
    advice = f"put {URL} into {root}, or CIFAR-10 as Parquet files into {root / 'cifar10'}"
    download.fetch([URL], MD5, root / ARCHIVE, advice, progress)


def _read(files: Files, progress: Progress) -> Content:
    if files.paths[0].name == ARCHIVE:
        return _read_archive(files, progress)
    content = parquet.read(files, progress)
    note = "Read from Parquet: where it holds JPEG, pixels differ a little from the original."
    return replace(content, notes=(note, *content.notes))


def _read_archive(files: Files, progress: Progress) -> Content:
    """Read the six batches by their names; nothing is unpacked to disk."""
    path = files.paths[0]
    batches: dict[str, npt.NDArray[np.uint8]] = {}
    try:
        # tarfile's own "r|gz" ends in a TypeError on a header that is cut short.
        with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            for member in archive:
                folder, _, name = member.name.rpartition("/")
                if folder == "cifar-10-batches-bin" and name in MEMBERS:
                    batches[name] = _batch(archive, member)
                    progress(len(batches), len(MEMBERS), f"Reading {ARCHIVE}")
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): download {URL} again.") from error
    missing = [name for name in MEMBERS if name not in batches]
    if missing:
        raise InputError(f"{path} lacks {', '.join(missing)}: download {URL} again.")
    train = np.concatenate([batches[name] for name in MEMBERS[:-1]])
    return Content(_split(train), _split(batches[MEMBERS[-1]]), CLASSES)


def _batch(archive: tarfile.TarFile, member: tarfile.TarInfo) -> npt.NDArray[np.uint8]:
    file = archive.extractfile(member) if member.size == RECORDS * RECORD else None
    if file is None:
        raise ValueError(f"{member.name} must be a file of {RECORDS * RECORD} bytes")
    batch = np.frombuffer(file.read(), np.uint8).reshape(RECORDS, RECORD)
    if batch[:, 0].max() >= len(CLASSES):
        raise ValueError(f"{member.name} has a label above {len(CLASSES) - 1}")
    return batch


def _split(records: npt.NDArray[np.uint8]) -> Split:
    planes = records[:, 1:].reshape(-1, 3, 32, 32)
    x = np.ascontiguousarray(planes.transpose(0, 2, 3, 1))
    return Split(x, records[:, 0].astype(np.int64))


CIFAR10 = Source(
    name="cifar10",
    title="CIFAR-10",
    summary="Photographs of ten kinds, 50,000 for training and 10,000 for testing, 32 × 32 colour.",
    licence="No licence is stated; its authors ask to cite Krizhevsky (2009), and the photographs "
    "were collected from the web.",
    version=1,
    files=_files,
    fetch=_fetch,
    read=_read,
)
