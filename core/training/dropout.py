"""Dropout that every network of a stack draws for itself."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class Dropout(nn.Module):
    """Dropout of values that its trainer draws, so that a network's own seed decides them.

    `torch.nn.Dropout` draws from one generator for the whole device: what one network of a stack
    loses would depend on the others.

    Args:
        share: Of the values that are set to zero in training; the others grow by 1 / (1 − share).
        shape: Of the values of one image.

    References:
        Srivastava et al., Dropout, JMLR 15, 2014.
    """

    factors: Tensor

    def __init__(self, share: float, *shape: int) -> None:
        super().__init__()
        self.share, self.shape = share, shape
        self.register_buffer("factors", torch.ones(1, *shape), persistent=False)

    def draw(self, images: int, generator: torch.Generator) -> Tensor:
        """What the values of a batch are multiplied by, float32, shape (images, *shape)."""
        factors = torch.empty(images, *self.shape, device=generator.device)
        return factors.bernoulli_(1 - self.share, generator=generator).div_(1 - self.share)

    def forward(self, values: Tensor) -> Tensor:
        """In training the values times `factors`; in evaluation the values."""
        return values * self.factors if self.training else values
