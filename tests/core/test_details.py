"""Predictions and accuracies by epoch are kept for units that ask for them, and only for these."""

from pathlib import Path

import numpy as np
import pytest

from core import cluster, database, datasets, engine
from core.datasets.base import Dataset
from core.details import Detail, add_details, detailed, details
from core.models import Model
from core.specs import TrainingSet
from core.store import Store
from core.units import Unit, pending


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


def unit(dataset: Dataset, model: str, detailed: bool = False, size: int = 40) -> Unit:
    rows = np.arange(0, len(dataset.train), len(dataset.train) // size)[:size]
    return Unit(TrainingSet(dataset.fingerprint, rows), Model.parse(model), detailed=detailed)


def test_what_is_stored_comes_back(tmp_path: Path) -> None:
    store, rng = Store(tmp_path), np.random.default_rng(0)
    plain = Detail("a", rng.integers(0, 1_000, 500))
    traced = Detail("b", rng.integers(0, 10, 500), rng.random((7, 2)))
    add_details(store, [plain, traced])
    found = details(store, ["b", "a", "c"])
    assert set(found) == detailed(store, ["a", "b", "c"]) == {"a", "b"}
    np.testing.assert_array_equal(found["a"].predictions, plain.predictions)
    np.testing.assert_array_equal(found["b"].history, traced.history)
    assert found["a"].history is None
    add_details(store, [Detail("a", plain.predictions[:3])])
    assert len(details(store, ["a"])["a"].predictions) == 3


def test_a_store_of_before_opens_and_keeps_its_version(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert detailed(store, ["a"]) == set()
    with Store(tmp_path).connection() as db:
        assert db.execute("PRAGMA user_version").fetchone() == (database.VERSION,)


def test_asking_for_details_changes_neither_key_nor_score(digits: Dataset) -> None:
    for model in ("gnb", "lenet5:epochs=2"):
        plain, asked = unit(digits, model), unit(digits, model, detailed=True)
        assert (plain.key, plain.seed) == (asked.key, asked.seed)
        ((score, none),) = engine.results(digits, [plain], "cpu")
        ((same, detail),) = engine.results(digits, [asked], "cpu")
        assert none is None
        assert detail is not None
        assert (same.accuracy, same.macro_f1, same.train_accuracy, same.epochs) == (
            score.accuracy, score.macro_f1, score.train_accuracy, score.epochs,
        )  # fmt: skip
        assert (detail.predictions == digits.test.y).mean() == pytest.approx(score.accuracy)
        if model == "gnb":
            assert detail.history is None
        else:
            assert detail.history is not None
            expected = [score.train_accuracy, score.accuracy]
            assert detail.history[-1].tolist() == pytest.approx(expected)


def test_a_score_without_the_details_asked_for_is_pending(digits: Dataset, tmp_path: Path) -> None:
    store = Store(tmp_path)
    plain, asked = unit(digits, "gnb"), unit(digits, "gnb", detailed=True)
    assert len(pending([plain, asked], store)) == 1
    store.add_scores(engine.fit(digits, [plain], "cpu"))
    assert not list(pending([plain], store))
    for both in ([asked, plain], [plain, asked]):
        assert list(pending(both, store)) == [asked]
    ((_, detail),) = engine.results(digits, [asked], "cpu")
    assert detail is not None
    add_details(store, [detail])
    assert not list(pending([asked], store))


def test_details_travel_from_the_workers(digits: Dataset, tmp_path: Path) -> None:
    store = Store(tmp_path)
    units = [
        unit(digits, "gnb"),
        unit(digits, "gnb", detailed=True, size=50),
        unit(digits, "rf", detailed=True),
    ]
    with cluster.connect(None) as client:
        engine.score(client, digits, units, store, lambda *_: None, lambda _: None, lambda: False)
    assert store.scored([one.key for one in units]) == {one.key for one in units}
    found = details(store, [one.key for one in units])
    assert set(found) == {one.key for one in units[1:]}
    assert all(len(one.predictions) == len(digits.test) for one in found.values())
