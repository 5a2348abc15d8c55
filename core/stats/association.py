"""How a quantity of subsets goes with several others: correlations that leave strata aside.

Strata are sizes: quantities that grow with the size of a subset would correlate with each other
whatever subsets of one size are like.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats as distributions
from scipy.stats import rankdata

from core.stats.correlation import bootstrap_counts, percentile_interval
from core.stats.paired import benjamini_hochberg
from core.stats.spread import ROUNDING, Floats

Strata = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Correlations:
    """One kind of correlation of each x with y; arrays of shape (columns,), NaN if not defined."""

    r: Floats
    low: Floats
    high: Floats


@dataclass(frozen=True, eq=False)
class Association:
    """How each column of x goes with y.

    Args:
        pearson: Of the values as they are.
        partial: Pearson's within strata, that is partial on the stratum, with x in units of its
            spread in each: else the stratum in which x is largest would decide alone.
        spearman: Of mid-ranks within strata.
        p: Two-sided, of `partial` by Student's t.
        q: p adjusted over the columns (Benjamini-Hochberg).
    """

    pearson: Correlations
    partial: Correlations
    spearman: Correlations
    p: Floats
    q: Floats


def associate(
    x: Floats, y: Floats, strata: Strata, resamples: int = 1000, seed: int = 0
) -> Association:
    """Correlations of each column of x with y, with 95 % bootstrap intervals over rows.

    Means of strata, and ranks, are taken once, not anew in each resample.

    Args:
        x: Shape (rows, columns); a column with a NaN has no correlation.
        y: Shape (rows,), finite.
        strata: Stratum of each row, shape (rows,).
        resamples: Bootstrap resamples of the rows, the same for all columns.
        seed: Their seed.
    """
    counts = bootstrap_counts(len(y), resamples, seed)
    both = np.column_stack([x, y])
    within = np.column_stack([_scaled(x, strata), centred(y[:, None], strata)])
    kinds = (both, within, _ranked(both, strata))
    pearson, partial, spearman = (_correlations(some, counts) for some in kinds)
    p = _p(partial.r, len(y) - len(np.unique(strata)) - 1)
    q = np.full_like(p, np.nan)
    known = np.isfinite(p)
    if known.any():
        q[known] = benjamini_hochberg(p[known])
    return Association(pearson, partial, spearman, p, q)


def centred(values: Floats, strata: Strata) -> Floats:
    """Values less the mean of their stratum, column by column."""
    _, stratum = np.unique(strata, return_inverse=True)
    members = np.eye(stratum.max() + 1)[stratum]
    means: Floats = members.T @ values / members.sum(axis=0)[:, None]
    return values - means[stratum]


def _scaled(values: Floats, strata: Strata) -> Floats:
    """Centred values by their root mean square in the stratum; 0 where they do not vary."""
    less = centred(values, strata)
    for stratum in np.unique(strata):
        rows = strata == stratum
        spread = np.sqrt((less[rows] ** 2).mean(axis=0))
        flat = spread <= ROUNDING * np.abs(values[rows]).max(axis=0)
        less[rows] = np.where(flat, 0.0, less[rows] / np.where(flat, 1.0, spread))
    return less


def _ranked(values: Floats, strata: Strata) -> Floats:
    """Mid-ranks within strata, from their middle, over the stratum's length; NaN columns stay."""
    ranks = np.full_like(values, np.nan)
    known = np.isfinite(values).all(axis=0)
    for stratum in np.unique(strata):
        rows = np.flatnonzero(strata == stratum)
        some = rankdata(values[np.ix_(rows, known)], axis=0)
        ranks[np.ix_(rows, known)] = (some - (len(rows) + 1) / 2) / len(rows)
    return ranks


def _correlations(both: Floats, counts: Floats) -> Correlations:
    """Of every column but the last with the last."""
    r = _weighted(both, np.ones((1, len(both))))[0]
    low, high = percentile_interval(_weighted(both, counts), np.isfinite(r))
    return Correlations(r, low, high)


def _weighted(both: Floats, counts: Floats) -> Floats:
    """Pearson's r for every weighting of the rows, shape (resamples, columns)."""
    size = np.abs(both).max(axis=0)
    moved = both - both.mean(axis=0)
    n = counts.sum(axis=1, keepdims=True)
    mean = counts @ moved / n
    variance = counts @ moved**2 / n - mean**2
    covariance = counts @ (moved[:, :-1] * moved[:, -1:]) / n - mean[:, :-1] * mean[:, -1:]
    flat = ~(variance > (ROUNDING * size) ** 2) | (n < 3)
    safe = np.sqrt(np.where(flat, 1.0, variance))
    r = np.clip(covariance / (safe[:, :-1] * safe[:, -1:]), -1.0, 1.0)
    return np.where(flat[:, :-1] | flat[:, -1:], np.nan, r)


def _p(r: Floats, freedom: int) -> Floats:
    """Two-sided p of Pearson correlations by Student's t; NaN without degrees of freedom."""
    if freedom < 1:
        return np.full_like(r, np.nan)
    with np.errstate(divide="ignore"):
        t = np.abs(r) * np.sqrt(freedom / (1 - r**2))
    p: Floats = 2 * distributions.t.sf(t, freedom)
    return p
