"""The faults of `core.quality.perturb` made by Pillow, so that no detector meets its own maker."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

from core.quality.perturb import Perturbation
from core.registry import Registry

Change = Callable[[Image.Image, float], Image.Image]
Resampling = Image.Resampling
BLUR_SIDE = 64


def pillow(change: Change) -> Callable[[np.ndarray, float], np.ndarray]:
    """The change to one picture as a change to an array of them."""

    def apply(images: np.ndarray, level: float) -> np.ndarray:
        changed = [np.asarray(change(Image.fromarray(image), level)) for image in images]
        return np.stack(changed).astype(np.float64)

    return apply


def scale(image: Image.Image) -> float:
    return max(max(image.size) / BLUR_SIDE, 1)


def again(image: Image.Image, factor: float, down: Resampling, up: Resampling) -> Image.Image:
    small = max(round(image.width / factor), 1), max(round(image.height / factor), 1)
    return image.resize(small, down).resize(image.size, up)


def point(image: Image.Image, factor: float, offset: float) -> Image.Image:
    return image.point(lambda value: min(max(round(value * factor + offset), 0), 255))


FAULTS: Registry[Perturbation] = Registry(
    "fault",
    Perturbation("dark", "", "", "dark", (0.35, 0.25, 0.15), pillow(lambda im, a: point(im, a, 0))),
    Perturbation("light", "", "", "light", (120, 150, 180), pillow(lambda im, a: point(im, 1, a))),
    Perturbation("overexposed", "", "", "light", (3, 4, 5), pillow(lambda im, a: point(im, a, 0))),
    Perturbation(
        "gaussian-blur",
        "",
        "",
        "blurry",
        (1.0, 1.5, 2.5),
        pillow(lambda im, a: im.filter(ImageFilter.GaussianBlur(a * scale(im)))),
    ),
    Perturbation(
        "box-blur",
        "",
        "",
        "blurry",
        (1, 2, 3),
        pillow(lambda im, a: im.filter(ImageFilter.BoxBlur(a * scale(im)))),
    ),
    Perturbation(
        "pixelated",
        "",
        "",
        "low_information",
        (2, 3, 4),
        pillow(lambda im, a: again(im, a, Resampling.BOX, Resampling.NEAREST)),
    ),
    Perturbation(
        "bilinear",
        "",
        "",
        "low_information",
        (2, 3, 4),
        pillow(lambda im, a: again(im, a, Resampling.BILINEAR, Resampling.BILINEAR)),
    ),
    Perturbation(
        "bicubic",
        "",
        "",
        "low_information",
        (2, 3, 4),
        pillow(lambda im, a: again(im, a, Resampling.LANCZOS, Resampling.BICUBIC)),
    ),
    Perturbation(
        "grey",
        "",
        "",
        "grayscale",
        (1, 1, 1),
        pillow(lambda im, _: im.convert("L").convert("RGB")),
    ),
)
