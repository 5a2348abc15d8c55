"""Training sets as arrays: rows, labels and damage."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from core import datasets, engine
from core.corruption import Perturbation, damaged, prepared
from core.corruption.perturbations import PERTURBATIONS
from core.datasets.base import Dataset
from core.engine import fit
from core.errors import InputError, UnknownName
from core.models import Model
from core.specs import Damage, TrainingSet
from core.store import Store
from core.units import Unit, pending

ROWS = np.arange(40)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture(autouse=True)
def blank(monkeypatch: pytest.MonkeyPatch) -> None:
    """A perturbation whose effect is plain to see: every pixel becomes the level."""
    entry = Perturbation(
        "blank", "Blank", "", "grey level", (0.0,), 0, 255,
        lambda images, level, rng, peak: np.full_like(images, int(level)),
    )  # fmt: skip
    monkeypatch.setitem(PERTURBATIONS._entries, "blank", entry)


def test_what_is_not_changed_is_left_out_of_the_key(digits: Dataset) -> None:
    plain = TrainingSet(digits.fingerprint, ROWS)
    changed = [
        TrainingSet(digits.fingerprint, ROWS, labels=digits.train.y[ROWS] * 0),
        TrainingSet(digits.fingerprint, ROWS, train_damage=(Damage("blank", 3),)),
        TrainingSet(digits.fingerprint, ROWS, test_damage=(Damage("blank", 3),)),
        TrainingSet(digits.fingerprint, ROWS, test_damage=(Damage("blank", 3, seed=1),)),
    ]
    assert plain.key == TrainingSet(digits.fingerprint, ROWS, None, (), ()).key
    assert len({plain.key, *(one.key for one in changed)}) == 5


def test_whole_numbers_and_others_are_one_damage(digits: Dataset) -> None:
    whole, other = (
        TrainingSet(digits.fingerprint, ROWS, train_damage=(damage,)).key
        for damage in (Damage("blank", 3, 1), Damage("blank", 3.0, 1.0))
    )
    assert whole == other


def test_labels_stay_with_their_rows(digits: Dataset) -> None:
    rows, labels = ROWS[::-1], digits.train.y[ROWS[::-1]]
    data = prepared(digits, TrainingSet(digits.fingerprint, rows, labels=labels))
    np.testing.assert_array_equal(data.y, digits.train.y[ROWS])
    np.testing.assert_array_equal(data.x, digits.train.x[ROWS])


def test_labels_of_another_length_are_refused(digits: Dataset) -> None:
    with pytest.raises(InputError, match="40 rows needs as many labels; got 3"):
        TrainingSet(digits.fingerprint, ROWS, labels=np.zeros(3, dtype=np.int64))


def test_damage_hits_an_exact_share_and_larger_shares_hold_smaller_ones(digits: Dataset) -> None:
    images = digits.train.x[:200]
    before = images.copy()
    hit = {
        share: np.flatnonzero((damaged(images, (Damage("blank", 9, share),)) == 9).all((1, 2, 3)))
        for share in (0.0, 0.25, 0.5, 1.0)
    }
    assert [len(rows) for rows in hit.values()] == [0, 50, 100, 200]
    assert set(hit[0.25]) < set(hit[0.5])
    np.testing.assert_array_equal(images, before)


def test_train_and_test_are_damaged_each_by_its_own(digits: Dataset) -> None:
    both = TrainingSet(
        digits.fingerprint, ROWS,
        train_damage=(Damage("blank", 3),), test_damage=(Damage("blank", 5), Damage("blank", 7)),
    )  # fmt: skip
    data = prepared(digits, both)
    assert (data.x == 3).all()
    assert (data.test_x == 7).all()
    assert (digits.test.x != 7).any()


def test_unknown_damage_and_levels_out_of_bounds_are_refused(digits: Dataset) -> None:
    with pytest.raises(UnknownName, match="nothing"):
        damaged(digits.train.x, (Damage("nothing", 1),))
    with pytest.raises(InputError, match="from 0 to 255; got 300"):
        damaged(digits.train.x, (Damage("blank", 300),))
    with pytest.raises(InputError, match="share"):
        Damage("blank", 1, share=1.5)


@pytest.mark.parametrize("name", ["gnb", "mlp-1"])
def test_models_see_labels_and_damage(digits: Dataset, name: str) -> None:
    """Two classes with their names changed are told apart as well, under the other names."""
    rows = np.flatnonzero(digits.train.y < 2)[:60]
    swapped = TrainingSet(digits.fingerprint, rows, labels=1 - digits.train.y[rows])
    blind = TrainingSet(digits.fingerprint, rows, test_damage=(Damage("blank", 0),))
    model = Model.parse(name)
    as_given, other, flat = (
        fit(digits, [Unit(data, model)], "cpu")[0]
        for data in (TrainingSet(digits.fingerprint, rows), swapped, blind)
    )
    assert max(other.class_accuracy[:2]) < 0.5 < min(as_given.class_accuracy[:2])
    assert sorted(set(flat.class_accuracy)) in ([0.0], [0.0, 1.0])


@pytest.mark.parametrize("name", ["gnb", "mlp-1"])
def test_units_that_differ_in_the_test_images_are_trained_once(
    digits: Dataset, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    model = Model.parse(name)
    tests = ((), (Damage("blank", 0),), (Damage("blank", 9, 0.5),))
    units = [
        Unit(TrainingSet(digits.fingerprint, ROWS + i, test_damage=damage), model, detailed=True)
        for i in range(2)
        for damage in tests
    ]
    (task,) = pending(units, Store(tmp_path)).tasks({(name, len(ROWS)): 0.01}, "cpu")
    assert len(task.units) == 6
    assert len({unit.seed for unit in units}) == 2
    with monkeypatch.context() as one_by_one:
        one_by_one.setattr(engine, "MOST_TEST_VALUES", 1)
        alone = [engine.results(digits, [unit], "cpu")[0] for unit in task.units]
    trained = []
    fit_many = Model.fit_many
    monkeypatch.setattr(
        Model,
        "fit_many",
        lambda self, dataset, sets, *rest, **options: (
            trained.extend(sets) or fit_many(self, dataset, sets, *rest, **options)
        ),
    )
    together = engine.results(digits, task.units, "cpu")
    assert len(trained) == 2
    for (score, detail), (expected, of_one) in zip(together, alone, strict=True):
        assert replace(score, seconds=0) == replace(expected, seconds=0)
        np.testing.assert_array_equal(detail.predictions, of_one.predictions)


def test_training_sets_tested_on_other_images_do_not_mix(digits: Dataset) -> None:
    sets = [
        TrainingSet(digits.fingerprint, ROWS, test_damage=damage)
        for damage in ((), (Damage("blank", 0),))
    ]
    with pytest.raises(InputError, match="tested on the same images"):
        Model.parse("gnb").fit_many(digits, sets, [0, 0], "cpu")


def test_a_replicate_is_another_unit_with_another_seed(digits: Dataset) -> None:
    data, model = TrainingSet(digits.fingerprint, ROWS), Model.parse("rf")
    units = [Unit(data, model), Unit(data, model, 0), Unit(data, model, 1), Unit(data, model, 2)]
    assert len({unit.key for unit in units}) == len({unit.seed for unit in units}) == 3
