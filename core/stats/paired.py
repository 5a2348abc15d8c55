"""Paired comparisons over seeds: Wilcoxon signed-rank, Benjamini–Hochberg, Cohen's d.

A test over few seeds cannot reach every level: with n pairs no two-sided p is below 2/2ⁿ, so
every comparison carries the smallest p that it could have had.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import false_discovery_control, nct, rankdata
from scipy.stats import t as student_t

from core.errors import InputError

ALPHA = 0.05
CONFIDENCE = 0.95

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Effect:
    """Cohen's d of paired differences, mean/standard deviation, with a confidence interval."""

    d: float
    low: float
    high: float


@dataclass(frozen=True)
class Comparison:
    """One arm against another over the same seeds.

    Args:
        name: Of the comparison.
        pairs: Seeds, n.
        mean: Mean difference, first arm minus second.
        low: Lower end of its 95 % t interval.
        high: Upper end.
        p: Two-sided exact Wilcoxon p.
        q: p adjusted over the family (Benjamini–Hochberg).
        smallest_p: The smallest p that n pairs allow.
        smallest_q: The smallest q that they allow, had every comparison of the family come out
            as clearly as it could.
        effect: Cohen's d with its interval.
    """

    name: str
    pairs: int
    mean: float
    low: float
    high: float
    p: float
    q: float
    smallest_p: float
    smallest_q: float
    effect: Effect

    @property
    def attainable(self) -> bool:
        """Whether this comparison could have been significant at all."""
        return self.smallest_q < ALPHA

    @property
    def significant(self) -> bool:
        """Whether the adjusted p is below 0.05."""
        return self.attainable and self.q < ALPHA

    @property
    def words(self) -> str:
        """One sentence for people."""
        d = self.effect
        size = f"d = {d.d:.2f} (95 % CI {d.low:.2f} to {d.high:.2f})"
        if not self.attainable:
            return (
                f"{self.name}: {self.mean:+.4g}, {size}; {self.pairs} seeds cannot be significant: "
                f"the smallest possible p is {self.smallest_p:.3g}."
            )
        verdict = "significant" if self.significant else "not significant"
        return (
            f"{self.name}: {self.mean:+.4g}, {size}, p = {self.p:.3g}, {verdict} "
            f"(q = {self.q:.3g})."
        )


def compare(differences: Mapping[str, npt.ArrayLike]) -> list[Comparison]:
    """Test a family of paired comparisons together.

    Args:
        differences: By name, the difference of two arms for each seed, shape (seeds,).

    Raises:
        InputError: fewer than two seeds, or differences that are not finite.
    """
    checked = {name: _pairs(values, name) for name, values in differences.items()}
    if not checked:
        return []
    p = [wilcoxon_p(values) for values in checked.values()]
    least = [smallest_p(len(values)) for values in checked.values()]
    adjusted, least_adjusted = benjamini_hochberg(p), benjamini_hochberg(least)
    return [
        Comparison(
            name,
            len(values),
            *mean_interval(values),
            p[i],
            float(adjusted[i]),
            least[i],
            float(least_adjusted[i]),
            cohens_d(values),
        )
        for i, (name, values) in enumerate(checked.items())
    ]


def mean_interval(differences: npt.ArrayLike) -> tuple[float, float, float]:
    """Mean of paired differences and the ends of its 95 % t interval."""
    values = _pairs(differences, "the differences")
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    reach = float(student_t.ppf((1 + CONFIDENCE) / 2, len(values) - 1)) * sd / len(values) ** 0.5
    return mean, mean - reach, mean + reach


def wilcoxon_p(differences: npt.ArrayLike) -> float:
    """Two-sided exact p of Wilcoxon's signed-rank test, ties and all.

    The null distribution of the rank sum is counted over all 2ⁿ signs of the ranks that came,
    mid-ranks where differences tie. Differences of 0 are left out, as Wilcoxon did; with none
    left p is 1.

    Args:
        differences: Shape (pairs,).
    """
    values = np.asarray(differences, dtype=np.float64)
    values = values[values != 0]
    if not values.size:
        return 1.0
    doubled = np.rint(2 * rankdata(np.abs(values))).astype(int)
    share = np.zeros(doubled.sum() + 1)
    share[0] = 1.0
    for rank in doubled:
        share = share / 2 + np.concatenate([np.zeros(rank), share[:-rank]]) / 2
    statistic = int(doubled[values > 0].sum())
    tail = min(share[: statistic + 1].sum(), share[statistic:].sum())
    return min(1.0, 2 * float(tail))


def smallest_p(pairs: int) -> float:
    """Smallest two-sided p that this many pairs can give: 2/2ⁿ; 0.0625 for five."""
    return min(1.0, 2.0 ** (1 - pairs))


def benjamini_hochberg(p: npt.ArrayLike) -> Floats:
    """Adjusted p of a family of tests, in the order given, shape (tests,)."""
    result: Floats = false_discovery_control(np.asarray(p, dtype=np.float64), method="bh")
    return result


def cohens_d(differences: npt.ArrayLike, confidence: float = CONFIDENCE) -> Effect:
    """Cohen's d of paired differences, with an interval from the noncentral t distribution.

    d = mean/standard deviation (n − 1); d√n is the t statistic, and the interval holds the
    noncentralities, over √n, under which it is not extreme. All nan where all differences are
    equal, for then there is no spread to measure by.

    Args:
        differences: Shape (pairs,), at least two.
        confidence: Of the interval.

    References:
        Cumming and Finch, Educational and Psychological Measurement 61 (2001).
    """
    values = _pairs(differences, "Cohen's d")
    spread = float(values.std(ddof=1))
    if spread <= 1e-12 * float(np.abs(values).max()):
        return Effect(math.nan, math.nan, math.nan)
    d, root = float(values.mean()) / spread, math.sqrt(len(values))
    tail = (1 - confidence) / 2
    low, high = (_noncentrality(d * root, len(values) - 1, level) for level in (1 - tail, tail))
    return Effect(d, low / root, high / root)


def _noncentrality(t: float, freedom: int, level: float) -> float:
    """The noncentrality under which the t distribution has `level` of its mass below t."""

    def gap(shift: float) -> float:
        return float(nct.cdf(t, freedom, shift)) - level

    # The bracket grows from t outwards: far from it SciPy's distribution is not always a number.
    low = high = t
    step = 1 + abs(t) / 4
    while gap(low) < 0:
        low -= step
    while gap(high) > 0:
        high += step
    return float(brentq(gap, low, high))


def _pairs(differences: npt.ArrayLike, name: str) -> Floats:
    values = np.asarray(differences, dtype=np.float64)
    if values.ndim != 1 or values.size < 2 or not np.isfinite(values).all():
        raise InputError(
            f"{name} needs finite differences of at least 2 seeds, shape (seeds,); got shape "
            f"{values.shape}. Run more seeds."
        )
    return values
