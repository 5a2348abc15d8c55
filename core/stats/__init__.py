"""Statistics of scores: pure functions on arrays, NaN where a quantity is not defined."""

from core.stats.correlation import (
    PairR2,
    bootstrap_counts,
    pearson_pairs,
    percentile_interval,
    r_squared_pairs,
    spearman_pairs,
)
from core.stats.normality import KS, ks_against_normal
from core.stats.spread import explained_variance, z_scores

__all__ = [
    "KS",
    "PairR2",
    "bootstrap_counts",
    "explained_variance",
    "ks_against_normal",
    "pearson_pairs",
    "percentile_interval",
    "r_squared_pairs",
    "spearman_pairs",
    "z_scores",
]
