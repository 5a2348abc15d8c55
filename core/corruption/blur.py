"""Perturbations that mix neighbouring pixels: Gaussian and box blur by the side of their kernel."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from core.corruption.base import Images, Perturbation
from core.corruption.pixels import Floats, rounded
from core.errors import InputError

KERNELS = (3, 5, 7, 9)
# Weights are whole multiples of this, so that sums are exact and the same on every machine.
GRAIN = 2.0**-16


def _gaussian(images: Images, kernel: float, rng: np.random.Generator, peak: int) -> Floats:
    """Gaussian of the standard deviation that OpenCV takes for a kernel of this side."""
    half = _side(kernel) // 2
    sigma = 0.3 * (half - 1) + 0.8
    weights = np.exp(-(np.arange(-half, half + 1) ** 2) / (2 * sigma**2))
    weights = np.rint(weights / weights.sum() / GRAIN) * GRAIN
    weights[half] += 1 - weights.sum()
    return _along_both(images, weights)


def _box(images: Images, kernel: float, rng: np.random.Generator, peak: int) -> Floats:
    side = _side(kernel)
    return _along_both(images, np.ones(side)) / side**2


def _side(kernel: float) -> int:
    if kernel % 2 != 1:
        raise InputError(f"The side of a blur's kernel must be an odd whole number; got {kernel}.")
    return int(kernel)


def _along_both(images: Images, weights: Floats) -> Floats:
    """Weighted sums along rows and columns; beyond the border the image is mirrored."""
    pixels = images.astype(np.float64)
    for axis in (1, 2):
        pixels = ndimage.correlate1d(pixels, weights, axis=axis, mode="mirror")
    return np.asarray(pixels)


GAUSSIAN_BLUR = Perturbation(
    name="gaussian-blur",
    title="Gaussian blur",
    summary="Gaussian kernel with OpenCV's standard deviation for its side.",
    parameter="side of the kernel, pixels",
    levels=KERNELS,
    least=1,
    most=99,
    apply=rounded(_gaussian),
    clean=1,
)

BOX_BLUR = Perturbation(
    name="box-blur",
    title="Box blur",
    summary="Mean over a square of pixels.",
    parameter="side of the kernel, pixels",
    levels=KERNELS,
    least=1,
    most=99,
    apply=rounded(_box),
    clean=1,
)
