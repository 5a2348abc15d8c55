"""What a data set is once it is loaded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Split:
    """Images and labels of one split, read-only.

    Args:
        x: Pixels, uint8, shape (n, height, width, channels), channels 1 or 3.
        y: Class numbers, int64, shape (n,), each an index into `Dataset.classes`.
    """

    x: npt.NDArray[np.uint8]
    y: npt.NDArray[np.int64]

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

    @property
    def image_shape(self) -> tuple[int, int, int]:
        """(height, width, channels) of every image."""
        height, width, channels = self.train.x.shape[1:]
        return height, width, channels
