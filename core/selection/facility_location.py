"""Facility location: keeps images so that all drawn are near to one that is kept, on average.

Greedily adds the image that most lowers the sum, over the images drawn, of the squared distance
to the nearest kept. As the gain of the same image only falls while others are added (the
objective is submodular), the gain of the set is at least 1 - 1/e of the largest possible. Before
any is kept, every image counts as being as far away as the two furthest drawn are from each
other. Ties go to the lower row number.

References:
    Wei, Iyer & Bilmes 2015, Submodularity in data subset selection and active learning, section 3.
    Nemhauser, Wolsey & Fisher 1978, https://doi.org/10.1007/BF01588971, for the bound.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.selection.base import Choice, Strategy, check_pairs
from core.selection.distances import blocks
from core.selection.pool import Pool


def _keep(pool: Pool, per_class: int, direction: str) -> Choice:
    check_pairs("facility_location", pool)
    squared = pool.separations.copy()
    np.fill_diagonal(squared, 0)
    nearest = np.full(len(pool), squared.max())
    gains = nearest.sum(dtype=np.int64) - squared.sum(axis=1, dtype=np.int64)
    kept = np.zeros(len(pool), dtype=bool)
    for _ in range(per_class):
        best = int(gains.argmax())
        kept[best] = True
        changed = np.flatnonzero(squared[best] < nearest)
        gains -= _lost(squared, changed, nearest[changed], squared[best, changed])
        nearest[changed] = squared[best, changed]
        gains[best] = -1  # Those not kept gain 0 or more, and never fall below.
    distances = np.sqrt(nearest / pool.geometry.pixels.shape[1])
    distances[kept] = np.sqrt(_between(pool, kept) / pool.geometry.pixels.shape[1])
    return kept, distances


def _lost(
    squared: npt.NDArray[np.int32 | np.int64],
    changed: npt.NDArray[np.intp],
    before: npt.NDArray[np.int32 | np.int64],
    after: npt.NDArray[np.int32 | np.int64],
) -> npt.NDArray[np.int64]:
    """By how much each image's gain falls as some images come nearer to one that is kept."""
    lost = np.zeros(len(squared), dtype=np.int64)
    for part in blocks(len(changed)):
        rows = squared[changed[part]]
        fallen = np.maximum(rows, before[part, None]) - np.maximum(rows, after[part, None])
        lost += fallen.sum(axis=0, dtype=np.int64)
    return lost


def _between(pool: Pool, kept: npt.NDArray[np.bool_]) -> npt.NDArray[np.float64]:
    """Squared distance of each image kept to the nearest other; NaN for one alone."""
    if kept.sum() == 1:
        return np.full(1, np.nan)
    nearest: npt.NDArray[np.float64] = (
        pool.separations[np.ix_(kept, kept)].min(axis=1).astype(float)
    )
    return nearest


STRATEGY = Strategy(
    name="facility_location",
    title="Facility location",
    summary="Adds the image that brings those drawn nearest to one kept, on average.",
    directions=("+",),
    keep=_keep,
    judged="Distance to the nearest image kept; of those kept, to the nearest other.",
)
