"""Support vectors on images: the very labels of scikit-learn's `SVC()`, from matrix products.

libsvm takes most of its time for kernel values, one pair of images after another. Pixels are
whole numbers, so all squared distances come exactly from one float32 product; libsvm gets the
kernel of the training images as a matrix, and its decision values of many images are products.
Where these differ from libsvm's by rounding and that could change a label, libsvm is asked.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from core.corruption import prepared
from core.datasets.base import Dataset
from core.models.base import Family, Options
from core.models.classical import KINDS, check_classes, flat, scikit_learn
from core.specs import TrainingSet
from core.training.fit import Fit

SLICE = 1024  # pixels: the most products within ±128² whose sum float32 holds exactly, 2**24
BLOCK = 512  # images: a block of kernel values stays small
LARGEST_GRAM = 1 << 30  # bytes: larger sets are fitted from pixels
# NumPy's exp and libm's are each within this of the exact value, relatively.
EXP_ERROR = 2.0**-50

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Points:
    """Images as points whose products float32 holds exactly.

    Args:
        x: Pixels less 128, float32, shape (n, pixels).
        norms: Squared norm of each, float64, shape (n,).
    """

    x: npt.NDArray[np.float32]
    norms: Floats

    @classmethod
    def of(cls, images: npt.NDArray[np.uint8]) -> Points:
        """The points of images of any shape."""
        x = images.reshape(len(images), -1).astype(np.float32)
        x -= 128
        parts = (x[:, part] for part in _slices(x.shape[1], SLICE))
        norms = sum(np.einsum("ij,ij->i", part, part).astype(np.float64) for part in parts)
        return cls(x, np.asarray(norms))

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, rows: Any) -> Points:
        return Points(self.x[rows], self.norms[rows])


def exponents(a: Points, b: Points, gamma: float) -> Floats:
    """Logarithm of the Gaussian kernel, bit for bit that of libsvm, shape (len(a), len(b))."""
    squared = np.add.outer(a.norms, b.norms)
    for part in _slices(a.x.shape[1], SLICE):
        products = a.x[:, part] @ b.x[:, part].T
        products *= 2
        squared -= products
    squared *= -gamma
    return squared


def gram(points: Points, gamma: float) -> Floats:
    """Kernel of all pairs of training images; in float32, in which libsvm keeps it, libsvm's own.

    NumPy's exp and that of libm, which libsvm calls, differ in the last bits of float64; where
    those decide how float32 rounds, libm is asked.
    """
    matrix = np.empty((len(points), len(points)))
    for rows in _slices(len(points), BLOCK):
        for columns in _slices(rows.stop, BLOCK):
            powers = exponents(points[rows], points[columns], gamma)
            tile = np.exp(powers)
            low, high = tile * (1 - EXP_ERROR), tile * (1 + EXP_ERROR)
            doubtful = low.astype(np.float32) != high.astype(np.float32)
            tile[doubtful] = [math.exp(power) for power in powers[doubtful].tolist()]
            matrix[rows, columns] = tile
            matrix[columns, rows] = tile.T
    return matrix


class Machine:
    """A fitted `SVC()` that labels many images at once.

    Args:
        images: Training images, uint8, shape (n, height, width, channels).
        y: Class number of each.

    Attributes:
        accuracy: Share of the training images that it labels right.
    """

    def __init__(self, images: npt.NDArray[np.uint8], y: npt.NDArray[np.int64]) -> None:
        from sklearn.svm import SVC

        pixels = flat(images)
        variance = pixels.var()
        self.gamma = float(1 / (pixels.shape[1] * variance)) if variance else 1.0
        points = Points.of(images)
        kernel = None
        if 8 * len(points) ** 2 <= LARGEST_GRAM:
            kernel = gram(points, self.gamma)
            self.model = SVC(kernel="precomputed").fit(kernel, y)
        else:
            self.model = SVC().fit(pixels, y)
        self.vectors = points[self.model.support_]
        self._read(self.model)
        labels = []
        for rows in _slices(len(points), BLOCK):
            known = None if kernel is None else kernel[rows][:, self.model.support_]
            labels.append(self.labels(points[rows], known))
        self.accuracy = float((np.concatenate(labels) == y).mean())

    def _read(self, model: Any) -> None:
        """Coefficients of the decisions between the first and the second class of each pair."""
        classes = len(model.classes_)
        # Of two classes scikit-learn shows the decision for the second.
        sign = -1 if classes == 2 else 1
        ends = np.cumsum(model.n_support_)
        self._members = [slice(a, b) for a, b in zip(ends - model.n_support_, ends, strict=True)]
        self._weights = [sign * model.dual_coef_[:, members].T for members in self._members]
        self._bias = sign * model.intercept_[:, None]
        self._first, self._second = np.triu_indices(classes, 1)
        # What a won decision adds to the votes of its first class and takes from its second.
        self._votes = np.eye(classes, dtype=np.float32)[self._first]
        self._votes -= np.eye(classes, dtype=np.float32)[self._second]
        sizes = [np.abs(weights).sum(axis=0, keepdims=True) for weights in self._weights]
        # Kernel values are at most 1. Both sides sum as many products as there are vectors.
        self._error = (self._pairs(sizes) + np.abs(self._bias)) * (ends[-1] + 16) * EXP_ERROR

    def _pairs(self, parts: list[Floats]) -> Floats:
        """What two classes add up to, by pair and image, from (images, classes - 1) of each."""
        whole = np.stack(parts)
        pairs: Floats = whole[self._first, :, self._second - 1]
        pairs += whole[self._second, :, self._first]
        return pairs

    def labels(self, points: Points, kernel: Floats | None = None) -> npt.NDArray[np.int64]:
        """Predicted class numbers.

        Args:
            points: Images.
            kernel: Their kernel with the support vectors, where it is known.
        """
        if kernel is None:
            kernel = exponents(points, self.vectors, self.gamma)
            np.exp(kernel, out=kernel)
        pairs = zip(self._members, self._weights, strict=True)
        decisions = self._pairs([kernel[:, members] @ weights for members, weights in pairs])
        decisions += self._bias
        votes = (decisions > 0).T.astype(np.float32) @ self._votes
        votes += np.bincount(self._second, minlength=votes.shape[1])
        labels: npt.NDArray[np.int64] = self.model.classes_[votes.argmax(axis=1)]
        doubtful = (np.abs(decisions) <= self._error).any(axis=0)
        if doubtful.any():
            labels[doubtful] = self._ask_libsvm(points[doubtful])
        return labels

    def _ask_libsvm(self, points: Points) -> npt.NDArray[np.int64]:
        if self.model.kernel != "precomputed":
            return np.asarray(self.model.predict(points.x + 128.0))
        powers = exponents(points, self.vectors, self.gamma)
        kernel = np.zeros((len(points), self.model.shape_fit_[0]))
        kernel[:, self.model.support_] = np.vectorize(math.exp, otypes=[float])(powers)
        return np.asarray(self.model.predict(kernel))


def _slices(size: int, step: int) -> Iterator[slice]:
    return (slice(start, min(start + step, size)) for start in range(0, size, step))


def _svc(seed: int, options: Options) -> Any:
    # The defaults draw nothing at random: a seed is only for estimated probabilities.
    from sklearn.svm import SVC

    return SVC()


def fit_many(
    dataset: Dataset,
    training_sets: Sequence[TrainingSet],
    seeds: Sequence[int],
    options: Options,
    device: str,
) -> list[Fit]:
    """Fit one set after another, then label the test images with all of them, block by block.

    Tables hold numbers that are not whole: scikit-learn fits those. For a set of n images memory
    peaks at 8·n² bytes (0.8 GB at 10,000), and at 8·n·pixels from `LARGEST_GRAM` on; besides,
    each set keeps its support vectors, 4·pixels bytes each.
    """
    if dataset.kind != "image":
        return scikit_learn(_svc)(dataset, training_sets, seeds, options, device)
    machines, seconds = [], []
    for training_set in training_sets:
        start = time.perf_counter()
        data = prepared(dataset, training_set)
        check_classes(data.y)
        machines.append(Machine(data.x, data.y))
        seconds.append(time.perf_counter() - start)
    start = time.perf_counter()
    test = prepared(dataset, training_sets[0]).test_x
    predictions = np.empty((len(machines), len(test)), dtype=np.int64)
    for rows in _slices(len(test), BLOCK):
        points = Points.of(test[rows])
        for machine, labels in zip(machines, predictions, strict=True):
            labels[rows] = machine.labels(points)
    shared = (time.perf_counter() - start) / len(machines)
    return [
        Fit(labels, machine.accuracy, 0, taken + shared)
        for labels, machine, taken in zip(predictions, machines, seconds, strict=True)
    ]


SUPPORT_VECTORS = Family(
    name="svc",
    title="Support vectors",
    summary="Support-vector classifier with a Gaussian kernel; scikit-learn's defaults.",
    fit_many=fit_many,
    version=1,
    # Of images in ten classes; tables take scikit-learn about ten times as long.
    seconds=lambda images, features, test: (
        0.002 + images * (2.5e-5 + 2.6e-11 * features * (images + test))
    ),
    batch=lambda images, device: max(1, min(32, 4_000 // images)),
    gpu=False,
    kinds=KINDS,
    deterministic=True,
)
