"""What a data set is once it is loaded."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from core.errors import InputError
from core.specs import KEY_LENGTH

Kind = Literal["image", "text", "table"]
PLURAL: dict[Kind, str] = {"image": "images", "text": "texts", "table": "table rows"}


@dataclass(frozen=True, eq=False)
class Split:
    """Rows and labels of one split, read-only from here on.

    Args:
        x: What models see. Images: pixels, uint8, shape (n, height, width, channels), channels
            1 or 3. Tables: numbers, float64, shape (n, features). Text: a SciPy CSR array of
            weights of words, float32, shape (n, features), indices sorted within each row.
        y: Class numbers, int64, shape (n,), each an index into `Dataset.classes`.
        shown: What people see of rows that are no images: n texts, or a table of n rows.

    Raises:
        InputError: A shape or dtype is another one, or a number is not finite.
    """

    x: Any
    y: npt.NDArray[np.int64]
    shown: tuple[str, ...] | pd.DataFrame | None = None

    def __post_init__(self) -> None:
        _CHECKS[self.kind](self.x)
        rows = self.x.shape[:1]
        if self.y.dtype != np.int64 or self.y.shape != rows:
            raise InputError(
                f"Labels must be int64 of shape {rows}; got {self.y.dtype} of shape {self.y.shape}."
            )
        if self.shown is not None and len(self.shown) != len(self.y):
            raise InputError(f"{len(self.shown)} rows are shown for {len(self.y)} labels.")
        for array in (*self._arrays, self.y):
            array.setflags(write=False)

    def __len__(self) -> int:
        return len(self.y)

    @property
    def kind(self) -> Kind:
        """What a row is."""
        if sparse.issparse(self.x):
            return "text"
        return "table" if self.x.ndim == 2 else "image"

    @property
    def nbytes(self) -> int:
        """Bytes of features and labels."""
        return sum(array.nbytes for array in (*self._arrays, self.y))

    @property
    def _arrays(self) -> tuple[npt.NDArray[Any], ...]:
        x = self.x
        return (x.data, x.indices, x.indptr) if sparse.issparse(x) else (x,)


def _check_pixels(x: npt.NDArray[Any]) -> None:
    if x.dtype != np.uint8 or x.ndim != 4 or x.shape[3] not in (1, 3):
        raise InputError(
            "Pixels must be uint8 of shape (n, height, width, 1 or 3); "
            f"got {x.dtype} of shape {x.shape}."
        )


def _check_table(x: npt.NDArray[Any]) -> None:
    if x.dtype != np.float64 or not x.flags.c_contiguous:
        raise InputError(
            f"A table must be float64, row after row in memory; got {x.dtype} of shape {x.shape}."
        )
    if not np.isfinite(x).all():
        raise InputError("A table must hold finite numbers; got NaN or infinity: fill them in.")


def _check_words(x: Any) -> None:
    if x.format != "csr" or x.dtype != np.float32 or not x.has_sorted_indices:
        raise InputError(
            "Weights of words must be a float32 CSR array with sorted indices; "
            f"got {x.dtype} in the format {x.format}."
        )


_CHECKS = {"image": _check_pixels, "table": _check_table, "text": _check_words}


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled data set of images, texts or table rows with a fixed test split.

    Args:
        name: The name it was asked for by, such as `mnist`.
        title: The name to show.
        train: Training split.
        test: Test split; no decision is ever taken on it.
        classes: Class names, in the order of the class numbers.
        fingerprint: Hash of features, labels and class names of both splits.
        source: Where it was read from, for people.
        licence: One sentence on what may be done with it.
        notes: What was done on reading, such as images resized or files skipped.
        left_out: Every file or row that could not be used, with the reason.
        peak: The value that a fully white pixel has: 255, but 16 for the digits; 1 for texts and
            tables, whose features are used as they are.
        features: Names of the columns of `Split.x`; none for images.
    """

    name: str
    title: str
    train: Split
    test: Split
    classes: tuple[str, ...]
    fingerprint: str
    source: str
    licence: str
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    peak: int = 255
    features: tuple[str, ...] = ()

    @property
    def kind(self) -> Kind:
        """What a row is: an image, a text or a row of a table."""
        return self.train.kind

    @property
    def row_values(self) -> int:
        """Values that a row holds, which its cost depends on; of texts, words on average."""
        x = self.train.x
        return -(-x.nnz // x.shape[0]) if self.kind == "text" else int(np.prod(x.shape[1:]))

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every image; images only."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels


def without_shown(dataset: Dataset) -> Dataset:
    """The data set without what only people look at: all that training needs."""
    if dataset.kind == "image":
        return dataset
    return replace(
        dataset,
        train=replace(dataset.train, shown=None),
        test=replace(dataset.test, shown=None),
    )


def check_kind(dataset: Dataset, kinds: Collection[Kind], what: str) -> None:
    """Raise an InputError unless a data set is of a kind that something can use.

    Args:
        dataset: The data set.
        kinds: Those that can be used.
        what: What uses it; begins the sentence.
    """
    if dataset.kind not in kinds:
        wanted = " or ".join(PLURAL[kind] for kind in PLURAL if kind in kinds)
        raise InputError(
            f"{what} takes data sets of {wanted}; "
            f"{dataset.name} is one of {PLURAL[dataset.kind]}: choose another."
        )


def fingerprint(train: Split, test: Split, classes: tuple[str, ...]) -> str:
    """Hash of what models see: features, labels and class names, not file names or formats.

    Returns:
        32 hex digits of a SHA-256, the same on every machine.
    """
    shapes = [split.x.shape for split in (train, test)]
    digest = hashlib.sha256(json.dumps([shapes, classes]).encode())
    for split in (train, test):
        for array in _little_endian(split.x):
            digest.update(np.ascontiguousarray(array).data)
        digest.update(split.y.astype("<i8").data)
    return digest.hexdigest()[:KEY_LENGTH]


def _little_endian(x: Any) -> tuple[npt.NDArray[Any], ...]:
    if sparse.issparse(x):
        return x.data.astype("<f4"), x.indices.astype("<i8"), x.indptr.astype("<i8")
    return (x.astype(x.dtype.newbyteorder("<"), copy=False),)
