"""MNIST's file format, IDX, and where torchvision keeps and finds such data sets."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt

from core import settings
from core.datasets import download
from core.datasets.base import Split
from core.datasets.source import Content, Files, Progress
from core.errors import InputError

NAMES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)
LARGEST = 1 << 30


def find(torchvision_name: str) -> Files | None:
    """The four files, plain or as `.gz`, in torchvision's folder under the data root."""
    root = settings.data_root() / torchvision_name / "raw"
    paths = []
    for name in NAMES:
        found = [path for path in (root / name, root / f"{name}.gz") if path.is_file()]
        if not found:
            return None
        paths.append(found[0])
    return Files(root, tuple(paths))


def fetch(torchvision_name: str, progress: Progress) -> None:
    """Download what is missing from torchvision's mirrors, checked by torchvision's MD5 sums."""
    import torchvision

    known = getattr(torchvision.datasets, torchvision_name)
    root = settings.data_root() / torchvision_name / "raw"
    names = ", ".join(name for name, _ in known.resources)
    advice = f"put {names} from {known.mirrors[0]} into {root}"
    for name, md5 in known.resources:
        path = root / name
        if not path.is_file() and not path.with_suffix("").is_file():
            urls = [mirror + name for mirror in known.mirrors]
            download.fetch(urls, md5, path, advice, progress)


def read(classes: Sequence[str], files: Files, progress: Progress) -> Content:
    """Read the two splits.

    Raises:
        InputError: A file is cut short, too long or of another format.
    """
    arrays = []
    for done, path in enumerate(files.paths):
        progress(done, len(files.paths), f"Reading {path.name}")
        arrays.append(parse(path, dimensions=1 if "labels" in path.name else 3))
    splits = []
    for (x, y), (x_path, y_path) in zip(
        (arrays[:2], arrays[2:]), (files.paths[:2], files.paths[2:]), strict=True
    ):
        if len(x) != len(y) or x.size == 0:
            raise InputError(
                f"{x_path} has {len(x)} images but {y_path} has {len(y)} labels; "
                "expected as many of both and at least one: download them again."
            )
        if y.max() >= len(classes):
            raise InputError(f"{y_path} has a label {y.max()}; expected 0 to {len(classes) - 1}.")
        splits.append(Split(x[..., np.newaxis], y.astype(np.int64)))
    return Content(splits[0], splits[1], tuple(classes))


def parse(path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    """The array in an IDX file of unsigned bytes, plain or gzipped.

    Args:
        path: The file; a name ending in `.gz` is unpacked while it is read.
        dimensions: How many axes it must have.

    Raises:
        InputError: It is cut short, too long or of another format.
    """
    opener = gzip.open if path.suffix == ".gz" else open
    try:
        with opener(path, "rb") as file:
            return _parse(cast(BinaryIO, file), path, dimensions)
    except (EOFError, OSError, zlib.error) as error:
        raise InputError(f"{path} cannot be read ({error}): download it again.") from error


def _parse(file: BinaryIO, path: Path, dimensions: int) -> npt.NDArray[np.uint8]:
    header = file.read(4 + 4 * dimensions)
    if header[:4] != bytes((0, 0, 8, dimensions)) or len(header) < 4 + 4 * dimensions:
        raise InputError(
            f"{path} must be an IDX file of unsigned bytes with {dimensions} dimension(s); "
            f"got a header of {header[:4].hex(' ') or 'no bytes'}: download it again."
        )
    shape = tuple(int(size) for size in np.frombuffer(header[4:], ">u4"))
    size = int(np.prod(shape, dtype=object))
    if size > LARGEST:
        raise InputError(f"{path} says it holds {size} bytes; at most {LARGEST} are read.")
    values = file.read(size + 1)
    if len(values) != size:
        came = f"more than {size}" if len(values) > size else str(len(values))
        raise InputError(f"{path} must hold {size} bytes of data; got {came}: download it again.")
    return np.frombuffer(values, np.uint8).reshape(shape)
