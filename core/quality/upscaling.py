"""Is a picture an enlargement of a smaller one? A projection answers, whatever made the small one.

Enlarging is linear along each axis: f = U x with U fixed by the two sizes and the interpolation.
What of f lies outside the range of U is zero for an enlargement, up to rounding, and for any
other picture it is about what a low-pass of the same size leaves out. Their ratio needs no
knowledge of the content. All sizes are tried for small pictures, so that block sizes that do not
divide the side evenly are found as well.

References:
    Image-quality paper, low information by severe downscaling.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

WINDOW = 64
LEAST_SIDE = 16
FACTORS = (2.0, 3.0, 4.0, 8.0)
SMALLEST_FACTOR, LARGEST_FACTOR = 1.5, 8.0
ROUNDING = 0.04


def enlargement(grey: npt.NDArray[np.float32]) -> tuple[Floats, npt.NDArray[np.intp]]:
    """Share of fine detail that no enlargement explains: 0 for an enlarged picture, else near 1.

    Only the middle 64 x 64 pixels are looked at. Pictures with a side under 16 pixels are too
    small to tell and get 1. Larger ones than 64 get the square root, because photographs are
    soft at full size: cameras interpolate their colours.

    Args:
        grey: float32 grey levels 0-255, shape (n, height, width).

    Returns:
        The share in [0, 1], float64, shape (n,), and for each picture the number of the best
        explanation, as `native` takes it.
    """
    n, height, width = grey.shape
    if min(height, width) < LEAST_SIDE:
        return np.ones(n), np.zeros(n, dtype=np.intp)
    window = _window(grey)
    window = window - window.mean(axis=(1, 2), keepdims=True)
    turned = window.transpose(0, 2, 1)
    left = _unexplained(height, width)
    rows = (window @ turned).reshape(n, -1) @ left[0]
    columns = (turned @ window).reshape(n, -1) @ left[1]
    outside = np.maximum(rows + columns, 0) / window[0].size
    kinds = len(KERNELS)
    outside = outside.reshape(n, kinds + 1, -1)
    ratio = (outside[:, :kinds] + ROUNDING) / (outside[:, kinds:] + ROUNDING)
    ratio = ratio.reshape(n, -1)
    best = ratio.argmin(axis=1)
    share = np.clip(ratio[np.arange(n), best], 0, 1)
    if max(height, width) > WINDOW:
        share = np.sqrt(share)
    return np.asarray(share, dtype=np.float64), best


def native(grey: npt.NDArray[np.float32], explanation: int) -> npt.NDArray[np.float32]:
    """The small pictures that these are enlargements of, by the explanation found for them."""
    height, width = grey.shape[1:]
    sizes = _sizes(height, width)
    kind = list(KERNELS)[explanation // len(sizes)]
    rows, columns = sizes[explanation % len(sizes)]
    up, across = _inverse(kind, height, rows), _inverse(kind, width, columns)
    return np.asarray(up @ _window(grey) @ across.T)


def _window(grey: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    return grey[:, _middle(grey.shape[1]), _middle(grey.shape[2])]


def _middle(side: int) -> slice:
    start = max((side - WINDOW) // 2, 0)
    return slice(start, min(start + WINDOW, side))


def _sizes(height: int, width: int) -> list[tuple[int, int]]:
    """Sizes (rows, columns) that a picture of this size may have been enlarged from."""
    longer = max(height, width)
    factors: tuple[float, ...] = FACTORS
    if longer <= WINDOW:
        least, most = math.ceil(longer / LARGEST_FACTOR), int(longer / SMALLEST_FACTOR)
        factors = tuple(longer / size for size in range(least, most + 1))
    return [(max(round(height / k), 1), max(round(width / k), 1)) for k in factors]


@lru_cache(maxsize=16)
def _unexplained(height: int, width: int) -> tuple[npt.NDArray[np.float32], ...]:
    """For each axis, the projections onto what each candidate cannot make, one a column.

    The trace of projection x Gram matrix is the squared residual, so one matrix product gives
    the residuals of all pictures against all candidates. The low-pass comes last.
    """
    out = []
    for side, sizes in zip((height, width), zip(*_sizes(height, width), strict=True), strict=True):
        bases = [_basis(kind, side, size) for kind in KERNELS for size in sizes]
        bases += [_low_pass(side, size) for size in sizes]
        out.append(np.stack([_complement(basis).ravel() for basis in bases], axis=1))
    return tuple(out)


def _complement(basis: Floats) -> npt.NDArray[np.float32]:
    """Projection onto what is orthogonal to the columns of a basis."""
    left, singular, _ = np.linalg.svd(basis, full_matrices=False)
    left = left[:, singular > 1e-9 * singular[0]]
    return np.asarray(np.eye(len(basis)) - left @ left.T, dtype=np.float32)


@lru_cache(maxsize=256)
def _inverse(kind: str, side: int, size: int) -> npt.NDArray[np.float32]:
    return np.linalg.pinv(_basis(kind, side, size)).astype(np.float32)


def _basis(kind: str, side: int, size: int) -> Floats:
    """Rows of the enlargement from `size` to `side` pixels that the window shows."""
    source, weights = (part[_middle(side)] for part in KERNELS[kind](side, size))
    source = source - source.min()
    basis = np.zeros((len(source), source.max() + 1))
    np.add.at(basis, (np.arange(len(source))[:, None], source), weights)
    return basis


def _low_pass(side: int, size: int) -> Floats:
    """The lowest vectors of the window's cosine transform, and ramps: the low-pass to compare with.

    The transform continues a picture by its mirror image, which makes a kink of every slope at
    the border; without the ramps smooth pictures would look enlarged for that alone.
    """
    shown = min(side, WINDOW)
    order = np.arange(max(round(size * shown / side), 1))
    place = (np.arange(shown)[:, None] + 0.5) / shown
    return np.hstack([np.cos(np.pi * place * order), place, place**2])


Taps = tuple[npt.NDArray[np.intp], Floats]


def _nearest(twice_offset: int) -> Callable[[int, int], Taps]:
    """Nearest neighbour: each pixel copies the one at (i + offset) * size / side, rounded down."""

    def taps(side: int, size: int) -> Taps:
        source = (2 * np.arange(side) + twice_offset) * size // (2 * side)
        return source[:, None], np.ones((side, 1))

    return taps


def _filter(
    count: int, weight: Callable[[Floats], Floats], repeat_edge: bool
) -> Callable[[int, int], Taps]:
    """A weighted mean of `count` neighbours; over the edge the edge pixel again, or none."""

    def taps(side: int, size: int) -> Taps:
        place = (np.arange(side) + 0.5) * size / side - 0.5
        source = np.floor(place).astype(np.intp)[:, None] + np.arange(count) - (count // 2 - 1)
        weights = weight(np.abs(place[:, None] - source))
        if not repeat_edge:
            weights = np.where((source >= 0) & (source < size), weights, 0)
        return np.clip(source, 0, size - 1), weights / weights.sum(axis=1, keepdims=True)

    return taps


def _cubic(a: float) -> Callable[[Floats], Floats]:
    """Keys' cubic convolution kernel."""

    def weight(d: Floats) -> Floats:
        near = (a + 2) * d**3 - (a + 3) * d**2 + 1
        return np.where(d <= 1, near, a * (d**3 - 5 * d**2 + 8 * d - 4))

    return weight


def _lanczos(lobes: int) -> Callable[[Floats], Floats]:
    return lambda d: np.where(d < lobes, np.sinc(d) * np.sinc(d / lobes), 0)


KERNELS: dict[str, Callable[[int, int], Taps]] = {
    "nearest, centre (Pillow)": _nearest(1),
    "nearest, floor (OpenCV, torch)": _nearest(0),
    "bilinear": _filter(2, lambda d: 1 - d, repeat_edge=True),
    "bicubic (Pillow)": _filter(4, _cubic(-0.5), repeat_edge=False),
    "bicubic (OpenCV, torch)": _filter(4, _cubic(-0.75), repeat_edge=True),
    "Lanczos 3 (Pillow)": _filter(6, _lanczos(3), repeat_edge=False),
    "Lanczos 4 (OpenCV)": _filter(8, _lanczos(4), repeat_edge=True),
}
