"""What a model family is, and what a fit gives back."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from core.datasets.base import Dataset
from core.specs import TrainingSet


@dataclass(frozen=True)
class Fit:
    """What one training run gave.

    Args:
        predictions: Predicted class number of every test image, int64, shape (n_test,).
        train_accuracy: Share of the training set classified right when training stopped.
        epochs: Passes over the training set; 0 for models that have none.
        seconds: Time that this run took; its share, where several were trained together.
        weights: What a network started from, `"random"` or `"ImageNet"`; `""` for the others.
    """

    predictions: npt.NDArray[np.int64]
    train_accuracy: float
    epochs: int
    seconds: float
    weights: str = ""


@dataclass(frozen=True)
class Option:
    """A parameter of a model family: its default and one sentence of help."""

    default: int
    help: str


FitMany = Callable[
    [Dataset, Sequence[TrainingSet], Sequence[int], Mapping[str, int], str], list[Fit]
]


@dataclass(frozen=True)
class Family:
    """One entry of the model registry.

    Args:
        name: What is typed, such as `mlp-1`.
        title: What is shown.
        summary: One sentence.
        fit_many: Trains on many training sets of one size; takes the data set, the training
            sets, one seed for each, the options and the device (`"cpu"` or `"cuda"`).
        version: Raised whenever results change; part of every score's key.
        options: Parameters by name.
        batch: How many training sets are worth one call, by (images in a set, device).
        seconds: Rough seconds for one training set on one core, by (images in a set, values
            in an image, test images); used for estimates until real times are stored.
    """

    name: str
    title: str
    summary: str
    fit_many: FitMany
    version: int
    seconds: Callable[[int, int, int], float]
    options: Mapping[str, Option] = field(default_factory=dict)
    batch: Callable[[int, str], int] = lambda images, device: 1
