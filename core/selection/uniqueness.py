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

ALONE = 2  # images looked at one by one before many are looked at together
TOGETHER = 64  # images looked at together: their costs stay in the processor's cache


def _keep(pool: Pool, per_class: int, direction: str) -> Choice:
    check_pairs("uniqueness", pool)
    costs = pool.separations
    partners = costs.argmin(axis=1)
    distances = np.sqrt(costs[np.arange(len(pool)), partners] / pool.geometry.pixels.shape[1])
    if len(pool) == 1:
        distances[:] = np.nan
    if direction == "-":
        costs = -costs
        np.fill_diagonal(costs, np.iinfo(costs.dtype).max)
    if pool.many:
        from core.selection import kernels

        return kernels.thin(costs, per_class), distances
    if direction == "-":
        partners = costs.argmin(axis=1)
    return _Thinning(costs, partners).leave(per_class), distances


class _Thinning:
    """Discards one image of the cheapest pair again and again.

    For every image its cheapest partner and the cost are stored. A discarded image only ever
    takes partners away, so a stored cost never exceeds the true one, and it is true as long as
    its partner is still there; it is worked out again only when it is the lowest of all, or
    among the lowest when many are.

    Args:
        costs: Pair costs, shape (size, size), symmetric, the largest integer on the diagonal.
        partners: The cheapest partner of every image, the first of equals, shape (size,).
    """

    def __init__(
        self, costs: npt.NDArray[np.int32 | np.int64], partners: npt.NDArray[np.intp]
    ) -> None:
        size, self.never = len(costs), np.iinfo(costs.dtype).max
        self.costs, self.partners = costs, partners
        self.cheapest = costs[np.arange(size), partners]
        self.lost = np.zeros(size + 1, dtype=bool)  # the last is the partner of those discarded
        self.barred = np.full(size, -self.never, dtype=costs.dtype)  # `never`: no partner
        self.row = np.empty(size, dtype=costs.dtype)

    def leave(self, per_class: int) -> npt.NDArray[np.bool_]:
        """Which images are left, bool, shape (size,), when `per_class` are."""
        cheapest, partners, lost, barred = self.cheapest, self.partners, self.lost, self.barred
        for _ in range(len(barred) - per_class):
            i = self._top()
            j = int(partners[i])
            barred[i] = barred[j] = self.never  # one of the two goes; the partner is the second
            self._renew(i)
            self._renew(j)
            gone, stays = (i, j) if cheapest[i] <= cheapest[j] else (j, i)  # i < j
            barred[stays] = -self.never
            cheapest[gone], partners[gone], lost[gone] = self.never, len(barred), True
        return ~lost[:-1]

    def _top(self) -> int:
        """The first image whose cheapest pair is the cheapest of all."""
        tries = 0
        while self.lost[self.partners[i := int(self.cheapest.argmin())]]:
            if tries < ALONE:
                self._renew(i)
            else:
                self._renew_many()
            tries += 1
        return i

    def _renew(self, i: int) -> None:
        """Find an image's cheapest partner anew."""
        np.maximum(self.costs[i], self.barred, out=self.row)
        partner = self.row.argmin()
        self.partners[i], self.cheapest[i] = partner, self.row[partner]

    def _renew_many(self) -> None:
        """Find the partners of the cheapest images that have lost theirs: less time for each."""
        stale = self.lost[self.partners].nonzero()[0]
        if len(stale) > TOGETHER:
            stale = stale[self.cheapest[stale].argpartition(TOGETHER)[:TOGETHER]]
        rows = np.maximum(self.costs[stale], self.barred)
        self.partners[stale] = partners = rows.argmin(axis=1)
        self.cheapest[stale] = rows[np.arange(len(stale)), partners]


STRATEGY = Strategy(
    name="uniqueness",
    title="Uniqueness",
    summary="+ discards one of the two most similar images again and again, - of the two most "
    "different.",
    directions=("+", "-"),
    keep=_keep,
    judged="Distance to the nearest other image drawn; images are discarded one after another.",
)
