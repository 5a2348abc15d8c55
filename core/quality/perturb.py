"""Known faults to put into images, so that detectors can be scored on a user's own data.

References:
    Image-quality paper, single and dual perturbations, near-duplicates by brightness and contrast.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import ndimage

from core.corruption.perturbations import PERTURBATIONS as OF_PIXELS
from core.errors import InputError
from core.registry import Registry

Images = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]

SEVERITIES = ("mild", "medium", "strong")
BLUR_SIDE = 64


@dataclass(frozen=True)
class Perturbation:
    """One entry of the perturbation registry.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        issue: The issue that a detector should flag.
        levels: Its parameter at each severity.
        change: Takes images, uint8, shape (n, height, width, channels), and the parameter; gives
            float64 pixels of the same shape, which are rounded and cut off at 0 and 255.
    """

    name: str
    title: str
    summary: str
    issue: str
    levels: tuple[float, float, float]
    change: Callable[[Images, float], Floats]

    def __call__(self, images: Images, severity: str) -> Images:
        """The images with this fault, of the same shape and type."""
        if severity not in SEVERITIES:
            raise InputError(f"A severity is one of {', '.join(SEVERITIES)}; got {severity!r}.")
        changed = self.change(images, self.levels[SEVERITIES.index(severity)])
        return np.clip(np.rint(changed), 0, 255).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class Injected:
    """A copy of some images with faults in it.

    Args:
        rows: Rows that were changed, sorted, shape (k,).
        images: What they became, uint8, shape (k, height, width, channels).
        truth: A bool column for each issue, one row a changed image.
    """

    rows: npt.NDArray[np.int64]
    images: Images
    truth: pd.DataFrame


def inject(
    images: Images,
    share: float,
    seed: int,
    severity: str = "medium",
    issues: tuple[str, ...] = ("dark", "light", "blurry", "low_information", "grayscale"),
    faults: int = 1,
    registry: Registry[Perturbation] | None = None,
) -> Injected:
    """Faults in a share of the images, each with the issues it should be flagged for.

    Args:
        images: uint8, shape (n, height, width, channels); left as they are.
        share: Share of the images to change, over 0 and up to 1.
        seed: Decides which images are changed and how.
        severity: `mild`, `medium` or `strong`.
        issues: Which faults to draw from.
        faults: How many different issues a changed image gets, one after the other; dark and
            light undo each other and never come together.
        registry: Perturbations to draw from.

    Raises:
        InputError: a share out of range, or more faults than issues.
    """
    if not 0 < share <= 1:
        raise InputError(f"A share must be over 0 and at most 1; got {share}.")
    if not 1 <= faults <= len(issues):
        raise InputError(f"An image can have 1 to {len(issues)} of these faults; got {faults}.")
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(images), max(round(share * len(images)), 1), replace=False))
    drawn = [_draw(rng, issues, faults) for _ in rows]
    chosen = PERTURBATIONS if registry is None else registry
    by_issue = {name: [p for p in chosen.values() if p.issue == name] for name in issues}
    changed = images[rows]
    for turn in range(faults):
        which = np.array(
            [
                by_issue[order[turn]][rng.integers(len(by_issue[order[turn]]))].name
                for order in drawn
            ]
        )
        for name in np.unique(which):
            changed[which == name] = chosen[name](changed[which == name], severity)
    truth = pd.DataFrame({name: [name in order for order in drawn] for name in issues})
    return Injected(rows, changed, truth)


def near_copies(images: Images, share: float, seed: int, strength: float = 0.4) -> Injected:
    """Copies of a share of the images with brightness and contrast changed by up to `strength`.

    Returns:
        `rows` copied, and the copies; `truth` is empty.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(images), max(round(share * len(images)), 1), replace=False))
    shape = (len(rows), 1, 1, 1)
    brightness, contrast = (1 + rng.uniform(-strength, strength, shape) for _ in range(2))
    source = images[rows].astype(np.float64)
    mean = source.mean(axis=(1, 2, 3), keepdims=True)
    copies = brightness * (mean + contrast * (source - mean))
    return Injected(rows, np.clip(np.rint(copies), 0, 255).astype(np.uint8), pd.DataFrame())


def _draw(rng: np.random.Generator, issues: tuple[str, ...], faults: int) -> list[str]:
    while True:
        order = [issues[i] for i in rng.permutation(len(issues))[:faults]]
        if not {"dark", "light"} <= set(order):
            return order


def _of_pixels(name: str) -> Callable[[Images, float], Floats]:
    """A perturbation that models are trained under too; none of these draws at random."""

    def change(images: Images, level: float) -> Floats:
        return OF_PIXELS[name](images, level, np.random.default_rng(0)).astype(np.float64)

    return change


def _gaussian(images: Images, sigma: float) -> Floats:
    sigma *= max(max(images.shape[1:3]) / BLUR_SIDE, 1)
    return np.asarray(
        ndimage.gaussian_filter(images.astype(np.float64), (0, sigma, sigma, 0), mode="nearest")
    )


def _box(images: Images, size: float) -> Floats:
    size = round(size * max(max(images.shape[1:3]) / BLUR_SIDE, 1))
    return np.asarray(
        ndimage.uniform_filter(images.astype(np.float64), (0, size, size, 0), mode="nearest")
    )


def _pixelated(images: Images, factor: float) -> Floats:
    """The middle pixel of each block all over it; blocks need not divide the side."""
    picks = []
    for side in images.shape[1:3]:
        size = max(round(side / factor), 1)
        block = np.arange(side) * size // side
        picks.append(((block + 0.5) * side / size).astype(int))
    return np.asarray(images[:, picks[0]][:, :, picks[1]], dtype=np.float64)


PERTURBATIONS: Registry[Perturbation] = Registry(
    "perturbation",
    Perturbation(
        "dark",
        "Darkened",
        "Every value times 0.35, 0.25 or 0.15.",
        "dark",
        (0.35, 0.25, 0.15),
        _of_pixels("brightness"),
    ),
    Perturbation(
        "light",
        "Light added",
        "120, 150 or 180 added to every value.",
        "light",
        (120, 150, 180),
        lambda images, amount: images.astype(np.float64) + amount,
    ),
    Perturbation(
        "overexposed",
        "Overexposed",
        "Every value times 3, 4 or 5.",
        "light",
        (3, 4, 5),
        _of_pixels("brightness"),
    ),
    Perturbation(
        "gaussian-blur",
        "Gaussian blur",
        "Standard deviation 1, 1.5 or 2.5 pixels, more on images over 64 pixels.",
        "blurry",
        (1.0, 1.5, 2.5),
        _gaussian,
    ),
    Perturbation(
        "box-blur",
        "Box blur",
        "Mean over 3, 5 or 7 pixels each way, more on images over 64 pixels.",
        "blurry",
        (3, 5, 7),
        _box,
    ),
    Perturbation(
        "pixelated",
        "Pixelated",
        "Blocks of 2, 3 or 4 pixels of one colour.",
        "low_information",
        (2, 3, 4),
        _pixelated,
    ),
    Perturbation(
        "downscaled",
        "Shrunk and enlarged",
        "Shrunk 2, 3 or 4 times and enlarged again.",
        "low_information",
        (2, 3, 4),
        _of_pixels("downscale"),
    ),
    Perturbation(
        "grey",
        "Greyscale",
        "Luma in all channels.",
        "grayscale",
        (1, 1, 1),
        _of_pixels("grey"),
    ),
)
