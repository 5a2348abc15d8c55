"""The store's SQLite file: made, brought up to date with a backup, set aside when damaged.

Each way in which it can fail from outside becomes one sentence: a disk that is full, a folder
that is read-only, a lock that nobody gives up, a file that is damaged or of another version.
"""

from __future__ import annotations

import errno
import logging
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from filelock import FileLock

from core.errors import StoreError

LOCKED_SECONDS = 30
FULL = (errno.ENOSPC, errno.EDQUOT)
DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
UNUSABLE = (
    *(sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN),
    *(sqlite3.SQLITE_PERM, sqlite3.SQLITE_PROTOCOL),
)

VERSION = 2
# What makes a store of each older version one of the next.
MIGRATIONS = {1: "ALTER TABLE jobs ADD COLUMN spent REAL NOT NULL DEFAULT 0"}
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
    message TEXT NOT NULL DEFAULT '', submitted REAL NOT NULL, started REAL, finished REAL,
    spent REAL NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE job_names (name TEXT PRIMARY KEY, key TEXT NOT NULL REFERENCES jobs (key)) STRICT;
CREATE TABLE job_log (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL, time REAL NOT NULL, text TEXT NOT NULL
) STRICT;
CREATE INDEX job_log_by_key ON job_log (key, id);
"""


class Database:
    """One SQLite file, safe for several processes at once.

    Args:
        path: The file; made if it is not there.

    Raises:
        StoreError: It cannot be used, is damaged (and is then set aside), or is newer than this
            program.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        with self.connection() as db:
            version = _version(db)
        if version != VERSION:
            try:
                with self._explained(), self._alone():
                    self._bring_up_to_date()
            except OSError as error:
                raise unusable(path.parent, error) from error

    @contextmanager
    def connection(self) -> Iterator[sqlite3.Connection]:
        """A connection in autocommit mode that waits up to 30 s for other writers.

        Raises:
            StoreError: As for the file; one that is damaged is set aside.
        """
        with self._explained(), self._opened() as db:
            yield db

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self.path, timeout=LOCKED_SECONDS, isolation_level=None)
        with closing(db):
            # In WAL mode NORMAL survives the death of any process; only a power cut can lose
            # the last transactions, and those are computed again.
            db.execute("PRAGMA synchronous = NORMAL")
            yield db

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.DatabaseError as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            if code in DAMAGED:
                raise self._set_aside(error) from error
            if code == sqlite3.SQLITE_FULL or (code == sqlite3.SQLITE_IOERR and self._no_room()):
                raise full(self.path.parent) from error
            if code in LOCKED:
                raise StoreError(
                    f"Another program has locked {self.path} for {LOCKED_SECONDS} s; end it or "
                    "wait for it, then try again: nothing is lost."
                ) from error
            if code in UNUSABLE:
                raise unusable(self.path.parent, error) from error
            raise

    def _no_room(self) -> bool:
        """Whether the disk is full: SQLite's index in shared memory then fails in another way."""
        return shutil.disk_usage(self.path.parent).free < 1 << 16

    def _alone(self) -> FileLock:
        return FileLock(self.path.with_name("store.lock"))

    def _bring_up_to_date(self) -> None:
        """Make the tables, or those of an older version into today's, once."""
        with self._opened() as db:
            if _version(db) > VERSION:
                raise StoreError(
                    f"{self.path.parent} was written by a newer version of this program "
                    f"(store version {_version(db)}, expected {VERSION}); "
                    "update the program or set XFACTOR_CACHE to another folder."
                )
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("BEGIN IMMEDIATE")
            version = _version(db)
            if version == 0:
                for statement in SCHEMA.split(";\n"):
                    db.execute(statement)
            elif version < VERSION:
                self._back_up(version)
                for older in range(version, VERSION):
                    db.execute(MIGRATIONS[older])
            db.execute(f"PRAGMA user_version = {VERSION}")
            db.execute("COMMIT")

    def _back_up(self, version: int) -> None:
        """Copy the file as it is now, whole or not at all, while nobody else can write."""
        backup = self._beside(f"version-{version}")
        part = self.path.with_suffix(".part")
        part.unlink(missing_ok=True)
        # Through a connection of its own: one that writes is not copied from.
        with self._opened() as source, closing(sqlite3.connect(part)) as copy:
            source.backup(copy)
        part.replace(backup)
        logging.getLogger(__name__).warning(
            "%s was of version %d and is now of version %d; it is kept as it was in %s.",
            *(self.path, version, VERSION, backup.name),
        )

    def _set_aside(self, error: sqlite3.Error) -> StoreError:
        """Move a damaged file away and begin a new one; gives what to tell the user."""
        try:
            with self._alone():
                if self._whole():  # Another process was faster, or the disk is whole again.
                    return StoreError(f"{self.path} could not be read ({error}); try again.")
                aside = self._beside("damaged")
                for ending in ("-wal", "-shm", ""):
                    part = Path(f"{self.path}{ending}")
                    if part.exists():
                        part.rename(f"{aside}{ending}")
                self._bring_up_to_date()
        except OSError as failure:
            return unusable(self.path.parent, failure)
        return StoreError(
            f"{self.path} is damaged ({error}); it was moved to {aside.name} beside it, a new one "
            "was begun and nothing was deleted. To save what can be read: sqlite3 "
            f"{aside} .recover"
        )

    def _whole(self) -> bool:
        try:
            with self._opened() as db:
                return bool(db.execute("PRAGMA quick_check").fetchone() == ("ok",))
        except sqlite3.DatabaseError:
            return False

    def _beside(self, what: str) -> Path:
        moment = time.strftime("%Y%m%d-%H%M%S")
        path, number = self.path.with_name(f"{self.path.stem}-{what}-{moment}.sqlite"), 1
        while path.exists():
            number += 1
            path = self.path.with_name(f"{self.path.stem}-{what}-{moment}-{number}.sqlite")
        return path

    def set_aside(self) -> list[Path]:
        """Files that were set aside and are still there."""
        return sorted(self.path.parent.glob(f"{self.path.stem}-damaged-*.sqlite"))


def full(folder: Path) -> StoreError:
    """What to tell the user when nothing more can be written."""
    return StoreError(
        f"The disk that holds {folder} is full; free some space, then go on: what was finished is "
        "kept."
    )


def unusable(folder: Path, error: Exception) -> StoreError:
    """What to tell the user when the folder cannot be read or written."""
    if isinstance(error, OSError) and error.errno in FULL:
        return full(folder)
    return StoreError(
        f"The cache folder {folder} cannot be used ({error}); "
        "make it writable or set XFACTOR_CACHE to another folder."
    )


def _version(db: sqlite3.Connection) -> int:
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return int(version)
