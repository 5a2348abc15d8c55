"""Multilayer perceptrons of one to five hidden layers, trained in stacks."""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.datasets.base import Dataset
from core.models.base import Family, Option, Options
from core.specs import TrainingSet
from core.training.fit import Fit

WIDTH = Option(128, 1, 4096, "Units in each hidden layer; the paper does not state its width.")


def family(depth: int) -> Family:
    """A family of multilayer perceptrons: `depth` hidden layers of one width, ReLU after each.

    References:
        X-Factor paper, section A.1.
    """

    def fit_many(
        dataset: Dataset,
        training_sets: Sequence[TrainingSet],
        seeds: Sequence[int],
        options: Options,
        device: str,
    ) -> list[Fit]:
        from core.training.mlp import train_mlps

        return train_mlps(dataset, training_sets, seeds, [options["width"]] * depth, device)

    def seconds(images: int, features: int, test: int) -> float:
        # 70 operations a nanosecond; with one hidden layer the training set is learnt later.
        first, others = features * WIDTH.default, (depth - 1) * WIDTH.default**2
        epochs = 350 if depth == 1 else 200
        step = 2e-4 + 6e-10 * (first + others)
        training = images * (4 * first + 6 * others) / 7e10 + math.ceil(images / 200) * step
        return epochs * training + test * 2 * (first + others) / 7e10

    return Family(
        name=f"mlp-{depth}",
        title=f"MLP-{depth}",
        summary=f"Multilayer perceptron with {depth} hidden layer{'s' * (depth > 1)}.",
        fit_many=fit_many,
        version=1,
        options={"width": WIDTH},
        kinds=frozenset({"image", "table"}),
        batch=_batch,
        seconds=seconds,
    )


def _batch(images: int, device: str) -> int:
    """On a CPU enough to share torch's overhead for a few seconds; on a GPU enough to fill it."""
    most, together = (8, 2_500) if device == "cpu" else (256, 200_000)
    return max(1, min(most, together // images))
