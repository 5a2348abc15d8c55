"""Perturbations of each pixel by itself: contrast, gamma, brightness, colour."""

from __future__ import annotations

import numpy as np

from core.corruption.base import Images, Perturbation
from core.corruption.pixels import Floats, luma, rounded


def _contrast(images: Images, factor: float, rng: np.random.Generator, peak: int) -> Floats:
    """Distance from the image's mean luma times a factor."""
    total = luma(images).sum(axis=(1, 2, 3), keepdims=True)
    mean = total / (1000 * images.shape[1] * images.shape[2])
    return np.asarray(mean + factor * (images - mean))


def _gamma(images: Images, power: float, rng: np.random.Generator, peak: int) -> Floats:
    table = peak * (np.arange(256) / peak) ** power
    return np.asarray(table[images])


def _brightness(images: Images, factor: float, rng: np.random.Generator, peak: int) -> Floats:
    return images * np.float64(factor)


def _grey(images: Images, share: float, rng: np.random.Generator, peak: int) -> Floats:
    return (1 - share) * images + share * luma(images) / 1000


CONTRAST_WEAKER = Perturbation(
    name="contrast-weaker",
    title="Contrast, weaker",
    summary="Each pixel's distance from the image's mean brightness times a factor below 1.",
    parameter="factor",
    levels=(0.75, 0.5, 0.25, 0.1),
    least=0,
    most=1,
    apply=rounded(_contrast),
    clean=1,
)

CONTRAST_STRONGER = Perturbation(
    name="contrast-stronger",
    title="Contrast, stronger",
    summary="Each pixel's distance from the image's mean brightness times a factor above 1.",
    parameter="factor",
    levels=(1.5, 2, 4, 8),
    least=1,
    most=1000,
    apply=rounded(_contrast),
    clean=1,
)

GAMMA = Perturbation(
    name="gamma",
    title="Gamma",
    summary="White times (x / white) to a power: over 1 darker, under 1 lighter.",
    parameter="power",
    levels=(0.25, 0.5, 2, 4),
    least=0.05,
    most=20,
    apply=rounded(_gamma),
    clean=1,
)

BRIGHTNESS = Perturbation(
    name="brightness",
    title="Brightness",
    summary="Each value times a factor, cut off at white: over 1 lighter, under 1 darker.",
    parameter="factor",
    levels=(0.25, 0.5, 2, 4),
    least=0,
    most=1000,
    apply=rounded(_brightness),
    clean=1,
)

GREY = Perturbation(
    name="grey",
    title="Grey",
    summary="Colour replaced by brightness, wholly or in part; changes nothing on grey images.",
    parameter="share of the colour taken away",
    levels=(0.5, 1),
    least=0,
    most=1,
    apply=rounded(_grey),
    clean=0,
)
