"""A small network that learns to recognize a picture in a changed copy of it.

It is trained on the pictures of the data set itself and needs no labels: in every batch each
picture has to find its own copy, turned, zoomed, shifted, brighter or darker, noisy, among the
copies of the others. That is the very question a search for near-duplicates asks; a classifier
is trained to forget what tells two pictures of a class apart.

References:
    A. van den Oord et al., Representation learning with contrastive predictive coding, 2018;
    T. Chen et al., A simple framework for contrastive learning of visual representations, 2020.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import affine_grid, cross_entropy, grid_sample, interpolate, normalize

from core.training.network import build
from core.training.pixels import one_thread, scaled

SIDE = 32
WIDTH = 16
DIMENSIONS = 128
STEPS = 150
BATCH = 256
LEARNING_RATE = 2e-3
TEMPERATURE = 0.1
LEAST_ZOOM, FARTHEST = 0.75, 0.25
CHANGE, NOISE = 0.4, 0.08


def train(images: npt.NDArray[np.uint8], seed: int = 0) -> nn.Module:
    """A network that gives like vectors to a picture and to its changed copies.

    Args:
        images: uint8, shape (n, height, width, channels), channels 1 or 3, n at least 2.
        seed: Decides initial weights, batches and changes.

    Returns:
        In evaluation mode; takes what `tensor` gives, gives float32 of shape (n, 128) and of
        length 1.
    """
    generator = torch.Generator().manual_seed(seed)
    network = build(lambda: _network(images.shape[-1]), seed)
    adam = torch.optim.Adam(network.parameters(), LEARNING_RATE)
    rates = torch.optim.lr_scheduler.OneCycleLR(adam, LEARNING_RATE, total_steps=STEPS)
    order = torch.empty(0, dtype=torch.int64)
    batch = min(BATCH, len(images))
    network.train()
    with one_thread():
        for _ in range(STEPS):
            if len(order) < batch:
                order = torch.randperm(len(images), generator=generator)
            rows, order = order[:batch], order[batch:]
            pictures = tensor(images[rows.numpy()])
            likeness = network(pictures) @ network(_changed(pictures, generator)).T / TEMPERATURE
            own = torch.arange(batch)
            loss = cross_entropy(likeness, own) + cross_entropy(likeness.T, own)
            adam.zero_grad()
            torch.autograd.backward(loss)
            adam.step()
            rates.step()
    return network.eval()


def tensor(images: npt.NDArray[np.uint8]) -> Tensor:
    """Images as float32 in [0, 1], shape (n, channels, 32, 32)."""
    pictures = scaled(torch.tensor(images).permute(0, 3, 1, 2), 255)
    if pictures.shape[2:] == (SIDE, SIDE):
        return pictures
    return interpolate(pictures, (SIDE, SIDE), mode="bilinear", align_corners=False)


class _Normal(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return normalize(x)


def _network(channels: int) -> nn.Module:
    layers: list[nn.Module] = [nn.BatchNorm2d(channels, affine=False)]
    before = channels
    for width in (WIDTH, 2 * WIDTH, 4 * WIDTH):
        layers += [
            nn.Conv2d(before, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(),
            nn.MaxPool2d(2),
        ]
        before = width
    head = nn.Linear(4 * before, DIMENSIONS)
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(2), nn.Flatten(), head, _Normal())


def _changed(pictures: Tensor, generator: torch.Generator) -> Tensor:
    """Each picture turned or not, a part of it at full size, other brightness, contrast, noise."""
    n = len(pictures)

    def draw(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(n, 1, 1, 1, generator=generator)

    zoom = draw(LEAST_ZOOM, 1).flatten()
    theta = torch.zeros(n, 2, 3)
    theta[:, 0, 0] = zoom * torch.where(draw(-1, 1).flatten() < 0, -1.0, 1.0)
    theta[:, 1, 1] = zoom
    for axis in (0, 1):
        theta[:, axis, 2] = draw(-FARTHEST, FARTHEST).flatten()
    grid = affine_grid(theta, list(pictures.shape), align_corners=False)
    out = grid_sample(pictures, grid, padding_mode="border", align_corners=False)
    mean = out.mean(dim=(1, 2, 3), keepdim=True)
    out = draw(1 - CHANGE, 1 + CHANGE) * (mean + draw(1 - CHANGE, 1 + CHANGE) * (out - mean))
    noise = torch.randn(out.shape, generator=generator) * draw(0, NOISE)
    return (out + noise).clamp(0, 1)
