"""LeNet-5."""

from __future__ import annotations

from torch import nn

from core.models.networks.field import Field


def network(channels: int, classes: int) -> nn.Module:
    """LeNet-5 with every second-layer map connected and a linear last layer.

    61,706 parameters for one channel and ten classes.

    References:
        LeCun et al., Gradient-Based Learning Applied to Document Recognition, 1998, II.B.
    """
    return nn.Sequential(
        Field(),
        nn.Conv2d(channels, 6, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.Tanh(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 120, 5),
        nn.Tanh(),
        nn.Flatten(),
        nn.Linear(120, 84),
        nn.Tanh(),
        nn.Linear(84, classes),
    )
