"""Scores of rows and leave-one-out as studies, against the functions and plain retraining."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr, spearmanr

from core import datasets, jobs
from core.datasets.base import Dataset
from core.errors import InputError, JobCancelled
from core.influence import self_influence
from core.influence.rows import COLUMNS
from core.store import Store
from core.studies import STUDIES, influence_scores, leave_one_out
from core.studies.assess import Assessment
from core.studies.influence_spec import InfluenceSpec, LeaveOneOutSpec
from core.training.logistic import fit
from tests.core.studies.serial import Runs, serial

SPEC = InfluenceSpec("digits", "tiny", train=120, validation=80, flip=0.1)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    with serial(folder):
        assert influence_scores.run(SPEC, Runs(folder)) == "120 rows scored."
    return folder


def job_of(root: Path, spec: InfluenceSpec) -> jobs.Job:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "ensure_runner", lambda store: None)
        return jobs.submit(Store(root), spec.study, spec)


def scored(root: Path, spec: InfluenceSpec = SPEC) -> influence_scores.Scores:
    job = job_of(root, spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(datasets, "load", None)
        found = influence_scores.results(job, Store(root))
    assert found is not None
    return found


def test_the_table_is_that_of_the_functions(root: Path, digits: Dataset) -> None:
    found = scored(root)
    table = found.table
    assert tuple(table) == COLUMNS
    x = digits.train.x[found.drawn.training_set.rows].reshape(120, -1) / 16
    model = fit(x, found.drawn.given, l2=0.01, classes=10)
    own = self_influence(model, (x, found.drawn.given))
    np.testing.assert_allclose(table["self_influence"], own, rtol=1e-6)
    assert table["suspicion"].between(0, 1).all()
    flipped = table["label"] != table["given_label"]
    assert flipped.sum() == 12
    assert table.loc[flipped, "suspicion"].mean() > 0.8
    assert table.loc[flipped, "influence"].mean() > table.loc[~flipped, "influence"].mean()
    report = STUDIES["influence"].report(job_of(root, SPEC), Store(root))
    assert "rows harm" in report.sentences[0]
    assert "Solver converged" in report.sentences[1]


def test_every_model_says_where_it_was_trained(root: Path, digits: Dataset) -> None:
    runs = STUDIES["influence"].report(job_of(root, SPEC), Store(root)).tables["runs"]
    assert len(runs) == 1 + len(influence_scores.VIEWS)
    assert (runs["device"] == "cpu").all()
    assert runs["versions"].str.contains("scikit-learn").all()
    assert (runs["seconds"] > 0).all()
    assert influence_scores.estimate(SPEC, digits, Store(root)) == (0, 0.0, True)
    other = InfluenceSpec.from_dict({**SPEC.to_dict(), "seed": 1})
    left, seconds, measured = influence_scores.estimate(other, digits, Store(root))
    assert (left, measured) == (7, True)
    assert seconds > 0


def test_what_was_stored_before_origins_were_noted_is_read(root: Path, tmp_path: Path) -> None:
    found = dataclasses.replace(scored(root).found, origin=None)
    store = Store(tmp_path)
    found.store(store, "old")
    again = Assessment.stored(store, "old", pytest.fail)
    assert again is not None
    assert again.origin is None
    assert again.made()["device"] == ""


def test_a_study_that_was_stopped_goes_on(tmp_path: Path, root: Path) -> None:
    with serial(tmp_path):
        with pytest.raises(JobCancelled):
            influence_scores.run(SPEC, Runs(tmp_path, 3))
        partly = scored(tmp_path)
        assert partly.table["suspicion"].isna().all()
        context = Runs(tmp_path)
        influence_scores.run(SPEC, context)
    assert context.told[-1][1:] == (7, 7)
    np.testing.assert_array_equal(scored(tmp_path).table, scored(root).table)


def test_nothing_is_shown_of_what_has_not_begun(tmp_path: Path) -> None:
    with serial(tmp_path):
        job = job_of(tmp_path, SPEC)
        assert influence_scores.results(job, Store(tmp_path)) is None
        assert influence_scores.headline(job, Store(tmp_path)) == "Nothing is scored yet."


def test_leave_one_out_is_plain_retraining(root: Path, digits: Dataset) -> None:
    rows = scored(root).table.sort_values("influence")["row"].tolist()
    spec = LeaveOneOutSpec.from_dict(
        {**SPEC.to_dict(), "rows": tuple(sorted(rows[:4] + rows[-4:])), "name": "check"}
    )
    with serial(root):
        assert leave_one_out.run(spec, Runs(root)) == "9 models trained."
    assert leave_one_out.estimate(spec, digits, Store(root)) == (0, 0.0, True)
    report = STUDIES["leave-one-out"].report(job_of(root, spec), Store(root))
    assert report.tables["runs"]["device"].tolist() == ["cpu"] * 9
    found = leave_one_out.results(job_of(root, spec), Store(root))
    drawn = scored(root).drawn
    x = digits.train.x.reshape(1300, -1) / 16
    vx, vy = x[drawn.validation], digits.train.y[drawn.validation]

    def loss(places: Any) -> float:
        model = fit(x[drawn.training_set.rows[places]], drawn.given[places], l2=0.01, classes=10)
        return float(-model.log_probabilities(vx)[np.arange(80), vy].mean())

    everything = np.arange(120)
    whole = loss(everything)
    for line in found.table.itertuples():
        place = int(np.flatnonzero(drawn.training_set.rows == line.row)[0])
        assert line.true == pytest.approx(loss(np.delete(everything, place)) - whole, abs=1e-7)
    # Both are near one line through 0: the rows left weigh more, and predictions know that.
    slope, offset = np.polyfit(found.table["predicted"], found.table["true"], 1)
    assert 1 < slope < 1.6
    assert abs(offset) < 0.2 * found.table["true"].abs().max()
    scores = scored(root).found.influence
    weights = np.full(120, 1 / 119)
    weights[3] = -1.0
    assert leave_one_out.predicted(scored(root).found, 3) == pytest.approx(weights @ scores / 120)
    pair = found.table["predicted"], found.table["true"]
    assert found.correlation.pearson == pytest.approx(pearsonr(*pair).statistic)
    assert found.correlation.spearman == pytest.approx(spearmanr(*pair).statistic)
    assert found.correlation.pearson > 0.9
    assert "Over 8 rows left out" in leave_one_out.headline(job_of(root, spec), Store(root))


def test_repeats_of_a_network_are_averaged(tmp_path: Path) -> None:
    with serial(tmp_path):
        base = InfluenceSpec("digits", "net", model="mlp-1:width=4", train=60, validation=40)
        drawn = base.sample.draw(datasets.load("digits"))
        rows = tuple(drawn.training_set.rows[:3].tolist())
        spec = LeaveOneOutSpec.from_dict({**base.to_dict(), "rows": rows, "repeats": 2})
        assert leave_one_out.run(spec, Runs(tmp_path)) == "8 models trained."
        table = leave_one_out.results(job_of(tmp_path, spec), Store(tmp_path)).table
    assert table["row"].tolist() == list(rows)
    assert (table["sd"] >= 0).all()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"rows": (1, 2)}, "at least three rows to leave out; got 2"),
        ({"rows": (1, 1, 2)}, "lists 1 twice"),
        ({"rows": (1, 2, 99_999)}, "is not among the 120 rows"),
        ({"rows": (1, 2, 3), "repeats": 0}, "repeats must be"),
        ({"rows": (1, 2, 3), "model": "gnb"}, "which gnb has not"),
    ],
)
def test_what_cannot_be_left_out_is_refused(settings: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError, match=says):
        leave_one_out.prepare(LeaveOneOutSpec.from_dict({**SPEC.to_dict(), **settings}))
