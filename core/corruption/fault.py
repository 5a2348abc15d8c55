"""What a fault is: one way in which training data go wrong, at a level."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from core.datasets.base import Dataset
from core.errors import InputError
from core.specs import TrainingSet, check_known, check_whole, seed_from

Aspect = Literal["equilibrium", "size", "labels", "contamination"]
SPLITS = ("train", "test", "both")
IMAGES = frozenset({"image"})
ANY_KIND = frozenset({"image", "text", "table"})


@dataclass(frozen=True)
class Choice:
    """What a fault needs to know besides its level.

    Args:
        kind: `class` (a class number), `share` (from 0 to 1), `switch`, `perturbation` (name and
            level, or None) or `matrix` (or None).
        default: Taken unless another is given.
        help: One sentence.
    """

    kind: Literal["class", "share", "switch", "perturbation", "matrix"]
    default: Any
    help: str

    def check(self, name: str, value: Any, dataset: Dataset) -> None:
        """Raise an InputError where the value cannot be meant."""
        if self.kind == "class":
            check_whole(name, value, 0)
            if value >= len(dataset.classes):
                raise InputError(
                    f"{name} must be one of the class numbers of {dataset.name}, from 0 to "
                    f"{len(dataset.classes) - 1}; got {value}."
                )
        elif self.kind == "switch" and not isinstance(value, bool):
            raise InputError(f"{name} must be true or false; got {value!r}.")
        elif self.kind == "share" and not (_number(value) and 0 <= value <= 1):
            raise InputError(f"{name} must be a number from 0 to 1; got {value!r}.")
        elif self.kind == "perturbation" and not (value is None or _step(value)):
            raise InputError(
                f"{name} must be the name of a perturbation and a level; got {value!r}."
            )


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _step(value: object) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and _number(value[1])


@dataclass(frozen=True, eq=False)
class Case:
    """What a fault is asked for.

    Args:
        dataset: The data set.
        rows: Training rows that the fault starts from, sorted.
        level: How strong.
        seed: Decides what is drawn at random.
        where: Which split is damaged.
        choices: By name; all of them.
    """

    dataset: Dataset
    rows: npt.NDArray[np.int32]
    level: float
    seed: int
    where: str
    choices: Mapping[str, Any]

    @property
    def labels(self) -> npt.NDArray[np.int64]:
        """Class numbers of the rows, as they are given."""
        return self.dataset.train.y[self.rows]

    def rng(self) -> np.random.Generator:
        """A generator that does not depend on the level, so that higher levels hold lower ones."""
        return np.random.default_rng(seed_from("fault", self.seed))

    def keep(self, places: npt.NDArray[np.intp]) -> TrainingSet:
        """The training set of some of the rows, by their place among them."""
        return TrainingSet(self.dataset.fingerprint, self.rows[places])

    def relabel(self, labels: npt.NDArray[np.int64]) -> TrainingSet:
        """The training set of all the rows under other labels; the clean one if none differs."""
        changed = None if np.array_equal(labels, self.labels) else labels
        return TrainingSet(self.dataset.fingerprint, self.rows, labels=changed)


@dataclass(frozen=True, eq=False)
class Fault:
    """One entry of the registry of faults.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        aspect: Which of the four aspects of data quality it takes from.
        parameter: What a level is, with its unit.
        levels: Levels to try unless others are asked for.
        least: Smallest level allowed.
        most: Largest level allowed.
        change: Makes the training set of a case.
        clean: The level that changes nothing, None where no level does.
        choices: What it needs to know besides, by name.
        kinds: Kinds of data set that it can be put into.

    References:
        Four-aspects paper, section II.
    """

    name: str
    title: str
    summary: str
    aspect: Aspect
    parameter: str
    levels: tuple[float, ...]
    least: float
    most: float
    change: Callable[[Case], TrainingSet]
    clean: float | None = None
    choices: Mapping[str, Choice] = field(default_factory=lambda: MappingProxyType({}))
    kinds: frozenset[str] = ANY_KIND

    def plan(
        self,
        dataset: Dataset,
        level: float,
        *,
        seed: int,
        where: str = "train",
        rows: npt.NDArray[np.integer] | None = None,
        **choices: Any,
    ) -> TrainingSet:
        """The training set that has this fault.

        Of one seed, what a level changes is among what a higher level changes. Where nothing
        changes, the training set is the clean one, under the clean one's content key.

        Args:
            dataset: The data set; its test split is never thinned or relabelled.
            level: How strong.
            seed: Decides what is drawn at random.
            where: `train`, `test` or `both`; only pixels can be damaged in the test split.
            rows: Training rows to start from; all when None.
            choices: What else the fault needs to know; see `self.choices`.

        Raises:
            InputError: The fault does not go with the data set, the level or a choice is out of
                bounds, or no training row would be left.
            UnknownName: The fault has no such choice.
        """
        self._check(dataset, level, where)
        for name, value in choices.items():
            check_known(f"choice of {self.name}", name, self.choices)
            self.choices[name].check(name, value, dataset)
        settled = {name: choices.get(name, one.default) for name, one in self.choices.items()}
        start = np.arange(len(dataset.train)) if rows is None else rows
        start = np.unique(start).astype(np.int32)
        found = self.change(Case(dataset, start, float(level), seed, where, settled))
        if not found.rows.size:
            raise InputError(
                f"{self.title} at level {level:g} leaves no training row; choose another level."
            )
        return found

    def _check(self, dataset: Dataset, level: float, where: str) -> None:
        if dataset.kind not in self.kinds:
            raise InputError(
                f"{self.title} is a fault of {' or '.join(sorted(self.kinds))} data; "
                f"{dataset.name} is {dataset.kind} data."
            )
        if not self.least <= level <= self.most:
            raise InputError(
                f"{self.title}: the level ({self.parameter}) must be from {self.least:g} to "
                f"{self.most:g}; got {level:g}."
            )
        check_known("split", where, SPLITS)
        if where != "train" and self.aspect != "contamination":
            raise InputError(
                f"{self.title} is a fault of the training split alone; got where = {where!r}."
            )


def touched(dataset: Dataset, training_set: TrainingSet, rows: int | None = None) -> float:
    """Share of the training rows that are missing, relabelled or have other pixels.

    Makes faults of different kinds comparable. Where only test images are damaged, it is the
    share of these.

    Args:
        dataset: The data set that the training set is of.
        training_set: What a fault made.
        rows: How many training rows it started from; all when None.
    """
    total = len(dataset.train) if rows is None else rows
    kept = training_set.rows
    relabelled = 0
    if training_set.labels is not None:
        relabelled = int((training_set.labels != dataset.train.y[kept]).sum())
    lost = (total - kept.size + relabelled) / total
    damages = training_set.train_damage or training_set.test_damage
    return max(lost, max((damage.share for damage in damages), default=0.0))
