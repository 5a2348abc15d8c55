"""Subsets trained again: which, under which keys and seeds, and that stored studies stay valid."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import datasets, jobs
from core.models import MODELS, Model
from core.selection import select
from core.specs import Selection, TrainingSet
from core.store import Store
from core.studies import xfactor
from core.studies.xfactor_replicates import places
from core.studies.xfactor_spec import XFactorSpec
from tests.core.studies.serial import serial

SPEC = XFactorSpec(
    "digits", per_class=(2, 3), random=6, strategies=("uniqueness", "own_mean"), excess=(3, 6),
    repeats=2, models=("rf", "gnb"), replicates=2, replicate_subsets=4,
)  # fmt: skip


def test_half_are_random_and_all_are_spread_over_the_plan() -> None:
    table = xfactor.recipes(xfactor.plan(SPEC))
    found = table.iloc[places(SPEC, table)]
    kinds = (found["strategy"] == "random").groupby(found["per_class"]).agg(["sum", "size"])
    assert kinds.to_numpy().tolist() == [[2, 4], [2, 4]]
    many = table.iloc[places(replace(SPEC, replicate_subsets=14), table)]
    assert set(many["strategy"]) == {"random", "uniqueness", "own_mean"}
    assert set(many["direction"]) == {"", "+", "-"}
    assert places(replace(SPEC, replicates=0), table).size == 0
    assert len(places(replace(SPEC, replicate_subsets=1000), table)) == len(table)
    few = replace(SPEC, random=1)
    table = xfactor.recipes(xfactor.plan(few))
    found = table.iloc[places(few, table)]
    assert (found["strategy"] == "random").sum() == 2
    assert len(found) == 8


def test_a_study_without_replicates_keeps_the_key_it_had() -> None:
    once = replace(SPEC, replicates=0)
    assert xfactor.prepare(once) == xfactor.prepare(replace(once, replicate_subsets=9, name="x"))
    assert xfactor.prepare(once)[0] != xfactor.prepare(SPEC)[0]
    assert not {"replicates", "replicate_subsets"} & set(once.content())


@pytest.mark.parametrize("name", ["svc", "gnb", "logistic", "rf"])
def test_models_said_to_draw_nothing_give_the_same_under_every_seed(name: str) -> None:
    digits = datasets.load("digits")
    rows = select(digits, Selection("random", "", 3, 0, 0)).rows
    sets = [TrainingSet(digits.fingerprint, rows)] * 2
    first, second = Model.parse(name).fit_many(digits, sets, [1, 2], "cpu")
    same = bool((first.predictions == second.predictions).all())
    assert same == MODELS[name].deterministic


def test_scores_of_replicates_stand_apart_from_the_study_s(tmp_path: Path) -> None:
    spec = replace(SPEC, per_class=(2,))
    with serial(tmp_path):
        store = Store(tmp_path)
        first = jobs.submit(store, "xfactor", replace(spec, replicates=0))
        jobs.run_queue(store)
        job = jobs.submit(store, "xfactor", spec)
        jobs.run_queue(store)
        job = jobs.find(store, job.key)
    before = xfactor.results(jobs.find(store, first.key), store)
    found = xfactor.results(job, store)
    assert (job.done, job.total) == (found.units + 8, found.units + 8)
    assert before.replicates.empty
    assert found.scores.equals(before.scores)
    again = found.replicates
    assert set(again["model"]) == {"rf"}
    assert sorted(again["replicate"].unique()) == [1, 2]
    seeds = np.concatenate([again["seed"], found.scores.query("model == 'rf'")["seed"]])
    assert len(set(seeds)) == len(seeds) == 8 + 22
    digits = datasets.load("digits")
    estimate = xfactor.estimate(spec, digits, store)
    assert (estimate.subsets, estimate.units, estimate.done) == (22, 52, 52)
    assert xfactor.estimate(replace(spec, seed=1), digits, store).done == 0
