"""What is said of every training row: its harm, and how wrong its label looks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from sklearn.ensemble import HistGradientBoostingClassifier

from core.corruption import prepared
from core.datasets.base import Dataset
from core.influence.certificate import Influence
from core.influence.draw import Draw
from core.influence.scores import Method, influence
from core.influence.suspicion import LabelSuspicion, out_of_fold_loss, self_influence
from core.influence.trainable import Trained
from core.specs import TrainingSet, seed_from

COLUMNS = ("row", "influence", "self_influence", "suspicion", "label", "given_label")

Floats = npt.NDArray[np.float64]
TrainOne = Callable[[TrainingSet, int], Trained]


class Judged(NamedTuple):
    """Log of each class's probability, shape (rows, classes), and the labels, shape (rows,)."""

    log_probabilities: Floats
    labels: npt.NDArray[np.int64]

    @property
    def losses(self) -> Floats:
        """Cross-entropy of each row, shape (rows,)."""
        own: Floats = -self.log_probabilities[np.arange(len(self.labels)), self.labels]
        return own

    @property
    def accuracy(self) -> float:
        """Share of the rows classified right."""
        return float((self.log_probabilities.argmax(1) == self.labels).mean())


def judge(dataset: Dataset, drawn: Draw, trained: Trained) -> tuple[Judged, Judged]:
    """What a model says of its training rows, under the labels it was given, and of validation."""
    data = prepared(dataset, drawn.training_set)
    of_training = trained.log_probabilities(trained.features(data.x))
    of_validation = trained.log_probabilities(trained.features(dataset.train.x[drawn.validation]))
    return Judged(of_training, data.y), Judged(of_validation, dataset.train.y[drawn.validation])


def harm(
    dataset: Dataset,
    drawn: Draw,
    trained: Trained,
    method: Method = "auto",
    damping: float | None = None,
    batch: int | None = None,
) -> Influence:
    """Influence of the rows that a model was trained on; positive is harmful.

    Args:
        dataset: The data set that the rows are of.
        drawn: Training and validation rows.
        trained: Trained on them.
        method: How to solve; see `influence`.
        damping: Likewise.
        batch: Likewise.

    Raises:
        InputError: As `influence`.
    """
    data = prepared(dataset, drawn.training_set)
    validation = dataset.train.x[drawn.validation], dataset.train.y[drawn.validation]
    return influence(
        trained.model,
        (trained.features(data.x), data.y),
        (trained.features(validation[0]), validation[1]),
        method,
        damping=damping,
        batch=batch,
        train_seconds=trained.fit.seconds,
    )


def own_influence(
    dataset: Dataset, training_set: TrainingSet, trained: Trained, damping: float | None = None
) -> Floats:
    """Self-influence of the rows that a model was trained on, shape (n,).

    NaN for boosted trees, where it would take a reverse sweep a row.
    """
    data = prepared(dataset, training_set)
    if isinstance(trained.model, HistGradientBoostingClassifier):
        return np.full(len(data.y), np.nan)
    return self_influence(trained.model, (trained.features(data.x), data.y), damping=damping)


def unseen_loss(
    dataset: Dataset,
    training_set: TrainingSet,
    one: TrainOne,
    seed: int,
    only: int | None = None,
) -> Floats:
    """Loss of each training row under one of five models that has not seen it, shape (n,).

    Args:
        dataset: The data set that the training set is of.
        training_set: Rows and labels.
        one: Trains on a training set by a seed.
        seed: Decides folds and runs.
        only: Train without this fold alone; NaN for the rows of the others.
    """
    rows = training_set.rows

    def fit(inside: npt.NDArray[np.intp], given: npt.NDArray[np.int64]) -> Any:
        part = TrainingSet(training_set.dataset, rows[inside], given)
        trained = one(part, seed_from("fold", seed, part.key))
        return lambda outside: trained.log_probabilities(
            trained.features(dataset.train.x[rows[outside]])
        )

    labels = prepared(dataset, training_set).y
    return out_of_fold_loss(fit, (np.arange(len(rows)), labels), seed=seed, only=only)


def table(drawn: Draw, influence: Floats, suspicion: LabelSuspicion) -> pd.DataFrame:
    """One row a training row, with the columns `COLUMNS`; labels are class numbers.

    `label` is the data set's own, `given_label` what the model was trained on.
    """
    columns = (
        drawn.training_set.rows,
        influence,
        suspicion.self_influence,
        suspicion.suspicion,
        drawn.labels,
        drawn.given,
    )
    return pd.DataFrame(dict(zip(COLUMNS, columns, strict=True)))
