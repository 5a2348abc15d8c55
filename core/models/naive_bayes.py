"""Naive Bayes on images: the very labels of scikit-learn's `GaussianNB()`, from matrix products.

The log-likelihood of a class is a product of the squared pixels with 1/variance and one of the
pixels with mean/variance, for the classes of many training sets at once. That rounds otherwise
than scikit-learn's sum of squares; where this could change a label, scikit-learn is asked.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from core.corruption import prepared
from core.datasets.base import Dataset
from core.models.base import Family, Options
from core.models.classical import KINDS, check_classes, flat, scikit_learn
from core.specs import TrainingSet
from core.training.fit import Fit

BLOCK = 256  # images: the most whose squared pixels float32 adds up exactly, 255² · 256 < 2**24
MOST_IMAGES = 372_000  # whose sums of squares, times their number, float64 holds exactly: 2**53
SMOOTHING = 1e-9

Floats = npt.NDArray[np.float64]


class Gaussians:
    """One Gaussian for each class and pixel of a training set.

    Args:
        images: Training images, uint8, shape (n, height, width, channels).
        y: Class number of each.

    Attributes:
        classes: Class numbers that occur.
        precisions: -1/(2 variance), shape (classes, pixels).
        slopes: mean/variance, shape (classes, pixels).
        offsets: What is added to the products with those, shape (classes, 1).
        sizes: The same with each term made positive, shape (classes, 1).
    """

    def __init__(self, images: npt.NDArray[np.uint8], y: npt.NDArray[np.int64]) -> None:
        self.images, self.y = images.reshape(len(images), -1), y
        self.classes, members, counts = np.unique(y, return_inverse=True, return_counts=True)
        sums, squares = _sums(self.images, members, len(counts))
        means = sums / counts[:, None]
        # Whole numbers below 2**53 up to the division.
        variances = (counts[:, None] * squares - sums**2) / counts[:, None] ** 2
        whole = len(y) * squares.sum(axis=0) - sums.sum(axis=0) ** 2
        variances += SMOOTHING * whole.max() / len(y) ** 2
        logs = np.log(2 * np.pi * variances)
        constants = np.log(counts / len(y)) - 0.5 * logs.sum(axis=1)
        spread = 0.5 * (means**2 / variances).sum(axis=1)
        self.precisions = -0.5 / variances
        self.slopes = means / variances
        self.offsets = (constants - spread)[:, None]
        sizes = np.log(len(y)) + 0.5 * np.abs(logs).sum(axis=1) + spread + len(self.images[0])
        self.sizes = sizes[:, None]

    @property
    def error(self) -> float:
        """How far two ways to reckon a log-likelihood lie apart at most, in sums of its terms.

        Each term and each partial sum of p pixels rounds, and so do variances of n images that
        are sums of squared differences from the mean: by n + 2·255·√n at most, for 1/√n is the
        least deviation of a pixel that is not constant, and 510·√n < 65·n + 1100.
        """
        images, pixels = self.images.shape
        return float((66 * images + 2 * pixels + 2048) * 2.0**-52)

    def labels(
        self, images: npt.NDArray[np.uint8], least: Floats, most: Floats
    ) -> npt.NDArray[np.int64]:
        """Predicted class numbers.

        Args:
            images: Flattened, shape (n, pixels).
            least: Lower bounds of the log-likelihoods, shape (classes, n).
            most: Upper bounds, of the same shape.
        """
        # Written so that NaN counts as near.
        near = ~(most < least.max(axis=0))
        labels: npt.NDArray[np.int64] = self.classes @ near
        doubtful = near.sum(axis=0) > 1
        if doubtful.any():
            labels[doubtful] = self._model.predict(flat(images[doubtful]))
        return labels

    @cached_property
    def _model(self) -> Any:
        return _naive_bayes(0, {}).fit(flat(self.images), self.y)


def _sums(
    images: npt.NDArray[np.uint8], members: npt.NDArray[np.intp], classes: int
) -> tuple[Floats, Floats]:
    """Exact sums of the pixels of each class and of their squares, shape (classes, pixels)."""
    sums = np.zeros((classes, images.shape[1]))
    squares = np.zeros_like(sums)
    for rows in _slices(len(images)):
        of = np.eye(classes, dtype=np.float32)[:, members[rows]]
        x = images[rows].astype(np.float32)
        sums += of @ x
        x *= x
        squares += of @ x
    return sums, squares


def label_all(
    images: npt.NDArray[np.uint8], models: Sequence[Gaussians]
) -> list[npt.NDArray[np.int64]]:
    """Class numbers of images, of any shape, by each of some models of sets of one size."""
    images = images.reshape(len(images), -1)
    labels = [np.empty(len(images), dtype=np.int64) for _ in models]
    ends = np.cumsum([len(model.classes) for model in models])[:-1]
    precisions, slopes, offsets, sizes = (
        np.concatenate([getattr(model, name) for model in models])
        for name in ("precisions", "slopes", "offsets", "sizes")
    )
    for rows in _slices(len(images)):
        x = images[rows].astype(np.float64)
        lines = slopes @ x.T
        x *= x
        curves = precisions @ x.T
        likelihoods = curves + lines
        likelihoods += offsets
        # The two products have one sign each: their difference is the sum of all terms' sizes.
        errors = lines - curves
        errors += sizes
        errors *= models[0].error
        least, most = (
            np.split(bounds, ends) for bounds in (likelihoods - errors, likelihoods + errors)
        )
        for found, model, low, high in zip(labels, models, least, most, strict=True):
            found[rows] = model.labels(images[rows], low, high)
    return labels


def _slices(size: int) -> Iterator[slice]:
    return (slice(start, start + BLOCK) for start in range(0, size, BLOCK))


def _naive_bayes(seed: int, options: Options) -> Any:
    from sklearn.naive_bayes import GaussianNB

    return GaussianNB()


def fit_many(
    dataset: Dataset,
    training_sets: Sequence[TrainingSet],
    seeds: Sequence[int],
    options: Options,
    device: str,
) -> list[Fit]:
    """Fit the sets one after another, then label the test images by all of them together.

    Tables hold numbers that are not whole: scikit-learn fits those, and sets of more than
    `MOST_IMAGES`. Memory: the training images, and 32·pixels bytes for each class of each set.
    """
    if dataset.kind != "image" or training_sets[0].rows.size > MOST_IMAGES:
        return scikit_learn(_naive_bayes)(dataset, training_sets, seeds, options, device)
    models, accuracies, seconds = [], [], []
    for training_set in training_sets:
        start = time.perf_counter()
        data = prepared(dataset, training_set)
        check_classes(data.y)
        models.append(Gaussians(data.x, data.y))
        (labels,) = label_all(data.x, models[-1:])
        accuracies.append(float((labels == data.y).mean()))
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    predictions = label_all(prepared(dataset, training_sets[0]).test_x, models)
    shared = (time.perf_counter() - start) / len(models)
    return [
        Fit(labels, accuracy, 0, taken + shared)
        for labels, accuracy, taken in zip(predictions, accuracies, seconds, strict=True)
    ]


NAIVE_BAYES = Family(
    name="gnb",
    title="Naive Bayes",
    summary="Gaussian naive Bayes, each pixel on its own; scikit-learn's defaults.",
    fit_many=fit_many,
    version=1,
    # Of images in ten classes; tables take scikit-learn longer.
    seconds=lambda images, features, test: 3e-4 + features * (5e-9 * images + 1.2e-9 * test),
    batch=lambda images, device: max(1, min(64, 32_000 // images)),
    gpu=False,
    kinds=KINDS,
    deterministic=True,
)
