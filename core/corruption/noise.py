"""Perturbations drawn at random: Gaussian noise, salt and pepper, occlusion."""

from __future__ import annotations

import numpy as np

from core.corruption.base import Images, Perturbation
from core.corruption.pixels import Floats, rounded


def _gaussian(images: Images, sigma: float, rng: np.random.Generator, peak: int) -> Floats:
    """Normal noise, the same in all channels of a pixel."""
    return images + sigma * peak / 255 * rng.standard_normal((*images.shape[:3], 1))


def _salt_and_pepper(images: Images, a: float, rng: np.random.Generator, peak: int) -> Floats:
    """Black where the draw is under a, white where it is over 1 - a, in all channels."""
    draw = rng.random((*images.shape[:3], 1))
    return np.where(draw < a, 0.0, np.where(draw > 1 - a, float(peak), images))


def _occlusion(images: Images, area: float, rng: np.random.Generator, peak: int) -> Floats:
    """A black rectangle of the image's proportions, wholly inside it."""
    inside = np.ones((len(images), 1, 1), dtype=bool)
    place = rng.random((len(images), 2)).T
    for side, draw, shape in zip(images.shape[1:3], place, ((-1, 1), (1, -1)), strict=True):
        length = round(side * area**0.5)
        first = np.floor(draw * (side - length + 1))[:, np.newaxis]
        covered = (np.arange(side) >= first) & (np.arange(side) < first + length)
        inside = inside & covered.reshape(len(images), *shape)
    return np.where(inside[..., np.newaxis], 0.0, images)


GAUSSIAN_NOISE = Perturbation(
    name="gaussian-noise",
    title="Gaussian noise",
    summary="x + σ · N(0, 1), the same draw in all channels, cut off at black and white.",
    parameter="σ, grey levels of 255",
    levels=(2, 8, 16),
    least=0,
    most=255,
    apply=rounded(_gaussian),
    clean=0,
)

SALT_AND_PEPPER = Perturbation(
    name="salt-and-pepper",
    title="Salt and pepper",
    summary="Each pixel black with probability a and white with probability a.",
    parameter="a, half the share of pixels hit",
    levels=(0.05, 0.1, 0.2, 0.3, 0.4),
    least=0,
    most=0.5,
    apply=rounded(_salt_and_pepper),
    clean=0,
)

OCCLUSION = Perturbation(
    name="occlusion",
    title="Occlusion",
    summary="A black rectangle of the image's proportions, at a random place.",
    parameter="share of the area",
    levels=(0.05, 0.1, 0.2, 0.4),
    least=0,
    most=1,
    apply=rounded(_occlusion),
    clean=0,
)
