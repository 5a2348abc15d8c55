"""Scores that do not depend on what the picture shows, beside CleanVision's.

On small images CleanVision's blur and low-information scores follow the content: a sharp sky
scores below a blurred crowd. These compare a picture with itself. All are in [0, 1], lower is
worse.

References:
    Image-quality paper, sections on blur, low information and brightness.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from core.quality.upscaling import enlargement, native

Planes = npt.NDArray[np.uint8]
Levels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Grey = npt.NDArray[np.float32]

LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)
BLUR_RANGE = 3.0
BLUR_NEUTRAL = 1.5
BLUR_PRIOR = 0.01
ENLARGED = 0.45
BLOWN_OUT = 250
LIGHT_RANGE = 0.9
FLAT_RANGE = 0.1
COLOUR_RANGE = 64.0


def scores(planes: Planes, small: Planes, darkest: Floats) -> dict[str, Floats]:
    """Content-normalised scores of images of one shape.

    Args:
        planes: uint8, shape (channels, n, height, width), channels 1 or 3.
        small: The same images with the longer side at most 64 pixels.
        darkest: First percentile of the brightness of each image in [0, 1], shape (n,).

    Returns:
        Column name to float64, shape (n,).
    """
    small_levels = levels(small)
    full_levels = small_levels if small is planes else levels(planes)
    enlarged, explanation = enlargement(full_levels)
    blur = blurry(small_levels, len(planes))
    for which in np.unique(explanation[enlarged < ENLARGED]):
        rows = (enlarged < ENLARGED) & (explanation == which)
        blur[rows] = blurry(native(full_levels[rows], int(which)), len(planes))
    high = np.maximum.reduce(planes)
    return {
        "blurry_content_score": blur,
        "low_information_content_score": np.minimum(enlarged, flatness(small_levels)),
        "light_content_score": light(high, darkest),
        "grayscale_content_score": colour(high - np.minimum.reduce(planes)),
    }


def levels(planes: Planes) -> Grey:
    """Grey levels 0-255 without rounding, float32, shape (n, height, width)."""
    if len(planes) == 1:
        return np.asarray(planes[0], dtype=np.float32)
    return np.asarray(np.tensordot(LUMA, planes.astype(np.float32), axes=1))


def blurry(grey: Grey, channels: int) -> Floats:
    """Sharpness: energy of the finest detail against that of the next finer, on a log scale.

    With s1 the picture smoothed by [1 2 1] / 4 along both axes and s2 that smoothed again, the
    log-ratio log E[(f - s1)^2] - log E[(s1 - s2)^2] is about 1.6 for sharp pictures of any
    content and under 0.9 for blurred ones; 0 to 3 maps to 0 to 1. The energy that rounding to
    8 bits adds is taken off, and pictures without any detail come out neutral, not blurred.

    Args:
        grey: Grey levels 0-255, shape (n, height, width).
        channels: 1 or 3: how many rounded channels the grey is made from.
    """
    rounding = (0.64 / 12) * (1.0 if channels == 1 else float((LUMA**2).sum()))
    once = _smooth(grey)
    fine = _energy(grey - once)
    coarse = _energy(once - _smooth(once))
    fine = np.maximum(fine - rounding, 0) + BLUR_PRIOR * np.exp(BLUR_NEUTRAL)
    ratio = np.log(fine / (coarse + BLUR_PRIOR))
    return np.asarray(np.clip(ratio / BLUR_RANGE, 0, 1))


def flatness(grey: Grey) -> Floats:
    """Spread of the grey levels over the room they have; 0 to 0.1 maps to 0 to 1.

    The room is the distance of the mean from black or white, whichever is nearer, so that dark
    and light pictures are not taken for flat ones.
    """
    mean = grey.mean(axis=(1, 2), dtype=np.float64)
    spread = grey.std(axis=(1, 2), dtype=np.float64)
    room = np.minimum(mean, 255 - mean)
    relative = np.divide(spread, room, out=np.zeros_like(spread), where=room > 0)
    return np.asarray(np.clip(relative / FLAT_RANGE, 0, 1))


def light(high: Levels, darkest: Floats) -> Floats:
    """The worse of: brightness missing in the darkest pixels, and pixels not blown out.

    The first, (1 - p1) / 0.9 with p1 the first percentile of brightness, sees light added to
    every pixel; the second, the share of pixels with all channels under 250, sees brightness
    multiplied, which leaves black black.

    Args:
        high: Highest channel of each pixel, uint8, shape (n, height, width).
        darkest: p1, shape (n,).
    """
    blown = (high >= BLOWN_OUT).mean(axis=(1, 2))
    return np.asarray(np.clip(np.minimum((1 - darkest) / LIGHT_RANGE, 1 - blown), 0, 1))


def colour(spread: Levels) -> Floats:
    """Colour: 99th percentile of the channel spread; 0 to 64 levels map to 0 to 1.

    Args:
        spread: Highest less lowest channel of each pixel, uint8, shape (n, height, width).
    """
    flat = spread.reshape(len(spread), -1)
    rank = math.ceil(0.99 * (flat.shape[1] - 1))
    return np.minimum(np.partition(flat, rank, axis=1)[:, rank] / COLOUR_RANGE, 1)


def _smooth(f: Grey) -> Grey:
    """[1 2 1] / 4 along both axes, edges repeated."""
    two, four = np.float32(2), np.float32(4)
    p = np.pad(f, ((0, 0), (1, 1), (0, 0)), mode="edge")
    f = (p[:, :-2] + two * f + p[:, 2:]) / four
    p = np.pad(f, ((0, 0), (0, 0), (1, 1)), mode="edge")
    return np.asarray((p[..., :-2] + two * f + p[..., 2:]) / four)


def _energy(f: Grey) -> Floats:
    flat = f.reshape(len(f), -1)
    return np.asarray(np.einsum("ij,ij->i", flat, flat), dtype=np.float64) / flat.shape[1]
