"""ResNet-20 for images of 32 × 32 pixels."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import nn
from torch.nn.functional import pad, relu

from core.models.networks.field import Field, Mean

BLOCKS = 3
WIDTHS = (16, 32, 64)


class Block(nn.Module):
    """Two 3 × 3 convolutions beside a shortcut without parameters (the paper's option A)."""

    def __init__(self, inputs: int, outputs: int) -> None:
        super().__init__()
        self.stride, self.new = outputs // inputs, outputs - inputs
        self.conv1 = nn.Conv2d(inputs, outputs, 3, self.stride, 1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)

    def forward(self, values: torch.Tensor) -> torch.Tensor:
        inside = self.norm2(self.conv2(relu(self.norm1(self.conv1(values)))))
        if self.new:
            values = values[:, :, :: self.stride, :: self.stride]
            values = pad(values, (0, 0, 0, 0, self.new // 2, self.new - self.new // 2))
        return relu(inside + values)


def network(channels: int, classes: int) -> nn.Module:
    """ResNet-20: 0.27 million parameters for three channels and ten classes.

    References:
        He et al., Deep Residual Learning for Image Recognition, CVPR 2016, section 4.2.
    """
    widths = [WIDTHS[0], *(width for width in WIDTHS for _ in range(BLOCKS))]
    blocks = [Block(*pair) for pair in pairwise(widths)]
    net = nn.Sequential(
        Field(),
        nn.Conv2d(channels, WIDTHS[0], 3, padding=1, bias=False),
        nn.BatchNorm2d(WIDTHS[0]),
        nn.ReLU(),
        *blocks,
        Mean(),
        nn.Linear(WIDTHS[-1], classes),
    )
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
    return net
