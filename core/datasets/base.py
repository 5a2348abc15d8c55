"""What a data set is once it is loaded."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.specs import KEY_LENGTH


@dataclass(frozen=True, eq=False)
class Split:
    """Images and labels of one split, read-only from here on.

    Args:
        x: Pixels, uint8, shape (n, height, width, channels), channels 1 or 3.
        y: Class numbers, int64, shape (n,), each an index into `Dataset.classes`.

    Raises:
        InputError: A shape or dtype is another one.
    """

    x: npt.NDArray[np.uint8]
    y: npt.NDArray[np.int64]

    def __post_init__(self) -> None:
        if self.x.dtype != np.uint8 or self.x.ndim != 4 or self.x.shape[3] not in (1, 3):
            raise InputError(
                "Pixels must be uint8 of shape (n, height, width, 1 or 3); "
                f"got {self.x.dtype} of shape {self.x.shape}."
            )
        if self.y.dtype != np.int64 or self.y.shape != self.x.shape[:1]:
            raise InputError(
                f"Labels must be int64 of shape {self.x.shape[:1]}; "
                f"got {self.y.dtype} of shape {self.y.shape}."
            )
        self.x.setflags(write=False)
        self.y.setflags(write=False)

    def __len__(self) -> int:
        return len(self.y)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A labelled image data set with a fixed test split.

    Args:
        name: The name it was asked for by, such as `mnist`.
        title: The name to show.
        train: Training split.
        test: Test split; no decision is ever taken on it.
        classes: Class names, in the order of the class numbers.
        fingerprint: Hash of pixels, labels and class names of both splits.
        source: Where it was read from, for people.
        licence: One sentence on what may be done with it.
        notes: What was done on reading, such as images resized or files skipped.
        left_out: Every file or row that could not be used, with the reason.
        peak: The value that a fully white pixel has: 255, but 16 for the digits.
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

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every image."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels


def fingerprint(train: Split, test: Split, classes: tuple[str, ...]) -> str:
    """Hash of what models see: pixels, labels and class names, not file names or formats.

    Returns:
        32 hex digits of a SHA-256, the same on every machine.
    """
    shapes = [split.x.shape for split in (train, test)]
    digest = hashlib.sha256(json.dumps([shapes, classes]).encode())
    for split in (train, test):
        digest.update(np.ascontiguousarray(split.x).data)
        digest.update(split.y.astype("<i8").data)
    return digest.hexdigest()[:KEY_LENGTH]
