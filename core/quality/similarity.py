"""Do two pictures show the same pixels, brightness and contrast aside?

Hashes find candidates; this confirms them. Changing brightness and contrast maps every value x
to a x + b, cut off at 0 and 255, so the values that are cut off in neither picture stay
perfectly correlated.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.quality.files import read
from core.quality.pixels import resize

Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Thumbnails = Callable[[Rows], Images]

SIDE = 32
SAME = 0.96
DARKEST, LIGHTEST = 5, 250
LEAST_UNCUT = 0.1
FLAT = 2.0
BLOCK = 2048


def similarity(a: Rows, b: Rows, left: Thumbnails, right: Thumbnails, mirror: bool) -> Floats:
    """Correlation, -1 to 1, of pairs of pictures over the values cut off in neither.

    Args:
        a: Row numbers for `left`, shape (pairs,).
        b: Row numbers for `right`, shape (pairs,).
        left: Gives thumbnails by row numbers, uint8, shape (k, values of one picture's shape).
        right: Likewise.
        mirror: Turn the right ones left to right.
    """
    out = np.empty(len(a))
    for first in range(0, len(a), BLOCK):
        part = slice(first, first + BLOCK)
        one, other = _distinct(left, a[part]), _distinct(right, b[part])
        out[part] = _correlation(one, other[:, :, ::-1] if mirror else other)
    return out


def from_array(images: Images) -> Thumbnails:
    """Thumbnails of an array of images, uint8, shape (n, height, width, channels)."""
    return lambda rows: thumbnails(images[rows])


def from_files(root: Path, names: npt.NDArray[np.object_]) -> Thumbnails:
    """Thumbnails of the files of a scan.

    Raises:
        InputError: when called, where a file can no longer be read.
    """

    def load(rows: Rows) -> Images:
        out = np.zeros((len(rows), SIDE, SIDE, 3), dtype=np.uint8)
        for place, name in enumerate(names[rows]):
            picture = read(root / name)
            if isinstance(picture, str):
                raise InputError(f"{name} changed since the scan ({picture}); scan again.")
            out[place] = _thumbnail(picture.pixels[None])[0]
        return out

    return load


def thumbnails(images: Images) -> Images:
    """Images of at most 32 x 32 pixels as they are, larger ones shrunk to that."""
    return _thumbnail(images) if max(images.shape[1:3]) > SIDE else images


def _thumbnail(images: Images) -> Images:
    planes = [resize(images[..., c], SIDE, SIDE, "BOX") for c in range(images.shape[-1])]
    return np.stack(planes if len(planes) == 3 else planes * 3, axis=-1)


def _distinct(load: Thumbnails, rows: Rows) -> Images:
    distinct, place = np.unique(rows, return_inverse=True)
    return load(distinct)[place]


def _correlation(one: Images, other: Images) -> Floats:
    x, y = (part.reshape(len(part), -1).astype(np.float32) for part in (one, other))
    uncut = (np.minimum(x, y) > DARKEST) & (np.maximum(x, y) < LIGHTEST)
    weight = uncut.astype(np.float32)
    weight[uncut.mean(axis=1) < LEAST_UNCUT] = 1
    count = weight.sum(axis=1, keepdims=True)
    x = (x - (x * weight).sum(axis=1, keepdims=True) / count) * weight
    y = (y - (y * weight).sum(axis=1, keepdims=True) / count) * weight
    product, xx, yy = (np.einsum("ij,ij->i", p, q) for p, q in ((x, y), (x, x), (y, y)))
    norm = np.sqrt(xx * yy)
    flat = np.minimum(xx, yy) <= FLAT**2 * count[:, 0]
    # Two flat pictures correlate by their noise: they are the same where their colours are.
    near = np.abs(one.astype(np.int16) - other).max(axis=(1, 2, 3)) <= 3 * FLAT
    correlation = np.divide(product, norm, out=np.zeros_like(product), where=norm > 0)
    return np.asarray(np.where(flat, near, correlation), dtype=np.float64)
