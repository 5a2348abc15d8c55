"""A compact convolutional network."""

from __future__ import annotations

from torch import nn

from core.models.networks.field import Field


def network(channels: int, classes: int) -> nn.Module:
    """Two convolutions of 32 maps and a hidden layer of 64 units, in 0.14 million parameters.

    The Image-quality paper calls its network compact and gives no layers; these are those of
    the paper that published its data set, CIFAKE.

    References:
        Bird and Lotfi, CIFAKE: Image Classification and Explainable Identification of
        AI-Generated Synthetic Images, IEEE Access 2024.
    """
    return nn.Sequential(
        Field(),
        nn.Conv2d(channels, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8 * 8 * 32, 64),
        nn.ReLU(),
        nn.Linear(64, classes),
    )
