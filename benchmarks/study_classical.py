"""CPU time of the classical models against scikit-learn in a plain loop.

    XFACTOR_DATA=… OMP_NUM_THREADS=1 python -m benchmarks.study classical

Random subsets of MNIST, as many as the product takes in one call; the plain loop fits and labels
the first of them, scaled to all: `SVC()`, `GaussianNB()` and `RandomForestClassifier()` on float64
pixels, converted once, predicting the training images and the 10,000 test images. Every label must
be the same. The random forest is scikit-learn's own on both sides.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from benchmarks.timing import line, timed
from core import datasets, selection
from core.datasets import Dataset
from core.models import Model
from core.specs import Selection, TrainingSet

SIZES = (10, 30, 100, 300, 1000)
PLAIN = 3  # subsets in the plain loop; one where it takes most of a minute
CLASSIFIERS = {
    "svc": lambda seed: SVC(),
    "gnb": lambda seed: GaussianNB(),
    "rf": lambda seed: RandomForestClassifier(random_state=seed),
}
TARGETS = {
    ("gnb", 10): 40.0,
    ("gnb", 30): 40.0,
    ("gnb", 100): 40.0,
    ("gnb", 300): 10.0,
    ("gnb", 1000): 10.0,
} | {("svc", size): 6.0 for size in SIZES}


def run() -> None:
    """Print one line for each model and size."""
    dataset = datasets.load("mnist")
    for name in CLASSIFIERS:
        for size in SIZES:
            compare(dataset, name, size)


def plain(
    dataset: Dataset, sets: Sequence[TrainingSet], name: str
) -> list[tuple[np.ndarray, float]]:
    """Predictions of the test images and training accuracy, one subset after another."""
    test = dataset.test.x.reshape(len(dataset.test), -1).astype(float)
    found = []
    for seed, training_set in enumerate(sets):
        x = dataset.train.x[training_set.rows].reshape(len(training_set.rows), -1).astype(float)
        y = dataset.train.y[training_set.rows]
        model: Any = CLASSIFIERS[name](seed).fit(x, y)
        found.append((model.predict(test), model.score(x, y)))
    return found


def compare(dataset: Dataset, name: str, size: int) -> None:
    """Print one line; stop where the two sides disagree."""
    model = Model.parse(name)
    count = model.batch(size * len(dataset.classes), "cpu")
    chosen = [selection.select(dataset, Selection("random", "", size, 0, s)) for s in range(count)]
    sets = [TrainingSet(dataset.fingerprint, subset.rows) for subset in chosen]
    fits, ours = timed(model.fit_many, dataset, sets, range(count), "cpu")
    some = sets[: 1 if size > 300 else PLAIN]
    expected, theirs = timed(plain, dataset, some, name)
    for (labels, accuracy), fit in zip(expected, fits, strict=False):
        if fit.train_accuracy != accuracy or (fit.predictions != labels).any():
            sys.exit(f"{name} with {size} images a class: the labels are not scikit-learn's")
    line(f"{name}, {size} a class", theirs / len(some), ours / count, TARGETS.get((name, size)))
