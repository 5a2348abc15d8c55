"""Does one picture show a part of another? Shifts and zooms are searched, then pixels compared.

A copy that was cropped, shifted or zoomed is a part of the original at another scale. So the
middle of each picture, shrunk a little, is looked for everywhere in the other one by normalized
cross-correlation; where it fits best, all pixels that both show are compared in colour.

References:
    J. P. Lewis, Fast normalized cross-correlation, Vision Interface 1995.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.fft

from core.quality.similarity import Images, correlation

Floats = npt.NDArray[np.float64]
Grey = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]

SCALES = (1.0, 0.94, 0.88, 0.82, 0.76)
TEMPLATE = 0.68
BLOCK = 256
WORTH_A_LOOK = 0.8
SAME_PART = 0.93
LUMA = np.array([0.299, 0.587, 0.114], dtype=np.float32)


def fits(one: Images, other: Images) -> Floats:
    """Correlation of pairs of pictures as they lie, or else where the one fits into the other."""
    out = correlation(one, other)
    rest = out < SAME_PART
    out[rest] = np.maximum(out[rest], aligned(one[rest], other[rest]))
    return out


def aligned(one: Images, other: Images) -> Floats:
    """Correlation, -1 to 1, of pairs of pictures where the one fits best into the other.

    Args:
        one: uint8, shape (pairs, height, width, channels), small pictures.
        other: The second picture of each pair, of the same shape.

    Returns:
        float64, shape (pairs,); where not even the middles fit, their correlation.
    """
    out = np.empty(len(one))
    for first in range(0, len(one), BLOCK):
        x, y = one[first : first + BLOCK], other[first : first + BLOCK]
        out[first : first + BLOCK] = np.maximum(_fitted(x, y), _fitted(y, x))
    return out


def _fitted(frame: Images, part: Images) -> Floats:
    """Correlation where the part, shrunk by one of the scales, fits best into the frame."""
    middle, scale, top, left = _search(_grey(frame), _grey(part))
    out = middle.astype(np.float64)
    for number in range(len(SCALES)):
        rows = np.flatnonzero((scale == number) & (middle >= WORTH_A_LOOK))
        if len(rows):
            out[rows] = _compared(frame[rows], part[rows], number, top[rows], left[rows])
    return out


def _search(frame: Grey, part: Grey) -> tuple[Grey, Rows, Rows, Rows]:
    """Best fit of the middle of each part: correlation, number of the scale, and its corner."""
    n, height, width = frame.shape
    tall, wide = (max(round(TEMPLATE * side), 1) for side in (height, width))
    spectrum = scipy.fft.rfft2(frame)
    spread = np.sqrt(
        np.maximum(_box(frame**2, tall, wide) - _box(frame, tall, wide) ** 2 / (tall * wide), 1)
    )
    best = np.full(n, -1, dtype=np.float32)
    where = np.zeros((3, n), dtype=np.int64)
    for number, scale in enumerate(SCALES):
        small = _shrunk(part, scale)
        top, left = (small.shape[1] - tall) // 2, (small.shape[2] - wide) // 2
        template = small[:, top : top + tall, left : left + wide]
        template = template - template.mean(axis=(1, 2), keepdims=True)
        norm = np.sqrt(np.maximum((template**2).sum(axis=(1, 2)), 1))
        fit = scipy.fft.irfft2(
            spectrum * scipy.fft.rfft2(template, (height, width)).conj(), (height, width)
        )
        fit = fit[:, : height - tall + 1, : width - wide + 1] / spread
        flat = fit.reshape(n, -1)
        place = flat.argmax(axis=1)
        value = flat[np.arange(n), place] / norm
        better = value > best
        best[better] = value[better]
        rows, columns = np.divmod(place, fit.shape[2])
        found = np.stack([np.full(n, number), rows - top, columns - left])
        where[:, better] = found[:, better]
    return best, *where


def _compared(frame: Images, part: Images, number: int, top: Rows, left: Rows) -> Floats:
    """Correlation over what both show, the shrunk part's corner at (top, left) of the frame."""
    n, height, width, _ = frame.shape
    small = np.stack(
        [_shrunk(part[..., c].astype(np.float32), SCALES[number]) for c in range(part.shape[3])],
        axis=-1,
    )
    rows = np.arange(height) - top[:, None]
    columns = np.arange(width) - left[:, None]
    inside = ((rows >= 0) & (rows < small.shape[1]))[:, :, None] & (
        (columns >= 0) & (columns < small.shape[2])
    )[:, None]
    rows, columns = rows.clip(0, small.shape[1] - 1), columns.clip(0, small.shape[2] - 1)
    moved = small[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None]]
    return correlation(frame, moved, inside)


def _grey(images: Images) -> Grey:
    if images.shape[-1] == 1:
        return images[..., 0].astype(np.float32)
    return np.asarray(images.astype(np.float32) @ LUMA)


def _box(values: Grey, tall: int, wide: int) -> Grey:
    """Sums over every window of this size, shape (n, height - tall + 1, width - wide + 1)."""
    rows = values.cumsum(axis=1, dtype=np.float64)
    rows[:, tall:] -= rows[:, :-tall].copy()
    columns = rows[:, tall - 1 :].cumsum(axis=2)
    columns[:, :, wide:] -= columns[:, :, :-wide].copy()
    return np.asarray(columns[:, :, wide - 1 :], dtype=np.float32)


def _shrunk(images: Grey, scale: float) -> Grey:
    """Images with both sides times a scale of at most 1, by triangular interpolation."""
    if scale == 1:
        return images
    up, across = (_triangle(side, max(round(scale * side), 1)) for side in images.shape[1:])
    return np.asarray(up @ images @ across.T)


def _triangle(side: int, size: int) -> Grey:
    place = (np.arange(size) + 0.5) * side / size - 0.5
    weights = np.maximum(1 - np.abs(place[:, None] - np.arange(side)) * size / side, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True), dtype=np.float32)
