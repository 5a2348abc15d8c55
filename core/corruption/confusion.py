"""Which classes are mistaken for which, found on training rows alone."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

from core.datasets.base import Dataset
from core.specs import seed_from

ROWS = 3_000
FOLDS = 3
TREES = 50


@lru_cache(maxsize=4)
def confusable(dataset: Dataset, seed: int = 0) -> npt.NDArray[np.float64]:
    """Transition matrix from the mistakes of a quick model.

    A random forest (naive Bayes of the words for text) predicts training rows that it was not
    trained on, in three folds of at most 3,000 rows; the test split is not looked at. One mistake
    is added to each count, so that every pair of classes can be drawn.

    Args:
        dataset: Of two classes or more, of any kind.
        seed: Decides the rows, the folds and the forest.

    Returns:
        Shape (classes, classes), rows sum to 1, the diagonal is 0.
    """
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import KFold, cross_val_predict
    from sklearn.naive_bayes import MultinomialNB

    rng = np.random.default_rng(seed_from("confusable", seed))
    rows = np.sort(rng.permutation(len(dataset.train))[:ROWS])
    x, y = dataset.train.x[rows], dataset.train.y[rows]
    model = RandomForestClassifier(TREES, random_state=seed)
    if dataset.kind == "image":
        x = x.reshape(len(x), -1)
    if dataset.kind == "text":
        model = MultinomialNB()
    folds = KFold(FOLDS, shuffle=True, random_state=seed)
    predicted = cross_val_predict(model, x, y, cv=folds)
    classes = len(dataset.classes)
    counts = np.bincount(y * classes + predicted, minlength=classes**2).reshape(classes, classes)
    odds = (counts + 1.0) * (1 - np.eye(classes))
    odds /= odds.sum(axis=1, keepdims=True)
    odds.setflags(write=False)
    return odds
