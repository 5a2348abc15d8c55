"""Naive Bayes on images: the very labels of scikit-learn's `GaussianNB()`, from matrix products.

The log-likelihood of a class is a product of the squared pixels with 1/variance and one of the
pixels with mean/variance, for the classes of many training sets at once, in float32. Where its
rounding could change a label (under 1 % of MNIST), the products are done again in float64, and
where even that could, scikit-learn is asked, whose sum of squares rounds otherwise.
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

SUMMED = 256  # images: the most whose squared pixels float32 adds up exactly, 255² · 256 < 2**24
LABELLED = 1024  # images at once: on fewer, calls take longer than sums; on more, caches are short
MOST_IMAGES = 372_000  # whose sums of squares, times their number, float64 holds exactly: 2**53
SMOOTHING = 1e-9
TERMS = ("precisions", "slopes", "offsets", "sizes")

Floats = npt.NDArray[np.float64]
Bounds = npt.NDArray[np.floating[Any]]


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

    def labels(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
        """Predicted class numbers of flattened images, from float64."""
        terms = [getattr(self, name) for name in TERMS]
        labels, doubtful = self.decide(*bounds(images, terms, self.error))
        if doubtful.any():
            labels[doubtful] = self._model.predict(flat(images[doubtful]))
        return labels

    def decide(
        self, least: Bounds, most: Bounds
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
        """Class numbers, and where more precision could change them.

        Args:
            least: Lower bounds of the log-likelihoods, shape (classes, n).
            most: Upper bounds, of the same shape.
        """
        # Written so that NaN counts as near.
        near = ~(most < least.max(axis=0))
        return self.classes @ near, near.sum(axis=0) > 1

    @cached_property
    def _model(self) -> Any:
        return _naive_bayes(0, {}).fit(flat(self.images), self.y)


def _sums(
    images: npt.NDArray[np.uint8], members: npt.NDArray[np.intp], classes: int
) -> tuple[Floats, Floats]:
    """Exact sums of the pixels of each class and of their squares, shape (classes, pixels)."""
    sums = np.zeros((classes, images.shape[1]))
    squares = np.zeros_like(sums)
    for rows in _slices(len(images), SUMMED):
        of = np.eye(classes, dtype=np.float32)[:, members[rows]]
        x = images[rows].astype(np.float32)
        sums += of @ x
        x *= x
        squares += of @ x
    return sums, squares


def bounds(
    images: npt.NDArray[np.uint8], terms: Sequence[Bounds], error: float
) -> tuple[Bounds, Bounds]:
    """Least and most that each log-likelihood can be, shape (classes, n), in the terms' type.

    Args:
        images: Flattened, shape (n, pixels).
        terms: Those of `Gaussians` named in `TERMS`.
        error: Rounding at most, in sums of the sizes of all terms.
    """
    precisions, slopes, offsets, sizes = terms
    x = images.astype(slopes.dtype)
    lines = slopes @ x.T
    x *= x
    curves = precisions @ x.T
    likelihoods = curves + lines
    likelihoods += offsets
    # The two products have one sign each: their difference is the sum of all terms' sizes.
    errors = lines - curves
    errors += sizes
    errors *= error
    return likelihoods - errors, likelihoods + errors


def single_error(pixels: int) -> float:
    """What float32 adds to the error: twice one rounding a pixel and some, as sums round too."""
    return float((pixels + 32) * 2.0**-23)


def label_all(
    images: npt.NDArray[np.uint8], models: Sequence[Gaussians]
) -> list[npt.NDArray[np.int64]]:
    """Class numbers of images, of any shape, by each of some models of sets of one size."""
    images = images.reshape(len(images), -1)
    labels = [np.empty(len(images), dtype=np.int64) for _ in models]
    ends = np.cumsum([len(model.classes) for model in models])[:-1]
    terms = [
        np.concatenate([getattr(model, name) for model in models], dtype=np.float32)
        for name in TERMS
    ]
    error = models[0].error + single_error(images.shape[1])
    for rows in _slices(len(images), LABELLED):
        some = images[rows]
        least, most = (np.split(found, ends) for found in bounds(some, terms, error))
        for found, model, low, high in zip(labels, models, least, most, strict=True):
            decided, doubtful = model.decide(low, high)
            if doubtful.any():
                decided[doubtful] = model.labels(some[doubtful])
            found[rows] = decided
    return labels


def _slices(size: int, block: int) -> Iterator[slice]:
    return (slice(start, start + block) for start in range(0, size, block))


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
    `MOST_IMAGES`. Memory: the training images, and 24·pixels bytes for each class of each set.
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
    seconds=lambda images, features, test: 3e-4 + features * (4e-9 * images + 6e-10 * test),
    batch=lambda images, device: max(1, min(64, 32_000 // images)),
    gpu=False,
    kinds=KINDS,
    deterministic=True,
)
