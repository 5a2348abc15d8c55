"""What every perturbation is made of: arithmetic on float pixels, a bounded number at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from core.corruption.base import Apply, Images

Floats = npt.NDArray[np.float64]
Change = Callable[[Images, float, np.random.Generator, int], Floats]

CHUNK_VALUES = 1 << 21
# ITU-R BT.601, in thousandths: with whole numbers sums are exact, so the same on every machine.
LUMA = np.array([299, 587, 114])


def rounded(change: Change) -> Apply:
    """A perturbation from a function that gives float pixels of the same shape.

    They are rounded to the nearest whole number, halves to even, and cut off at 0 and at white.
    Images go through in chunks; what is drawn at random does not depend on where these end, as
    long as `change` draws for one image after another in a single call.

    Args:
        change: Takes images, level, random generator and the value of white.
    """

    def apply(images: Images, level: float, rng: np.random.Generator, peak: int) -> Images:
        out = np.empty_like(images)
        step = max(1, CHUNK_VALUES // max(1, int(np.prod(images.shape[1:]))))
        for start in range(0, len(images), step):
            part = slice(start, start + step)
            out[part] = np.clip(np.rint(change(images[part], level, rng, peak)), 0, peak)
        return out

    return apply


def luma(images: Images) -> npt.NDArray[np.int64]:
    """Brightness of each pixel as people see it, in thousandths, shape (n, height, width, 1)."""
    if images.shape[-1] == 1:
        return images.astype(np.int64) * 1000
    return np.asarray((images.astype(np.int64) @ LUMA)[..., np.newaxis])
