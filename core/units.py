"""What is trained, what of it is left, and how it travels: units, work and tasks.

A study may plan a million units. It gives them as a sequence that makes each when it is asked
for; what is kept of them here is a few arrays, under 60 bytes a unit.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, Self

import numpy as np
import numpy.typing as npt

from core.details import detailed
from core.models import Model
from core.specs import KEY_LENGTH, TrainingSet, content_key, seed_from
from core.store import Store

TASK_SECONDS = 3.0
MOST_TRAININGS = 1000
BATCH = 10_000
DIGEST = np.dtype(f"S{KEY_LENGTH // 2}")


@dataclass(frozen=True, eq=False)
class Unit:
    """One training run: a training set and the model trained on it.

    Args:
        training_set: What is trained and tested on.
        model: What is trained.
        replicate: 0, or which repetition of the same run under another seed this is.
        detailed: Whether predictions and accuracies by epoch are stored besides the score; not
            part of the key, for it changes nothing.
    """

    training_set: TrainingSet
    model: Model
    replicate: int = 0
    detailed: bool = False

    @property
    def key(self) -> str:
        """What its score is stored under."""
        return unit_key(self.training_set.key, self.model.key, self.replicate)

    @property
    def training_key(self) -> str:
        """Key of the unit without damage to its test: units that share it share one training."""
        return unit_key(self.training_set.training.key, self.model.key, self.replicate)

    @property
    def seed(self) -> int:
        """Seed of the run: belongs to what is trained, never to the order or the batch."""
        repeated = (self.replicate,) if self.replicate else ()
        return seed_from("fit", self.training_set.training.key, self.model.key, *repeated)


def unit_key(training_set: str, model: str, replicate: int = 0) -> str:
    """Key of a unit by the keys of its training set and its model; replicate 0 is left out."""
    values: dict[str, object] = {"training_set": training_set, "model": model}
    return content_key("unit", values | ({"replicate": replicate} if replicate else {}))


class Kind(NamedTuple):
    """Units of one kind cost the same and may travel together."""

    model: Model
    size: int
    detailed: bool

    @classmethod
    def of(cls, unit: Unit) -> Self:
        """The kind of a unit."""
        return cls(unit.model, unit.training_set.rows.size, unit.detailed)

    @property
    def cost(self) -> tuple[str, int]:
        """What seconds are known by: model label and size."""
        return self.model.label, self.size


@dataclass(frozen=True, eq=False)
class Task:
    """Units of one kind that travel to a worker together."""

    kind: Kind
    units: tuple[Unit, ...]

    def split(self) -> list[Task]:
        """The same units one by one."""
        return [Task(self.kind, (unit,)) for unit in self.units]


@dataclass(frozen=True, eq=False)
class Work:
    """Which units of a study are left, each once.

    Args:
        units: All units of the study.
        total: How many of them differ.
        kinds: The kinds that are left.
        places: Of the units left, in `units`, int32, shape (left,); kind by kind, trainings in
            the order of their first unit, units of one training next to one another.
        kind: Number in `kinds` of each, int32, shape (left,), ascending.
        begins: Whether it is the first of its training, shape (left,).
    """

    units: Sequence[Unit]
    total: int
    kinds: tuple[Kind, ...]
    places: npt.NDArray[np.int32]
    kind: npt.NDArray[np.int32]
    begins: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.places)

    def __iter__(self) -> Iterator[Unit]:
        """The units left, in the order of the study."""
        return (self.units[place] for place in np.sort(self.places))

    def counts(self) -> dict[Kind, int]:
        """Units left of each kind."""
        numbers = np.bincount(self.kind, minlength=len(self.kinds))
        return dict(zip(self.kinds, numbers.tolist(), strict=True))

    def tasks(
        self, expected: Mapping[tuple[str, int], float], device: str, gpu: bool | None = None
    ) -> Iterator[Task]:
        """Tasks of a few seconds each, cut as they are asked for, in the order of the study.

        Units that differ in the test images alone stay together.

        Args:
            expected: Seconds of one unit by (model label, size); looked at anew for each task,
                so that what has run so far decides how large the next ones are.
            device: What the workers train on.
            gpu: Only models that use a GPU, or only those that do not.
        """
        bounds = np.searchsorted(self.kind, np.arange(len(self.kinds) + 1))
        trainings = [
            np.append(np.flatnonzero(self.begins[start:end]) + start, end)
            for start, end in pairwise(bounds)
        ]
        longest = [int(np.diff(firsts).max()) for firsts in trainings]
        # By the place in the study of what each kind would run next.
        heap = [
            (self.places[firsts[0]], number, 0)
            for number, firsts in enumerate(trainings)
            if gpu is None or gpu == self.kinds[number].model.family.gpu
        ]
        heapq.heapify(heap)
        while heap:
            _, number, first = heapq.heappop(heap)
            firsts, kind = trainings[number], self.kinds[number]
            batch = kind.model.batch(kind.size, device)
            seconds = expected[kind.cost] * longest[number] * batch
            step = batch * max(
                1, min(MOST_TRAININGS // batch, int(TASK_SECONDS / max(seconds, 1e-6)))
            )
            last = min(first + step, len(firsts) - 1)
            some = self.places[firsts[first] : firsts[last]]
            if last < len(firsts) - 1:
                heapq.heappush(heap, (self.places[firsts[last]], number, last))
            yield Task(kind, tuple(self.units[place] for place in some))


def pending(units: Sequence[Unit], store: Store) -> Work:
    """What is left: units without a score, or without the details they ask for, each key once.

    Walks over the units once, by batches; of each only digests and its kind are kept.
    """
    keys = np.empty(len(units), DIGEST)
    trainings = np.empty(len(units), DIGEST)
    kind = np.empty(len(units), np.int32)
    wanted = np.empty(len(units), np.bool_)
    kinds: dict[Kind, int] = {}
    for start, some in batches(units):
        names = [unit.key for unit in some]
        here = slice(start, start + len(some))
        keys[here] = [bytes.fromhex(name) for name in names]
        trainings[here] = [
            bytes.fromhex(unit.training_key if unit.training_set.test_damage else name)
            for name, unit in zip(names, some, strict=True)
        ]
        kind[here] = [
            kinds.setdefault(
                Kind(unit.model, unit.training_set.rows.size, unit.detailed), len(kinds)
            )
            for unit in some
        ]
        done = _done(some, names, store)
        wanted[here] = [name not in done for name in names]
    key = _numbers(keys)
    del keys  # Half of what is held here.
    asks = np.array([one.detailed for one in kinds], dtype=np.bool_)[kind]
    # Of equal units the one that is wanted and asks for most stands for all.
    order = np.lexsort((~asks, ~wanted, key))
    first = np.diff(key[order], prepend=np.int32(-1)) != 0
    left = np.sort(order[first])
    left = left[wanted[left]]
    return _sorted(units, int(first.sum()), list(kinds), left, kind[left], trainings[left])


def batches(units: Sequence[Unit]) -> Iterator[tuple[int, Sequence[Unit]]]:
    """Units by batches, each with the place of its first; an empty one where there are none."""
    for start in range(0, max(1, len(units)), BATCH):
        yield start, units[start : start + BATCH]


def _done(units: Sequence[Unit], keys: Sequence[str], store: Store) -> set[str]:
    """Keys that need no run."""
    done = store.scored(keys)
    asked = [key for unit, key in zip(units, keys, strict=True) if unit.detailed and key in done]
    return done - (set(asked) - detailed(store, asked)) if asked else done


def _sorted(
    units: Sequence[Unit],
    total: int,
    kinds: Sequence[Kind],
    places: npt.NDArray[np.intp],
    kind: npt.NDArray[np.int32],
    trainings: npt.NDArray[np.bytes_],
) -> Work:
    """The work in the order of `Work`, its kinds numbered anew without those that are done."""
    here, number = np.unique(kind, return_inverse=True)
    _, first, training = np.unique(trainings, return_index=True, return_inverse=True)
    training = first[training]
    order = np.lexsort((places, training, number))
    begins = np.diff(training[order], prepend=-1) != 0
    return Work(
        units,
        total,
        tuple(kinds[one] for one in here),
        places[order].astype(np.int32),
        number[order].astype(np.int32),
        begins,
    )


def _numbers(digests: npt.NDArray[np.bytes_]) -> npt.NDArray[np.int32]:
    """A number for each that equal ones share."""
    return np.unique(digests, return_inverse=True)[1].astype(np.int32)


class Clock:
    """Seconds that each kind of unit takes, and that the rest will take."""

    def __init__(self, left: Mapping[Kind, int], expected: Mapping[tuple[str, int], float]) -> None:
        self.expected = dict(expected)
        self._left = dict(left)
        self._taken: dict[tuple[str, int], tuple[int, float]] = {}

    def done(self, task: Task, seconds: float) -> None:
        """Note that a task ended after so many worker seconds."""
        self._left[task.kind] -= len(task.units)
        if seconds:
            count, taken = self._taken.get(task.kind.cost, (0, 0.0))
            count, taken = count + len(task.units), taken + seconds
            self._taken[task.kind.cost] = count, taken
            self.expected[task.kind.cost] = taken / count

    @property
    def units_left(self) -> int:
        """Units not done."""
        return sum(self._left.values())

    def seconds_left(self, gpu: bool) -> float:
        """Worker seconds that the rest will take of models that use a GPU, or do not."""
        return sum(
            count * self.expected[kind.cost]
            for kind, count in self._left.items()
            if kind.model.family.gpu == gpu
        )
