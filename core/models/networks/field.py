"""How images enter networks designed for 32 × 32 pixels, and how maps become numbers."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.functional import interpolate, pad

SIDE = 32
LEAST_PADDED = 28


class Field(nn.Module):
    """Brings images to 32 × 32 pixels.

    Sides of 28 to 32 pixels get a black border, as LeCun et al. gave MNIST's; images with other
    sides are resized, bilinearly and with antialiasing.
    """

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        height, width = images.shape[2:]
        if not all(LEAST_PADDED <= side <= SIDE for side in (height, width)):
            return interpolate(images, (SIDE, SIDE), mode="bilinear", antialias=True)
        top, left = (SIDE - height) // 2, (SIDE - width) // 2
        return pad(images, (left, SIDE - width - left, top, SIDE - height - top))


class Mean(nn.Module):
    """The mean of each map, of shape (n, channels); `torch.func.vmap` knows no adaptive pooling."""

    def forward(self, maps: torch.Tensor) -> torch.Tensor:
        return maps.mean((2, 3))
