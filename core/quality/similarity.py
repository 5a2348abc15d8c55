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
import pandas as pd

from core.datasets.base import Dataset
from core.errors import InputError
from core.quality.audit import pixels
from core.quality.files import read
from core.quality.pixels import resize

Images = npt.NDArray[np.uint8]
Rows = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Levels = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]
Thumbnails = Callable[[Rows], Images]
Comparison = Callable[[Images, Images], Floats]

SIDE = 32
SAME = 0.96
DARKEST, LIGHTEST = 5, 250
LEAST_UNCUT = 0.1
FLAT = 2.0
BLOCK = 2048
HELD = 100_000


def similarity(
    a: Rows, b: Rows, left: Thumbnails, right: Thumbnails, mirror: bool, compare: Comparison
) -> Floats:
    """How alike pairs of pictures are, -1 to 1.

    Args:
        a: Row numbers for `left`, shape (pairs,).
        b: Row numbers for `right`, shape (pairs,).
        left: Gives thumbnails by row numbers, uint8, shape (k, values of one picture's shape).
        right: Likewise.
        mirror: Turn the right ones left to right.
        compare: `correlation`, or `alignment.fits`.
    """
    out = np.empty(len(a))
    for first in range(0, len(a), BLOCK):
        part = slice(first, first + BLOCK)
        one, other = _distinct(left, a[part]), _distinct(right, b[part])
        out[part] = compare(one, other[:, :, ::-1] if mirror else other)
    return out


def loader(source: Images | Dataset | Path | str, known: pd.DataFrame, side: int) -> Thumbnails:
    """Thumbnails of the readable images of a source.

    Args:
        source: uint8 images, a data set (its training split), or a folder.
        known: The rows of `scan(source)` that are readable; thumbnails are numbered by them.
        side: Larger images are shrunk to so many pixels each way.

    Raises:
        InputError: the table is not of this source; when called, a file can no longer be read.
    """
    if isinstance(source, Dataset):
        source = pixels(source, "train")
    if isinstance(source, np.ndarray):
        images = source if source.ndim == 4 else source[..., None]
        if len(images) != len(known):
            raise InputError(f"The table has {len(known)} images; the source has {len(images)}.")
        return from_array(images, side)
    return from_files(Path(source), known["path"].to_numpy(dtype=object), side)


def from_array(images: Images, side: int = SIDE) -> Thumbnails:
    """Thumbnails of an array of images, uint8, shape (n, height, width, channels)."""
    return lambda rows: thumbnails(images[rows], side)


def from_files(root: Path, names: npt.NDArray[np.object_], side: int = SIDE) -> Thumbnails:
    """Thumbnails of the files of a scan; the first 100,000 are held, so that each is read once.

    Raises:
        InputError: when called, where a file can no longer be read.
    """
    held: dict[int, Images] = {}

    def thumbnail(row: int) -> Images:
        if row in held:
            return held[row]
        picture = read(root / names[row])
        if isinstance(picture, str):
            raise InputError(f"{names[row]} changed since the scan ({picture}); scan again.")
        small: Images = _thumbnail(picture.pixels[None], side)[0]
        if len(held) < HELD:
            held[row] = small
        return small

    def load(rows: Rows) -> Images:
        out = np.empty((len(rows), side, side, 3), dtype=np.uint8)
        for place, row in enumerate(rows.tolist()):
            out[place] = thumbnail(row)
        return out

    return load


def thumbnails(images: Images, side: int = SIDE) -> Images:
    """Images of at most `side` pixels each way as they are, larger ones shrunk to that."""
    return _thumbnail(images, side) if max(images.shape[1:3]) > side else images


def _thumbnail(images: Images, side: int) -> Images:
    planes = [resize(images[..., c], side, side, "BOX") for c in range(images.shape[-1])]
    return np.stack(planes if len(planes) == 3 else planes * 3, axis=-1)


def _distinct(load: Thumbnails, rows: Rows) -> Images:
    distinct, place = np.unique(rows, return_inverse=True)
    return load(distinct)[place]


def correlation(one: Images, other: Images | Levels, inside: Mask | None = None) -> Floats:
    """Correlation over the values of two pictures that are cut off in neither.

    Args:
        one: Values 0-255, shape (pairs, height, width, channels).
        other: Likewise; not necessarily whole numbers.
        inside: Pixels that count, shape (pairs, height, width); None for all.

    Returns:
        float64, shape (pairs,).
    """
    x, y = (part.reshape(len(part), -1).astype(np.float32) for part in (one, other))
    uncut = (np.minimum(x, y) > DARKEST) & (np.maximum(x, y) < LIGHTEST)
    shown = np.ones_like(uncut)
    if inside is not None:
        shown = np.repeat(inside.reshape(len(x), -1), one.shape[-1], axis=1)
    weight = (uncut & shown).astype(np.float32)
    few = weight.sum(axis=1) < LEAST_UNCUT * shown.sum(axis=1)
    weight[few] = shown[few]
    count = weight.sum(axis=1, keepdims=True)
    x = (x - (x * weight).sum(axis=1, keepdims=True) / count) * weight
    y = (y - (y * weight).sum(axis=1, keepdims=True) / count) * weight
    product, xx, yy = (np.einsum("ij,ij->i", p, q) for p, q in ((x, y), (x, x), (y, y)))
    norm = np.sqrt(xx * yy)
    flat = np.minimum(xx, yy) <= FLAT**2 * count[:, 0]
    # Two flat pictures correlate by their noise: they are the same where their colours are.
    gap = np.abs(one.astype(np.float32) - other).reshape(len(x), -1)
    near = (gap * shown).max(axis=1) <= 3 * FLAT
    correlation = np.divide(product, norm, out=np.zeros_like(product), where=norm > 0)
    return np.asarray(np.where(flat, near, correlation), dtype=np.float64)
