"""Strategies that rank images by their distance to the classes' mean images.

Of images at the same distance, those with the lower row numbers are kept.

References:
    X-Factor paper, section A.2 b, c and d.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.selection.base import Choice, Strategy
from core.selection.pool import Pool

Distances = npt.NDArray[np.float64]


def _to_furthest_other(rmsd: Distances, label: int) -> Distances:
    if rmsd.shape[1] < 2:
        raise InputError("Strategy other_mean needs a data set of two classes or more; got one.")
    furthest: Distances = np.delete(rmsd, label, axis=1).max(axis=1)
    return furthest


def _keeping(
    measure: Callable[[Distances, int], Distances], furthest: str
) -> Callable[[Pool, int, str], Choice]:
    """A `Strategy.keep` that ranks by `measure` and keeps the furthest in that direction."""

    def keep(pool: Pool, per_class: int, direction: str) -> Choice:
        distances = measure(pool.geometry.mean_rmsd.take(pool.rows, axis=0), pool.label)
        best_first = -distances if direction == furthest else distances
        kept = np.zeros(len(pool), dtype=bool)
        kept[np.argsort(best_first, kind="stable")[:per_class]] = True
        return kept, distances

    return keep


GLOBAL_MEAN = Strategy(
    name="global_mean",
    title="Global mean",
    summary="+ keeps the images furthest from the class means on average, - the nearest.",
    directions=("+", "-"),
    keep=_keeping(lambda rmsd, label: rmsd.mean(axis=1), furthest="+"),
)
OTHER_MEAN = Strategy(
    name="other_mean",
    title="Other mean",
    summary="+ keeps the images whose largest distance to another class's mean is largest, "
    "- smallest.",
    directions=("+", "-"),
    keep=_keeping(_to_furthest_other, furthest="+"),
)
OWN_MEAN = Strategy(
    name="own_mean",
    title="Own mean",
    summary="+ keeps the images nearest to their own class's mean, - the furthest.",
    directions=("+", "-"),
    keep=_keeping(lambda rmsd, label: rmsd[:, label], furthest="-"),
)
