"""What a training run gave besides its score, for units that ask for it: predictions, epochs.

Kept in a table of their own beside the scores, compressed: for 10,000 test images of ten classes
about 5 kB, less where a model is sure of few.
"""

from __future__ import annotations

import json
import sqlite3
import time
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.store import Store

# Made when first used: a store without it is one in which no unit asked for details.
TABLE = (
    "CREATE TABLE IF NOT EXISTS details (unit TEXT PRIMARY KEY, predictions BLOB NOT NULL, "
    "history BLOB, created REAL NOT NULL) STRICT"
)
PREDICTIONS = np.dtype("<u2")
HISTORY = np.dtype("<f8")


@dataclass(frozen=True, eq=False)
class Detail:
    """What is kept of one unit.

    Args:
        unit: Key of the unit.
        predictions: Predicted class number of every test image, shape (n_test,).
        history: Training and test accuracy after each epoch, float64, shape (epochs, 2); None
            for models that have no epochs or do not look at the test images after each.
    """

    unit: str
    predictions: npt.NDArray[np.integer]
    history: npt.NDArray[np.float64] | None = None


def add_details(store: Store, details: Iterable[Detail]) -> None:
    """Store details in one transaction, replacing what was stored of the same units."""
    now = time.time()
    rows = [
        (
            one.unit,
            zlib.compress(one.predictions.astype(PREDICTIONS).tobytes()),
            None if one.history is None else zlib.compress(one.history.astype(HISTORY).tobytes()),
            now,
        )
        for one in details
    ]
    if not rows:
        return
    with _connection(store) as db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany("INSERT OR REPLACE INTO details VALUES (?, ?, ?, ?)", rows)
        db.execute("COMMIT")


def detailed(store: Store, units: Sequence[str]) -> set[str]:
    """Which of these units have details."""
    with _connection(store) as db:
        rows = db.execute(
            "SELECT unit FROM details WHERE unit IN (SELECT value FROM json_each(?))",
            (json.dumps(list(units)),),
        )
        return {unit for (unit,) in rows}


def details(store: Store, units: Sequence[str]) -> dict[str, Detail]:
    """Details of those of these units that have them."""
    with _connection(store) as db:
        rows = db.execute(
            "SELECT unit, predictions, history FROM details "
            "WHERE unit IN (SELECT value FROM json_each(?))",
            (json.dumps(list(units)),),
        ).fetchall()
    return {
        unit: Detail(
            unit,
            np.frombuffer(zlib.decompress(predictions), PREDICTIONS),
            None
            if history is None
            else np.frombuffer(zlib.decompress(history), HISTORY).reshape(-1, 2),
        )
        for unit, predictions, history in rows
    }


@contextmanager
def _connection(store: Store) -> Iterator[sqlite3.Connection]:
    with store.connection() as db:
        db.execute(TABLE)
        yield db
