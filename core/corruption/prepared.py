"""From a training set, which is a recipe, to the arrays that a model trains and is tested on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt

from core.corruption.base import Images
from core.corruption.perturbations import PERTURBATIONS
from core.datasets.base import Dataset
from core.errors import InputError
from core.specs import Damage, TrainingSet, seed_from

Tests = tuple[tuple[Damage, ...], ...]
"""The damages of each test set that a model is tested on."""


@dataclass(frozen=True, eq=False)
class Prepared:
    """What a model sees of a training set.

    Args:
        x: Training rows, pixels changed; shape and dtype as in the data set's split.
        y: Class number of each, int64, shape (n,).
        test_x: Test rows, pixels changed; not to be written to.
    """

    x: Any
    y: npt.NDArray[np.int64]
    test_x: Any


def prepared(dataset: Dataset, training_set: TrainingSet) -> Prepared:
    """The arrays that a model trains and is tested on.

    Args:
        dataset: The data set that the training set is of.
        training_set: Rows, labels and damage.

    Raises:
        UnknownName: There is no such perturbation.
        InputError: Its level is out of bounds, or the data set has no pixels to damage.
    """
    rows = training_set.rows
    x = dataset.train.x[rows]
    if training_set.train_damage:
        _check_pixels(dataset)
        x = damaged(x, training_set.train_damage, dataset.peak)
    labels = training_set.labels
    return Prepared(
        x,
        dataset.train.y[rows] if labels is None else labels,
        _test_images(dataset, training_set.test_damage),
    )


@lru_cache(maxsize=1)
def _test_images(dataset: Dataset, damages: tuple[Damage, ...]) -> Any:
    """The test images of one damage, kept while the units of a task need them in turn."""
    return with_tests(dataset, (damages,)).test.x


def _check_pixels(dataset: Dataset) -> None:
    if dataset.kind != "image":
        raise InputError(f"Pixels can be damaged in images only; {dataset.name} has none.")


def with_tests(dataset: Dataset, tests: Tests) -> Dataset:
    """The data set with one or more damaged copies of its test split, one after another.

    Raises:
        InputError: The data set has no pixels to damage.
    """
    if tests == ((),):
        return dataset
    _check_pixels(dataset)
    copies = [damaged(dataset.test.x, damages, dataset.peak) for damages in tests]
    test = replace(dataset.test, x=np.concatenate(copies), y=np.tile(dataset.test.y, len(tests)))
    return replace(dataset, test=test)


def damaged(images: Images, damages: tuple[Damage, ...], peak: int = 255) -> Images:
    """A copy of images with each damage on its share of them, one damage after another.

    Which images are hit depends on their number and the damage's seed, not on its level, and
    those hit at a smaller share are among those hit at a larger one. Two damages of one seed
    hit the same images and draw apart.

    Args:
        images: uint8, shape (n, height, width, channels).
        damages: What to do.
        peak: The value of a white pixel.
    """
    images = images.copy()
    for damage in damages:
        order = np.random.default_rng(seed_from("hit", damage.seed)).permutation(len(images))
        hit = np.sort(order[: round(damage.share * len(images))])
        if hit.size:
            rng = np.random.default_rng(seed_from("draw", damage.seed, damage.name))
            images[hit] = PERTURBATIONS[damage.name](images[hit], damage.level, rng, peak)
    return images
