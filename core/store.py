"""What has been computed: one SQLite file and a folder of checked arrays.

Scores are rows, so that they can be read while a study runs. Arrays are uncompressed `.npz`
files, written to a temporary name, synced, renamed and only then listed with their SHA-256.
Everything is keyed by content, so nothing is computed twice and nothing goes stale.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import settings
from core.errors import DamagedBlob, StoreError

SCHEMA_VERSION = 1
SCHEMA = """
CREATE TABLE blobs (
    key TEXT PRIMARY KEY, sha256 TEXT NOT NULL, bytes INTEGER NOT NULL,
    meta TEXT NOT NULL, created REAL NOT NULL
) STRICT;
CREATE TABLE scores (
    unit TEXT PRIMARY KEY, training_set TEXT NOT NULL, model TEXT NOT NULL, label TEXT NOT NULL,
    dataset TEXT NOT NULL, size INTEGER NOT NULL, accuracy REAL NOT NULL, macro_f1 REAL NOT NULL,
    class_accuracy TEXT NOT NULL, train_accuracy REAL NOT NULL, epochs INTEGER NOT NULL,
    seconds REAL NOT NULL, device TEXT NOT NULL, weights TEXT NOT NULL, seed INTEGER NOT NULL,
    versions TEXT NOT NULL, created REAL NOT NULL
) STRICT;
CREATE INDEX scores_by_cost ON scores (dataset, device, label, size, seconds);
CREATE TABLE failures (
    unit TEXT PRIMARY KEY, label TEXT NOT NULL, reason TEXT NOT NULL, created REAL NOT NULL
) STRICT;
CREATE TABLE jobs (
    place INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, study TEXT NOT NULL,
    name TEXT NOT NULL, spec TEXT NOT NULL, facts TEXT NOT NULL, scheduler TEXT,
    state TEXT NOT NULL, stop INTEGER NOT NULL DEFAULT 0, deaths INTEGER NOT NULL DEFAULT 0,
    phase TEXT NOT NULL DEFAULT '', done INTEGER NOT NULL DEFAULT 0,
    total INTEGER NOT NULL DEFAULT 0, rate REAL, seconds_left REAL,
    message TEXT NOT NULL DEFAULT '', submitted REAL NOT NULL, started REAL, finished REAL
) STRICT;
CREATE TABLE job_names (name TEXT PRIMARY KEY, key TEXT NOT NULL REFERENCES jobs (key)) STRICT;
CREATE TABLE job_log (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, time REAL NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX job_log_by_key ON job_log (key, id);
"""


@dataclass(frozen=True)
class Score:
    """How one model did when trained on one training set.

    Args:
        unit: Key of the (training set, model) pair.
        training_set: Key of the training set.
        model: Key of the model: family, version and options.
        label: The model's name for people.
        dataset: Fingerprint of the data set.
        size: Images in the training set.
        accuracy: Share of the test split classified right, in [0, 1].
        macro_f1: Mean F1 over classes, in [0, 1].
        class_accuracy: Accuracy within each class of the test split, NaN where it has none.
        train_accuracy: Share of the training set classified right.
        epochs: Passes over the training set; 0 for models that have none.
        seconds: Training and testing time.
        device: What it ran on.
        weights: What a network started from.
        seed: Seed of the run.
        versions: Library versions that matter to the result.
    """

    unit: str
    training_set: str
    model: str
    label: str
    dataset: str
    size: int
    accuracy: float
    macro_f1: float
    class_accuracy: tuple[float, ...]
    train_accuracy: float
    epochs: int
    seconds: float
    device: str
    weights: str
    seed: int
    versions: str


SCORE_COLUMNS = tuple(field.name for field in fields(Score))
# Given to a table without rows too.
SCORE_TYPES = {
    field.name: {"int": "int64", "float": "float64"}[str(field.type)]
    for field in fields(Score)
    if field.type in ("int", "float")
}


@dataclass(frozen=True, eq=False)
class Blob:
    """Stored arrays and what was noted beside them."""

    arrays: dict[str, npt.NDArray[Any]]
    meta: dict[str, Any]


class Store:
    """The cache folder: scores, arrays and the job queue.

    Safe for several processes at once; every method opens its own connection.

    Args:
        root: The folder; `XFACTOR_CACHE` or `cache/` when None. Made if it is not there.

    Raises:
        StoreError: The folder cannot be made, or its file is newer than this program.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or settings.cache_root()
        try:
            (self.root / "blobs").mkdir(parents=True, exist_ok=True)
            with self.connection() as db:
                self._migrate(db)
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"The cache folder {self.root} cannot be used ({error}); "
                "make it writable or set XFACTOR_CACHE to another folder."
            ) from error

    def _migrate(self, db: sqlite3.Connection) -> None:
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version == SCHEMA_VERSION:
            return
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{self.root} was written by a newer version of this program "
                f"(store version {version}, expected {SCHEMA_VERSION}); "
                "update the program or set XFACTOR_CACHE to another folder."
            )
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("BEGIN IMMEDIATE")  # Two processes may open a new store at once.
        if db.execute("PRAGMA user_version").fetchone() == (0,):
            for statement in SCHEMA.split(";\n"):
                db.execute(statement)
            db.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        db.execute("COMMIT")

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode that waits up to 30 s for other writers."""
        db = sqlite3.connect(self.root / "xfactor.sqlite", timeout=30, isolation_level=None)
        try:
            # In WAL mode NORMAL survives the death of any process; only a power cut can lose
            # the last transactions, and those are computed again.
            db.execute("PRAGMA synchronous = NORMAL")
            yield db
        finally:
            db.close()

    # Arrays

    def _blob_path(self, key: str) -> Path:
        return self.root / "blobs" / f"{key}.npz"

    def put_blob(
        self,
        key: str,
        arrays: Mapping[str, npt.NDArray[Any]],
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        """Store arrays and JSON-ready notes under a key, replacing what was there."""
        path = self._blob_path(key)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                np.savez(file, allow_pickle=False, **arrays)
                file.flush()
                os.fsync(file.fileno())
            digest, size = _sha256(Path(temporary)), Path(temporary).stat().st_size
            Path(temporary).replace(path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        with self.connection() as db:
            db.execute(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?)",
                (key, digest, size, json.dumps(dict(meta or {})), time.time()),
            )

    def blob(self, key: str) -> Blob | None:
        """The arrays stored under a key, or None.

        Raises:
            DamagedBlob: The file is gone or does not match its checksum.
        """
        with self.connection() as db:
            row = db.execute("SELECT sha256, meta FROM blobs WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        path = self._blob_path(key)
        if not path.is_file() or _sha256(path) != row[0]:
            raise DamagedBlob(f"{path} is missing or does not match its checksum.")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        return Blob(arrays, json.loads(row[1]))

    def remember(
        self,
        key: str,
        compute: Callable[[], Blob],
        report: Callable[[str], None],
    ) -> Blob:
        """The arrays stored under a key; computed and stored when missing or damaged.

        Args:
            key: Content key of the result.
            compute: Makes the result.
            report: Told, in one sentence, when a damaged file had to be computed again.
        """
        try:
            found = self.blob(key)
        except DamagedBlob as error:
            report(f"{error} It is computed again.")
            found = None
        if found is None:
            found = compute()
            self.put_blob(key, found.arrays, found.meta)
        return found

    # Scores

    def add_scores(self, scores: Iterable[Score]) -> None:
        """Store scores in one transaction; a unit that has one already keeps it."""
        now = time.time()
        rows = []
        for score in scores:
            values = asdict(score)
            values["class_accuracy"] = json.dumps(score.class_accuracy)
            rows.append((*(values[name] for name in SCORE_COLUMNS), now))
        marks = ", ".join("?" * (len(SCORE_COLUMNS) + 1))
        with self.connection() as db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany(f"INSERT OR IGNORE INTO scores VALUES ({marks})", rows)
            db.executemany("DELETE FROM failures WHERE unit = ?", [(row[0],) for row in rows])
            db.execute("COMMIT")

    def scored(self, units: Sequence[str]) -> set[str]:
        """Which of these units have a score."""
        with self.connection() as db:
            rows = db.execute(
                "SELECT unit FROM scores WHERE unit IN (SELECT value FROM json_each(?))",
                (json.dumps(list(units)),),
            )
            return {unit for (unit,) in rows}

    def scores(self, units: Sequence[str]) -> pd.DataFrame:
        """Scores of these units, one row each, with the columns of `Score`, in no given order."""
        with self.connection() as db:
            rows = db.execute(
                f"SELECT {', '.join(SCORE_COLUMNS)} FROM scores "
                "WHERE unit IN (SELECT value FROM json_each(?))",
                (json.dumps(list(units)),),
            ).fetchall()
        frame = pd.DataFrame(rows, columns=list(SCORE_COLUMNS)).astype(SCORE_TYPES)
        frame["class_accuracy"] = frame["class_accuracy"].map(json.loads)
        return frame

    def mean_seconds(self, dataset: str, device: str) -> dict[tuple[str, int], float]:
        """Mean seconds of a unit on a data set and kind of device, by (model label, size)."""
        with self.connection() as db:
            rows = db.execute(
                "SELECT label, size, avg(seconds) FROM scores "
                "WHERE dataset = ? AND device LIKE ? || '%' GROUP BY label, size",
                (dataset, device),
            ).fetchall()
        return {(label, size): seconds for label, size, seconds in rows}

    def add_failures(self, failures: Iterable[tuple[str, str, str]]) -> None:
        """Note units that could not be trained: (unit, model label, reason)."""
        now = time.time()
        with self.connection() as db:
            db.executemany(
                "INSERT OR REPLACE INTO failures VALUES (?, ?, ?, ?)",
                [(*failure, now) for failure in failures],
            )

    def failures(self, units: Sequence[str]) -> pd.DataFrame:
        """Which of these units could not be trained: columns `unit`, `label`, `reason`."""
        with self.connection() as db:
            rows = db.execute(
                "SELECT unit, label, reason FROM failures "
                "WHERE unit IN (SELECT value FROM json_each(?))",
                (json.dumps(list(units)),),
            ).fetchall()
        return pd.DataFrame(rows, columns=["unit", "label", "reason"])


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
