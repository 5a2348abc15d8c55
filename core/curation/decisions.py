"""What people decide about rows: tags that survive, and cuts of scores saved by name.

Every decision is written through to the store at once, so several people can work on the same
data set and a restart loses nothing.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.errors import InputError
from core.specs import content_key
from core.store import Store

TAGS = ("keep", "remove", "review")
MOST_LETTERS = 60
COLUMNS = ("row", "tag", "who", "created")
# Made when first used: a store without them is as good as one in which nothing was decided.
TABLES = (
    "CREATE TABLE IF NOT EXISTS tags (dataset TEXT NOT NULL, split TEXT NOT NULL, "
    "row ANY NOT NULL, tag TEXT NOT NULL, who TEXT NOT NULL, created REAL NOT NULL, "
    "PRIMARY KEY (dataset, split, row, tag)) STRICT, WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS cuts (dataset TEXT NOT NULL, split TEXT NOT NULL, "
    "name TEXT NOT NULL, cuts TEXT NOT NULL, who TEXT NOT NULL, created REAL NOT NULL, "
    "PRIMARY KEY (dataset, split, name)) STRICT, WITHOUT ROWID",
)

Row = int | str
"""A row number of a split, or the path of a file below its folder."""


@dataclass(frozen=True)
class Place:
    """Where rows are: a split of a data set, or a folder of files.

    Args:
        dataset: Fingerprint of the data set, or the key of a folder.
        split: `train` or `test`; `files` for a folder.
    """

    dataset: str
    split: str = "train"

    @classmethod
    def of_folder(cls, folder: Path) -> Place:
        """The place of the files in a folder, wherever the program is started from."""
        return cls(content_key("folder", {"path": folder.resolve().as_posix()}), "files")


@dataclass(frozen=True)
class SavedCuts:
    """Cuts of scores that somebody saved under a name; `created` is Unix time."""

    name: str
    cuts: dict[str, float]
    who: str
    created: float


def tag(store: Store, place: Place, rows: Iterable[Row], name: str, who: str) -> int:
    """Give rows a tag; a row that has it keeps who gave it first, and when.

    Args:
        store: The cache folder.
        place: Where the rows are.
        rows: Row numbers or paths.
        name: The tag: one of `TAGS` or a text of one's own.
        who: Who gives it.

    Returns:
        How many rows did not have the tag.

    Raises:
        InputError: The tag or the name of the person is empty or too long.
    """
    name, who, now = checked("A tag", name), checked("The name of a person", who), time.time()
    with _connection(store) as db:
        db.execute("BEGIN IMMEDIATE")
        before = db.total_changes
        db.executemany(
            "INSERT OR IGNORE INTO tags VALUES (?, ?, ?, ?, ?, ?)",
            [(place.dataset, place.split, _plain(row), name, who, now) for row in rows],
        )
        db.execute("COMMIT")
        return db.total_changes - before


def untag(store: Store, place: Place, rows: Iterable[Row], name: str) -> int:
    """Take a tag from rows, whoever gave it; returns how many had it."""
    with _connection(store) as db:
        db.execute("BEGIN IMMEDIATE")
        before = db.total_changes
        db.executemany(
            "DELETE FROM tags WHERE dataset = ? AND split = ? AND row = ? AND tag = ?",
            [(place.dataset, place.split, _plain(row), name) for row in rows],
        )
        db.execute("COMMIT")
        return db.total_changes - before


def tags(store: Store, place: Place) -> pd.DataFrame:
    """Every tag in a place: `row`, `tag`, `who`, `created` (UTC), by row and then by tag."""
    with _connection(store) as db:
        found = db.execute(
            f"SELECT {', '.join(COLUMNS)} FROM tags WHERE dataset = ? AND split = ? "
            "ORDER BY row, tag",
            (place.dataset, place.split),
        ).fetchall()
    table = pd.DataFrame(found, columns=list(COLUMNS))
    seconds = table["created"].astype("float64").astype("int64")
    return table.assign(created=pd.to_datetime(seconds, unit="s", utc=True))


def combine(
    table: pd.DataFrame,
    any_of: Collection[str] = (),
    all_of: Collection[str] = (),
    none_of: Collection[str] = (),
    rows: Iterable[Row] = (),
) -> list[Row]:
    """Rows whose tags fulfil every condition given, sorted.

    Args:
        table: From `tags`.
        any_of: At least one of these tags, when there are some.
        all_of: Each of these tags.
        none_of: None of these tags.
        rows: All rows of the place: with `none_of` alone the untagged ones count too.
    """
    by_tag = {str(name): set(part) for name, part in table.groupby("tag")["row"]}

    def having(name: str) -> set[Row]:
        return by_tag.get(name, set())

    if any_of:
        found = set[Row]().union(*map(having, any_of))
    elif all_of:
        found = set(having(next(iter(all_of))))
    else:
        found = set(rows) | set(table["row"])
    for name in all_of:
        found &= having(name)
    for name in none_of:
        found -= having(name)
    return sorted(found)  # all numbers or all paths


def save_cuts(store: Store, place: Place, name: str, cuts: Mapping[str, float], who: str) -> None:
    """Save cuts of scores under a name, in place of those that had it.

    Raises:
        InputError: The name is empty or too long, or there are no cuts.
    """
    if not cuts:
        raise InputError("There is no cut of your own to save: move a slider first.")
    values = checked("A name for cuts", name), json.dumps(dict(cuts)), checked("Your name", who)
    with _connection(store) as db:
        db.execute(
            "INSERT OR REPLACE INTO cuts VALUES (?, ?, ?, ?, ?, ?)",
            (place.dataset, place.split, *values, time.time()),
        )


def saved_cuts(store: Store, place: Place) -> dict[str, SavedCuts]:
    """What was saved for a place, by name, the newest first."""
    with _connection(store) as db:
        rows = db.execute(
            "SELECT name, cuts, who, created FROM cuts WHERE dataset = ? AND split = ? "
            "ORDER BY created DESC",
            (place.dataset, place.split),
        ).fetchall()
    return {name: SavedCuts(name, json.loads(cuts), who, when) for name, cuts, who, when in rows}


def delete_cuts(store: Store, place: Place, name: str) -> None:
    """Forget the cuts saved under a name."""
    with _connection(store) as db:
        db.execute(
            "DELETE FROM cuts WHERE dataset = ? AND split = ? AND name = ?",
            (place.dataset, place.split, name),
        )


def checked(what: str, text: str) -> str:
    """A text without blanks around it.

    Raises:
        InputError: It is empty, too long, or holds what cannot be printed.
    """
    text = text.strip()
    if not text or len(text) > MOST_LETTERS or not text.isprintable():
        raise InputError(
            f"{what} must be a text of 1 to {MOST_LETTERS} letters on one line; got {text[:80]!r}."
        )
    return text


def _plain(row: Row) -> Row:
    """A row as SQLite takes it: NumPy's integers are not."""
    return row if isinstance(row, str) else int(row)


@contextmanager
def _connection(store: Store) -> Iterator[sqlite3.Connection]:
    with store.connection() as db:
        for statement in TABLES:
            db.execute(statement)
        yield db
