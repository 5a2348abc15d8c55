"""Correlations within strata against SciPy and residuals of a regression."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats as scipy_stats

from core.stats.association import associate, centred


def sample(n: int = 90, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    strata = rng.choice([10, 30, 100], n)
    y = rng.normal(size=n)
    x = np.column_stack([strata + 0.5 * y, rng.normal(size=n), np.full(n, 3.0), strata + y**3])
    return x, y + 0.01 * strata, strata


def test_each_kind_is_what_it_is_called() -> None:
    x, y, strata = sample()
    found = associate(x, y, strata, resamples=50)
    dummies = (strata[:, None] == np.unique(strata)).astype(float)
    for column in (0, 1, 3):
        one = x[:, column]
        plain = scipy_stats.pearsonr(one, y).statistic
        left = [v - dummies @ np.linalg.lstsq(dummies, v, rcond=None)[0] for v in (one, y)]
        for size in np.unique(strata):
            left[0][strata == size] /= left[0][strata == size].std()
        assert found.pearson.r[column] == pytest.approx(plain)
        assert found.partial.r[column] == pytest.approx(np.corrcoef(*left)[0, 1])
    for column in (1, 3):
        assert found.partial.low[column] < found.partial.r[column] < found.partial.high[column]
    one_stratum = associate(x, y, np.zeros(len(y), dtype=int), resamples=1)
    rho = scipy_stats.spearmanr(x[:, 3], y).statistic
    assert one_stratum.spearman.r[3] == pytest.approx(rho)
    assert one_stratum.p[1] == pytest.approx(scipy_stats.pearsonr(x[:, 1], y).pvalue)


def test_what_grows_with_size_alone_is_no_association() -> None:
    rng = np.random.default_rng(1)
    strata = np.repeat([1, 2, 3], 200)
    x, y = (strata + 0.1 * rng.normal(size=600) for _ in range(2))
    found = associate(x[:, None], y, strata, resamples=200)
    assert found.pearson.r[0] > 0.9
    assert abs(found.partial.r[0]) < 0.15


def test_intervals_hold_the_truth() -> None:
    held = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        x = rng.normal(size=(80, 1))
        y = 0.6 * x[:, 0] + 0.8 * rng.normal(size=80)
        found = associate(x, y, np.zeros(80, dtype=int), resamples=200, seed=seed)
        held += found.partial.low[0] < 0.6 < found.partial.high[0]
    assert held >= 52


def test_p_is_adjusted_over_the_columns_that_have_one() -> None:
    x, y, strata = sample()
    found = associate(x, y, strata, resamples=1)
    assert np.isnan(found.p[2])
    assert np.isnan(found.partial.r[2])
    known = [0, 1, 3]
    expected = scipy_stats.false_discovery_control(found.p[known])
    assert found.q[known] == pytest.approx(expected)
    x[5, 1] = np.nan
    assert np.isnan(associate(x, y, strata, resamples=1).partial.r).tolist() == [
        False, True, True, False,
    ]  # fmt: skip


def test_centred_takes_the_means_off() -> None:
    x, _, strata = sample()
    found = centred(x, strata)
    for size in np.unique(strata):
        assert found[strata == size].mean(axis=0) == pytest.approx(0, abs=1e-12)
