"""The subsets of an X-Factor study: their recipes, their rows, and a unit for each model.

Rows stay in the store, a file for each group of subsets, and are read when they are asked for:
100,000 subsets are a few megabytes of recipes here, however many images each of them holds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby, islice
from operator import attrgetter
from typing import overload

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import selection
from core.datasets.base import Dataset
from core.errors import DamagedBlob
from core.models import Model
from core.specs import Selection, TrainingSet, content_key, seed_from
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec, directions_of
from core.units import Unit

RECIPE_COLUMNS = ("subset", "per_class", "strategy", "direction", "excess", "repeat")
# One group is stored as one file and read at once: 4 MB with ten classes.
MOST_SUBSETS = 1_000
MOST_PER_CLASS = 100_000
HELD = 16  # groups, most of them far smaller than that
MOST_TOGETHER = 150_000  # images of a class drawn for one task: 20 MB with ten classes

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Group:
    """Subsets that differ in their repeat alone; stored together.

    Args:
        strategy: How they are selected; likewise `direction`, `per_class` and `excess`.
        study_seed: Seed of the study.
        first: Repeat of the first of them.
        count: How many.
    """

    strategy: str
    direction: str
    per_class: int
    excess: int
    study_seed: int
    first: int
    count: int

    @property
    def repeats(self) -> range:
        """The repeat of each subset."""
        return range(self.first, self.first + self.count)

    @property
    def seeds(self) -> list[int]:
        """The seed of each subset.

        It depends on the study's seed and the subset's own recipe alone, so a study that is
        extended keeps the subsets it had.
        """
        recipe = (self.study_seed, self.strategy, self.direction, self.per_class, self.excess)
        return [seed_from("subset", *recipe, repeat) for repeat in self.repeats]

    def selections(self) -> list[Selection]:
        """The recipe of each subset."""
        return [
            Selection(self.strategy, self.direction, self.per_class, self.excess, seed)
            for seed in self.seeds
        ]

    def key(self, fingerprint: str) -> str:
        """What the rows are stored under."""
        names = ("strategy", "direction", "per_class", "excess", "seeds")
        values = {name: getattr(self, name) for name in names}
        return content_key(
            "selection", {"version": selection.VERSION, "dataset": fingerprint, **values}
        )


def plan(spec: XFactorSpec) -> list[Group]:
    """The subsets of a study: for each size the random ones, then each strategy's."""

    def groups(
        strategy: str, direction: str, per_class: int, excess: int, count: int
    ) -> Iterator[Group]:
        most = max(1, min(MOST_SUBSETS, MOST_PER_CLASS // per_class))
        for first in range(0, count, most):
            some = min(most, count - first)
            yield Group(strategy, direction, per_class, excess, spec.seed, first, some)

    found: list[Group] = []
    for per_class in spec.per_class:
        found += groups("random", "", per_class, 0, spec.random)
        for strategy in spec.strategies:
            for direction in directions_of(strategy, spec.directions):
                for excess in spec.excess:
                    found += groups(strategy, direction, per_class, excess, spec.repeats)
    return found


def bunches(groups: Sequence[Group]) -> Iterator[list[Group]]:
    """Groups of one strategy to select in one task, so that they share distances."""
    for _, alike in groupby(sorted(groups, key=attrgetter("strategy")), attrgetter("strategy")):
        bunch: list[Group] = []
        images = 0
        for group in alike:
            drawn = group.count * (group.per_class + group.excess)
            if bunch and images + drawn > MOST_TOGETHER:
                yield bunch
                bunch, images = [], 0
            bunch.append(group)
            images += drawn
        yield bunch


def selected(dataset: Dataset, bunch: Sequence[Group]) -> list[Rows]:
    """Of each group in a bunch the rows of its subsets, int32 (subset, row)."""
    wanted = [one for group in bunch for one in group.selections()]
    rows = (subset.rows for subset in selection.select_many(dataset, wanted))
    return [np.stack(list(islice(rows, group.count))) for group in bunch]


def keep(bunch: Sequence[Group], rows: Sequence[Rows], fingerprint: str, store: Store) -> None:
    """Store the rows of each group in a bunch, as `selected` gives them."""
    for group, matrix in zip(bunch, rows, strict=True):
        store.put_blob(group.key(fingerprint), {"rows": matrix})


def recipes(groups: Sequence[Group]) -> pd.DataFrame:
    """One row a subset, with an id that people can read, such as `uniqueness+_n10_m20_r3`."""
    counts = [group.count for group in groups]
    columns = {
        name: np.repeat([getattr(group, name) for group in groups], counts)
        for name in RECIPE_COLUMNS[1:-1]
    }
    repeats = [np.asarray(group.repeats) for group in groups]
    ids = (
        f"{one.strategy}{one.direction}_n{one.per_class}_m{one.excess}_r{repeat}"
        for one in groups
        for repeat in one.repeats
    )
    table = pd.DataFrame({**columns, "repeat": np.concatenate(repeats)})
    table.insert(0, "subset", pd.Series(ids, dtype=str))
    return table.astype({"strategy": str, "direction": str})


def stored(
    groups: Sequence[Group], fingerprint: str, store: Store, report: Callable[[str], None]
) -> list[Group]:
    """Those of the groups whose rows are in the store, whole."""
    return [one for one in groups if store.whole(one.key(fingerprint), report) is not None]


class Subsets(Mapping[str, Rows]):
    """Rows of each subset by its id, int32, read when they are asked for.

    Args:
        groups: Groups that are stored.
        fingerprint: Of their data set.
        store: Where they are.
    """

    def __init__(self, groups: Sequence[Group], fingerprint: str, store: Store) -> None:
        self.fingerprint = fingerprint
        self._groups = groups
        self._bounds = np.cumsum([0, *(group.count for group in groups)])
        names = recipes(groups)["subset"].tolist() if groups else []
        self._ids: pd.Index[str] = pd.Index(names, dtype=str)
        self._store = store
        self._matrix = lru_cache(HELD)(self._read)

    def __len__(self) -> int:
        return int(self._bounds[-1])

    def __iter__(self) -> Iterator[str]:
        return iter(self._ids.tolist())

    def __getitem__(self, subset: str) -> Rows:
        (place,) = self._ids.get_indexer(pd.Index([subset]))
        if place < 0:
            raise KeyError(subset)
        return self.at(int(place))

    def at(self, place: int) -> Rows:
        """Rows of the subset at a place in the plan.

        Raises:
            DamagedBlob: They were damaged since the groups were looked for.
        """
        number = int(np.searchsorted(self._bounds, place, side="right")) - 1
        rows: Rows = self._matrix(number)[place - self._bounds[number]]
        return rows

    def _read(self, number: int) -> Rows:
        key = self._groups[number].key(self.fingerprint)
        blob = self._store.blob(key)
        if blob is None:
            raise DamagedBlob(f"The rows {key} have gone from the store; run the study again.")
        return blob.arrays["rows"]


class Units(Sequence[Unit]):
    """Every (subset, model), subset by subset, each made when it is asked for.

    Args:
        subsets: The subsets.
        models: The models.
        more: Units that follow them.
    """

    def __init__(
        self, subsets: Subsets, models: Sequence[Model], more: Sequence[Unit] = ()
    ) -> None:
        self._subsets = subsets
        self._models = tuple(models)
        self._more = more
        self._set = lru_cache(1)(self._training_set)  # A subset's units follow one another.

    def __len__(self) -> int:
        return len(self._subsets) * len(self._models) + len(self._more)

    @overload
    def __getitem__(self, place: int) -> Unit: ...
    @overload
    def __getitem__(self, place: slice) -> list[Unit]: ...
    def __getitem__(self, place: int | slice) -> Unit | list[Unit]:
        if isinstance(place, slice):
            return [self[one] for one in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        subset, model = divmod(int(place), len(self._models))
        if subset >= len(self._subsets):
            return self._more[place - len(self._subsets) * len(self._models)]
        return Unit(self._set(subset), self._models[model])

    def _training_set(self, subset: int) -> TrainingSet:
        return TrainingSet(self._subsets.fingerprint, self._subsets.at(subset))
