"""CleanVision's image issues for a batch of images at once, value for value.

Pictures of mode L or RGB get the very numbers that CleanVision 0.3.7 gives: `dark`, `light`,
`blurry`, `odd_aspect_ratio`, `odd_size` and `grayscale` to the last bit, `low_information` to
1e-12. The library itself works image by image and opens every file twice.

References:
    https://github.com/cleanlab/cleanvision; Image-quality paper, section on CleanVision's scores.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.special

from core.quality.pixels import grey, resize

THRESHOLDS = {
    "dark": 0.32,
    "light": 0.05,
    "blurry": 0.29,
    "low_information": 0.3,
    "odd_aspect_ratio": 0.35,
}
BLUR_SIDE = 64
BLUR_RATE = 0.01
BLUR_FLAT = 0.18
ENTROPY_RATE = 0.1
SIZE_IQRS = 3.0

Planes = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]


def scores(planes: Planes, small: Planes, dark: Floats, light: Floats) -> dict[str, Floats]:
    """CleanVision's scores, each in [0, 1], lower is worse, of images of one shape.

    Args:
        planes: uint8, shape (channels, n, height, width), channels 1 (mode L) or 3 (mode RGB).
        small: `shrunk(planes)`.
        dark: 99th percentile of `brightness(planes)` of each image, shape (n,).
        light: Its 5th percentile.

    Returns:
        Column name to float64, shape (n,).
    """
    channels, n, height, width = planes.shape
    return {
        "dark_score": dark,
        "light_score": 1 - light,
        "blurry_score": sharpness(small),
        "low_information_score": np.minimum(ENTROPY_RATE * entropy(planes), 1.0),
        "odd_aspect_ratio_score": np.full(n, min(width / height, height / width)),
        "grayscale_score": np.full(n, float(channels != 1)),
    }


def brightness(planes: Planes) -> Floats:
    """Perceived brightness of every pixel in [0, 1], shape (n, height * width)."""
    flat = planes.reshape(planes.shape[0], planes.shape[1], -1)
    if len(flat) == 1:
        return np.asarray(flat[0] / 255.0)
    total, green, blue = flat.astype(np.float64)
    for plane, weight in ((total, 0.241), (green, 0.691), (blue, 0.068)):
        plane *= plane
        plane *= weight
    total += green
    total += blue
    np.sqrt(total, out=total)
    total /= 255
    return total


def sharpness(small: Planes) -> Floats:
    """CleanVision's `blurry_score`: spread of edges, plus 'not flat' by the grey histogram."""
    levels = grey(small)
    count = levels[0].size
    edge = _edges(levels).reshape(len(levels), -1).astype(np.int64)
    total, squares = edge.sum(axis=1), np.einsum("ij,ij->i", edge, edge)
    blur = 1 - np.exp(-1 * np.sqrt((squares - total**2 / count) / count) * BLUR_RATE)
    flat = 1 - np.exp(-1 * np.std(_histograms(levels), axis=1) * BLUR_RATE)
    flat[flat <= BLUR_FLAT] = 0
    return np.asarray(np.minimum(blur + flat, 1))


def entropy(planes: Planes) -> Floats:
    """Shannon entropy in bits of the histogram over all channels, at most log2(256 * channels)."""
    counts = np.hstack([_histograms(plane) for plane in planes])
    total = planes[:, 0].size
    if total > counts.size:
        share = counts / total
        return np.asarray(scipy.special.entr(share).sum(axis=1) / math.log(2))
    terms = scipy.special.entr(np.arange(total + 1) / total) / math.log(2)
    return np.asarray(terms[counts].sum(axis=1))


def odd_size(sizes: Floats) -> tuple[Floats, float]:
    """Distance of each size from the usual range of the set, and the threshold to flag below.

    Args:
        sizes: sqrt(width * height) of every readable image, shape (n,).
    """
    low, high = np.percentile(sizes, [25, 75])
    spread = high - low
    low, high = low - SIZE_IQRS * spread, high + SIZE_IQRS * spread
    middle, gap = (low + high) / 2, high - low
    distance = np.absolute(sizes - middle)
    norm, threshold = (gap, 0.5) if gap > 0 else (middle, 1.0)
    return 1 - np.clip(distance / norm, 0, 1), threshold


def flags(table: pd.DataFrame) -> pd.DataFrame:
    """CleanVision's `is_<issue>_issue` columns for a table of its score columns."""
    out = {f"is_{name}_issue": table[f"{name}_score"] < cut for name, cut in THRESHOLDS.items()}
    return pd.DataFrame(out | {"is_grayscale_issue": table["grayscale_score"] == 0})


def shrunk(planes: Planes) -> Planes:
    """Images as CleanVision measures blur on them: the longer side at most 64 pixels."""
    channels, n, height, width = planes.shape
    ratio = max(height, width) / BLUR_SIDE
    if ratio <= 1:
        return planes
    size = max(int(height // ratio), 1), max(int(width // ratio), 1)
    small = resize(planes.reshape(-1, height, width), *size, "BICUBIC")
    return small.reshape(channels, n, *size)


def _edges(levels: Planes) -> npt.NDArray[np.int16]:
    """Pillow's FIND_EDGES: nine times the pixel less its 3x3 sum, clipped; borders untouched."""
    out = levels.astype(np.int16)
    if min(levels.shape[1:]) < 3:
        return out
    rows = out[:, :-2] + out[:, 1:-1] + out[:, 2:]
    block = rows[..., :-2] + rows[..., 1:-1] + rows[..., 2:]
    inner = out[:, 1:-1, 1:-1]
    np.clip(9 * inner - block, 0, 255, out=inner)
    return out


def _histograms(levels: Planes) -> npt.NDArray[np.int64]:
    """Counts of the 256 grey levels of each image, shape (n, 256)."""
    n = len(levels)
    bins = levels.reshape(n, -1) + (np.arange(n) * 256)[:, None]
    return np.bincount(bins.ravel(), minlength=n * 256).reshape(n, 256)
