"""What has been computed: one SQLite file and a folder of checked arrays.

Scores are rows, so that they can be read while a study runs. Arrays are uncompressed `.npz`
files, written to a temporary name, synced, renamed and only then listed with their SHA-256.
Everything is keyed by content, so nothing is computed twice and nothing goes stale.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import settings
from core.database import Database, unusable
from core.errors import DamagedBlob


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
        StoreError: The folder cannot be made or written, or as `Database`.
    """

    def __init__(self, root: Path | None = None) -> None:
        self.root = root or settings.cache_root()
        try:
            (self.root / "blobs").mkdir(parents=True, exist_ok=True)
            if not os.access(self.root, os.W_OK):
                raise PermissionError(errno.EACCES, "it is read-only")
        except OSError as error:
            raise unusable(self.root, error) from error
        self._database = Database(self.root / "xfactor.sqlite")

    def connection(self) -> AbstractContextManager[sqlite3.Connection]:
        """A connection in autocommit mode; its errors are sentences, see `Database`."""
        return self._database.connection()

    def set_aside(self) -> list[Path]:
        """Database files that were damaged, were set aside and are still there."""
        return self._database.set_aside()

    def bytes(self) -> int:
        """What the database and the arrays take on the disk."""
        with self.connection() as db:
            (arrays,) = db.execute("SELECT ifnull(sum(bytes), 0) FROM blobs").fetchone()
            (pages,) = db.execute("PRAGMA page_count").fetchone()
            (size,) = db.execute("PRAGMA page_size").fetchone()
        return int(arrays + pages * size)

    # Arrays

    def _blob_path(self, key: str) -> Path:
        return self.root / "blobs" / f"{key}.npz"

    def put_blob(
        self,
        key: str,
        arrays: Mapping[str, npt.NDArray[Any]],
        meta: Mapping[str, Any] | None = None,
    ) -> None:
        """Store arrays and JSON-ready notes under a key, replacing what was there.

        Raises:
            StoreError: The disk is full or the folder cannot be written; what was there stays.
        """
        try:
            digest, size = _write(self._blob_path(key), arrays)
        except OSError as error:
            raise unusable(self.root, error) from error
        with self.connection() as db:
            db.execute(
                "INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?, ?)",
                (key, digest, size, json.dumps(dict(meta or {})), time.time()),
            )

    def blob(self, key: str) -> Blob | None:
        """The arrays stored under a key, or None.

        Raises:
            DamagedBlob: The file is gone, cannot be read or does not match its checksum.
        """
        with self.connection() as db:
            row = db.execute("SELECT sha256, meta FROM blobs WHERE key = ?", (key,)).fetchone()
        if row is None:
            return None
        path = self._blob_path(key)
        try:
            if not path.is_file() or _sha256(path) != row[0]:
                raise DamagedBlob(f"{path} is missing or does not match its checksum.")
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
        except OSError as error:
            raise DamagedBlob(f"{path} cannot be read: {error.strerror}.") from error
        return Blob(arrays, json.loads(row[1]))

    def whole(self, key: str, report: Callable[[str], None]) -> Blob | None:
        """The arrays stored under a key, or None; damaged ones are told, and are none."""
        try:
            return self.blob(key)
        except DamagedBlob as error:
            report(f"{error} It is computed again when its study runs.")
            return None

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


def _write(path: Path, arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[str, int]:
    """Write arrays whole or not at all; gives the file's SHA-256 and its bytes."""
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    part = Path(temporary)
    try:
        with os.fdopen(handle, "wb") as file:
            np.savez(file, allow_pickle=False, **arrays)
            file.flush()
            os.fsync(file.fileno())
        found = _sha256(part), part.stat().st_size
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return found


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
