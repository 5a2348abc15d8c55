"""Networks for small images, trained until they know their training set by heart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from types import MappingProxyType
from typing import TYPE_CHECKING

from core.datasets.base import Dataset
from core.errors import InputError
from core.models.base import Family, Option, Options, in_stacks
from core.specs import TrainingSet
from core.training.fit import Fit
from core.training.recipe import Recipe

if TYPE_CHECKING:
    from torch import nn

EPOCHS = Option(
    60, 1, 2_000, "Limit of passes over the training set, where it is not learnt by heart before."
)

Network = Callable[[int, int], "nn.Module"]


def by_heart(images: int, limit: int, rate: float) -> Recipe:
    """Adam until every training image is classified right, or to the limit of epochs.

    Batches of 128 as in the networks' papers; smaller ones, down to 16, for sets of so few images
    that an epoch would have fewer than 40 batches and the limit be reached with little learnt.
    The learning rate falls to a tenth for the last quarter of the limit.

    Args:
        images: In the training set.
        limit: Epochs after which training ends in any case.
        rate: Learning rate to begin with.

    References:
        Four-aspects paper, section III.A: training goes on to a training accuracy of 100 %.
    """
    rates = ((1, rate), (limit * 3 // 4 + 1, rate / 10))
    batch = min(128, max(16, images // 40))
    return Recipe(batch=batch, min_epochs=1, max_epochs=limit, accuracy=1.0, rates=rates)


def _lenet5(channels: int, classes: int) -> nn.Module:
    from core.models.networks.lenet5 import network

    return network(channels, classes)


def _cnn(channels: int, classes: int) -> nn.Module:
    from core.models.networks.cnn import network

    return network(channels, classes)


def _resnet20(channels: int, classes: int) -> nn.Module:
    from core.models.networks.resnet20 import network

    return network(channels, classes)


def _nin(channels: int, classes: int) -> nn.Module:
    from core.models.networks.nin import network

    return network(channels, classes)


def _vit(channels: int, classes: int) -> nn.Module:
    from core.models.networks.vit import network

    return network(channels, classes)


def _family(
    name: str,
    title: str,
    summary: str,
    network: Network,
    rate: float,
    microseconds: tuple[float, float],
    stack: int,
    version: int = 2,
    least: int = 1,
) -> Family:
    """A family of one network.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        network: Makes it, by channels and classes.
        rate: Learning rate to begin with.
        microseconds: That one image takes in training and in testing, on one core.
        stack: How many a GPU trains at once.
        version: Of the family.
        least: Training images that it needs.
    """
    together = in_stacks(stack)

    def fit_many(
        dataset: Dataset,
        training_sets: Sequence[TrainingSet],
        seeds: Sequence[int],
        options: Options,
        device: str,
        history: bool = False,
    ) -> list[Fit]:
        from core.training.network import train_networks

        if any(training_set.rows.size < least for training_set in training_sets):
            raise InputError(f"{title} needs {least} training images or more.")
        images = training_sets[0].rows.size
        return train_networks(
            partial(network, dataset.image_shape[2], len(dataset.classes)),
            dataset,
            training_sets,
            seeds,
            device,
            together(images, device),
            by_heart(images, options["epochs"], rate),
            history=history,
        )

    def seconds(images: int, features: int, test: int) -> float:
        # About half of the default limit; images of all sizes are brought to 32 x 32.
        training, testing = microseconds
        return 1e-6 * (EPOCHS.default / 2 * images * training + test * testing)

    return Family(
        name=name,
        title=title,
        summary=summary,
        fit_many=fit_many,
        fit_with_history=partial(fit_many, history=True),
        version=version,
        options=MappingProxyType({"epochs": EPOCHS}),
        batch=together,
        seconds=seconds,
    )


# How many fill a GPU is reckoned from their sizes, not measured.
LENET5 = _family(
    "lenet5",
    "LeNet-5",
    "The convolutional network of five layers that read digits on cheques.",
    _lenet5,
    rate=3e-3,
    microseconds=(110, 50),
    stack=64,
)

CNN = _family(
    "cnn",
    "Compact CNN",
    "Two convolutions of 32 maps and a hidden layer of 64 units.",
    _cnn,
    rate=1e-3,
    microseconds=(540, 270),
    stack=32,
)

RESNET20 = _family(
    "resnet20",
    "ResNet-20",
    "Residual network of 20 layers for images of 32 × 32 pixels.",
    _resnet20,
    rate=1e-3,
    microseconds=(3_000, 1_000),
    stack=16,
    least=2,
)

NIN = _family(
    "nin",
    "Network in network",
    "Convolutions with a small perceptron at every place; no dense layer.",
    _nin,
    rate=5e-4,
    microseconds=(17_000, 6_000),
    stack=4,
    version=3,
)

VIT = _family(
    "vit",
    "Small vision transformer",
    "Four layers of self-attention over patches of 4 × 4 pixels, from torchvision.",
    _vit,
    rate=5e-4,
    microseconds=(4_400, 1_400),
    stack=16,
)
