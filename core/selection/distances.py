"""Pixel-wise distances: between images, and from every image to every class mean.

Everything is a whole number until the last division and square root, so that equal distances
compare equal, and nothing depends on the batch, the library or the machine.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from core.datasets.base import Dataset, check_kind
from core.errors import NotEnoughImages

SLICE = 1024  # pixels: the most products within ±128² whose sum float32 holds exactly, 2**24
BLOCK = 128  # images: a block of the matrix stays in the processor's cache


@dataclass(frozen=True, eq=False)
class Geometry:
    """The training split as points in pixel space; arrays are read-only.

    Args:
        fingerprint: Fingerprint of the data set.
        classes: Class names.
        pixels: Flattened training images, uint8, shape (n, pixels); a view, not a copy.
        rows: Row numbers of each class, ascending, int32.
        means: Mean image of each class over the whole training split, float64,
            shape (classes, pixels), in pixel values.
        mean_rmsd: RMSD from every image to every class mean, float64, shape (n, classes), in
            pixel values.
    """

    fingerprint: str
    classes: tuple[str, ...]
    pixels: npt.NDArray[np.uint8]
    rows: tuple[npt.NDArray[np.int32], ...]
    means: npt.NDArray[np.float64]
    mean_rmsd: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        arrays: tuple[npt.NDArray[Any], ...] = (self.pixels, *self.rows, self.means, self.mean_rmsd)
        for array in arrays:
            array.setflags(write=False)


_GEOMETRIES: WeakKeyDictionary[Dataset, Geometry] = WeakKeyDictionary()


def geometry(dataset: Dataset) -> Geometry:
    """The pixel space of a data set, computed once and held as long as the data set is.

    Raises:
        InputError: a data set of something else than images.
        NotEnoughImages: a class has no training image, so that it has no mean.

    References:
        X-Factor paper, sections 2.3 and A.2b: means over all training images of a class.
    """
    found = _GEOMETRIES.get(dataset)
    if found is None:
        found = _GEOMETRIES[dataset] = _measure(dataset)
    return found


def _measure(dataset: Dataset) -> Geometry:
    check_kind(dataset, {"image"}, "Selecting subsets")
    pixels = dataset.train.x.reshape(len(dataset.train), -1)
    rows = tuple(
        np.flatnonzero(dataset.train.y == label).astype(np.int32)
        for label in range(len(dataset.classes))
    )
    for name, members in zip(dataset.classes, rows, strict=True):
        if not len(members):
            raise NotEnoughImages(
                f"Class {name!r} of {dataset.title} has no training image; give it some or "
                "leave the class out."
            )
    counts = np.array([len(members) for members in rows])
    sums = np.stack([pixels[members].sum(axis=0, dtype=np.int64) for members in rows])
    return Geometry(
        fingerprint=dataset.fingerprint,
        classes=dataset.classes,
        pixels=pixels,
        rows=rows,
        means=sums / counts[:, None],
        mean_rmsd=rmsd_to_means(pixels, counts, sums),
    )


def rmsd_to_means(
    pixels: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64], sums: npt.NDArray[np.int64]
) -> npt.NDArray[np.float64]:
    """RMSD from every image to every class mean, float64, shape (n, classes).

    With S the sum over the N images of a class, N·||x - S/N||² = N·||x||² - 2·x·S + ||S||²/N,
    whole but for the remainder of the last division, which joins after one more multiplication
    by N. All of it is exact in float64 while N²·pixels·255² < 2⁵³ (13,000 images of MNIST's size
    in a class); beyond that only the last digits round.
    """
    squares = [sum(value * value for value in row) for row in sums.tolist()]  # may pass 2⁶³
    quotients = [divmod(square, n) for square, n in zip(squares, counts.tolist(), strict=True)]
    whole, remainder = np.array(quotients, dtype=np.float64).T
    doubled = 2.0 * sums.T
    result = np.empty((len(pixels), len(counts)))
    for start in range(0, len(pixels), SLICE):
        x = pixels[start : start + SLICE].astype(np.float64)
        norms = np.einsum("ij,ij->i", x, x)
        scaled = norms[:, None] * counts - x @ doubled + whole
        result[start : start + SLICE] = scaled * counts + remainder
    result /= counts**2 * pixels.shape[1]
    return np.sqrt(result, out=result)


def squared_distances(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.int32 | np.int64]:
    """Exact squared Euclidean distances between all pairs of images.

    Args:
        pixels: Flattened images, uint8, shape (n, pixels).

    Returns:
        Integers, shape (n, n), symmetric, zero on the diagonal; int32 where the largest possible
        distance fits, else int64.
    """
    fits = pixels.shape[1] * 255**2 <= np.iinfo(np.int32).max
    matrix = np.zeros((len(pixels), len(pixels)), dtype=np.int32 if fits else np.int64)
    pixels = pixels[:, pixels.min(axis=0) != pixels.max(axis=0)]  # the others add nothing
    norms = np.zeros(len(pixels), dtype=matrix.dtype)
    for start in range(0, pixels.shape[1], SLICE):
        x = pixels[:, start : start + SLICE].astype(np.float32)
        x -= 128
        norms += np.einsum("ij,ij->i", x, x).astype(norms.dtype)
        for rows in blocks(len(x)):
            products = (-2 * x[rows]) @ x[rows.start :].T
            matrix[rows, rows.start :] += products.astype(matrix.dtype)
    for rows in blocks(len(matrix)):
        block = matrix[rows, rows.start :]
        block += norms[rows, None]
        block += norms[rows.start :]
        matrix[rows.stop :, rows] = block[:, rows.stop - rows.start :].T
    return matrix


def blocks(size: int) -> Iterator[slice]:
    """Slices that cover `size` rows of a matrix."""
    for start in range(0, size, BLOCK):
        yield slice(start, min(start + BLOCK, size))
