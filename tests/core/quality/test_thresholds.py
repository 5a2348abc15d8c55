"""Thresholds against their definitions, slowly; the default against clean and faulty scores."""

import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import UnknownName
from core.quality.policy import JUDGES, decide, judge
from core.quality.scores import SCORES, score_images
from core.quality.thresholds import CENTRES, EDGES, THRESHOLDS, generalized, histogram, li_restarts

BLURRY = SCORES["blurry_content"]


def two_bumps(share, n=3000, low=0.15, high=0.5, spread=0.04):
    rng = np.random.default_rng(5)
    faults = int(share * n)
    values = np.concatenate([rng.normal(low, spread, faults), rng.normal(high, spread, n - faults)])
    return np.clip(values, 0, 1)


def naive_ght(counts, x, nu, tau, kappa, omega):
    """Barron 2020, equations 3-9: the posterior of every split, one at a time."""
    best, places = -1e300, []
    for t in range(len(x) - 1):
        value = 0.0
        total = sum(counts)
        for n, z, share in (
            (counts[: t + 1], x[: t + 1], omega),
            (counts[t + 1 :], x[t + 1 :], 1 - omega),
        ):
            w = max(sum(n), 1e-30)
            mean = sum(n * z) / w
            d = sum(n * (z - mean) ** 2)
            pi = w / total
            v = max((pi * nu * tau**2 + d) / (pi * nu + w), 1e-30)
            value += -d / v - w * math.log(v) + 2 * (w + kappa * share) * math.log(w)
        if value > best + 1e-9 * abs(best):
            best, places = value, [x[t]]
        elif value > best - 1e-9 * abs(best):
            places.append(x[t])
    return np.mean(places)


@pytest.mark.parametrize(
    "prior",
    [
        {"nu": 200.0, "tau": 0.05, "kappa": 0.0, "omega": 0.5},
        {"nu": 50.0, "tau": 0.1, "kappa": 500.0, "omega": 0.1},
        {"nu": 1e6, "tau": 0.01, "kappa": 0.0, "omega": 0.5},
    ],
)
@pytest.mark.parametrize("share", [0.05, 0.3])
def test_ght_is_its_published_definition(prior, share):
    counts = histogram(two_bumps(share))
    ours = generalized(counts, CENTRES, **prior)
    assert ours == pytest.approx(naive_ght(counts, CENTRES, **prior), abs=1e-9)


def test_ght_with_a_strong_variance_prior_is_otsu():
    from skimage.filters import threshold_otsu

    counts = histogram(two_bumps(0.3))
    ours = generalized(counts, CENTRES, nu=1e30, tau=1e-15)
    theirs = threshold_otsu(hist=(counts, CENTRES))
    # Empty bins between the bumps tie: GHT takes their middle, scikit-image the first.
    assert counts[ours >= CENTRES].sum() == counts[theirs >= CENTRES].sum()


def test_minimum_error_finds_the_crossing_of_two_gaussians():
    x = np.linspace(0, 1, 2001)
    weighted = [
        0.2 * np.exp(-(((x - 0.15) / 0.04) ** 2) / 2),
        0.8 * np.exp(-(((x - 0.5) / 0.04) ** 2) / 2),
    ]
    between = (x > 0.15) & (x < 0.5)
    crossing = x[between][np.abs(weighted[0] - weighted[1])[between].argmin()]
    cut = THRESHOLDS["minimum-error"](two_bumps(0.2), BLURRY)
    assert cut == pytest.approx(crossing, abs=0.04)


def test_kapur_is_the_largest_sum_of_entropies():
    values = two_bumps(0.2)
    share = histogram(values) / len(values)

    def entropies(t):
        total = 0.0
        for part in (share[:t], share[t:]):
            inside = part[part > 0] / part.sum()
            total -= (inside * np.log(inside)).sum()
        return total

    splits = [t for t in range(1, 256) if share[:t].sum() > 0 and share[t:].sum() > 0]
    best = EDGES[max(splits, key=entropies)]
    assert THRESHOLDS["kapur"](values, BLURRY) == pytest.approx(best)


@pytest.mark.parametrize("name", sorted(set(THRESHOLDS) - {"fixed", "mad", "triangle"}))
def test_every_automatic_threshold_parts_two_clear_bumps(name):
    cut = THRESHOLDS[name](two_bumps(0.3), BLURRY)
    assert 0.2 < cut < 0.48


def test_mad_is_three_scaled_deviations_under_the_median():
    values = np.random.default_rng(0).normal(0.5, 0.05, 100_000).clip(0, 1)
    assert THRESHOLDS["mad"](values, BLURRY) == pytest.approx(0.35, abs=0.005)


@pytest.mark.parametrize("name", list(THRESHOLDS))
@pytest.mark.parametrize(
    "values", [np.full(9, 0.4), np.full(1, 0.4), np.full(3, np.nan), np.array([])]
)
def test_equal_missing_or_no_scores_flag_nothing(name, values):
    cut = THRESHOLDS[name](values, BLURRY)
    assert not (values < cut).any()


@settings(max_examples=40, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=2, max_size=60), st.sampled_from(list(THRESHOLDS)))
def test_every_threshold_takes_any_scores(values, name):
    assert np.isfinite(THRESHOLDS[name](np.array(values), BLURRY))


def test_li_restarts_agree_on_two_clear_bumps_and_show_where_they_do_not():
    cuts = [cut for _, cut in li_restarts(two_bumps(0.4))]
    assert np.ptp(cuts) < 0.02
    rng = np.random.default_rng(0)
    three = np.concatenate(
        [rng.normal(m, 0.01, k) for m, k in ((0.05, 300), (0.35, 300), (0.9, 900))]
    )
    assert np.ptp([cut for _, cut in li_restarts(three.clip(0, 1))]) > 0.1
    assert li_restarts(np.full(5, 0.3)) == []


@pytest.mark.parametrize("share", [0.02, 0.05, 0.12, 0.3, 0.6])
def test_the_default_finds_the_gap_at_any_share(share):
    decision = decide(two_bumps(share), BLURRY)
    assert decision.method == "gap"
    assert decision.flagged == pytest.approx(share * 3000, abs=6)
    assert "gap" in decision.reason


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", ["dark", "blurry_content", "low_information_content"])
def test_the_default_says_nothing_on_one_bump(seed, name):
    rng = np.random.default_rng(seed)
    high = SCORES[name].loosest + 0.15
    values = rng.normal(high, 0.07, 2000).clip(0, 1)
    decision = decide(values, SCORES[name])
    assert decision.method == "fixed"
    assert decision.flagged <= 2


def test_a_data_set_that_is_grey_by_nature_is_not_flagged():
    decision = decide(np.zeros(500), SCORES["grayscale_content"])
    assert (decision.method, decision.flagged) == ("silent", 0)
    assert "that is how this data set is" in decision.reason


def test_a_few_grey_images_are_variety_and_more_are_not():
    colour = np.full(980, 0.9)
    few = decide(np.concatenate([np.zeros(10), colour]), SCORES["grayscale_content"])
    more = decide(np.concatenate([np.zeros(40), colour]), SCORES["grayscale_content"])
    assert (few.flagged, more.flagged) == (0, 40)
    assert "variety" in few.reason


def test_judge_flags_each_issue_and_never_an_unreadable_file(tiles):
    bright = tiles[score_images(tiles)["dark_score"] > 0.7]
    table = score_images(np.concatenate([bright, (bright[:60] * 0.2).astype(np.uint8)]))
    table.loc[3, [score.column for score in SCORES.values()]] = np.nan
    flagged, decisions = judge(table)
    assert [decision.score for decision in decisions] == list(JUDGES.values())
    assert flagged["is_dark_issue"].tolist() == [False] * len(bright) + [True] * 60
    assert not flagged.loc[3].filter(like="is_").any()
    assert set(flagged) - set(table) == {f"is_{issue}_issue" for issue in JUDGES}


def test_judge_can_use_cleanvision_or_any_threshold(tiles):
    from core.quality import cleanvision

    table = score_images(np.concatenate([tiles, (tiles[:60] * 0.2).astype(np.uint8)]))
    theirs, _ = judge(table, "cleanvision")
    pd.testing.assert_frame_equal(theirs[list(cleanvision.flags(table))], cleanvision.flags(table))
    by_li, decisions = judge(table, "li")
    assert by_li["is_blurry_issue"].sum() == decisions[2].flagged > 50
    with pytest.raises(UnknownName, match="kde-valley"):
        judge(table, "guess")


def test_cleanvision_s_odd_size_rule_for_sets_of_one_size():
    images = np.zeros((9, 8, 8, 1), np.uint8)
    table = score_images(images)
    table.loc[0, ["width", "height"]] = 9
    from core.quality.scores import with_odd_size

    flagged, _ = judge(with_odd_size(table))
    assert flagged["is_odd_size_issue"].tolist() == [True] + [False] * 8


def test_a_dark_data_set_without_a_gap_is_not_flagged():
    values = np.random.default_rng(0).normal(0.31, 0.05, 2000).clip(0, 1)
    decision = decide(values, SCORES["dark"])
    assert (decision.method, decision.flagged) == ("silent", 0)
    assert "without a gap" in decision.reason
