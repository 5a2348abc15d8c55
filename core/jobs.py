"""The queue: studies wait here, one runner process works them off, pages and commands watch.

The runner is a process of its own, started on demand and detached from whoever asked, so the
app can be closed and restarted. It holds a file lock while it works; the system frees the lock
when the process dies, however it dies, and the next runner takes up the job where it was.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, fields
from typing import Any

from filelock import FileLock, Timeout

from core import datasets, limits, settings
from core.errors import DamagedBlob, JobCancelled, UnknownName, XFactorError
from core.store import Store
from core.studies import STUDIES, StudySpec
from core.studies.reading import Reader

MOST_DEATHS = 5
SECONDS_TO_START = 10


@dataclass(frozen=True)
class Job:
    """One study in the queue.

    Args:
        key: Content key of the study; the same study is always the same job.
        study: Name in the registry of studies.
        name: The name that the user gave it.
        spec: What was asked for, as in the TOML file.
        facts: What the study noted for reading its results later.
        scheduler: Address of the Dask scheduler to use, None for this machine.
        state: `queued`, `running`, `done`, `failed` or `cancelled`.
        stop: Whether somebody asked it to stop.
        deaths: Times that a runner died on it without finishing anything.
        phase: What runs now.
        done: Units finished.
        total: Units in all.
        rate: Units finished a second in this run.
        seconds_left: Expected.
        message: How it ended, or what the user should know.
        submitted: Unix time; likewise `started` and `finished`.
        spent: Seconds that it has run in all, by a clock that never goes back.
    """

    key: str
    study: str
    name: str
    spec: dict[str, Any]
    facts: dict[str, Any]
    scheduler: str | None
    state: str
    stop: bool
    deaths: int
    phase: str
    done: int
    total: int
    rate: float | None
    seconds_left: float | None
    message: str
    submitted: float
    started: float | None
    finished: float | None
    spent: float = 0.0

    @property
    def active(self) -> bool:
        """Whether it waits or runs."""
        return self.state in ("queued", "running")

    @property
    def imported(self) -> bool:
        """Whether its results came in a bundle, and stay as they are until it is run again."""
        return "imported" in self.facts


COLUMNS = ", ".join(field.name for field in fields(Job))


def _job(row: tuple[Any, ...]) -> Job:
    values = dict(zip((field.name for field in fields(Job)), row, strict=True))
    values["spec"], values["facts"] = json.loads(values["spec"]), json.loads(values["facts"])
    values["stop"] = bool(values["stop"])
    return Job(**values)


def _update(store: Store, key: str, **values: object) -> None:
    assignments = ", ".join(f"{name} = ?" for name in values)
    with store.connection() as db:
        db.execute(f"UPDATE jobs SET {assignments} WHERE key = ?", (*values.values(), key))


# Asking


def submit(store: Store, study: str, spec: StudySpec, scheduler: str | None = None) -> Job:
    """Put a study in the queue and see that a runner is at work.

    A study that is already there is the same job: it is left alone while it waits or runs and
    when it is done, and taken up again where it was when it failed, was cancelled, left units
    behind or has lost arrays or scores.

    Raises:
        InputError: The spec cannot be used.
        OverLimit: The study is larger than the operator allows.
        StoreError: The disk is full, or the cache as large as the operator allows.
    """
    limits.check_disk(store)
    key, facts = STUDIES[study].prepare(spec)
    estimate = STUDIES[study].estimate
    if estimate is not None and limits.limited():
        units, seconds, _ = estimate(spec, datasets.load(spec.dataset), store)
        # How many share it on a cluster shows when it runs; its hours are counted then.
        limits.check_size(units, 0 if scheduler else seconds / settings.workers())
    with store.connection() as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "INSERT INTO jobs (key, study, name, spec, facts, scheduler, state, submitted) "
            "VALUES (?, ?, ?, ?, ?, ?, 'queued', ?) "
            "ON CONFLICT (key) DO UPDATE SET scheduler = excluded.scheduler",
            (key, study, spec.name, json.dumps(spec.to_dict()), json.dumps(facts),
             scheduler, time.time()),
        )  # fmt: skip
        db.execute("INSERT OR REPLACE INTO job_names VALUES (?, ?)", (spec.name, key))
        db.execute("COMMIT")
    job = find(store, key)
    if job.state == "done":
        with reading(store, job) as reader, suppress(DamagedBlob):
            STUDIES[study].scores(job, reader)
    resume(store, key)
    return find(store, key)


def all_jobs(store: Store) -> list[Job]:
    """Every job, the newest first."""
    with store.connection() as db:
        rows = db.execute(f"SELECT {COLUMNS} FROM jobs ORDER BY place DESC").fetchall()
    return [_job(row) for row in rows]


def find(store: Store, name: str) -> Job:
    """The job with a name, a key or the beginning of one.

    Raises:
        UnknownName: There is none, or the beginning fits several.
    """
    with store.connection() as db:
        rows = db.execute(
            f"SELECT {COLUMNS} FROM jobs WHERE key = ?1 "
            "OR key IN (SELECT key FROM job_names WHERE name = ?1)",
            (name,),
        ).fetchall()
        if not rows and len(name) >= 6:
            rows = db.execute(
                f"SELECT {COLUMNS} FROM jobs WHERE substr(key, 1, length(?1)) = ?1", (name,)
            ).fetchall()
    if len(rows) != 1:
        known = (f"{job.name} ({job.key[:8]})" for job in all_jobs(store))
        raise UnknownName("study", name, known)
    return _job(rows[0])


def cancel(store: Store, key: str) -> None:
    """Ask a job to stop. One that waits ends at once, one that runs within seconds."""
    with store.connection() as db:
        db.execute(
            "UPDATE jobs SET stop = state = 'running', "
            "finished = CASE state WHEN 'queued' THEN ? ELSE finished END, "
            "state = CASE state WHEN 'queued' THEN 'cancelled' ELSE state END "
            "WHERE key = ? AND state IN ('queued', 'running')",
            (time.time(), key),
        )


def resume(store: Store, key: str) -> None:
    """Take up a job that failed, was cancelled or left units behind; what it finished is kept."""
    with store.connection() as db:
        db.execute(
            "UPDATE jobs SET state = 'queued', stop = 0, deaths = 0, message = '' WHERE key = ? "
            "AND (state IN ('failed', 'cancelled') OR state = 'done' AND done < total) "
            "AND json_extract(facts, '$.imported') IS NULL",
            (key,),
        )
    ensure_runner(store)


@contextmanager
def reading(store: Store, job: Job) -> Iterator[Reader]:
    """A store to read the results of a job from.

    A finished study of which something read there is damaged or missing has failed from then on:
    taken up again, it computes that again and nothing else.
    """
    reader = Reader(store)
    try:
        yield reader
    finally:
        if job.state == "done" and reader.lost:
            elsewhere = "Open its bundle again" if reader.damaged else "Run it again"
            mend = elsewhere if job.imported else "Take it up again"
            message = f"{reader.lost} {mend}, which mends that and leaves the rest as it is."
            with store.connection() as db:
                db.execute(
                    "UPDATE jobs SET state = 'failed', message = ? WHERE key = ? "
                    "AND state = 'done'",
                    (message, job.key),
                )


def take(store: Store, job: Job) -> None:
    """List a study that was finished elsewhere; a name that is taken stays with who has it."""
    with store.connection() as db:
        db.execute("BEGIN IMMEDIATE")
        db.execute(
            "DELETE FROM jobs WHERE key = ? AND state IN ('failed', 'cancelled')", (job.key,)
        )
        db.execute(
            "INSERT INTO jobs (key, study, name, spec, facts, state, done, total, message, "
            "submitted, started, finished) VALUES (?, ?, ?, ?, ?, 'done', ?, ?, ?, ?, ?, ?)",
            (job.key, job.study, job.name, json.dumps(job.spec), json.dumps(job.facts), job.done,
             job.total, job.message, job.submitted, job.started, job.finished),
        )  # fmt: skip
        db.execute("INSERT OR IGNORE INTO job_names VALUES (?, ?)", (job.name, job.key))
        db.execute("COMMIT")


def restart(store: Store, key: str, facts: Mapping[str, Any]) -> Job:
    """Queue a finished study anew, as if it had never run."""
    _update(
        store, key, state="queued", facts=json.dumps(dict(facts)), done=0, total=0, message="",
        spent=0.0, started=None, finished=None, submitted=time.time(),
    )  # fmt: skip
    ensure_runner(store)
    return find(store, key)


def log(store: Store, key: str) -> list[tuple[float, str]]:
    """What a job said: (Unix time, text), the oldest first."""
    with store.connection() as db:
        return db.execute(
            "SELECT time, text FROM job_log WHERE key = ? ORDER BY id", (key,)
        ).fetchall()


# Running


@dataclass
class Context:
    """What a running study needs from the outside.

    Args:
        store: Where results are and go.
        scheduler: Address of a Dask scheduler, None for this machine.
        report: Told of progress: (what runs now, units done, units in all, seconds left).
        say: Told, in one sentence, what belongs in the log.
        note: Told of facts that reading the results needs.
        should_stop: Whether somebody asked for a stop.
    """

    store: Store
    scheduler: str | None
    report: Callable[[str, int, int, float | None], None]
    say: Callable[[str], None]
    note: Callable[[Mapping[str, Any]], None]
    should_stop: Callable[[], bool]


_started: list[tuple[float, subprocess.Popen[bytes]]] = []


def ensure_runner(store: Store) -> None:
    """Start a runner if there is work and nobody does it.

    Raises:
        StoreError: There is work, but no room on the disk for what it gives.
    """
    if not any(job.active for job in all_jobs(store)) or runner_alive(store):
        return
    limits.check_disk(store)
    if _started and time.monotonic() - _started[-1][0] < SECONDS_TO_START / 2:
        return  # The last one is still on its way to the lock.
    with (store.root / "runner.log").open("ab") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "core", "runner"],
            cwd=settings.PROJECT,
            env=os.environ | {"XFACTOR_CACHE": str(store.root)},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    _started[:] = [(time.monotonic(), process)]  # Held, so that it is reaped when it ends.


def _lock(store: Store) -> FileLock:
    return FileLock(store.root / "runner.lock")


def runner_alive(store: Store) -> bool:
    """Whether a runner process is at work."""
    try:
        with _lock(store).acquire(timeout=0):
            return False
    except Timeout:
        return True


def run_queue(store: Store) -> None:
    """Work off the queue in this process; return when it is empty or another process does it."""
    while any(job.active for job in all_jobs(store)):
        try:
            with _lock(store).acquire(timeout=SECONDS_TO_START):
                while (job := _next(store)) is not None:
                    _run(store, job)
        except Timeout:
            return


def _next(store: Store) -> Job | None:
    """The job that a dead runner left, else the one that has waited longest."""
    waiting = sorted(
        (job for job in reversed(all_jobs(store)) if job.active),
        key=lambda job: job.state != "running",
    )
    return waiting[0] if waiting else None


def _claim(store: Store, job: Job) -> bool:
    """Mark a job as running, unless it has ended meanwhile."""
    with store.connection() as db:
        changed = db.execute(
            "UPDATE jobs SET state = 'running', started = ?, finished = NULL, "
            "deaths = deaths + (state = 'running'), rate = NULL, seconds_left = NULL "
            "WHERE key = ? AND state IN ('queued', 'running')",
            (time.time(), job.key),
        )
        return changed.rowcount == 1


def _run(store: Store, job: Job) -> None:
    """Run one job to whatever end it comes to, and note that end."""

    def say(text: str) -> None:
        with store.connection() as db:
            db.execute(
                "INSERT INTO job_log (key, time, text) VALUES (?, ?, ?)",
                (job.key, time.time(), text),
            )

    if job.state == "running":
        say("Taken up again: the process that ran it had died.")
        if job.deaths >= MOST_DEATHS:
            message = f"The process that ran it died {job.deaths} times without finishing a unit."
            _end(store, job, "failed", message, say)
            return
    if not _claim(store, job):
        return  # Cancelled since it was chosen.
    spec = STUDIES[job.study].spec.from_dict(job.spec)
    try:
        message = STUDIES[job.study].run(spec, _context(store, job, say))
    except JobCancelled as stop:
        _end(store, job, "cancelled", str(stop), say)
    except XFactorError as error:
        _end(store, job, "failed", str(error), say)
    except Exception as error:
        say(traceback.format_exc())
        _end(store, job, "failed", f"{type(error).__name__}: {error}", say)
    else:
        _end(store, job, "done", message, say)


def _end(store: Store, job: Job, state: str, message: str, say: Callable[[str], None]) -> None:
    say(f"{state.capitalize()}. {message}")
    _update(
        store, job.key, state=state, stop=0, phase="", message=message,
        seconds_left=None, finished=time.time(),
    )  # fmt: skip


@dataclass
class _Progress:
    """Writes progress to the job's row at most twice a second, and when nothing is left."""

    store: Store
    key: str
    spent_before: float
    started: float = field(default_factory=time.monotonic)
    written: float = 0.0
    phase: str = ""
    began: float = 0.0
    done_at_start: int = 0

    @property
    def spent(self) -> float:
        """Seconds that the job has run in all."""
        return self.spent_before + time.monotonic() - self.started

    def __call__(self, phase: str, done: int, total: int, seconds_left: float | None) -> None:
        now = time.monotonic()
        limits.check_size(total - done, 0.0)
        if phase != self.phase:
            self.phase, self.began, self.done_at_start = phase, now, done
        elif now - self.written < 0.5 and done < total and seconds_left != 0:
            return
        new = done - self.done_at_start
        self.written = now
        _update(
            self.store, self.key, phase=phase, done=done, total=total, seconds_left=seconds_left,
            spent=self.spent, rate=new / (now - self.began) if new else None,
            **({"deaths": 0} if new else {}),
        )  # fmt: skip


def _context(store: Store, job: Job, say: Callable[[str], None]) -> Context:
    facts, progress = dict(job.facts), _Progress(store, job.key, job.spent)

    def note(more: Mapping[str, Any]) -> None:
        facts.update(more)
        _update(store, job.key, facts=json.dumps(facts))

    def should_stop() -> bool:
        limits.check_spent(progress.spent)
        limits.check_disk(store)
        return find(store, job.key).stop

    return Context(store, job.scheduler, progress, say, note, should_stop)
