"""Many image files → one array."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.datasets import decode
from core.datasets.source import Progress, tracked
from core.errors import InputError

LARGEST_SIDE = 64
LARGEST_BYTES = 4 << 30

Images = Callable[[], Iterator[tuple[str, decode.Encoded]]]
"""Gives the name and the encoded bytes of every image, the same each time it is called."""


@dataclass(frozen=True, eq=False)
class Stack:
    """Images of one size.

    Args:
        x: Pixels, uint8, shape (n, height, width, channels); rows of unreadable images are 0.
        readable: bool, shape (n,).
        left_out: Name of every unreadable image and the reason.
        notes: What was changed, and how often.
    """

    x: npt.NDArray[np.uint8]
    readable: npt.NDArray[np.bool_]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]


def stack(images: Images, count: int, progress: Progress) -> Stack:
    """Decode images to one size and as few channels as show them exactly.

    Images of one size keep it. Otherwise all get the most common size (of equally common ones
    the smallest), scaled down so that no side is over 64 pixels.

    Args:
        images: Gives the images; called again when they turn out to differ in size.
        count: How many it gives.
        progress: Told how far each pass is.

    Raises:
        InputError: No image can be read, or all together take over 4 GiB.
    """
    if not count:
        raise InputError("There are no images in it.")
    try:
        return _decode(images, count, None, progress)
    except _Uneven:
        size = _common_size(images, count, progress)
    _check_bytes(count, size)
    return _decode(images, count, size, progress)


class _Uneven(Exception):
    """An image has another size than the first, or all in that size would be too large."""


def _decode(images: Images, count: int, size: tuple[int, int] | None, progress: Progress) -> Stack:
    """Decode to (width, height) `size`, or to that of the first image."""
    x: npt.NDArray[np.uint8] | None = None
    left_out: dict[int, tuple[str, str]] = {}
    changes: Counter[str] = Counter()
    for row, (name, data) in enumerate(tracked(images(), count, "Decoding images", progress)):
        try:
            image, changed = decode.pixels(data, size)
        except Exception as error:  # Hostile bytes make Pillow raise anything.
            left_out[row] = (name, decode.reason(error))
            continue
        if x is None:
            if count * image.nbytes > LARGEST_BYTES:
                raise _Uneven
            x = np.zeros((count, *image.shape), np.uint8)
        if image.shape != x.shape[1:]:
            raise _Uneven
        x[row] = image
        changes.update(changed)
    if x is None:
        name, why = left_out[0]
        why = why.removesuffix(".")
        raise InputError(f"None of the {count:,} images can be read; the first, {name}: {why}.")
    readable = np.ones(count, dtype=bool)
    readable[list(left_out)] = False
    notes = (f"{number:,} images {change}." for change, number in sorted(changes.items()))
    return Stack(_grey(x), readable, tuple(left_out.values()), tuple(notes))


def _common_size(images: Images, count: int, progress: Progress) -> tuple[int, int]:
    """(width, height) for all images, by their headers."""
    sizes: Counter[tuple[int, int]] = Counter()
    for _, data in tracked(images(), count, "Measuring images", progress):
        with suppress(Exception):  # Decoding it says why it cannot be read.
            sizes[decode.size(data)] += 1
    width, height = min(sizes, key=lambda size: (-sizes[size], size[0] * size[1], size))
    if len(sizes) == 1:
        return width, height
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _check_bytes(count: int, size: tuple[int, int]) -> None:
    width, height = size
    needed = count * width * height * 3
    if needed > LARGEST_BYTES:
        raise InputError(
            f"{count:,} images of {width} × {height} take {needed / 2**30:.1f} GiB once decoded; "
            f"at most {LARGEST_BYTES / 2**30:.0f} GiB are read: make a copy with smaller images, "
            f"such as {LARGEST_SIDE} × {LARGEST_SIDE}, or with fewer."
        )


def _grey(x: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The first channel alone, where all three are equal in every image."""
    for start in range(0, len(x), 1024):
        part = x[start : start + 1024]
        if not (part == part[..., :1]).all():
            return x
    return np.ascontiguousarray(x[..., :1])
