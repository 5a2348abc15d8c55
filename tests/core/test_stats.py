"""Every statistic against an independent computation: scipy, a slow loop or a closed form."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats as scipy_stats

from core import stats


def correlated(rho: float, n: int, models: int = 2, seed: int = 0) -> np.ndarray:
    """Normal columns, every two with correlation rho."""
    rng = np.random.default_rng(seed)
    shared, own = rng.standard_normal((n, 1)), rng.standard_normal((n, models))
    return np.sqrt(rho) * shared + np.sqrt(1 - rho) * own


def with_gaps(values: np.ndarray, share: float = 0.2, seed: int = 1) -> np.ndarray:
    gaps = np.random.default_rng(seed).random(values.shape) < share
    return np.where(gaps, np.nan, values)


class TestZScores:
    def test_the_reference_has_mean_0_and_sd_1(self):
        reference = np.random.default_rng(0).random(50)
        z = stats.z_scores(reference, reference)
        assert z.mean() == pytest.approx(0, abs=1e-12)
        assert z.std(ddof=1) == pytest.approx(1)
        np.testing.assert_allclose(z, scipy_stats.zscore(reference, ddof=1))

    def test_higher_is_worse(self):
        assert stats.z_scores([0.5], [0.1, 0.2, 0.3])[0] == pytest.approx(3)

    @given(
        hnp.arrays(np.float64, st.integers(3, 20), elements=st.floats(0, 1, width=16), unique=True),
        st.floats(0.1, 100),
        st.floats(-5, 5),
    )
    def test_affine_transforms_of_errors_change_nothing(self, errors, scale, shift):
        moved = errors * scale + shift
        expected = stats.z_scores(errors, errors)
        np.testing.assert_allclose(stats.z_scores(moved, moved), expected, atol=1e-6)

    @pytest.mark.parametrize("reference", [[], [0.3], [0.3] * 7, [0.1 + 0.2, 0.3, 0.3]])
    def test_no_spread_gives_nan(self, reference):
        assert np.isnan(stats.z_scores([0.1, 0.2], reference)).all()


class TestExplainedVariance:
    def test_equals_the_share_from_an_analysis_of_variance(self):
        rng = np.random.default_rng(0)
        cells = rng.integers(6, size=200)
        values = cells * 0.3 + rng.standard_normal(200)
        f = scipy_stats.f_oneway(*(values[cells == cell] for cell in range(6))).statistic
        between, within = f * 5, 200 - 6
        expected = between / (between + within)
        assert stats.explained_variance(values, cells) == pytest.approx(expected)

    def test_is_1_where_cells_decide_and_0_where_their_means_are_equal(self):
        assert stats.explained_variance([1, 1, 4, 4], list("aabb")) == pytest.approx(1)
        assert stats.explained_variance([1, 3, 3, 1], list("aabb")) == pytest.approx(0)

    @pytest.mark.parametrize(("values", "cells"), [([], []), ([1, 2], [0, 0]), ([1, 1], [0, 1])])
    def test_is_nan_without_two_cells_or_without_spread(self, values, cells):
        assert np.isnan(stats.explained_variance(values, cells))


class TestPearsonPairs:
    @pytest.mark.parametrize("gaps", [0.0, 0.3])
    def test_counts_repeat_rows(self, gaps):
        values = with_gaps(correlated(0.6, 40, 4) * 7 + 1000, gaps)
        counts = stats.bootstrap_counts(40, 5, seed=3)
        r = stats.pearson_pairs(values, counts)
        for row, weights in zip(r, counts, strict=True):
            repeated = np.repeat(values, weights.astype(int), axis=0)
            for value, a, b in zip(row, *np.triu_indices(4, 1), strict=True):
                both = np.isfinite(repeated[:, [a, b]]).all(axis=1)
                expected = scipy_stats.pearsonr(repeated[both, a], repeated[both, b]).statistic
                assert value == pytest.approx(expected)

    def test_two_rows_or_a_constant_column_give_nan(self):
        constant = np.column_stack([np.full(9, 0.1), np.arange(9.0)])
        assert np.isnan(stats.pearson_pairs(constant, np.ones((1, 9)))).all()
        assert np.isnan(stats.pearson_pairs(correlated(0.5, 2), np.ones((1, 2)))).all()
        one_subset_drawn = np.zeros((1, 30))
        one_subset_drawn[0, 4] = 30
        assert np.isnan(stats.pearson_pairs(correlated(0.5, 30), one_subset_drawn)).all()

    @given(st.integers(0, 1000))
    @settings(max_examples=20)
    def test_is_symmetric_and_keeps_under_positive_affine_maps(self, seed):
        values = correlated(0.5, 25, 2, seed)
        ones = np.ones((1, 25))
        r = stats.pearson_pairs(values, ones)
        np.testing.assert_allclose(stats.pearson_pairs(values[:, ::-1], ones), r)
        np.testing.assert_allclose(stats.pearson_pairs(values * [3, 0.01] - [5, 9], ones), r)


class TestBootstrap:
    def test_counts_are_draws_with_replacement(self):
        counts = stats.bootstrap_counts(50, 2000, seed=0)
        assert (counts.sum(axis=1) == 50).all()
        assert counts.mean() == pytest.approx(1)
        # The count of one thing is binomial (n, 1 / n).
        assert counts.var() == pytest.approx(1 - 1 / 50, rel=0.02)

    def test_the_same_seed_gives_the_same_resamples(self):
        z = correlated(0.5, 60, 3)
        first, again = (stats.r_squared_pairs(z, 200, seed=5) for _ in range(2))
        np.testing.assert_array_equal(first.resampled, again.resampled)
        assert not np.array_equal(stats.r_squared_pairs(z, 200, seed=6).resampled, again.resampled)

    def test_resamples_of_many_subsets_are_drawn_some_at_a_time(self, monkeypatch):
        z = with_gaps(correlated(0.5, 61, 3), 0.1)
        whole = stats.r_squared_pairs(z, 200, seed=5)
        monkeypatch.setattr("core.stats.correlation.MOST_DRAWS", 61 * 7)
        some = stats.r_squared_pairs(z, 200, seed=5)
        np.testing.assert_allclose(some.resampled, whole.resampled, rtol=1e-12)

    def test_interval_equals_a_slow_bootstrap(self):
        z = with_gaps(correlated(0.7, 50, 3), 0.1)
        result = stats.r_squared_pairs(z, 100, seed=2)
        slow = np.empty((100, 3))
        for index, weights in enumerate(stats.bootstrap_counts(50, 100, seed=2)):
            drawn = z[np.repeat(np.arange(50), weights.astype(int))]
            for pair, (a, b) in enumerate(zip(*np.triu_indices(3, 1), strict=True)):
                both = np.isfinite(drawn[:, [a, b]]).all(axis=1)
                slow[index, pair] = np.corrcoef(drawn[both, a], drawn[both, b])[0, 1] ** 2
        low, high = result.interval()
        np.testing.assert_allclose(low, np.percentile(slow, 2.5, axis=0))
        np.testing.assert_allclose(high, np.percentile(slow, 97.5, axis=0))
        mean, mean_low, mean_high = result.mean([True, False, True])
        assert mean == pytest.approx(result.r_squared[[0, 2]].mean())
        means = slow[:, [0, 2]].mean(axis=1)
        np.testing.assert_allclose([mean_low, mean_high], np.percentile(means, [2.5, 97.5]))
        both = np.isfinite(z[:, 0]) & np.isfinite(z[:, 1])
        assert result.n[0] == both.sum()

    def test_intervals_cover_a_planted_correlation(self):
        covered = 0
        for seed in range(100):
            low, high = stats.r_squared_pairs(correlated(0.8, 120, 2, seed), 300, seed).interval()
            covered += low[0] <= 0.64 <= high[0]
        assert 88 <= covered <= 100

    def test_width_agrees_with_fishers_transformation(self):
        n = 2500
        result = stats.r_squared_pairs(correlated(0.9, n), 1000)
        low, high = np.sqrt(result.interval())
        z = np.arctanh(result.r) + np.array([-1.96, 1.96]) / np.sqrt(n - 3)
        np.testing.assert_allclose([low[0], high[0]], np.tanh(z), atol=0.002)

    def test_pairs_without_a_correlation_are_left_out_of_the_mean(self):
        z = np.column_stack([correlated(0.5, 30, 2), np.full(30, np.nan)])
        result = stats.r_squared_pairs(z, 50)
        assert np.isnan(result.r_squared[1:]).all()
        assert np.isnan(result.interval()).all(axis=0).tolist() == [False, True, True]
        assert result.mean([True, True, True])[0] == pytest.approx(result.r_squared[0])
        assert np.isnan(result.mean([False, True, True])).all()

    def test_no_subset_and_one_model_are_nothing_to_correlate(self):
        assert np.isnan(stats.r_squared_pairs(np.empty((0, 2)), 10).r).all()
        assert stats.r_squared_pairs(np.ones((5, 1)), 10).r.size == 0


class TestSpearman:
    @pytest.mark.parametrize("gaps", [0.0, 0.3])
    def test_one_size_is_plain_spearman_with_ties(self, gaps):
        values = with_gaps(np.round(correlated(0.6, 80, 4), 1), gaps)
        rho, n = stats.spearman_pairs(values, np.zeros(80, dtype=int))
        for value, count, a, b in zip(rho, n, *np.triu_indices(4, 1), strict=True):
            both = np.isfinite(values[:, [a, b]]).all(axis=1)
            expected = scipy_stats.spearmanr(values[both, a], values[both, b]).statistic
            assert value == pytest.approx(expected)
            assert count == both.sum()

    def test_sizes_are_ranked_apart(self):
        values = correlated(0.5, 60)
        strata = np.repeat([10, 30, 100], [30, 20, 10])
        parts = []
        for stratum in (10, 30, 100):
            of_size = values[strata == stratum]
            ranks = np.column_stack([scipy_stats.rankdata(column) for column in of_size.T])
            parts.append((ranks - ranks.mean(axis=0)) / len(of_size))
        x, y = np.concatenate(parts).T
        rho, _ = stats.spearman_pairs(values, strata)
        assert rho[0] == pytest.approx(scipy_stats.pearsonr(x, y).statistic)

    def test_a_common_effect_of_size_is_not_a_correlation(self):
        strata = np.repeat(np.arange(5), 200)
        values = correlated(0.0, 1000) + 10 * strata[:, None]
        assert scipy_stats.spearmanr(*values.T).statistic > 0.9
        assert abs(stats.spearman_pairs(values, strata)[0][0]) < 0.1

    def test_a_constant_column_is_nan(self):
        values = np.column_stack([np.repeat([1.0, 2.0], 5), np.arange(10.0)])
        rho, n = stats.spearman_pairs(values, np.repeat([0, 1], 5))
        assert np.isnan(rho[0])
        assert n[0] == 10


def ks(z: np.ndarray, step: float = 0.0, resamples: int = 999, seed: int = 0) -> stats.KS:
    steps = np.full(z.shape[1], step)
    pool = np.ones(z.size, dtype=bool)
    return stats.ks_against_normal([z], [steps], [pool], resamples, seed)[0]


def standardised(values: np.ndarray) -> np.ndarray:
    return (values - values.mean(axis=0)) / values.std(axis=0, ddof=1)


class TestNormality:
    def test_statistic_and_textbook_p_are_scipys(self):
        z = standardised(np.random.default_rng(0).gamma(3, size=(80, 2)))
        expected = scipy_stats.kstest(z.ravel(), "norm")
        result = ks(z, resamples=10)
        assert (result.n, result.p) == (160, expected.pvalue)
        assert result.statistic == pytest.approx(expected.statistic)

    @pytest.mark.parametrize("shape", [2.0, 8.0, 40.0])
    def test_one_cell_is_the_lilliefors_test(self, shape):
        values = np.random.default_rng(3).gamma(shape, size=60)
        expected = scipy_stats.goodness_of_fit(
            scipy_stats.norm, values, statistic="ks", n_mc_samples=1999, rng=0
        )
        result = ks(standardised(values[:, None]), resamples=1999)
        assert result.statistic == pytest.approx(expected.statistic)
        assert result.p_monte_carlo == pytest.approx(expected.pvalue, abs=0.035)
        assert result.p > result.p_monte_carlo

    def test_a_normal_study_is_rejected_as_often_as_it_should_be(self):
        p = [
            ks(standardised(correlated(0.6, 40, 5, seed)), resamples=99).p_monte_carlo
            for seed in range(300)
        ]
        assert scipy_stats.kstest(p, "uniform").pvalue > 0.01

    def test_models_that_agree_do_not_count_twice(self):
        one = standardised(np.random.default_rng(3).gamma(9, size=(100, 1)))
        alone, copied = ks(one), ks(np.repeat(one, 6, axis=1))
        assert copied.p_monte_carlo == pytest.approx(alone.p_monte_carlo, abs=0.05)
        assert copied.p < alone.p / 10

    def test_rounding_to_few_test_images_is_no_departure_from_normal(self):
        errors = np.round(np.random.default_rng(0).standard_normal((400, 3)) * 2)
        z = standardised(errors)
        step = float(np.diff(np.unique(z[:, 0])).min())
        assert ks(z).p_monte_carlo < 0.01
        assert ks(z, step).p_monte_carlo > 0.1

    def test_pools_take_their_part_over_cells_and_gaps(self):
        cells = [with_gaps(standardised(correlated(0.3, n, 2, n))) for n in (30, 50)]
        flat = np.concatenate([cell.ravel() for cell in cells])
        second = np.concatenate([np.tile([False, True], len(cell)) for cell in cells])
        steps = [np.zeros(2)] * 2
        result = stats.ks_against_normal(cells, steps, [second, np.zeros_like(second)], 50)
        pooled = flat[second & np.isfinite(flat)]
        assert result[0].n == len(pooled)
        assert result[0].statistic == pytest.approx(scipy_stats.kstest(pooled, "norm").statistic)
        assert (result[1].n, np.isnan(result[1].p_monte_carlo)) == (0, True)

    def test_chunks_do_not_change_how_many_studies_are_simulated(self, monkeypatch):
        z = standardised(np.random.default_rng(0).gamma(0.3, size=(50, 2)))
        monkeypatch.setattr("core.stats.normality.CHUNK", 700)
        assert ks(z, resamples=99).p_monte_carlo == pytest.approx(0.01)
