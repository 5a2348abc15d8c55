"""Statistics against SciPy, enumeration and simulation."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, ttest_1samp, wilcoxon

from core.errors import InputError
from core.stats.paired import (
    benjamini_hochberg,
    cohens_d,
    compare,
    smallest_p,
    wilcoxon_p,
)


def by_enumeration(differences: list[float]) -> float:
    values = np.array([d for d in differences if d], dtype=float)
    if not values.size:
        return 1.0
    ranks = rankdata(np.abs(values))
    sums = np.array(
        [
            ranks[np.array(signs, bool)].sum()
            for signs in itertools.product([0, 1], repeat=len(ranks))
        ]
    )
    seen = ranks[values > 0].sum()
    return min(1.0, 2 * min((sums <= seen + 1e-9).mean(), (sums >= seen - 1e-9).mean()))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(-5, 5), min_size=1, max_size=9))
def test_wilcoxon_counts_all_signs_ties_and_zeros(differences: list[int]) -> None:
    assert wilcoxon_p(differences) == pytest.approx(by_enumeration(differences))


def test_wilcoxon_agrees_with_scipy_where_nothing_ties() -> None:
    rng = np.random.default_rng(0)
    for n in (5, 10, 25, 60):
        differences = rng.normal(0.3, 1, n)
        assert wilcoxon_p(differences) == pytest.approx(
            wilcoxon(differences, method="exact").pvalue
        )


@pytest.mark.parametrize(("pairs", "p"), [(1, 1), (5, 0.0625), (6, 0.03125), (10, 2 / 1024)])
def test_the_smallest_p_is_that_of_differences_all_one_way(pairs: int, p: float) -> None:
    assert smallest_p(pairs) == p
    assert wilcoxon_p(np.arange(1, pairs + 1)) == pytest.approx(p)


def test_benjamini_hochberg_on_known_values() -> None:
    np.testing.assert_allclose(
        benjamini_hochberg([0.01, 0.04, 0.03, 0.5]), [0.04, 4 / 3 * 0.04, 4 / 3 * 0.04, 0.5]
    )


def test_cohens_d_and_its_interval() -> None:
    rng = np.random.default_rng(1)
    values = rng.normal(0.8, 1, 10)
    effect = cohens_d(values)
    assert effect.d == pytest.approx(values.mean() / values.std(ddof=1))
    assert effect.low < effect.d < effect.high
    mirrored = cohens_d(-values)
    assert mirrored.low == pytest.approx(-effect.high)
    # The interval holds 0 exactly when the t test does not reject it.
    for shift in np.linspace(0, 1.5, 16):
        moved = rng.normal(shift, 1, 8)
        found = cohens_d(moved)
        assert (found.low > 0 or found.high < 0) == (ttest_1samp(moved, 0).pvalue < 0.05)


def test_the_interval_covers_the_true_effect_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    found = [cohens_d(rng.normal(0.7, 1, 10)) for _ in range(300)]
    assert np.mean([e.low <= 0.7 <= e.high for e in found]) == pytest.approx(0.95, abs=0.04)


def test_differences_without_spread_have_no_effect_size() -> None:
    assert math.isnan(cohens_d([0.1, 0.1, 0.1]).d)


def test_a_huge_effect_has_a_finite_interval() -> None:
    effect = cohens_d([1.0, 1.001, 0.999, 1.0005])
    assert 0 < effect.low < effect.d < effect.high < math.inf
    two = cohens_d([1.0, 1.001])
    assert two.low < two.d < two.high < math.inf


def test_five_seeds_are_never_shown_as_significant() -> None:
    (found,) = compare({"influence against random": [1, 2, 3, 4, 5]})
    assert found.p == found.smallest_p == 0.0625
    assert not found.attainable
    assert not found.significant
    assert "the smallest possible p is 0.0625" in found.words


def test_a_family_is_adjusted_together() -> None:
    rng = np.random.default_rng(3)
    family = {f"arm {i}": rng.normal(m, 1, 10) for i, m in enumerate([2.0, 1.0, 0.0])}
    found = compare(family)
    np.testing.assert_allclose([c.q for c in found], benjamini_hochberg([c.p for c in found]))
    assert found[0].significant
    assert "significant (q = " in found[0].words
    assert not found[2].significant
    assert "not significant" in found[2].words
    assert compare({}) == []


@pytest.mark.parametrize("values", [[1.0], [1.0, math.nan], [[1.0, 2.0]]])
def test_bad_differences_are_refused(values) -> None:
    with pytest.raises(InputError, match="at least 2 seeds"):
        compare({"a": values})
