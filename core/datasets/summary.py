"""What a page shows of a data set: counts, samples, mean images, size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.base import Dataset, Split
from core.errors import InputError
from core.specs import seed_from


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """How many rows each class has.

    Returns:
        One row a class, in class order: columns `class` (name), `train`, `test` (counts).
    """
    counts = {
        name: np.bincount(split.y, minlength=len(dataset.classes))
        for name, split in (("train", dataset.train), ("test", dataset.test))
    }
    return pd.DataFrame({"class": list(dataset.classes), **counts})


def mean_images(dataset: Dataset) -> npt.NDArray[np.float64]:
    """Mean training image of each class, from exact integer sums.

    Returns:
        float64 in [0, `dataset.peak`], shape (classes, height, width, channels), not rounded;
        NaN for a class without training images.
    """
    split = dataset.train
    sums = [split.x[split.y == k].sum(axis=0, dtype=np.int64) for k in range(len(dataset.classes))]
    counts = np.bincount(split.y, minlength=len(dataset.classes))
    with np.errstate(invalid="ignore"):
        means: npt.NDArray[np.float64] = np.stack(sums) / counts[:, None, None, None]
    return means


def sample_rows(split: Split, class_number: int, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Random rows of one class.

    Args:
        split: Where to draw from.
        class_number: Index into `Dataset.classes`.
        count: How many; all there are, when the class has fewer.
        seed: Gives the same rows every time; a larger `count` begins with the same rows.

    Returns:
        Row numbers in the order drawn, int64, shape (up to count,).

    Raises:
        InputError: `count` is negative.
    """
    if count < 0:
        raise InputError(f"The number of samples must be 0 or more; got {count}.")
    rows = np.flatnonzero(split.y == class_number)
    random = np.random.default_rng(seed_from("sample", class_number, seed))
    drawn: npt.NDArray[np.int64] = random.permutation(rows)[:count]
    return drawn


def total_bytes(dataset: Dataset) -> int:
    """Bytes of the features and labels of both splits."""
    return dataset.train.nbytes + dataset.test.nbytes
