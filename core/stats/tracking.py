"""How closely two quantities go together, with bootstrap intervals over groups of points."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import rankdata

from core.stats.spread import ROUNDING, Floats

RESAMPLES = 2000


@dataclass(frozen=True)
class Correlation:
    """Pearson's r and Spearman's ρ with 95 % percentile intervals; nan where not defined.

    Args:
        pearson: r, with `pearson_low` and `pearson_high`.
        spearman: ρ, with `spearman_low` and `spearman_high`.
        points: Points, n.
        groups: Groups that were resampled.
    """

    pearson: float
    pearson_low: float
    pearson_high: float
    spearman: float
    spearman_low: float
    spearman_high: float
    points: int
    groups: int


def correlate(
    x: npt.ArrayLike, y: npt.ArrayLike, groups: npt.ArrayLike | None = None, seed: int = 0
) -> Correlation:
    """Correlation of two quantities, within groups where there are groups.

    Points of one group, such as the rounds of one seed, depend on each other. So each group's
    mean is taken off first, which leaves how the two move together inside groups, and intervals
    come from drawing whole groups with replacement. Without groups every point is its own, and
    nothing is taken off.

    Args:
        x: Shape (n,), finite.
        y: Likewise.
        groups: Group of each point, shape (n,), any dtype.
        seed: Of the bootstrap.
    """
    a, b = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
    if groups is None:
        member = np.arange(len(a))
    else:
        _, member = np.unique(np.asarray(groups), return_inverse=True)
        a, b = _centred(a, member), _centred(b, member)
    count = int(member.max()) + 1 if len(member) else 0
    places = [np.flatnonzero(member == group) for group in range(count)]
    rng = np.random.default_rng(seed)
    drawn = [
        _both(a[some], b[some])
        for _ in range(RESAMPLES if count > 2 else 0)
        for some in [np.concatenate([places[group] for group in rng.integers(count, size=count)])]
    ]
    found = _both(a, b)
    (low_r, high_r), (low_rho, high_rho) = (
        _interval(np.array([pair[i] for pair in drawn]), found[i]) for i in (0, 1)
    )
    return Correlation(found[0], low_r, high_r, found[1], low_rho, high_rho, len(a), count)


def _both(a: Floats, b: Floats) -> tuple[float, float]:
    return _pearson(a, b), _pearson(rankdata(a), rankdata(b))


def _pearson(a: Floats, b: Floats) -> float:
    """r; nan with fewer than three points, or where one of the two does not vary."""
    if len(a) < 3 or any(np.ptp(v) <= ROUNDING * np.abs(v).max() for v in (a, b)):
        return float("nan")
    return float(np.corrcoef(a, b)[0, 1])


def _centred(values: Floats, member: npt.NDArray[np.intp]) -> Floats:
    means: Floats = np.bincount(member, values) / np.bincount(member)
    return values - means[member]


def _interval(drawn: Floats, found: float) -> tuple[float, float]:
    finite = drawn[np.isfinite(drawn)]
    if not np.isfinite(found) or not finite.size:
        return float("nan"), float("nan")
    low, high = np.percentile(finite, [2.5, 97.5])
    return float(low), float(high)
