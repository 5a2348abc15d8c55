"""Uniqueness: discards images one by one from the closest (+) or the most distant (-) pair.

+ takes the pair of images left with the smallest RMSD and discards the one that is nearer to its
second nearest neighbour; - takes the pair with the largest RMSD and discards the one that is
further from its second furthest. This repeats until `per_class` images are left.

Ties go to the lower row number: of equal pairs (i, j), i < j, the lexicographically lowest is
taken, and of two images with equal second distances (always so when only two are left) the one
with the lower row number is discarded.

References:
    X-Factor paper, section A.2 a.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.selection.base import Choice, Strategy, check_pairs
from core.selection.pool import Pool


def _keep(pool: Pool, per_class: int, direction: str) -> Choice:
    check_pairs("uniqueness", pool)
    nearest = pool.separations.min(axis=1)
    distances = np.sqrt(nearest / pool.geometry.pixels.shape[1])
    if len(pool) == 1:
        distances[:] = np.nan
    costs = pool.separations.copy() if direction == "+" else -pool.separations
    np.fill_diagonal(costs, np.iinfo(costs.dtype).max)
    return _thin(costs, per_class), distances


def _thin(costs: npt.NDArray[np.int32 | np.int64], per_class: int) -> npt.NDArray[np.bool_]:
    """Which images are left when the cheapest pair has lost one image again and again.

    For every image the cost to its cheapest partner is stored. A discarded image only ever takes
    partners away, so a stored cost never exceeds the true one, and it is true as long as its
    partner is still there; it is worked out again only when it is the lowest of all.

    Args:
        costs: Pair costs, shape (size, size), symmetric, the largest integer on the diagonal;
            overwritten.
        per_class: How many images to leave.
    """
    size, never = len(costs), np.iinfo(costs.dtype).max
    partner = costs.argmin(axis=1).tolist()
    cheapest = costs[np.arange(size), partner]
    left = [True] * size
    for _ in range(size - per_class):
        i = int(cheapest.argmin())
        while not left[partner[i]]:
            partner[i] = int(costs[i].argmin())
            cheapest[i] = costs[i, partner[i]]
            i = int(cheapest.argmin())
        j = partner[i]
        costs[i, j] = costs[j, i] = never  # one of the two goes now; what is left is the second
        second_i, second_j = int(costs[i].argmin()), int(costs[j].argmin())
        if costs[i, second_i] <= costs[j, second_j]:  # i < j, so a tie discards the lower row
            lost, stays, partner[j] = i, j, second_j
        else:
            lost, stays, partner[i] = j, i, second_i
        cheapest[stays] = costs[stays, partner[stays]]
        cheapest[lost] = costs[:, lost] = never
        left[lost] = False
    return np.array(left)


STRATEGY = Strategy(
    name="uniqueness",
    title="Uniqueness",
    summary="+ discards one of the two most similar images again and again, - of the two most "
    "different.",
    directions=("+", "-"),
    keep=_keep,
    judged="Distance to the nearest other image drawn; images are discarded one after another.",
)
