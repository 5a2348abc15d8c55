"""Random forest and boosted trees: scikit-learn with its defaults, one set after another."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from core.corruption import prepared
from core.datasets.base import Dataset, Kind
from core.errors import InputError
from core.models.base import Family, FitMany, Option, Options
from core.specs import TrainingSet
from core.training.fit import Fit

# What scikit-learn takes as `random_state`.
SEEDS = 1 << 32
KINDS: frozenset[Kind] = frozenset({"image", "table"})
ROUNDS = Option(100, 1, 1_000, "Rounds of boosting, each of one tree, or of one for each class.")


def scikit_learn(classifier: Callable[[int, Options], Any]) -> FitMany:
    """Train a scikit-learn classifier on raw values, one training set after another.

    Args:
        classifier: Makes a new classifier from a seed and options.
    """

    def fit_many(
        dataset: Dataset,
        training_sets: Sequence[TrainingSet],
        seeds: Sequence[int],
        options: Options,
        device: str,
    ) -> list[Fit]:
        sets = [prepared(dataset, training_set) for training_set in training_sets]
        test = flat(sets[0].test_x)
        fits = []
        for data, seed in zip(sets, seeds, strict=True):
            start = time.perf_counter()
            x, y = flat(data.x), data.y
            check_classes(y)
            model = classifier(seed % SEEDS, options).fit(x, y)
            accuracy = float((model.predict(x) == y).mean())
            predictions = np.asarray(model.predict(test), dtype=np.int64)
            fits.append(Fit(predictions, accuracy, 0, time.perf_counter() - start))
        return fits

    return fit_many


def check_classes(y: npt.NDArray[np.int64]) -> None:
    """Raise an InputError unless there are rows of two classes."""
    if (y == y[0]).all():
        raise InputError("A training set needs rows of two classes or more; got one.")


def flat(rows: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """Values of each row as float64, shape (n, values)."""
    return rows.reshape(len(rows), -1).astype(np.float64)


def _random_forest(seed: int, options: Options) -> Any:
    from sklearn.ensemble import RandomForestClassifier

    return RandomForestClassifier(random_state=seed)


def boosted_trees(seed: int, options: Options) -> Any:
    """Fitted on all rows until the last round, as their influence needs it."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    return HistGradientBoostingClassifier(
        max_iter=options["rounds"], early_stopping=False, random_state=seed
    )


def _few(images: int, device: str) -> int:
    return max(1, min(4, 2_000 // images))


# `seconds` here and in the other families: fitted on MNIST and the digits, 100 to 3,000 images in
# a set, one core of an AMD EPYC 9004 at 2.6 GHz with scikit-learn 1.9 and torch 2.15, busy
# with other work.
RANDOM_FOREST = Family(
    name="rf",
    title="Random forest",
    summary="100 decision trees that vote; scikit-learn's defaults.",
    fit_many=scikit_learn(_random_forest),
    version=1,
    seconds=lambda images, features, test: 0.15 + 1.5e-5 * images * features**0.5 + 3e-5 * test,
    batch=_few,
    gpu=False,
    kinds=KINDS,
)

BOOSTING = Family(
    name="boosting",
    title="Boosted trees",
    summary="Gradient-boosted trees; scikit-learn's histogram kind without early stopping.",
    fit_many=scikit_learn(boosted_trees),
    version=1,
    options={"rounds": ROUNDS},
    # Of four trees a round; two classes need one, ten classes ten.
    seconds=lambda images, features, test: (
        400 * (1e-3 + features * (4e-5 + 1e-8 * images) + 5e-7 * test)
    ),
    gpu=False,
    kinds=KINDS,
)
