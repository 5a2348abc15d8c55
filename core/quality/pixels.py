"""Pillow's pixel arithmetic on whole batches, bit for bit."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import numpy.typing as npt

Levels = npt.NDArray[np.uint8]


def grey(planes: Levels) -> Levels:
    """Pillow's mode L of RGB or L images.

    Args:
        planes: uint8, shape (channels, n, height, width), channels 1 or 3.

    Returns:
        uint8, shape (n, height, width).
    """
    if len(planes) == 1:
        return np.asarray(planes[0])
    total, green, blue = planes.astype(np.uint32)
    total *= 19595
    green *= 38470
    blue *= 7471
    total += green
    total += blue
    total += 0x8000
    total >>= 16
    return np.asarray(total, dtype=np.uint8)


def resize(levels: Levels, height: int, width: int, resample: str) -> Levels:
    """Pillow's resize of many one-channel images in two calls.

    Pillow resizes along one axis, then along the other, and leaves out a pass whose size does
    not change. So the images are put under one another for the pass along the rows and side by
    side for the pass along the columns.

    Args:
        levels: uint8, shape (n, rows, columns).
        height: Rows wanted.
        width: Columns wanted.
        resample: Name of one of Pillow's `Resampling` filters.

    Returns:
        uint8, shape (n, height, width).
    """
    if len(levels) == 1:
        return _pillow(levels[0], height, width, resample)[None]
    if _rows_first(levels.shape[1:], (height, width), resample):
        return _resize_columns(_resize_rows(levels, width, resample), height, resample)
    return _resize_rows(_resize_columns(levels, height, resample), width, resample)


def _resize_rows(levels: Levels, width: int, resample: str) -> Levels:
    n, rows, columns = levels.shape
    tall = _pillow(levels.reshape(n * rows, columns), n * rows, width, resample)
    return tall.reshape(n, rows, width)


def _resize_columns(levels: Levels, height: int, resample: str) -> Levels:
    n, rows, columns = levels.shape
    beside = levels.transpose(1, 0, 2).reshape(rows, n * columns)
    wide = _pillow(beside, height, n * columns, resample)
    return np.ascontiguousarray(wide.reshape(height, n, columns).transpose(1, 0, 2))


@lru_cache(maxsize=4096)
def _rows_first(shape: tuple[int, int], wanted: tuple[int, int], resample: str) -> bool:
    """Which pass Pillow takes first: it depends on its version and the sizes, so it is tried."""
    probe = np.random.default_rng(0).integers(0, 256, (1, *shape), dtype=np.uint8)
    rows_first = _resize_columns(_resize_rows(probe, wanted[1], resample), wanted[0], resample)
    return np.array_equal(rows_first[0], _pillow(probe[0], *wanted, resample))


def _pillow(level: Levels, height: int, width: int, resample: str) -> Levels:
    from PIL import Image

    return np.asarray(Image.fromarray(level).resize((width, height), Image.Resampling[resample]))
