"""The queue: one job for one study, states that follow what happened, a runner that ends well."""

import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core import engine, jobs, selection
from core.bundle.opening import opened
from core.bundle.reading import watched
from core.bundle.writing import bundled
from core.errors import DamagedBlob, JobCancelled, JobError, NotEnoughImages, UnknownName
from core.jobs import Context
from core.models import MODELS
from core.store import Store
from core.studies import influence_scores, xfactor
from core.studies.influence_spec import InfluenceSpec
from core.studies.xfactor_spec import XFactorSpec
from tests.core.studies.serial import serial

SPEC = XFactorSpec("digits", "first", per_class=(5,), random=2, strategies=(), models=("gnb",))


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """A store whose jobs run only when a test says so."""
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path))
    monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
    return Store(tmp_path)


def behave(monkeypatch: pytest.MonkeyPatch, run: Any) -> None:
    """Let every study do this in place of its own work."""
    study = jobs.STUDIES["xfactor"]
    monkeypatch.setattr(jobs, "STUDIES", {"xfactor": type(study)(**{**vars(study), "run": run})})


def test_the_same_study_is_one_job_under_all_its_names(store: Store) -> None:
    first = jobs.submit(store, "xfactor", SPEC)
    again = jobs.submit(store, "xfactor", XFactorSpec.from_dict({**SPEC.to_dict(), "name": "b"}))
    other = jobs.submit(store, "xfactor", XFactorSpec.from_dict({**SPEC.to_dict(), "seed": 1}))
    assert first.key == again.key != other.key
    assert [job.key for job in jobs.all_jobs(store)] == [other.key, first.key]
    assert jobs.find(store, "b").key == first.key
    # A name belongs to the study that was last called so.
    assert jobs.find(store, "first").key == other.key
    assert jobs.find(store, first.key[:8]).key == first.key
    with pytest.raises(UnknownName, match="first"):
        jobs.find(store, "nothing")
    with pytest.raises(UnknownName):
        jobs.find(store, first.key[:3])


def test_a_study_that_cannot_run_is_refused_before_it_is_queued(store: Store) -> None:
    spec = XFactorSpec("digits", per_class=(100,), excess=(60,))
    with pytest.raises(NotEnoughImages, match=r"130 training images.*160"):
        jobs.submit(store, "xfactor", spec)
    assert jobs.all_jobs(store) == []


def test_the_queue_runs_in_order_and_notes_every_end(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran = []

    def run(spec: XFactorSpec, context: Context) -> str:
        ran.append(spec.seed)
        context.report("Training", 0, 4, 8.0)
        context.report("Training", 4, 4, 0.0)
        context.note({"models": ["gnb"], "notes": ["note"]})
        if spec.seed == 1:
            raise JobError("the scheduler is gone")
        if spec.seed == 2:
            raise ZeroDivisionError("by accident")
        if spec.seed == 3:
            raise JobCancelled("Stopped on request.")
        return "4 units scored."

    behave(monkeypatch, run)
    for seed in range(4):
        jobs.submit(store, "xfactor", XFactorSpec.from_dict({**SPEC.to_dict(), "seed": seed}))
    jobs.run_queue(store)
    assert ran == [0, 1, 2, 3]
    done, failed, broken, stopped = reversed(jobs.all_jobs(store))
    assert (done.state, done.message, done.done, done.total) == ("done", "4 units scored.", 4, 4)
    assert done.facts["notes"] == ["note"]
    assert (failed.state, failed.message) == ("failed", "the scheduler is gone")
    assert (broken.state, broken.message) == ("failed", "ZeroDivisionError: by accident")
    assert any("Traceback" in text for _, text in jobs.log(store, broken.key))
    assert stopped.state == "cancelled"

    # Done stays done; the others are taken up again.
    for job in (done, failed, broken, stopped):
        jobs.resume(store, job.key)
    states = [job.state for job in reversed(jobs.all_jobs(store))]
    assert states == ["done", "queued", "queued", "queued"]


def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_told(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    queued = jobs.submit(store, "xfactor", SPEC)
    jobs.cancel(store, queued.key)
    assert jobs.find(store, queued.key).state == "cancelled"

    def run(spec: XFactorSpec, context: Context) -> str:
        assert not context.should_stop()
        jobs.cancel(store, queued.key)
        assert context.should_stop()
        raise JobCancelled("Stopped on request.")

    behave(monkeypatch, run)
    jobs.submit(store, "xfactor", SPEC)
    jobs.run_queue(store)
    assert jobs.find(store, queued.key).state == "cancelled"
    jobs.resume(store, queued.key)
    assert not jobs.find(store, queued.key).stop


def test_a_job_cancelled_between_choice_and_start_does_not_start(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    behave(monkeypatch, lambda spec, context: pytest.fail("it started"))
    job = jobs.submit(store, "xfactor", SPEC)
    choose = jobs._next

    def cancel_then_give(store: Store) -> jobs.Job | None:
        chosen = choose(store)
        jobs.cancel(store, job.key)
        return chosen

    monkeypatch.setattr(jobs, "_next", cancel_then_give)
    jobs.run_queue(store)
    assert jobs.find(store, job.key).state == "cancelled"


def test_a_job_that_keeps_killing_its_runner_is_given_up(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Death(BaseException):
        """Ends the runner as a kill would: nothing is noted."""

    def run(spec: XFactorSpec, context: Context) -> str:
        raise Death

    behave(monkeypatch, run)
    job = jobs.submit(store, "xfactor", SPEC)
    for _ in range(jobs.MOST_DEATHS + 1):
        with pytest.raises(Death):
            jobs.run_queue(store)
        assert jobs.find(store, job.key).state == "running"
    jobs.run_queue(store)
    assert jobs.find(store, job.key).state == "failed"
    assert "died 5 times" in jobs.find(store, job.key).message


def test_progress_is_written_sparsely_but_its_end_always(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def run(spec: XFactorSpec, context: Context) -> str:
        for done in range(1, 101):
            context.report("Training", done, 100, 100.0 - done)
            seen.append(jobs.find(store, job.key).done)
            time.sleep(0.002)
        return ""

    behave(monkeypatch, run)
    job = jobs.submit(store, "xfactor", SPEC)
    jobs.run_queue(store)
    assert len(set(seen)) < 10
    assert seen[-1] == 100
    assert (jobs.find(store, job.key).rate or 0) > 0


def test_a_study_with_a_damaged_selection_and_a_failing_unit_ends_and_says_so(
    store: Store, tmp_path: Path
) -> None:
    """The real work, in this process: run, damage what was stored, extend, read."""
    with serial(tmp_path):
        _run_damage_extend_read(store, tmp_path)


def _run_damage_extend_read(store: Store, tmp_path: Path) -> None:
    job = jobs.submit(store, "xfactor", SPEC)
    jobs.run_queue(store)
    assert jobs.find(store, job.key).state == "done"
    first = xfactor.results(jobs.find(store, job.key), store)
    assert len(first.scores) == first.units == 2
    (blob,) = (
        path
        for group in xfactor.plan(SPEC)
        for path in (tmp_path / "blobs").glob(f"{group.key(first.fingerprint)}.npz")
    )
    blob.write_bytes(b"damaged")
    spec = XFactorSpec.from_dict({**SPEC.to_dict(), "models": ["gnb", "svc"], "name": "more"})
    more = jobs.submit(store, "xfactor", spec)
    jobs.run_queue(store)
    log = [text for _, text in jobs.log(store, more.key)]
    assert any("computed again" in text for text in log)
    results = xfactor.results(jobs.find(store, more.key), store)
    assert len(results.scores) == 4
    for subset, rows in first.rows.items():
        assert (results.rows[subset] == rows).all()
    columns = [name for name in results.scores if name.startswith("class_accuracy_")]
    assert columns == [f"class_accuracy_{digit}" for digit in range(10)]
    assert (results.scores["error"] == 1 - results.scores["accuracy"]).all()
    estimate = xfactor.estimate(spec, xfactor.datasets.load("digits"), store)
    assert (estimate.units, estimate.done, estimate.seconds) == (4, 4, 0.0)


@pytest.fixture
def done(tmp_path: Path) -> Iterator[Store]:
    """A store with a finished study whose rows have been cut short."""
    with serial(tmp_path):
        store = Store(tmp_path)
        jobs.submit(store, "xfactor", SPEC)
        jobs.run_queue(store)
        fingerprint = jobs.find(store, "first").facts["fingerprint"]
        for group in xfactor.plan(SPEC):
            path = tmp_path / "blobs" / f"{group.key(fingerprint)}.npz"
            path.write_bytes(path.read_bytes()[:-9])
        yield store


def test_a_finished_study_that_lost_an_array_is_unfinished_and_computes_that_alone_again(
    done: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = jobs.find(done, "first")
    with jobs.reading(done, job) as reader:
        cut = xfactor.results(job, reader)
    # Who only reads is told that it would be computed again, not that it was.
    assert cut.scores.empty
    assert "checksum. It is computed again when its study runs." in cut.notes[0]
    lost = jobs.find(done, "first")
    assert lost.state == "failed"
    assert lost.message.endswith("Take it up again, which mends that and leaves the rest as it is.")
    trained: list[object] = []
    monkeypatch.setattr(engine, "results", lambda *given: trained.append(given))
    jobs.resume(done, job.key)
    jobs.run_queue(done)
    mended = jobs.find(done, "first")
    assert (mended.state, mended.done, mended.total) == ("done", 2, 2)
    assert not trained
    found = xfactor.results(mended, done)
    assert not found.notes
    assert len(found.scores) == 2


def test_asking_for_a_finished_study_again_finds_what_it_lost(done: Store) -> None:
    assert jobs.submit(done, "xfactor", SPEC).state == "queued"
    jobs.run_queue(done)
    assert jobs.submit(done, "xfactor", SPEC).state == "done"


def test_a_finished_study_of_which_a_model_has_changed_trains_that_model_alone_again(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spec = replace(SPEC, models=("gnb", "svc"))
    with serial(tmp_path):
        job = jobs.submit(store, "xfactor", spec)
        jobs.run_queue(store)
        assert jobs.submit(store, "xfactor", spec).state == "done"
        old = xfactor.results(job, store).scores
        newer = replace(MODELS["gnb"], version=MODELS["gnb"].version + 1)
        monkeypatch.setitem(MODELS._entries, "gnb", newer)
        with jobs.reading(store, jobs.find(store, job.key)) as reader:
            assert set(xfactor.results(job, reader).scores["model"]) == {"svc"}
        lost = jobs.find(store, job.key)
        assert lost.state == "failed"
        assert lost.message == (
            "2 of its scores are not here, or are of an earlier version. "
            "Take it up again, which mends that and leaves the rest as it is."
        )
        with pytest.raises(DamagedBlob, match=r"earlier version\. Run the study"):
            watched(lost, store)
        jobs.resume(store, job.key)
        jobs.run_queue(store)
        assert jobs.submit(store, "xfactor", spec).state == "done"
        new = xfactor.results(jobs.find(store, job.key), store).scores
    assert len(new) == len(old) == 4
    same = (new["seconds"] == old["seconds"]).groupby(new["model"]).all()
    assert same.to_dict() == {"gnb": False, "svc": True}


def test_a_finished_study_whose_rows_are_of_an_earlier_version_selects_them_anew(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serial(tmp_path):
        job = jobs.submit(store, "xfactor", SPEC)
        jobs.run_queue(store)
        monkeypatch.setattr(selection, "VERSION", selection.VERSION + 1)
        with jobs.reading(store, jobs.find(store, job.key)) as reader:
            assert xfactor.results(job, reader).scores.empty
        lost = jobs.find(store, job.key)
        assert lost.state == "failed"
        assert lost.message.startswith("1 of its arrays are not here, or are of an earlier version")
        jobs.resume(store, job.key)
        jobs.run_queue(store)
        with jobs.reading(store, jobs.find(store, job.key)) as reader:
            assert len(xfactor.results(job, reader).scores) == 2
        assert jobs.find(store, job.key).state == "done"


def test_rows_that_could_not_be_scored_are_not_missed(store: Store, tmp_path: Path) -> None:
    few = InfluenceSpec("digits", "few", model="logistic", train=10, validation=80, flip=0.9)
    with serial(tmp_path):
        job = jobs.submit(store, "influence", few)
        jobs.run_queue(store)
        ended = jobs.find(store, job.key)
        assert "could not be scored" in ended.message
        with jobs.reading(store, ended) as reader:
            assert influence_scores.results(ended, reader) is None
        assert jobs.find(store, job.key) == ended
        # The reason goes along, so that nobody misses them where the bundle is opened either.
        elsewhere = Store(tmp_path / "elsewhere")
        there = opened(io.BytesIO(bundled(ended, store)), elsewhere, "few.zip")
        with jobs.reading(elsewhere, there) as reader:
            assert influence_scores.results(there, reader) is None
        assert jobs.find(elsewhere, job.key).state == "done"


def test_a_unit_that_could_not_be_trained_is_not_missed(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: object) -> None:
        raise JobError("no")

    with serial(tmp_path):
        job = jobs.submit(store, "xfactor", replace(SPEC, random=1))
        monkeypatch.setattr(engine, "results", refuse)
        jobs.run_queue(store)
        with jobs.reading(store, jobs.find(store, job.key)) as reader:
            assert len(xfactor.results(job, reader).failures) == 1
        assert not reader.lost
        assert jobs.find(store, job.key).state == "done"


def test_what_was_opened_from_a_bundle_is_mended_from_it(done: Store) -> None:
    job = replace(jobs.find(done, "first"), facts={"imported": {}})
    with pytest.raises(DamagedBlob), jobs.reading(done, job) as reader:
        raise DamagedBlob(reader.damaged.append("It is cut.") or "")
    assert jobs.find(done, "first").message.startswith("It is cut. Open its bundle again")
