"""How many images subsets have in common."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import sparse

COLUMNS = 4096  # row numbers unpacked at a time


def overlap(rows: npt.NDArray[np.int32]) -> npt.NDArray[np.float64]:
    """Percent of images that each pair of subsets has in common, 0-100.

    Args:
        rows: Row numbers of each subset, integers, shape (subsets, size), distinct within a subset.

    Returns:
        Symmetric, float64, shape (subsets, subsets), 100 on the diagonal.

    Raises:
        ValueError: `rows` is not two-dimensional or holds no row, or a subset holds a row twice.
    """
    if rows.ndim != 2 or not rows.size:
        raise ValueError(f"rows must have shape (subsets, size), neither zero; got {rows.shape}.")
    count, size = rows.shape
    subsets = np.repeat(np.arange(count), size)
    width = int(rows.max()) + 1
    members = sparse.csc_array(
        (np.ones(rows.size, dtype=np.float32), (subsets, rows.ravel())), shape=(count, width)
    )
    common = np.zeros((count, count))
    for start in range(0, width, COLUMNS):
        part = members[:, start : start + COLUMNS].toarray()
        common += part @ part.T
    if (common.diagonal() != size).any():
        raise ValueError("a subset holds a row twice")
    percent: npt.NDArray[np.float64] = common * 100 / size
    return percent
