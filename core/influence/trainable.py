"""Model families whose training influence can look into: one small adapter each.

A model is trained exactly as the engine trains it, so that scores belong to the model that the
stored accuracy belongs to. To make another family known here, write its adapter and list it in
`TRAINABLE`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.special import log_softmax
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn

from core.corruption import prepared
from core.datasets.base import Dataset
from core.errors import InputError, TrainingDiverged
from core.models import Fit, Model
from core.models.base import Options
from core.models.classical import SEEDS, boosted_trees
from core.models.logistic import penalty
from core.specs import TrainingSet
from core.training import logistic
from core.training.embedding import tokens, train_embedding
from core.training.inputs import check_rows
from core.training.logistic import LogisticRegression
from core.training.mlp import train_mlps
from core.training.pixels import matrix, one_thread

CHUNK = 256  # rows that a network sees at once

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Trained:
    """A model trained on a training set.

    Args:
        model: What `influence` and `self_influence` take.
        fit: What the engine stores of it.
        features: From rows of a split, as the data set holds them, to what the model takes.
        log_probabilities: From such features to the log of each class's probability, float64,
            shape (rows, classes); −inf for a class that training lacked.
    """

    model: LogisticRegression | nn.Module | HistGradientBoostingClassifier
    fit: Fit
    features: Callable[[Any], Any]
    log_probabilities: Callable[[Any], Floats]


Train = Callable[[Dataset, TrainingSet, Options, int, str], Trained]


def train(
    dataset: Dataset, training_set: TrainingSet, model: Model, seed: int, device: str = "cpu"
) -> Trained:
    """Train a model as the engine does, and keep it.

    Args:
        dataset: The data set that the training set is of.
        training_set: What to train on.
        model: Of a family in `TRAINABLE`.
        seed: Of the run, as `Unit.seed`.
        device: `"cpu"`, `"cuda"` or `"cuda:N"`.

    Raises:
        InputError: The family cannot be looked into, or cannot use the data.
        TrainingDiverged: A network's outputs are no longer finite.
    """
    check_trainable(model, dataset)
    try:
        return TRAINABLE[model.name](dataset, training_set, model.options, seed, device)
    except TrainingDiverged as error:
        raise TrainingDiverged(
            f"Training {model.label} diverged on {dataset.name} with {training_set.rows.size} "
            "rows: its outputs are not finite numbers, so nothing can be said of its rows."
        ) from error


def check_trainable(model: Model, dataset: Dataset) -> None:
    """Raise an InputError unless influence can look into a model trained on a data set."""
    if model.name not in TRAINABLE:
        raise InputError(
            f"Influence follows gradients, or the leaf values of boosted trees, which {model.name} "
            f"has not; choose one of {', '.join(TRAINABLE)}."
        )
    model.check(dataset)


def _logistic(
    dataset: Dataset, training_set: TrainingSet, options: Options, seed: int, device: str
) -> Trained:
    """The minimum of the objective: the same for every seed."""
    begun = time.perf_counter()
    with one_thread():
        data = prepared(dataset, training_set)
        x, test = (matrix(rows, dataset.peak) for rows in (data.x, data.test_x))
        model = logistic.fit(x, data.y, l2=penalty(dataset, options), classes=len(dataset.classes))
        accuracy = float((model.predict(x) == data.y).mean())
        predictions = model.predict(test)
    result = Fit(predictions, accuracy, 0, time.perf_counter() - begun)
    return Trained(model, result, lambda rows: matrix(rows, dataset.peak), model.log_probabilities)


def _perceptron(depth: int) -> Train:
    def train_one(
        dataset: Dataset, training_set: TrainingSet, options: Options, seed: int, device: str
    ) -> Trained:
        kept: dict[int, nn.Sequential] = {}
        hidden = [options["width"]] * depth
        (result,) = train_mlps(
            dataset, [training_set], [seed], hidden, device, keep=kept.__setitem__
        )
        return _network(kept[0], result, lambda rows: matrix(rows, dataset.peak).astype(np.float32))

    return train_one


def _boosting(
    dataset: Dataset, training_set: TrainingSet, options: Options, seed: int, device: str
) -> Trained:
    begun = time.perf_counter()
    data = prepared(dataset, training_set)
    x = _values(data.x)
    check_rows(x, data.y)
    model = boosted_trees(seed % SEEDS, options).fit(x, data.y)
    accuracy = float((model.predict(x) == data.y).mean())
    predictions = np.asarray(model.predict(_values(data.test_x)), dtype=np.int64)
    result = Fit(predictions, accuracy, 0, time.perf_counter() - begun)

    def log_probabilities(rows: Floats) -> Floats:
        margins = model.decision_function(rows)
        if margins.ndim == 1:
            known = -np.logaddexp(0, np.column_stack([margins, -margins]))
        else:
            known = log_softmax(margins, axis=1)
        found = np.full((len(rows), len(dataset.classes)), -np.inf)
        found[:, model.classes_] = known
        return found

    return Trained(model, result, _values, log_probabilities)


def _values(rows: npt.NDArray[Any]) -> Floats:
    return rows.reshape(len(rows), -1).astype(np.float64)


def _embedding(
    dataset: Dataset, training_set: TrainingSet, options: Options, seed: int, device: str
) -> Trained:
    kept: list[nn.Module] = []
    result = train_embedding(dataset, training_set, seed, options["width"], kept.append)
    return _network(kept[0], result, tokens)


def _network(module: nn.Module, result: Fit, features: Callable[[Any], Any]) -> Trained:
    device = next(module.parameters()).device

    @torch.no_grad()
    def log_probabilities(x: Any) -> Floats:
        module.eval()
        parts = [
            torch.log_softmax(module(torch.as_tensor(x[i : i + CHUNK], device=device)).double(), 1)
            for i in range(0, len(x), CHUNK)
        ]
        found: Floats = torch.cat(parts).cpu().numpy()
        return found

    return Trained(module, result, features, log_probabilities)


TRAINABLE: Mapping[str, Train] = {
    "logistic": _logistic,
    **{f"mlp-{depth}": _perceptron(depth) for depth in range(1, 6)},
    "boosting": _boosting,
    "embedding": _embedding,
}
