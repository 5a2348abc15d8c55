"""Perturbations by storing images with less: fewer pixels, or as JPEG."""

from __future__ import annotations

import io

import numpy as np

from core.corruption.base import Images, Perturbation
from core.corruption.pixels import Floats, rounded
from core.errors import InputError


def _downscale(images: Images, factor: float, rng: np.random.Generator, peak: int) -> Floats:
    """Averaged over equal areas, rounded, and enlarged again by bilinear interpolation."""
    sides = images.shape[1:3]
    sizes = [max(round(side / factor), 1) for side in sides]
    small = np.rint(_resized(images, [_area(*pair) for pair in zip(sides, sizes, strict=True)]))
    return _resized(small, [_bilinear(*pair) for pair in zip(sides, sizes, strict=True)])


def _resized(images: Images | Floats, weights: list[Floats]) -> Floats:
    """Weighted means along height and width; whole-number weights make the sums exact."""
    rows, columns = weights
    n, height, width, channels = images.shape
    out = rows @ images.reshape(n, height, -1).astype(np.float64)
    out = columns @ out.reshape(n, len(rows), width, channels)
    return np.asarray(out / (rows[0].sum() * columns[0].sum()))


def _area(side: int, size: int) -> Floats:
    """Overlap of each pixel with each of `size` equal parts of a side, shape (size, side)."""
    part, pixel = np.arange(size)[:, None] * side, np.arange(side) * size
    overlap = np.minimum(part + side, pixel + size) - np.maximum(part, pixel)
    return np.asarray(np.maximum(overlap, 0), dtype=np.float64)


def _bilinear(side: int, size: int) -> Floats:
    """Weights of `size` pixels in each pixel of the enlarged side, shape (side, size)."""
    place = np.clip((2 * np.arange(side) + 1) * size - side, 0, 2 * side * (size - 1))
    distance = np.abs(place[:, None] - 2 * side * np.arange(size))
    return np.asarray(np.maximum(2 * side - distance, 0), dtype=np.float64)


def _jpeg(images: Images, quality: float, rng: np.random.Generator, peak: int) -> Floats:
    """Written as JPEG and read again, one image at a time, as files are."""
    from PIL import Image

    if quality % 1:
        raise InputError(f"The quality of a JPEG must be a whole number; got {quality}.")
    scaled = np.rint(images * (255 / peak)).astype(np.uint8)
    out = np.empty_like(scaled)
    for place, pixels in enumerate(scaled):
        file = io.BytesIO()
        Image.fromarray(pixels.squeeze(2) if pixels.shape[2] == 1 else pixels).save(
            file, "JPEG", quality=int(quality)
        )
        with Image.open(file) as image:
            out[place] = np.asarray(image).reshape(pixels.shape)
    return np.asarray(out * (peak / 255))


DOWNSCALE = Perturbation(
    name="downscale",
    title="Down- and upscaling",
    summary="Shrunk by a factor, averaging areas, and enlarged again by bilinear interpolation.",
    parameter="factor",
    levels=(2, 3, 4, 8),
    least=1,
    most=1000,
    apply=rounded(_downscale),
    clean=1,
)

JPEG = Perturbation(
    name="jpeg",
    title="JPEG compression",
    summary="Stored as JPEG of a quality, with Pillow's defaults, and read again.",
    parameter="quality",
    levels=(50, 20, 10, 5),
    least=1,
    most=100,
    apply=rounded(_jpeg),
)
