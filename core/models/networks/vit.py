"""A small vision transformer, from torchvision."""

from __future__ import annotations

from torch import nn
from torchvision.models import VisionTransformer

from core.models.networks.field import SIDE, Field

PATCH = 4
WIDTH = 128


def network(channels: int, classes: int) -> nn.Module:
    """Four layers of four heads, 128 wide, over patches of 4 × 4: 0.55 million parameters.

    References:
        Dosovitskiy et al., An Image is Worth 16x16 Words, ICLR 2021, at the size of CIFAR-10.
    """
    transformer = VisionTransformer(
        image_size=SIDE,
        patch_size=PATCH,
        num_layers=4,
        num_heads=4,
        hidden_dim=WIDTH,
        mlp_dim=2 * WIDTH,
        num_classes=classes,
    )
    # torchvision's takes three channels.
    transformer.conv_proj = nn.Conv2d(channels, WIDTH, PATCH, PATCH)
    return nn.Sequential(Field(), transformer)
