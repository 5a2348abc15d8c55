"""Perceptual hashes of 64 bits, bit-identical to imagehash, for a batch at once.

References:
    https://github.com/JohannesBuchner/imagehash; Image-quality paper, near-duplicates.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
import scipy.fft

from core.quality.pixels import grey, resize

Levels = npt.NDArray[np.uint8]
Hashes = npt.NDArray[np.uint64]

SIDE = 8
PHASH_SIDE = 32


def hashes(planes: Levels) -> dict[str, npt.NDArray[np.generic]]:
    """All hashes of images of one shape.

    Args:
        planes: uint8, shape (channels, n, height, width), channels 1 or 3.

    Returns:
        `phash`, `phash_mirrored` (of the image turned left to right) and `dhash`, uint64, and
        `digest`, 32 hex digits that are equal for equal pixels; each of shape (n,).
    """
    levels = grey(planes)
    plain, mirrored = phash(levels)
    return {
        "phash": plain,
        "phash_mirrored": mirrored,
        "dhash": dhash(levels),
        "digest": digest(planes),
    }


def phash(levels: Levels) -> tuple[Hashes, Hashes]:
    """`imagehash.phash` of each image and of its mirror image.

    The cosine transform of a mirror image is that of the image with every other column negated.

    Args:
        levels: Mode L pixels, uint8, shape (n, height, width).
    """
    if levels.shape[1:] != (PHASH_SIDE, PHASH_SIDE):
        levels = resize(levels, PHASH_SIDE, PHASH_SIDE, "LANCZOS")
    rows = scipy.fft.dct(levels.astype(np.float64), axis=1)[:, :SIDE]
    low = scipy.fft.dct(rows, axis=2)[..., :SIDE]
    return _above_median(low), _above_median(low * np.where(np.arange(SIDE) % 2, -1, 1))


def dhash(levels: Levels) -> Hashes:
    """`imagehash.dhash`: is each pixel of the 9 x 8 image brighter than its left neighbour?

    Args:
        levels: Mode L pixels, uint8, shape (n, height, width).
    """
    small = resize(levels, SIDE, SIDE + 1, "LANCZOS")
    return _packed(small[..., 1:] > small[..., :-1])


def digest(planes: Levels) -> npt.NDArray[np.generic]:
    """Hash of the shape and the pixels of each image, 32 hex digits."""
    channels, _, height, width = planes.shape
    start = hashlib.blake2b(f"{height}x{width}x{channels}".encode(), digest_size=16)
    out = []
    for image in np.ascontiguousarray(planes.transpose(1, 0, 2, 3)):
        one = start.copy()
        one.update(image.data)
        out.append(one.hexdigest())
    return np.array(out)


def _above_median(low: npt.NDArray[np.float64]) -> Hashes:
    flat = low.reshape(len(low), -1)
    return _packed(flat > np.median(flat, axis=1, keepdims=True))


def _packed(bits: npt.NDArray[np.bool_]) -> Hashes:
    """64 bits an image to uint64, first bit highest, as imagehash writes it in hex."""
    return np.packbits(bits.reshape(len(bits), -1), axis=1).view(">u8")[:, 0].astype(np.uint64)
