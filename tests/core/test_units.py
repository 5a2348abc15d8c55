"""Units are found, counted and cut into tasks without loss, and without holding them."""

import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from core import datasets, engine
from core.datasets.base import Dataset
from core.models import Model
from core.specs import Damage, TrainingSet
from core.store import Store
from core.units import MOST_TRAININGS, TASK_SECONDS, Clock, Kind, Unit, pending, unit_key


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def make_units(dataset: Dataset, count: int, size: int, *models: str) -> list[Unit]:
    draw = np.random.default_rng(size)
    sets = [
        TrainingSet(dataset.fingerprint, draw.choice(len(dataset.train), size, replace=False))
        for _ in range(count)
    ]
    return [Unit(one, Model.parse(model)) for one in sets for model in models]


def test_unit_keys_and_seeds_belong_to_the_pair_alone(digits: Dataset) -> None:
    rows = np.arange(50)
    first = Unit(TrainingSet(digits.fingerprint, rows), Model.parse("mlp-1"))
    same = Unit(TrainingSet(digits.fingerprint, rows[::-1]), Model.parse("mlp-1:width=128"))
    assert (first.key, first.seed) == (same.key, same.seed)
    others = [
        Unit(TrainingSet(digits.fingerprint, rows + 1), first.model),
        Unit(TrainingSet("another data set", rows), first.model),
        Unit(first.training_set, Model.parse("mlp-2")),
        Unit(first.training_set, Model.parse("mlp-1:width=64")),
    ]
    assert len({first.key, *(unit.key for unit in others)}) == 5
    assert len({first.seed, *(unit.seed for unit in others)}) == 5


def test_keys_are_those_that_stores_hold() -> None:
    """Pinned: another key would make every stored score unknown."""
    one = TrainingSet("f" * 32, np.arange(10))
    assert one.key == "04e2a8e400f5f176a5d96104c9c3d382"
    assert unit_key(one.key, "m" * 32) == "ba6461e68d05a53af9ede19f99975c73"
    assert unit_key(one.key, "m" * 32, 2) == "e751602e4b6ac0df9b138cf1170928c9"


def test_tasks_hold_every_unit_once_and_last_a_few_seconds(digits: Dataset, store: Store) -> None:
    units = make_units(digits, 40, 50, "gnb", "mlp-1") + make_units(digits, 7, 100, "gnb")
    expected = {("gnb", 50): 0.1, ("mlp-1", 50): 2.0, ("gnb", 100): 100.0}
    tasks = list(pending(units, store).tasks(expected, "cpu"))
    assert Counter(unit.key for task in tasks for unit in task.units) == Counter(
        unit.key for unit in units
    )
    places = {unit.key: place for place, unit in enumerate(units)}
    firsts = [places[task.units[0].key] for task in tasks]
    assert firsts == sorted(firsts)
    for task in tasks:
        assert {Kind.of(unit) for unit in task.units} == {task.kind}
        least = task.kind.model.batch(task.kind.size, "cpu")
        assert len(task.units) <= max(least, TASK_SECONDS / expected[task.kind.cost])
        own = [places[unit.key] for unit in task.units]
        assert own == sorted(own)


def test_tasks_follow_what_has_been_measured(digits: Dataset, store: Store) -> None:
    """A rough figure that was wrong costs the first tasks only."""
    expected = {("logistic", 50): 1e-9}
    tasks = pending(make_units(digits, 2 * MOST_TRAININGS, 50, "logistic"), store).tasks(
        expected, "cpu"
    )
    assert len(next(tasks).units) == MOST_TRAININGS
    expected["logistic", 50] = TASK_SECONDS / 10
    assert len(next(tasks).units) == 10


def test_what_is_left_is_each_wanted_unit_once(digits: Dataset, store: Store) -> None:
    units = make_units(digits, 5, 30, "gnb", "svc")
    store.add_scores(engine.fit(digits, [units[0], units[4]], "cpu"))
    work = pending([*units, units[0], units[1], units[1]], store)
    assert list(work) == [unit for place, unit in enumerate(units) if place not in (0, 4)]
    assert (len(work), work.total) == (8, 10)
    assert {kind.cost: count for kind, count in work.counts().items()} == {
        ("gnb", 30): 3, ("svc", 30): 5,
    }  # fmt: skip
    nothing = pending([], store)
    assert (len(nothing), nothing.total, list(nothing.tasks({}, "cpu"))) == (0, 0, [])


def test_one_training_stays_in_one_task(digits: Dataset, store: Store) -> None:
    """Whatever the order that they are asked for in."""
    model, rows = Model.parse("logistic"), np.arange(30)
    units = [
        Unit(
            TrainingSet(digits.fingerprint, rows + i, test_damage=(Damage("gamma", level),)), model
        )
        for level in (0.5, 2.0, 4.0)
        for i in range(20)
    ]
    tasks = list(pending(units, store).tasks({("logistic", 30): TASK_SECONDS / 7}, "cpu"))
    assert [len(task.units) for task in tasks] == [6] * 10
    assert all(len({unit.seed for unit in task.units}) == 2 for task in tasks)


def test_the_clock_learns_from_what_has_run(digits: Dataset, store: Store) -> None:
    work = pending(make_units(digits, 4, 50, "logistic"), store)
    clock = Clock(work.counts(), {("logistic", 50): 1.0})
    assert (clock.units_left, clock.seconds_left(gpu=False)) == (4, 4.0)
    clock.done(next(work.tasks(clock.expected, "cpu")), 6.0)
    assert (clock.units_left, clock.seconds_left(gpu=False)) == (1, 2.0)
    assert clock.expected == {("logistic", 50): 2.0}


class Lazy(Sequence[Unit]):
    """Units of many subsets, made when asked for."""

    def __init__(self, subsets: int, models: int) -> None:
        self.subsets = subsets
        self.models = [Model.parse(f"mlp-1:width={width + 1}") for width in range(models)]

    def __len__(self) -> int:
        return self.subsets * len(self.models)

    def __getitem__(self, place):  # type: ignore[no-untyped-def]
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        subset, model = divmod(place, len(self.models))
        rows = np.arange(100, dtype=np.int32) + subset
        return Unit(TrainingSet("f" * 32, rows), self.models[model])


def test_planning_holds_a_few_bytes_a_unit(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.units.BATCH", 500)
    units = Lazy(2_000, 10)
    units[0].key  # noqa: B018  What is cached once is not counted.
    store.scored([])
    tracemalloc.start()
    try:
        work = pending(units, store)
        held, peak = tracemalloc.get_traced_memory()
        assert len(work) == len(units)
        assert held < 20 * len(units)
        assert peak < 150 * len(units) + 1e6  # A batch of units is made at a time.
        tracemalloc.reset_peak()
        expected = {kind.cost: 0.5 for kind in work.kinds}
        count = sum(len(task.units) for task in work.tasks(expected, "cpu"))
        assert count == len(units)
        assert tracemalloc.get_traced_memory()[1] - held < 50 * len(units)
    finally:
        tracemalloc.stop()
