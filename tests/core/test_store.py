"""The store keeps what it was given, notices damage, and serves several processes."""

import json
import math
import multiprocessing
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import database
from core.errors import DamagedBlob, StoreError
from core.store import Blob, Score, Store

SCORE = Score(
    unit="u1",
    training_set="t1",
    model="m1",
    label="rf",
    dataset="d",
    size=100,
    accuracy=0.75,
    macro_f1=0.7,
    class_accuracy=(0.5, 1.0, math.nan),
    train_accuracy=1.0,
    epochs=0,
    seconds=0.5,
    device="cpu",
    weights="",
    seed=2**62 + 1,
    versions="scikit-learn 1.9.1",
)


def test_arrays_come_back_as_they_were(tmp_path: Path) -> None:
    store = Store(tmp_path)
    x = np.arange(12, dtype=np.uint8).reshape(3, 4)
    store.put_blob("k", {"x": x, "names": np.array(["é", "<b>"])}, {"note": "ü"})
    blob = Store(tmp_path).blob("k")
    assert blob is not None
    np.testing.assert_array_equal(blob.arrays["x"], x)
    assert blob.arrays["x"].dtype == np.uint8
    assert list(blob.arrays["names"]) == ["é", "<b>"]
    assert blob.meta == {"note": "ü"}
    assert store.blob("other") is None
    assert not list((tmp_path / "blobs").glob("*.part"))


def test_objects_are_refused_and_leave_nothing_behind(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(ValueError, match="pickle"):
        store.put_blob("k", {"x": np.array([{}], dtype=object)})
    assert store.blob("k") is None
    assert list((tmp_path / "blobs").iterdir()) == []


@pytest.mark.parametrize("damage", ["cut", "changed", "gone"])
def test_a_damaged_array_is_reported_and_computed_again(tmp_path: Path, damage: str) -> None:
    store = Store(tmp_path)
    store.put_blob("k", {"x": np.arange(1000)})
    path = tmp_path / "blobs" / "k.npz"
    content = bytearray(path.read_bytes())
    if damage == "cut":
        path.write_bytes(content[:-100])
    elif damage == "changed":
        content[500] ^= 1
        path.write_bytes(content)
    else:
        path.unlink()
    with pytest.raises(DamagedBlob, match=r"k\.npz"):
        store.blob("k")
    said: list[str] = []
    again = store.remember("k", lambda: Blob({"x": np.arange(5)}, {}), said.append)
    np.testing.assert_array_equal(again.arrays["x"], np.arange(5))
    assert len(said) == 1
    assert "computed again" in said[0]
    assert store.remember("k", lambda: pytest.fail("stored"), said.append).arrays["x"].size == 5


def test_scores_come_back_and_the_first_one_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.add_failures([("u1", "rf", "out of memory")])
    assert list(store.failures(["u1"])["reason"]) == ["out of memory"]
    store.add_scores([SCORE, replace(SCORE, unit="u2", size=300)])
    store.add_scores([replace(SCORE, accuracy=0.1)])
    frame = store.scores(["u1", "missing"])
    assert len(frame) == 1
    row = frame.iloc[0]
    assert row["accuracy"] == 0.75
    assert row["seed"] == 2**62 + 1
    np.testing.assert_array_equal(row["class_accuracy"], [0.5, 1.0, math.nan])
    assert store.scored(["u1", "u2", "u3"]) == {"u1", "u2"}
    assert store.failures(["u1"]).empty
    assert store.mean_seconds("d", "cpu") == {("rf", 100): 0.5, ("rf", 300): 0.5}
    assert store.mean_seconds("d", "cuda") == {}
    assert store.mean_seconds("e", "cpu") == {}
    assert Store(tmp_path).scores([]).empty


def _write(root: Path, first: int) -> None:
    store = Store(root)
    for number in range(first, first + 50):
        store.add_scores([replace(SCORE, unit=f"u{number}")])
        store.put_blob("same", {"x": np.full(1000, number)})


def test_several_processes_write_at_once(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(tmp_path, first)) for first in (0, 100, 200)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0, 0]
    units = [f"u{first + number}" for first in (0, 100, 200) for number in range(50)]
    store = Store(tmp_path)
    assert store.scored(units) == set(units)


def test_a_store_from_a_newer_program_is_left_alone(tmp_path: Path) -> None:
    Store(tmp_path)
    with closing(sqlite3.connect(tmp_path / "xfactor.sqlite", isolation_level=None)) as db:
        db.execute(f"PRAGMA user_version = {database.VERSION + 1}")
    with pytest.raises(StoreError, match="newer version"):
        Store(tmp_path)


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text(json.dumps({}))
    with pytest.raises(StoreError, match="XFACTOR_CACHE"):
        Store(tmp_path / "file" / "cache")
