"""How alike models judge subsets: R² and Spearman's ρ of every pair, with bootstrap intervals.

Scores have shape (subsets, models); NaN marks one that is missing. Pairs of models come in the
order of `np.triu_indices(models, 1)`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

from core.stats.spread import ROUNDING, Floats

MOST_DRAWS = 1 << 24  # counts held at once, 128 MB

Ints = npt.NDArray[np.integer]


def bootstrap_counts(n: int, resamples: int, seed: int | np.random.Generator) -> Floats:
    """How often each of n things is drawn in each resample with replacement.

    Returns:
        Shape (resamples, n); every row sums to n. Float, because it is used in matrix products.
    """
    draws = np.random.default_rng(seed).integers(n, size=(resamples, n))
    draws += np.arange(resamples)[:, None] * n
    counts = np.bincount(draws.ravel(), minlength=resamples * n)
    return counts.reshape(resamples, n).astype(np.float64)


def pearson_pairs(values: Floats, counts: Floats) -> Floats:
    """Pearson's r of every pair of columns, for every weighting of the rows.

    Args:
        values: Shape (subsets, models). A pair uses the rows where both its columns are finite.
        counts: How often each row counts, shape (resamples, subsets).

    Returns:
        Shape (resamples, pairs), in [-1, 1]; NaN with fewer than three rows or a constant column.
    """
    first, second = np.triu_indices(values.shape[1], 1)
    present = np.isfinite(values)
    total = np.where(present, values, 0.0).sum(axis=0)
    centred = np.where(present, values - total / np.maximum(present.sum(axis=0), 1), 0.0)
    both = present[:, first] & present[:, second]
    x, y = np.where(both, centred[:, first], 0.0), np.where(both, centred[:, second], 0.0)
    n = counts @ both
    sum_x, sum_y, sum_xx, sum_yy = counts @ x, counts @ y, counts @ x**2, counts @ y**2
    safe = np.maximum(n, 1.0)
    var_x, var_y = sum_xx - sum_x**2 / safe, sum_yy - sum_y**2 / safe
    covariance = counts @ (x * y) - sum_x * sum_y / safe
    undefined = (n < 3) | (var_x <= ROUNDING * sum_xx) | (var_y <= ROUNDING * sum_yy)
    scale = np.sqrt(np.where(undefined, 1.0, var_x) * np.where(undefined, 1.0, var_y))
    return np.where(undefined, np.nan, np.clip(covariance / scale, -1.0, 1.0))


@dataclass(frozen=True, eq=False)
class PairR2:
    """R² of every pair of models, with bootstrap resamples over subsets.

    Args:
        r: Pearson's r, shape (pairs,): R² hides its sign.
        n: Subsets that both models of the pair scored, shape (pairs,).
        resampled: R² of each resample, shape (resamples, pairs); a row is the same resample
            for all pairs, so that a mean over pairs can be taken in each.
    """

    r: Floats
    n: npt.NDArray[np.int64]
    resampled: Floats

    @property
    def r_squared(self) -> Floats:
        """Squared Pearson correlation, shape (pairs,)."""
        return self.r**2

    def interval(self) -> tuple[Floats, Floats]:
        """95 % percentile interval of every pair's R²."""
        return percentile_interval(self.resampled, defined=np.isfinite(self.r))

    def mean(self, pairs: npt.ArrayLike) -> tuple[float, float, float]:
        """Mean R² over the pairs marked True, and its 95 % percentile interval.

        Pairs without an R² are left out of the mean.
        """
        used = np.asarray(pairs, dtype=bool) & np.isfinite(self.r)
        if not used.any():
            return float("nan"), float("nan"), float("nan")
        rows = self.resampled[:, used]
        means = rows[np.isfinite(rows).all(axis=1)].mean(axis=1)
        low, high = percentile_interval(means[:, None], defined=np.array([True]))
        return float(self.r_squared[used].mean()), float(low[0]), float(high[0])


def r_squared_pairs(z: Floats, resamples: int = 1000, seed: int = 0) -> PairR2:
    """R² of the Z-scores of every pair of models, bootstrapped over subsets.

    The Z-scores are taken as they are: the random subsets' means and standard deviations are
    not estimated anew in each resample.

    Args:
        z: Z-scores, shape (subsets, models).
        resamples: Bootstrap resamples of the subsets.
        seed: Seed of the resamples.

    References:
        X-Factor, section 2.6.
    """
    present = np.isfinite(z).astype(np.int64)
    n = (present.T @ present)[np.triu_indices(z.shape[1], 1)]
    r = pearson_pairs(z, np.ones((1, len(z))))[0]
    if not len(z):
        return PairR2(r, n, np.full((resamples, len(r)), np.nan))
    rng, some = np.random.default_rng(seed), max(1, MOST_DRAWS // len(z))
    resampled = [
        pearson_pairs(z, bootstrap_counts(len(z), min(some, resamples - first), rng)) ** 2
        for first in range(0, resamples, some)
    ]
    return PairR2(r, n, np.concatenate(resampled))


def percentile_interval(
    samples: Floats, defined: npt.NDArray[np.bool_], level: float = 0.95
) -> tuple[Floats, Floats]:
    """Percentile interval of each column, from the resamples in which it is finite.

    Args:
        samples: Shape (resamples, columns).
        defined: Columns that have an estimate, shape (columns,); the others get NaN.
        level: Coverage.
    """
    low, high = np.full(samples.shape[1], np.nan), np.full(samples.shape[1], np.nan)
    tail = 50 * (1 - level)
    for column in np.flatnonzero(defined & np.isfinite(samples).any(axis=0)):
        finite = samples[np.isfinite(samples[:, column]), column]
        low[column], high[column] = np.percentile(finite, [tail, 100 - tail])
    return low, high


def spearman_pairs(values: Floats, strata: Ints) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Spearman's ρ of every pair of columns, from ranks within strata.

    Errors of two models fall together as training sets grow, so ranks over several sizes at once
    would correlate whatever the subsets are like. Ranking within each size (mid-ranks, from the
    middle of the stratum, over its length) and then pooling leaves only how subsets of one size
    compare. With one stratum it is the plain Spearman correlation.

    Args:
        values: Shape (subsets, models). A pair uses the rows where both its columns are finite.
        strata: Stratum (size) of each row, shape (subsets,).

    Returns:
        ρ and the number of rows used, both of shape (pairs,); ρ is NaN with fewer than three
        rows or where a column does not vary within any stratum.
    """
    first, second = np.triu_indices(values.shape[1], 1)
    present = np.isfinite(values)
    both = present[:, first] & present[:, second]
    rho = np.full(len(first), np.nan)
    # Pairs that share their rows share their ranks: one pass where nothing is missing.
    patterns, pattern = np.unique(both, axis=1, return_inverse=True)
    for index in range(patterns.shape[1]):
        rows, pairs = patterns[:, index], np.flatnonzero(pattern.ravel() == index)
        ranks = _centred_ranks(values[rows], strata[rows])
        rho[pairs] = pearson_pairs(ranks, np.ones((1, len(ranks))))[0, pairs]
    return rho, both.sum(axis=0)


def _centred_ranks(values: Floats, strata: Ints) -> Floats:
    """Mid-ranks of each column within each stratum, in (-0.5, 0.5); NaN columns stay NaN."""
    ranks = np.empty_like(values)
    for stratum in np.unique(strata):
        rows = strata == stratum
        n = int(rows.sum())
        ranked = stats.rankdata(values[rows], axis=0)
        ranks[rows] = (ranked - (n + 1) / 2) / n
    ranks[~np.isfinite(values)] = np.nan
    return ranks
