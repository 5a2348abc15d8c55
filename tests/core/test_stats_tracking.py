"""Correlation within groups, against SciPy and by simulation."""

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from core.stats.tracking import correlate


def test_without_groups_it_is_scipys() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=30)
    y = x + rng.normal(size=30)
    found = correlate(x, y)
    assert found.pearson == pytest.approx(pearsonr(x, y).statistic)
    assert found.spearman == pytest.approx(spearmanr(x, y).statistic)
    fisher = pearsonr(x, y).confidence_interval()
    assert (found.pearson_low, found.pearson_high) == pytest.approx(tuple(fisher), abs=0.15)
    assert found.spearman_low < found.spearman < found.spearman_high
    assert (found.points, found.groups) == (30, 30)


def test_what_groups_differ_in_does_not_count() -> None:
    rng = np.random.default_rng(1)
    groups = np.repeat(np.arange(10), 4)
    level = rng.normal(size=10)[groups] * 10
    x, y = level + rng.normal(size=40), level + rng.normal(size=40)
    assert pearsonr(x, y).statistic > 0.9
    found = correlate(x, y, groups)
    assert abs(found.pearson) < 0.4
    assert found.pearson_low < 0 < found.pearson_high
    inside = rng.normal(size=40)
    assert correlate(level + inside, -level + inside, groups).pearson == pytest.approx(1)


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(2)
    hits = 0
    for seed in range(60):
        x = rng.normal(size=40)
        found = correlate(x, 0.6 * x + 0.8 * rng.normal(size=40), seed=seed)
        hits += found.pearson_low <= 0.6 <= found.pearson_high
    assert hits >= 51


@pytest.mark.parametrize(
    ("x", "y"), [([], []), ([1.0, 2], [1.0, 2]), ([1.0, 1, 1, 1], [1.0, 2, 3, 4])]
)
def test_what_is_not_defined_is_nan(x: list[float], y: list[float]) -> None:
    found = correlate(x, y)
    assert np.isnan([found.pearson, found.pearson_low, found.spearman, found.spearman_high]).all()
