"""Studies that train nothing or score rows: reported with their figures, bundled and opened."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import datasets, jobs
from core.bundle import bundled, opened
from core.figures import figures
from core.report import report
from core.store import Store
from core.studies import STUDIES
from core.studies.influence_spec import InfluenceSpec, LeaveOneOutSpec
from core.studies.refinement_spec import RefinementSpec
from core.studies.scoreboard import ScoreboardSpec
from tests.core.studies.serial import serial

SMALL = {"model": "logistic", "train": 80, "validation": 40}
DRAWN = {
    "scoreboard": 4,
    "refinement": 6,
    "influence": 1,
    "leave-one-out": 1,
}


def specs() -> dict[str, object]:
    scores = InfluenceSpec("digits", "scores", flip=0.1, **SMALL)
    rows = scores.sample.draw(datasets.load("digits")).training_set.rows[:4]
    return {
        "scoreboard": ScoreboardSpec("digits", "board"),
        "refinement": RefinementSpec("digits", "rounds", rounds=1, seeds=2, flip=0.1, **SMALL),
        "influence": scores,
        "leave-one-out": LeaveOneOutSpec(
            "digits", "check", flip=0.1, rows=tuple(rows.tolist()), **SMALL
        ),
    }


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    root = tmp_path_factory.mktemp("others")
    with serial(root):
        store = Store(root)
        for study, spec in specs().items():
            jobs.submit(store, study, spec)  # type: ignore[arg-type]
        jobs.run_queue(store)
        bad = {job.name: job.message for job in jobs.all_jobs(store) if job.state != "done"}
        assert not bad, bad
        yield store


def of_kind(store: Store, study: str) -> jobs.Job:
    return next(job for job in jobs.all_jobs(store) if job.study == study)


@pytest.mark.parametrize("study", DRAWN)
def test_its_figures_are_in_the_report(study: str, store: Store) -> None:
    job = of_kind(store, study)
    found = STUDIES[study].report(job, store)
    drawn = figures(job, found)
    assert len(drawn) == DRAWN[study]
    page = report([job], store).decode()
    for figure in drawn:
        assert json.loads(figure.chart.to_json())["$schema"]
        assert figure.title in page.replace("&#x27;", "'")
    assert page.count('class="chart"') == len(drawn)
    if study != "scoreboard":
        assert "cpu (" in page
        assert "scikit-learn" in page


@pytest.mark.parametrize("study", DRAWN)
def test_it_opens_elsewhere_with_the_same_numbers(study: str, store: Store, tmp_path: Path) -> None:
    job, other = of_kind(store, study), Store(tmp_path)
    there = opened(io.BytesIO(bundled(job, store)), other, "f.zip")
    before, after = STUDIES[study].report(job, store), STUDIES[study].report(there, other)
    assert before.sentences == after.sentences
    for name, table in before.tables.items():
        pd.testing.assert_frame_equal(table, after.tables[name], check_exact=True)


def test_before_anything_is_known_there_are_no_figures() -> None:
    job = jobs.Job(
        "k", "influence", "n", {}, {"classes": []}, None, "done", False, 0, "", 0, 0, None, None,
        "", 0.0, None, None,
    )  # fmt: skip
    from core.studies import Report

    rows = pd.DataFrame({"suspicion": [np.nan], "influence": [1.0]})
    assert figures(job, Report({}, ("",))) == []
    assert figures(job, Report({"rows": rows}, ("",))) == []
