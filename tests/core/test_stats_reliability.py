"""Reliability against closed forms, plain correlation, and a true correlation behind noise."""

from __future__ import annotations

import numpy as np
import pytest

from core.stats import pearson_pairs
from core.stats.reliability import chance_variance, reliability


def once(n: int) -> np.ndarray:
    return np.ones((1, n))


def test_chance_variance_is_that_of_each_subject_s_runs() -> None:
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6, 2, 4))
    scores[0, 0, 2:] = np.nan
    scores[1, 1, 1:] = np.nan
    found = chance_variance(scores)
    assert found[0, 0] == pytest.approx(scores[0, 0, :2].var(ddof=1))
    assert np.isnan(found[1, 1])
    assert found[2:] == pytest.approx(scores[2:].var(axis=2, ddof=1))


def test_without_chance_it_is_one_and_without_anything_else_zero() -> None:
    rng = np.random.default_rng(1)
    scores, strata = rng.normal(size=(50, 2)), np.zeros(50, dtype=int)
    chance = np.zeros((50, 2))
    assert reliability(scores, chance, strata, once(50)) == pytest.approx(1.0)
    chance[:, 0] = scores[:, 0].var(ddof=1)
    assert reliability(scores, chance, strata, once(50))[0] == pytest.approx([0.0, 1.0])


def test_it_is_the_correlation_of_two_runs() -> None:
    rng = np.random.default_rng(2)
    truth = rng.normal(size=(20_000, 1))
    runs = truth[:, :, None] + 0.6 * rng.normal(size=(20_000, 1, 2))
    found = reliability(
        runs[:, :, 0], chance_variance(runs), np.zeros(20_000, dtype=int), once(20_000)
    )
    assert found[0, 0] == pytest.approx(1 / 1.36, abs=0.01)
    assert found[0, 0] == pytest.approx(np.corrcoef(runs[:, 0].T)[0, 1], abs=0.01)


def test_an_unfair_sample_of_repeated_subjects_is_weighted() -> None:
    """Nine in ten subjects are of the noisier stratum, of which one in twenty is repeated."""
    rng = np.random.default_rng(3)
    strata = (np.arange(40_000) % 10 == 0).astype(int)
    noise = np.where(strata == 1, 0.2, 1.0)[:, None]
    truth = rng.normal(size=40_000)
    runs = truth[:, None] + noise * rng.normal(size=(40_000, 2))
    second = np.where((strata == 1) | (np.arange(40_000) % 20 == 1), runs[:, 1], np.nan)
    chance = chance_variance(np.stack([runs[:, 0], second], axis=1)[:, None, :])
    found = reliability(runs[:, :1], chance, strata, once(40_000))
    assert found[0, 0] == pytest.approx(1 / (1 + 0.9 + 0.1 * 0.04), abs=0.03)


def test_what_is_not_known_is_nan() -> None:
    rng = np.random.default_rng(4)
    scores, strata = rng.normal(size=(10, 1)), np.repeat([0, 1], 5)
    chance = np.where(strata[:, None] == 0, 0.1, np.nan)
    assert np.isnan(reliability(scores, chance, strata, once(10))).all()
    assert np.isnan(reliability(np.ones((10, 1)), np.ones((10, 1)), strata, once(10))).all()


def test_resamples_are_those_of_the_subjects_drawn() -> None:
    rng = np.random.default_rng(5)
    scores, chance = rng.normal(size=(30, 2)), rng.uniform(0.1, 0.3, size=(30, 2))
    strata = rng.integers(2, size=30)
    drawn = rng.integers(30, size=30)
    counts = np.bincount(drawn, minlength=30)[None].astype(float)
    expected = reliability(scores[drawn], chance[drawn], strata[drawn], once(30))
    assert reliability(scores, chance, strata, counts) == pytest.approx(expected)


def test_the_true_correlation_comes_back_from_behind_noise() -> None:
    rng = np.random.default_rng(6)
    n, rho = 20_000, 0.8
    truth = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size=n)
    runs = truth[:, :, None] + np.array([0.5, 1.0])[:, None] * rng.normal(size=(n, 2, 2))
    own = reliability(runs[:, :, 0], chance_variance(runs), np.zeros(n, dtype=int), once(n))[0]
    r_squared = pearson_pairs(runs[:, :, 0], once(n))[0, 0] ** 2
    assert own == pytest.approx([1 / 1.25, 1 / 2], abs=0.02)
    assert r_squared < own.prod()
    assert r_squared / own.prod() == pytest.approx(rho**2, abs=0.03)
