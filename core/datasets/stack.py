"""Many image files → one array, in two passes: the first finds the size, the second decodes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
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
        images: Gives the images; called twice.
        count: How many it gives.
        progress: Told how far each pass is.

    Raises:
        InputError: No image can be read, or all together take over 4 GiB.
    """
    left_out: dict[int, tuple[str, str]] = {}
    width, height = _common_size(images, count, left_out, progress)
    needed = (count - len(left_out)) * width * height * 3
    if needed > LARGEST_BYTES:
        raise InputError(
            f"{count:,} images of {width} × {height} take {needed / 2**30:.1f} GiB once decoded; "
            f"at most {LARGEST_BYTES / 2**30:.0f} GiB are read: make a copy with smaller images, "
            f"such as {LARGEST_SIDE} × {LARGEST_SIDE}, or with fewer."
        )
    x = np.zeros((count, height, width, 3), np.uint8)
    changes: Counter[str] = Counter()
    for row, (name, data) in enumerate(tracked(images(), count, "Decoding images", progress)):
        if row in left_out:
            continue
        try:
            x[row], changed = decode.pixels(data, (width, height))
        except Exception as error:  # Hostile bytes make Pillow raise anything.
            left_out[row] = (name, decode.reason(error))
        else:
            changes.update(changed)
    readable = np.ones(count, dtype=bool)
    readable[list(left_out)] = False
    if not readable.any():
        name, why = left_out[0]
        raise InputError(f"None of the {count:,} images can be read; the first, {name}: {why}.")
    return Stack(
        _grey(x),
        readable,
        tuple(left_out[row] for row in sorted(left_out)),
        tuple(f"{number:,} images {change}." for change, number in sorted(changes.items())),
    )


def _common_size(
    images: Images, count: int, left_out: dict[int, tuple[str, str]], progress: Progress
) -> tuple[int, int]:
    """(width, height) for all images; a size counts once an image of it was decoded whole."""
    sizes: Counter[tuple[int, int]] = Counter()
    for row, (name, data) in enumerate(tracked(images(), count, "Measuring images", progress)):
        try:
            size = decode.size(data)
            if size not in sizes:
                decode.pixels(data)
        except Exception as error:  # Hostile bytes make Pillow raise anything.
            left_out[row] = (name, decode.reason(error))
        else:
            sizes[size] += 1
    if not sizes:
        return 1, 1
    width, height = min(sizes, key=lambda size: (-sizes[size], size[0] * size[1], size))
    if len(sizes) == 1:
        return width, height
    scale = min(1.0, LARGEST_SIDE / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))


def _grey(x: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The first channel alone, where all three are equal in every image."""
    for start in range(0, len(x), 1024):
        part = x[start : start + 1024]
        if not (part == part[..., :1]).all():
            return x
    return np.ascontiguousarray(x[..., :1])
