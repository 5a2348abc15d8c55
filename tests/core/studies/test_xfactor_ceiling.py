"""The ceiling of agreement on made-up scores whose true agreement is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.charts.heatmap import r_squared
from core.figures.xfactor import figures as xfactor_figures
from core.studies import Report
from core.studies.xfactor_analysis import Analysis, analyse
from core.studies.xfactor_analysis.ceiling import sentences
from core.studies.xfactor_analysis.readings import facts
from tests.core.studies.sample_scores import subsets

RHO = 0.9
NOISE = {"rf": 0.5, "mlp-1": 1.0, "svc": 0.0, "gnb": 0.0}
SIZES = {10: 0.3, 30: 0.15}


def made(seed: int = 0, random: int = 400) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores once and once more of every tenth subset; models share ρ² of what they judge."""
    rng = np.random.default_rng(seed)
    table = subsets(random=random, repeats=10)
    shared = rng.normal(size=len(table)) * np.where(table["strategy"] == "random", 1, 2)
    once, again = [], []
    for model, noise in NOISE.items():
        own = rng.normal(size=len(table)) * np.where(table["strategy"] == "random", 1, 2)
        judged = np.sqrt(RHO) * shared + np.sqrt(1 - RHO) * own
        for scores, replicate in ((once, 0), (again, 1)):
            z = judged + noise * rng.normal(size=len(table))
            error = table["per_class"].map(SIZES) + 0.01 * z
            scores.append(table.assign(model=model, error=error, replicate=replicate))
    repeated = pd.concat(again)
    repeated = repeated[repeated["model"].isin(["rf", "mlp-1"])]
    return pd.concat(once, ignore_index=True).drop(columns="replicate"), repeated.iloc[::2]


@pytest.fixture(scope="module")
def found() -> Analysis:
    once, again = made()
    return analyse(once, resamples=300, replicates=again)


def row(table: pd.DataFrame | None, **where: str) -> pd.Series:
    assert table is not None
    keys = list(where)
    (place,) = np.flatnonzero((table[keys] == pd.Series(where)).all(axis=1))
    return table.iloc[place]


@pytest.mark.parametrize(("model", "noise"), NOISE.items())
def test_reliability_is_the_share_that_is_not_chance(found, model, noise) -> None:
    own = row(found.reliability, group="random", per_class="all", model=model)
    truth = 1 / (1 + noise**2)
    assert own["reliability"] == pytest.approx(truth, abs=0.06)
    assert own["own"] == pytest.approx(own["reliability"] ** 2)
    assert own["drawn"] == (noise > 0)
    if noise:
        assert own["low"] < truth < own["high"]
        assert own["subsets"] == 400
        assert own["runs"] == 2
    else:
        assert own["low"] == own["high"] == own["reliability"] == 1


def test_the_corrected_r_squared_is_the_true_one(found) -> None:
    pair = row(found.ceiling, group="random", model_a="rf", model_b="mlp-1")
    assert pair["r_squared"] < pair["ceiling"]
    assert pair["ceiling"] == pytest.approx(0.8 * 0.5, abs=0.06)
    assert pair["corrected_low"] < RHO**2 < pair["corrected_high"]
    assert pair["corrected"] == pytest.approx(min(1, pair["r_squared"] / pair["ceiling"]))
    steady = row(found.ceiling, group="random", model_a="svc", model_b="gnb")
    assert steady["ceiling"] == 1
    assert steady["corrected"] == pytest.approx(steady["r_squared"])
    mean = row(found.ceiling_mean, group="random")
    assert mean["pairs"] == 3
    assert mean["corrected_low"] < RHO**2 < mean["corrected_high"]


def test_r_squared_is_that_of_the_matrix(found) -> None:
    keys = ["group", "model_a", "model_b"]
    both = found.ceiling.merge(found.r_squared, on=keys, suffixes=("", "_matrix"))
    assert len(both) == len(found.r_squared) == 18
    assert both["r_squared"].to_numpy() == pytest.approx(both["r_squared_matrix"].to_numpy())


def test_selected_subsets_differ_more_and_so_are_told_apart_more_reliably(found) -> None:
    random = row(found.reliability, group="random", per_class="all", model="mlp-1")
    selected = row(found.reliability, group="selected", per_class="all", model="mlp-1")
    assert random["reliability"] + 0.1 < selected["reliability"]
    sizes = found.reliability.query("group == 'all' and model == 'rf'")["per_class"]
    assert sizes.tolist() == ["all", "10", "30"]


def test_a_correction_beyond_one_is_capped_and_its_interval_is_not() -> None:
    once, again = made(seed=1, random=20)
    again = again.assign(error=again["error"] + 0.02 * (again["model"] == "rf") * again["excess"])
    found = analyse(once, resamples=100, replicates=again)
    pair = row(found.ceiling, group="all", model_a="rf", model_b="mlp-1")
    assert pair["corrected"] <= 1 or np.isnan(pair["corrected"])


def test_without_replicates_there_is_no_ceiling() -> None:
    once, again = made(random=20)
    for nothing in (None, again.iloc[:0]):
        found = analyse(once, resamples=10, replicates=nothing)
        assert found.ceiling is found.reliability is found.ceiling_mean is None
        assert "ceiling" not in found.tables()
    partly = analyse(once, resamples=10, replicates=again[again["per_class"] == 10])
    assert np.isnan(row(partly.reliability, group="all", per_class="all", model="rf").reliability)
    size = row(partly.reliability, group="all", per_class="10", model="rf")
    assert 0 < size["reliability"] < 1
    assert np.isnan(row(partly.ceiling, group="all", model_a="rf", model_b="svc")["ceiling"])


def test_it_is_said_and_drawn(found) -> None:
    said = [fact for fact in facts(found) if fact.topic == "ceiling"]
    assert [fact.group for fact in said] == ["all", "all", "random", "random"]
    assert "(mlp-1) to" in said[2].text
    assert "could be 0." in said[3].text
    assert sentences(found.reliability.query("not drawn"), found.ceiling_mean, "all") == []
    drawn = xfactor_figures(None, Report(found.tables(), ()))
    assert {"ceiling-all", "ceiling-selected", "ceiling-random"} <= {one.name for one in drawn}
    own = found.reliability.query("group == 'all'")
    with_itself = r_squared(found.r_squared, "all", list(NOISE), own).to_dict()
    without = r_squared(found.r_squared, "all", list(NOISE)).to_dict()
    rows = [next(iter(one["datasets"].values())) for one in (with_itself, without)]
    assert len(rows[0]) - len(rows[1]) == len(NOISE)
