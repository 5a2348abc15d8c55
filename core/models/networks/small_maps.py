"""A ResNet whose maps of one or two pixels a side are products of matrices, not convolutions.

On maps so small much of a padded 3 × 3 kernel only ever meets padding. Those weights never get a
gradient, and Adam without weight decay leaves them as they are, so that they can be left out;
the others need fewer products. Outputs and gradients are the same but for rounding.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import relu

LARGEST = 2
Matrix = list[list[int]]

# A convolution along one side of a map, as matrices (into, mix, out) such that its outputs are
# out @ ((mix @ kernel) * (into @ inputs)). Two pixels take three products instead of four:
# y1 = k1 (x1 + x2) + (k2 - k1) x2 and y2 = k1 (x1 + x2) + (k0 - k1) x1.
SIDES: dict[tuple[int, int, int], tuple[Matrix, Matrix, Matrix]] = {
    # (pixels, weights of the kernel, stride)
    (1, 1, 1): ([[1]], [[1]], [[1]]),
    (1, 1, 2): ([[1]], [[1]], [[1]]),
    (2, 1, 2): ([[1, 0]], [[1]], [[1]]),
    (1, 3, 1): ([[1]], [[0, 1, 0]], [[1]]),
    (1, 3, 2): ([[1]], [[0, 1, 0]], [[1]]),
    (2, 3, 2): ([[1, 0], [0, 1]], [[0, 1, 0], [0, 0, 1]], [[1, 1]]),
    (2, 3, 1): (
        [[1, 1], [0, 1], [1, 0]],
        [[0, 1, 0], [0, -1, 1], [1, -1, 0]],
        [[1, 1, 0], [1, 0, 1]],
    ),
}


def reduced(network: Any, height: int, width: int) -> nn.Module:
    """The same network for images of one size, with fewer parameters where its maps get small.

    Args:
        network: `torchvision.models.ResNet` of basic blocks; it gives its layers up to the result.
        height: Of the images, in pixels.
        width: Of the images, in pixels.

    Returns:
        The network itself where no map is small. Otherwise one that gives the same outputs, in
        training and in evaluation mode, and goes on doing so under Adam without weight decay.
    """
    layers: list[nn.Module] = [network.conv1, network.bn1, network.relu, network.maxpool]
    sides = _halved(_halved((height, width)))
    small = max(sides) <= LARGEST
    layers += [Pixels()] * small
    for block in chain(network.layer1, network.layer2, network.layer3, network.layer4):
        before, sides = sides, _halved(sides) if block.stride == 2 else sides
        small = max(sides) <= LARGEST
        layers.append(Block(block, before, sides) if small else block)
    whole: nn.Module = network
    return nn.Sequential(*layers, Mean(), network.fc) if small else whole


class Pixels(nn.Module):
    """From maps of shape (images, channels, height, width) to (pixels, images, channels)."""

    def forward(self, maps: Tensor) -> Tensor:
        """The same values, pixels first."""
        return maps.permute(2, 3, 0, 1).flatten(0, 1)


class Mean(nn.Module):
    """The mean over pixels, of shape (images, channels)."""

    def forward(self, values: Tensor) -> Tensor:
        """From values of shape (pixels, images, channels)."""
        return values.mean(0)


class Products(nn.Module):
    """A convolution without bias over maps of at most `LARGEST` pixels a side.

    Args:
        conv: What it replaces: 3 × 3 padded by 1, or 1 × 1.
        sides: Height and width of the maps that it reads.

    References:
        S. Winograd, Arithmetic Complexity of Computations, SIAM 1980: minimal filtering.
    """

    into: Tensor
    mix: Tensor
    out: Tensor

    def __init__(self, conv: nn.Conv2d, sides: tuple[int, int]) -> None:
        super().__init__()
        rows, columns = (
            SIDES[side, weights, stride]
            for side, weights, stride in zip(sides, conv.kernel_size, conv.stride, strict=True)
        )
        into, mix, out = (
            torch.kron(torch.tensor(a), torch.tensor(b)).to(conv.weight)
            for a, b in zip(rows, columns, strict=True)
        )
        live = mix.any(0)
        kernel = conv.weight.detach().flatten(2).permute(2, 1, 0)
        self.weight = nn.Parameter(kernel[live].contiguous())
        for name, matrix in (("into", into), ("mix", mix[:, live]), ("out", out)):
            self.register_buffer(name, matrix, persistent=False)

    def forward(self, values: Tensor) -> Tensor:
        """Values of shape (pixels, images, channels), before and after."""
        weights = _times(self.mix, self.weight)
        return _times(self.out, torch.bmm(_times(self.into, values), weights))


class Block(nn.Module):
    """torchvision's basic block where the maps that it gives are small.

    Args:
        block: What it replaces.
        before: Height and width of the maps that it reads; where these are not small, it reads
            maps, otherwise values of shape (pixels, images, channels).
        after: Height and width of the maps that it gives.
    """

    def __init__(self, block: Any, before: tuple[int, int], after: tuple[int, int]) -> None:
        super().__init__()
        self.conv1, self.norm1 = _on_pixels(block.conv1, before), block.bn1
        self.conv2, self.norm2 = _on_pixels(block.conv2, after), block.bn2
        self.shortcut: nn.Module | None = None
        if block.downsample is not None:
            conv, self.norm3 = block.downsample
            self.shortcut = _on_pixels(conv, before)

    def forward(self, values: Tensor) -> Tensor:
        """Values of shape (pixels, images, channels)."""
        inside = relu(_normalised(self.norm1, self.conv1(values)))
        inside = _normalised(self.norm2, self.conv2(inside))
        if self.shortcut is not None:
            values = _normalised(self.norm3, self.shortcut(values))
        return relu(inside + values)


def _halved(sides: tuple[int, int]) -> tuple[int, int]:
    """Height and width after a layer of stride 2, which torchvision always pads to the half."""
    return -(-sides[0] // 2), -(-sides[1] // 2)


def _on_pixels(conv: nn.Conv2d, sides: tuple[int, int]) -> nn.Module:
    """A convolution that gives values of shape (pixels, images, channels)."""
    return Products(conv, sides) if max(sides) <= LARGEST else nn.Sequential(conv, Pixels())


def _times(matrix: Tensor, values: Tensor) -> Tensor:
    """A small matrix by the first dimension; most of those for one pixel are the number one."""
    if matrix.numel() == 1:
        return values
    return (matrix @ values.flatten(1)).view(-1, *values.shape[1:])


def _normalised(norm: nn.Module, values: Tensor) -> Tensor:
    """Batch normalisation over pixels and images, as over the images of maps of one pixel."""
    pixels: Tensor = norm(values.flatten(0, 1)[:, :, None, None])
    return pixels.view_as(values)
