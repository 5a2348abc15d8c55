"""What the operator allows: refused before the start, or stopped in a clear state, nothing lost."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core import jobs, limits
from core.cli import main
from core.errors import StoreError
from core.jobs import Context
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec

SPEC = XFactorSpec("digits", "check", per_class=(5,), random=6, strategies=(), models=("gnb", "rf"))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose jobs run only when a test says so."""
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jobs, "runner_alive", lambda store: True)
    return Store()


def behave(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    """Let every study do this in place of its own work."""
    study = jobs.STUDIES["xfactor"]
    monkeypatch.setattr(jobs, "STUDIES", {"xfactor": type(study)(**{**vars(study), "run": run})})


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("UNITS", "11", "has 12 units left to do; the operator allows 11 (XFACTOR_MOST_UNITS)"),
        ("HOURS", "1e-6", "would run for about"),
        ("UNITS", "many", "XFACTOR_MOST_UNITS must be a positive number; got 'many'"),
        ("HOURS", "nan", "XFACTOR_MOST_HOURS must be a positive number; got 'nan'"),
        ("HOURS", "-1", "XFACTOR_MOST_HOURS must be a positive number; got '-1'"),
        ("GB", "1e-6", "the operator allows 1e-06 GB"),
    ],
)
def test_a_study_over_a_limit_is_refused_before_the_start(
    name: str,
    value: str,
    words: str,
    store: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / "check.toml"
    path.write_text(SPEC.to_toml())
    monkeypatch.setenv(f"XFACTOR_MOST_{name}", value)
    assert main(["study", "run", str(path), "--detach"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert words in error
    assert error.count("\n") == 1
    assert jobs.all_jobs(store) == []


def test_hours_are_counted_over_all_runs_by_a_clock_that_never_goes_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    backwards = iter(range(10**9, 0, -3600))
    monkeypatch.setattr(time, "time", lambda: float(next(backwards)))

    def run(spec: XFactorSpec, context: Context) -> str:
        for done in range(1, 9):
            time.sleep(0.05)
            context.report("Training" if done < 8 else "Ending", done, 8, None)
            assert not context.should_stop()
        return "8 units scored."

    behave(monkeypatch, run)
    job = jobs.submit(store, "xfactor", SPEC)
    monkeypatch.setenv("XFACTOR_MOST_HOURS", f"{0.2 / 3600}")
    jobs.run_queue(store)
    stopped = jobs.find(store, job.key)
    assert stopped.state == "failed"
    assert "It has run for" in stopped.message
    assert "What was finished is kept" in stopped.message
    # With half a minute more it goes on, and what it ran before counts.
    jobs.resume(store, job.key)
    monkeypatch.setenv("XFACTOR_MOST_HOURS", f"{30 / 3600}")
    jobs.run_queue(store)
    ended = jobs.find(store, job.key)
    assert (ended.state, ended.message) == ("done", "8 units scored.")
    assert 0.4 < ended.spent < 30
    assert [text for _, text in jobs.log(store, job.key)] == [
        f"Failed. {stopped.message}",
        "Done. 8 units scored.",
    ]


def test_a_study_that_cannot_be_estimated_meets_the_limit_when_it_knows(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, lambda spec, context: context.report("Training", 5, 18, None))
    job = jobs.submit(store, "xfactor", SPEC)
    monkeypatch.setenv("XFACTOR_MOST_UNITS", "12")
    jobs.run_queue(store)
    assert jobs.find(store, job.key).state == "failed"
    assert "has 13 units left to do" in jobs.find(store, job.key).message


def test_a_disk_that_fills_stops_the_study_and_no_other_begins(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(spec: XFactorSpec, context: Context) -> str:
        assert not context.should_stop()
        context.store.put_blob("large", {"x": np.zeros(1 << 20, dtype=np.uint8)})
        assert not context.should_stop()
        return "All of it."

    behave(monkeypatch, run)
    job = jobs.submit(store, "xfactor", SPEC)
    monkeypatch.setenv("XFACTOR_MOST_GB", "0.001")
    jobs.run_queue(store)
    stopped = jobs.find(store, job.key)
    assert stopped.state == "failed"
    assert "XFACTOR_MOST_GB" in stopped.message
    assert store.blob("large") is not None
    monkeypatch.delenv("XFACTOR_MOST_GB")

    usage = shutil.disk_usage(store.root)
    nearly = usage._replace(free=limits.LEAST_FREE - 1)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: nearly)
    with pytest.raises(StoreError, match="is full; free some space"):
        jobs.submit(store, "xfactor", SPEC)
    jobs.resume(store, job.key)
    monkeypatch.setattr(jobs, "runner_alive", lambda store: False)
    with pytest.raises(StoreError, match="is full; free some space"):
        jobs.ensure_runner(store)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
    jobs.run_queue(store)
    assert jobs.find(store, job.key).message == "All of it."
