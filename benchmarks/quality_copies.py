"""Near-duplicates of many kinds against each detector: what is found, and what besides.

    python -m benchmarks.quality_copies [--quick]

600 of the 5,000 images of CIFAR-10's test split that no cut was chosen on get a copy, made by
Pillow; F1 is over the pairs of an image and its copy, precision over all pairs found but those of
two untouched images, of which CIFAR-10 has its own. `confirmed` looks at the pixels of the pairs
found, which is the default. fastdup has a row where `make fastdup` was run.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from time import process_time

import numpy as np
import pandas as pd
from PIL import Image, ImageEnhance
from threadpoolctl import threadpool_limits

from core import datasets
from core.quality import fastdup, feature_vectors, find_duplicates, scan

SHARE = 0.12
DETECTORS = ("hash", "vectors", "both", "fastdup")


def toned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Brightness and contrast times 0.6 to 1.4."""
    for kind in (ImageEnhance.Brightness, ImageEnhance.Contrast):
        image = kind(image).enhance(1 + rng.uniform(-0.4, 0.4))
    return image


def flipped(image: Image.Image, _: np.random.Generator) -> Image.Image:
    return image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A square of 78 to 94 % of the side, enlarged again."""
    side = rng.integers(25, 31)
    left, top = rng.integers(0, image.width - side + 1, 2)
    return image.crop((left, top, left + side, top + side)).resize(
        image.size, Image.Resampling.BICUBIC
    )


def shifted(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """By up to 4 pixels, the border repeated."""
    across, down = rng.choice([-4, -3, -2, -1, 1, 2, 3, 4], 2)
    wide = np.pad(np.asarray(image), ((4, 4), (4, 4), (0, 0)), mode="edge")
    return Image.fromarray(wide[4 + down :, 4 + across :][: image.height, : image.width])


def compressed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """JPEG of quality 20 to 60."""
    file = io.BytesIO()
    image.save(file, "JPEG", quality=int(rng.integers(20, 61)))
    return Image.open(file).convert("RGB")


def noisy(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Gaussian noise with a standard deviation of 6 to 20 grey levels."""
    values = np.asarray(image) + rng.normal(0, rng.uniform(6, 20), (*image.size[::-1], 3))
    return Image.fromarray(np.clip(np.rint(values), 0, 255).astype(np.uint8))


def all_at_once(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turned or not, cropped, toned, compressed."""
    image = flipped(image, rng) if rng.random() < 0.5 else image
    return compressed(toned(cropped(image, rng), rng), rng)


COPIES: dict[str, Callable[[Image.Image, np.random.Generator], Image.Image]] = {
    "brightness, contrast": toned,
    "flip": flipped,
    "crop": cropped,
    "shift": shifted,
    "jpeg": compressed,
    "noise": noisy,
    "all at once": all_at_once,
}


def settings() -> list[tuple[str, bool]]:
    """Detector and whether pixels are looked at."""
    known = [name for name in DETECTORS if name != "fastdup" or fastdup.available()]
    return [(name, confirm) for name in known for confirm in (False, True)]


def rows(images: np.ndarray, kind: str, seed: int) -> list[dict[str, object]]:
    """What each detector makes of copies of one kind."""
    rng = np.random.default_rng(seed)
    chosen = np.sort(rng.choice(len(images), round(SHARE * len(images)), replace=False))
    copies = [np.asarray(COPIES[kind](Image.fromarray(images[row]), rng)) for row in chosen]
    both = np.concatenate([images, np.stack(copies)])
    true = {(int(row), len(images) + i) for i, row in enumerate(chosen)}
    table, flips = scan(both), kind in ("flip", "all at once")
    start = process_time()
    vectors = feature_vectors(both, table)
    learning = process_time() - start
    out = []
    for detector, confirm in settings():
        start = process_time()
        pairs = find_duplicates(
            both, table, flips=flips, confirm=confirm, detector=detector, vectors=vectors
        ).pairs
        seconds = process_time() - start + learning * (detector in ("vectors", "both"))
        pairs = pairs[pairs["b"] >= len(images)]
        hits = len(set(zip(pairs["a"], pairs["b"], strict=True)) & true)
        row = {"copies": kind, "detector": detector, "confirmed": confirm}
        row |= {"precision": hits / max(len(pairs), 1), "recall": hits / len(true)}
        out.append(row | {"f1": 2 * hits / (len(pairs) + len(true)), "cpu s": seconds})
    return out


def main(quick: bool) -> None:
    """Print every number for each kind of copies, then F1 of every detector on all kinds."""
    images = datasets.load("cifar10").test.x[5000:]
    images = images[:1500] if quick else images
    pd.set_option("display.width", 160, "display.max_columns", 20, "display.precision", 3)
    parts = []
    for kind in COPIES:
        parts.append(pd.DataFrame(rows(images, kind, seed=0)))
        print(parts[-1].to_string(index=False), flush=True)
    by = ["detector", "confirmed", "copies"]
    f1 = pd.concat(parts).set_index(by)["f1"].unstack()[list(COPIES)]  # noqa: PD010
    print(f1.assign(mean=f1.mean(axis=1)).to_string(), flush=True)


if __name__ == "__main__":
    with threadpool_limits(1):
        main("--quick" in sys.argv[1:])
