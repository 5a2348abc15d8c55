"""A subset as points in pixel space, and what its measures are made of."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from core.datasets.base import Dataset, check_kind
from core.errors import InputError

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """Images by their distances and classes alone; what is derived is made once.

    Args:
        squared: Squared Euclidean distance of every pair of images, in pixel values, any real
            dtype, shape (n, n), zero on the diagonal.
        labels: Class number of each image, int64, shape (n,).
        pixels: Values in an image.
        scale: RMSD at which two images are similar by 1/e, in pixel values.

    Raises:
        InputError: The shapes do not fit, or the scale is not above 0.
    """

    squared: npt.NDArray[Any]
    labels: npt.NDArray[np.int64]
    pixels: int
    scale: float

    def __post_init__(self) -> None:
        n = len(self.labels)
        if self.squared.shape != (n, n) or not n:
            raise InputError(
                f"{n} labels need distances of shape ({n}, {n}), n at least 1; "
                f"got {self.squared.shape}."
            )
        if not self.scale > 0:
            raise InputError(f"The scale of the similarity must be above 0; got {self.scale}.")

    @cached_property
    def rmsd(self) -> Floats:
        """Root-mean-square difference of every pair, in pixel values, shape (n, n)."""
        distances: Floats = np.sqrt(self.squared / self.pixels)
        return distances

    @cached_property
    def similarity(self) -> Floats:
        """exp(−RMSD/scale) of every pair: 1 for equal images, positive definite, shape (n, n)."""
        similar: Floats = np.exp(self.rmsd / -self.scale)
        return similar

    @cached_property
    def members(self) -> Floats:
        """1 where an image is of a class, shape (n, classes that occur)."""
        classes = np.unique(self.labels)
        of_class: Floats = (self.labels[:, None] == classes).astype(np.float64)
        return of_class


def typical_distance(dataset: Dataset) -> float:
    """Root of the mean squared RMSD over all pairs of different training images, in pixel values.

    Exact in one pass: the sum of ||xᵢ − xⱼ||² over ordered pairs is 2(n Σ||x||² − ||Σx||²).

    Raises:
        InputError: The data set holds something else than images, or all images are equal.
    """
    check_kind(dataset, {"image"}, "Measuring subsets")
    flat = dataset.train.x.reshape(len(dataset.train), -1)
    total = flat.sum(axis=0, dtype=np.int64)
    squares = sum(int((block.astype(np.int64) ** 2).sum()) for block in np.array_split(flat, 64))
    n = len(flat)
    spread = 2 * (n * squares - sum(int(value) ** 2 for value in total))
    if spread == 0:
        raise InputError(
            f"All training images of {dataset.title} are equal; there is nothing to measure."
        )
    return float(np.sqrt(spread / (n * (n - 1) * flat.shape[1])))
