"""Which rows a model is trained on and which it is judged by, drawn from the training split."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.corruption.labels import FLIP_RANDOM
from core.datasets.base import Dataset
from core.errors import InputError
from core.specs import TrainingSet, content_key, seed_from

VERSION = 1
TRAIN, VALIDATION = 1000, 500

Labels = npt.NDArray[np.int64]
Numbers = npt.NDArray[np.integer]


@dataclass(frozen=True, eq=False)
class Draw:
    """A training set and the validation rows beside it; the test split is in neither.

    Args:
        training_set: Rows and labels, some of them flipped where that was asked for.
        labels: The data set's own labels of those rows, int64, shape (n,).
        validation: Row numbers of the training split, int32; their labels are never flipped.
    """

    training_set: TrainingSet
    labels: Labels
    validation: npt.NDArray[np.int32]

    @property
    def given(self) -> Labels:
        """The labels that models are trained on, shape (n,)."""
        changed = self.training_set.labels
        return self.labels if changed is None else changed

    def without(self, places: npt.NDArray[np.intp]) -> Draw:
        """The same without some training rows, by their place among them."""
        old = self.training_set
        changed = None if old.labels is None else np.delete(old.labels, places)
        kept = TrainingSet(old.dataset, np.delete(old.rows, places), changed)
        return Draw(kept, np.delete(self.labels, places), self.validation)

    def arrays(self) -> dict[str, npt.NDArray[Any]]:
        """What `from_arrays` makes the same draw of."""
        return {
            "rows": self.training_set.rows,
            "labels": self.labels,
            "given": self.given,
            "validation": self.validation,
        }

    @classmethod
    def from_arrays(cls, dataset: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Draw:
        """A draw of the data set with this fingerprint."""
        changed = None
        if not np.array_equal(arrays["given"], arrays["labels"]):
            changed = arrays["given"]
        kept = TrainingSet(dataset, arrays["rows"], changed)
        return cls(kept, arrays["labels"], arrays["validation"])


def default_sizes(dataset: Dataset) -> tuple[int, int]:
    """1,000 training and 500 validation rows; of fewer rows two thirds and one third."""
    n = len(dataset.train)
    return (TRAIN, VALIDATION) if n >= TRAIN + VALIDATION else (n - n // 3, n // 3)


@dataclass(frozen=True)
class Sample:
    """The recipe of a draw.

    Args:
        train: Training rows.
        validation: Validation rows.
        flip: Share of the training labels to change, from 0 to 1.
        seed: Decides rows and flips; the rows do not depend on `flip`.
    """

    train: int
    validation: int
    flip: float
    seed: int

    def key(self, fingerprint: str) -> str:
        """What the draw is stored under, for the data set with this fingerprint."""
        return content_key("draw", {"version": VERSION, "dataset": fingerprint, **vars(self)})

    def draw(self, dataset: Dataset) -> Draw:
        """Draw both sets at random, each class in proportion, and flip some training labels.

        Raises:
            InputError: The training split has fewer rows.
        """
        check_sizes(dataset, self.train, self.validation)
        order = mixed(dataset.train.y, self.seed)
        validation, train = order[: self.validation], order[self.validation :][: self.train]
        return flipped(dataset, train, validation, self.flip, self.seed)


def flipped(dataset: Dataset, rows: Numbers, validation: Numbers, flip: float, seed: int) -> Draw:
    """A draw of given rows, a share of whose training labels becomes another class each."""
    training_set = FLIP_RANDOM.plan(dataset, flip, seed=seed, rows=rows)
    labels = dataset.train.y[training_set.rows]
    return Draw(training_set, labels, np.sort(validation).astype(np.int32))


def check_sizes(dataset: Dataset, train: int, validation: int) -> None:
    """Raise an InputError unless the training split has so many rows."""
    if train + validation > len(dataset.train):
        raise InputError(
            f"{dataset.name} has {len(dataset.train):,} training rows; {train:,} to train on and "
            f"{validation:,} to validate on are {train + validation:,}: lower one of them."
        )


def mixed(y: Labels, seed: int) -> npt.NDArray[np.int64]:
    """All places in an order of which every stretch holds each class in about its share."""
    order = np.random.default_rng(seed_from("draw", seed)).permutation(len(y))
    depth = np.empty(len(y))
    for label in np.unique(y):
        of_class = np.flatnonzero(y[order] == label)
        depth[of_class] = (np.arange(len(of_class)) + 0.5) / len(of_class)
    result: npt.NDArray[np.int64] = order[np.argsort(depth, kind="stable")]
    return result


def share_of(share: float, count: int) -> int:
    """The whole number of rows in a share, rounded down but for rounding errors."""
    return math.floor(share * count + 1e-9)
