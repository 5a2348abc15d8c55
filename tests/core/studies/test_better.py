"""How often strategies beat the best random subset: by hand, and by chance where nothing acts."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from core.stats.proportion import wilson
from core.studies.xfactor_analysis import analyse
from core.studies.xfactor_analysis.better import ALL, better
from core.studies.xfactor_analysis.readings import facts
from core.studies.xfactor_analysis.scores import WITHOUT, prepare
from tests.core.studies.sample_scores import scores, subsets

RANDOM = {"a": [0.30, 0.20, 0.25], "b": [0.5, 0.6, 0.7]}
CHOSEN = {"a": [0.19, 0.20, 0.40, 0.10], "b": [0.4, 0.4, 0.9, 0.9]}


def table(models: dict[str, str]) -> pd.DataFrame:
    """Three random subsets and four selected ones, scored by models called so."""
    rows = [
        (f"{kind}{i}", 10, strategy, direction, excess, i, models[model], error)
        for kind, errors, strategy, direction, excess in (
            ("r", RANDOM, "random", "", 0), ("s", CHOSEN, "k_center", "+", 20)
        )
        for model in models
        for i, error in enumerate(errors[model])
    ]  # fmt: skip
    columns = ["subset", "per_class", "strategy", "direction", "excess", "repeat", "model", "error"]
    return pd.DataFrame(rows, columns=columns)


def by_model(models: dict[str, str]) -> dict[str, dict]:
    found = analyse(table(models), resamples=200).better
    return {row["model"]: row for row in found.to_dict("records")}


def test_shares_by_hand() -> None:
    rows = by_model({"a": "rf", "b": "svc"})
    assert list(rows) == ["rf", "svc", ALL]
    assert [row["share"] for row in rows.values()] == [0.5, 0.5, 0.5]  # 0.20 is not below 0.20
    assert rows["rf"]["chance"] == rows[ALL]["chance"] == 0.25
    assert (rows["rf"]["random"], rows[ALL]["subsets"]) == (3, 4)
    sd = np.std(RANDOM["a"], ddof=1)
    assert rows["rf"]["z_mean"] == pytest.approx((np.mean(CHOSEN["a"]) - 0.25) / sd)
    assert rows["rf"]["z_low"] < rows["rf"]["z_mean"] < rows["rf"]["z_high"]


def test_naive_bayes_is_left_out_of_the_models_together_as_of_other_means() -> None:
    assert list(by_model({"a": "rf", "b": "gnb"})) == ["rf", "gnb"]
    found = analyse(scores(subsets(repeats=3), ("rf", "svc", "gnb")), resamples=20).better
    assert set(found["model"]) == {"rf", "svc", "gnb", WITHOUT}


def test_chance_is_one_in_as_many_as_there_are() -> None:
    rng = np.random.default_rng(0)
    found = []
    for _ in range(300):
        made = table({"a": "rf"})
        made["error"] = rng.random(len(made))
        found.append(better(prepare(made, None)[0], 1, 0)["share"].iloc[0])
    assert np.mean(found) == pytest.approx(0.25, abs=0.04)


def test_the_sentence_names_the_best_kind_and_what_chance_gives() -> None:
    analysis = analyse(table({"a": "rf", "b": "svc"}), resamples=20)
    (text,) = [fact.text for fact in facts(analysis) if fact.topic == "better"]
    assert text.startswith("k_center + beats the best of 3 random subsets in 50.0 % (95 % CI 15.0–")
    assert "of its 4 subsets of 10 images per class, most of all" in text
    assert "without any effect 25.0 % would" in text
    assert text.endswith("0 of 1 kinds of subsets do so clearly more often than by chance.")


def test_without_random_subsets_there_is_nothing_to_beat() -> None:
    made = table({"a": "rf"})
    assert analyse(made[made["strategy"] != "random"], resamples=5).better.empty


@pytest.mark.parametrize(("k", "n"), [(0, 7), (3, 7), (7, 7), (12, 100)])
def test_wilson_is_scipys(k: int, n: int) -> None:
    theirs = binomtest(k, n).proportion_ci(method="wilson")
    assert wilson(k / n, n) == pytest.approx((theirs.low, theirs.high))
