"""A bundle is opened: first in a store of its own, then in the one at hand."""

from __future__ import annotations

import json
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, BinaryIO

from core import jobs
from core.bundle.archive import read_archive
from core.bundle.members import (
    BLOB,
    DETAILS,
    FAILURES,
    FIXED,
    JOB,
    NOTES,
    SCORES,
    BadBundle,
    from_details,
    from_json,
    from_npz,
    from_scores,
)
from core.bundle.reading import watched
from core.bundle.writing import JOB_FIELDS
from core.details import Detail, add_details, detailed
from core.errors import DamagedBlob, InputError
from core.jobs import Job
from core.store import Blob, Score, Store
from core.studies import STUDIES
from core.studies.reading import Watched

# What two machines may differ in and still have the same result.
ABOUT_THE_MACHINE = {"seconds", "device", "versions"}


@dataclass(frozen=True, eq=False)
class Content:
    """A study and everything that its results are read from."""

    job: Job
    scores: list[Score]
    failures: list[tuple[str, str, str]]
    details: list[Detail]
    blobs: dict[str, Blob]


def opened(file: BinaryIO, store: Store, name: str) -> Job:
    """Take the study in a bundle into a store, with the numbers that it was written with.

    It is marked as imported and stays as it is until `again` runs it here.

    Args:
        file: The bundle, seekable.
        store: Where it goes.
        name: What the file is called.

    Raises:
        BadBundle: The file is damaged, was changed or is no bundle.
        InputError: The store has the study already, or other numbers for a part of it.
    """
    content = _content(read_archive(file))
    _rehearse(content)
    _check_new(content, store)
    began = time.time()
    _put(content, store)
    imported = {"file": name, "began": began, "ended": time.time()}
    message = f"Opened from {name}; it stays as it is until it is run again here."
    facts = {**content.job.facts, "imported": imported}
    jobs.take(store, replace(content.job, facts=facts, message=message))
    return jobs.find(store, content.job.key)


def again(job: Job, store: Store) -> Job:
    """Forget what an imported study brought along, and queue it to be run here.

    Raises:
        InputError: It is not imported, or its data set is not to be had or is another one here.
        DamagedBlob: An array that it brought along is damaged.
    """
    if not job.imported:
        raise InputError(f"Study {job.name!r} was run here; only an imported one is run again.")
    study = STUDIES[job.study]
    key, facts = study.prepare(study.spec.from_dict(job.spec))
    if key != job.key:
        raise InputError(
            f"The data set {job.spec['dataset']} is not the one here that the study was made of, "
            "or this program's version computes it otherwise; start it as a new study."
        )
    _forget(watched(job, store), job.facts["imported"])
    return jobs.restart(store, job.key, facts)


def _content(members: dict[str, bytes]) -> Content:
    """The members of a bundle as values."""
    missing = (FIXED - {DETAILS}) - set(members)
    if missing:
        raise BadBundle(f"The bundle lacks {sorted(missing)[0]}.")
    notes = from_json(NOTES, members[NOTES], dict)
    blobs = {
        found[1]: Blob(from_npz(name, data), dict(notes.get(found[1], {})))
        for name, data in members.items()
        if (found := BLOB.fullmatch(name))
    }
    try:
        kept = from_npz(DETAILS, members[DETAILS]) if DETAILS in members else None
        return Content(
            _job(from_json(JOB, members[JOB], dict)),
            from_scores(from_json(SCORES, members[SCORES], list)),
            [(str(a), str(b), str(c)) for a, b, c in from_json(FAILURES, members[FAILURES], list)],
            [] if kept is None else from_details(kept),
            blobs,
        )
    except (TypeError, KeyError, ValueError, IndexError) as error:
        raise BadBundle(
            f"The bundle does not hold what a bundle holds: {type(error).__name__} {error}."
        ) from error


def _job(values: dict[str, Any]) -> Job:
    if set(values) != set(JOB_FIELDS):
        raise KeyError(f"{JOB} needs {', '.join(JOB_FIELDS)}")
    texts = all(isinstance(values[name], str) for name in ("key", "study", "name", "message"))
    counts = all(type(values[name]) is int for name in ("done", "total"))
    maps = all(isinstance(values[name], dict) for name in ("spec", "facts"))
    times = all(
        values[name] is None or isinstance(values[name], int | float)
        for name in ("submitted", "started", "finished")
    )
    if not (texts and counts and maps and times and isinstance(values["submitted"], int | float)):
        raise TypeError(f"a value in {JOB} is of another kind")
    ended: dict[str, Any] = {
        "scheduler": None,
        "state": "done",
        "stop": False,
        "deaths": 0,
        "phase": "",
    }
    return Job(**values, **ended, rate=None, seconds_left=None)


def _rehearse(content: Content) -> None:
    """Read the results in a store of their own, with nothing else in it.

    Raises:
        BadBundle: This program cannot read them, or they are not the study's alone.
    """
    with tempfile.TemporaryDirectory() as folder:
        staged = Store(Path(folder))
        try:
            STUDIES[content.job.study].spec.from_dict(content.job.spec)
            _put(content, staged)
            reader = watched(content.job, staged)
        except Exception as error:  # Whatever reading foreign values ends in.
            raise BadBundle(
                "The results in the bundle cannot be read, so it is damaged or of another version "
                f"of this program: {type(error).__name__}: {error}"
            ) from error
    units = {score.unit for score in content.scores} | {unit for unit, _, _ in content.failures}
    units |= {one.unit for one in content.details}
    if not units <= set(reader.units) or set(content.blobs) != set(reader.blobs):
        raise BadBundle(
            "The bundle holds results that its study does not read, so it was changed or is of "
            "another version of this program."
        )


def _check_new(content: Content, store: Store) -> None:
    """Raise an InputError unless the store can hold the same numbers."""
    for job in jobs.all_jobs(store):
        if job.key == content.job.key and (job.active or job.state == "done"):
            raise InputError(
                f"This cache has the study already, as {job.name!r} ({job.state}); nothing was "
                "changed."
            )
    units = [score.unit for score in content.scores]
    here = from_scores(list(store.scores(units).to_dict("records")))
    brought = {score.unit: _result(score) for score in content.scores}
    other = sum(_result(score) != brought[score.unit] for score in here)
    other += len(store.scored([unit for unit, _, _ in content.failures]))
    other += sum(_differs(store, key, blob) for key, blob in content.blobs.items())
    if other:
        raise InputError(
            f"This cache has other results for {other:,} parts of the study, and would not show "
            "the bundle's numbers; open it in an empty cache (set XFACTOR_CACHE)."
        )


def _result(score: Score) -> str:
    values = {n: value for n, value in asdict(score).items() if n not in ABOUT_THE_MACHINE}
    return json.dumps(values, sort_keys=True)  # As text, in which NaN is NaN.


def _differs(store: Store, key: str, blob: Blob) -> bool:
    """Whether the store has other arrays under a key; damaged ones are no others."""
    try:
        found = store.blob(key)
    except DamagedBlob:
        return False
    if found is None:
        return False
    if set(found.arrays) != set(blob.arrays):
        return True
    pairs = ((found.arrays[name], array) for name, array in blob.arrays.items())
    return any(
        a.dtype != b.dtype or a.shape != b.shape or a.tobytes() != b.tobytes() for a, b in pairs
    )


def _put(content: Content, store: Store) -> None:
    """Store everything that is not there yet."""
    for key, blob in content.blobs.items():
        try:
            known = store.blob(key) is not None
        except DamagedBlob:
            known = False
        if not known:
            store.put_blob(key, blob.arrays, blob.meta)
    have = detailed(store, [one.unit for one in content.details])
    add_details(store, [one for one in content.details if one.unit not in have])
    store.add_scores(content.scores)
    store.add_failures(content.failures)


def _forget(reader: Watched, imported: dict[str, Any]) -> None:
    """Delete what a study reads and an import stored; arrays stay on disk until replaced."""
    units, blobs = json.dumps(list(reader.units)), json.dumps(list(reader.blobs))
    detailed(reader, [])  # Makes the table where nothing has details.
    with reader.connection() as db:
        db.execute("BEGIN IMMEDIATE")
        for table, column, keys in (
            ("scores", "unit", units),
            ("failures", "unit", units),
            ("details", "unit", units),
            ("blobs", "key", blobs),
        ):
            db.execute(
                f"DELETE FROM {table} WHERE created BETWEEN ? AND ? "
                f"AND {column} IN (SELECT value FROM json_each(?))",
                (imported["began"], imported["ended"], keys),
            )
        db.execute("COMMIT")
