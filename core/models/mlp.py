"""Multilayer perceptrons of one to five hidden layers, trained in stacks."""

from __future__ import annotations

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
        return 1.0

    return Family(
        name=f"mlp-{depth}",
        title=f"MLP-{depth}",
        summary=f"Multilayer perceptron with {depth} hidden layer{'s' * (depth > 1)}.",
        fit_many=fit_many,
        version=1,
        options={"width": WIDTH},
        batch=_batch,
        seconds=seconds,
    )


def _batch(images: int, device: str) -> int:
    if device == "cpu":
        return 4 if images <= 2_000 else 2 if images <= 5_000 else 1
    return min(256, max(1, 200_000 // images))
