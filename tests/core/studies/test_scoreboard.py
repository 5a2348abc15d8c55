"""The scoreboard as a job: it remembers its table, can be stopped, and says what it found."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from core import datasets, jobs
from core.errors import InputError
from core.quality import scoreboard as judged
from core.store import Store
from core.studies import scoreboard
from core.studies.scoreboard import ScoreboardSpec

SPEC = ScoreboardSpec("digits", "check", percent=10, seed=1)


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
    return Store(tmp_path)


def test_a_job_remembers_the_table_and_says_what_it_found(store: Store) -> None:
    job = jobs.submit(store, "scoreboard", SPEC)
    assert "No copy" in scoreboard.headline(job, store)
    jobs.run_queue(store)
    job = jobs.find(store, job.key)
    assert (job.state, job.done) == ("done", job.total)
    expected = judged(datasets.load("digits"), 0.1, seed=1)
    pd.testing.assert_frame_equal(scoreboard.scores(job, store), expected, check_dtype=False)
    report = scoreboard.report(job, store)
    assert "mean F1" in report.sentences[0]
    assert any("untouched images the default flags none" in text for text in report.sentences)
    chosen = report.tables["default"]
    assert set(chosen["threshold"]) == {"default"}
    assert "blurry_content" in set(chosen["score"])
    assert "blurry" not in set(chosen["score"])


def test_a_second_run_reads_what_was_remembered(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.submit(store, "scoreboard", SPEC)
    jobs.run_queue(store)
    monkeypatch.setattr(scoreboard, "scoreboard", None)
    with store.connection() as db:
        db.execute("UPDATE jobs SET state = 'failed'")
    jobs.resume(store, job.key)
    jobs.run_queue(store)
    assert jobs.find(store, job.key).state == "done"


def test_it_stops_between_two_copies(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    job = jobs.submit(store, "scoreboard", SPEC)

    def pressed(*args: object, progress: object, **options: object) -> pd.DataFrame:
        jobs.cancel(store, job.key)
        progress(1, 7)  # type: ignore[operator]
        raise AssertionError("it went on")

    monkeypatch.setattr(scoreboard, "scoreboard", pressed)
    jobs.run_queue(store)
    assert jobs.find(store, job.key).state == "cancelled"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"percent": 61}, "1 to 60"),
        ({"percent": 0}, "percent"),
        ({"severity": "awful"}, "Unknown severity"),
        ({"dataset": ""}, "dataset"),
    ],
)
def test_a_spec_that_cannot_be_used_is_one_sentence(values: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ScoreboardSpec(**({"dataset": "digits"} | values))


def test_a_better_detector_is_named() -> None:
    columns = ["faults", "issue", "score", "threshold", "precision", "recall", "f1"]
    rows = [
        ("single", "dark", "dark", "default", 1.0, 0.2, 0.33),
        ("single", "dark", "dark", "otsu", 0.9, 0.9, 0.9),
    ]
    table = pd.DataFrame(rows, columns=columns).assign(clean_flagged=[0.0, 0.25], images=100)
    (sentence,) = scoreboard._better(table, scoreboard.defaults(table))
    assert sentence == (
        "For dark, Dark (CleanVision) cut by otsu does better here: F1 0.90 against 0.33, "
        "flagging 25.0% of the untouched images."
    )
