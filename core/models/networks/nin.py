"""Network in network."""

from __future__ import annotations

from torch import nn

from core.models.networks.field import SIDE, Field, Mean
from core.training.dropout import Dropout


def network(channels: int, classes: int) -> nn.Module:
    """Network in network as for CIFAR-10: 0.97 million parameters with ten classes.

    Weights start as He et al. (2015) draw them, and the maps of the classes have no ReLU: with it
    those of a class can fall silent for good, and small sets are then never learnt.

    References:
        Lin et al., Network In Network, ICLR 2014, section 4 and its published CIFAR-10 model.
    """
    net = nn.Sequential(
        Field(),
        *_mlpconv(channels, 192, 160, 96, kernel=5),
        nn.MaxPool2d(3, 2, ceil_mode=True),
        Dropout(0.5, 96, SIDE // 2, SIDE // 2),
        *_mlpconv(96, 192, 192, 192, kernel=5),
        nn.AvgPool2d(3, 2, ceil_mode=True),
        Dropout(0.5, 192, SIDE // 4, SIDE // 4),
        *_mlpconv(192, 192, 192, classes, kernel=3)[:-1],
        Mean(),
    )
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return net


def _mlpconv(inputs: int, first: int, second: int, third: int, kernel: int) -> list[nn.Module]:
    """A convolution and two of 1 × 1, each with its ReLU."""
    return [
        nn.Conv2d(inputs, first, kernel, padding=kernel // 2),
        nn.ReLU(),
        nn.Conv2d(first, second, 1),
        nn.ReLU(),
        nn.Conv2d(second, third, 1),
        nn.ReLU(),
    ]
