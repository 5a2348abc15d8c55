"""Every score an image gets, and one call that gives them all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import InputError
from core.quality import cleanvision, content, hashing
from core.registry import Registry

CHUNK_VALUES = 3 << 20
INTEGERS = ("width", "height", "phash", "phash_mirrored", "dhash")


@dataclass(frozen=True)
class Score:
    """One entry of the score registry; every score is in [0, 1] and lower is worse.

    Args:
        name: What is typed; the column is `<name>_score`.
        title: What is shown.
        summary: One sentence.
        issue: The issue it speaks of, which names the flag `is_<issue>_issue`.
        threshold: Absolute default: a score under it is a fault whatever the other images are.
        loosest: The largest cut that a gap between faults and the rest may set; None for scores
            that are compared with the fixed cut only.
        least_share: A share of images under which even clear cases are taken for variety.
    """

    name: str
    title: str
    summary: str
    issue: str
    threshold: float
    loosest: float | None = None
    least_share: float = 0.0

    @property
    def column(self) -> str:
        return f"{self.name}_score"


SCORES: Registry[Score] = Registry(
    "score",
    Score(
        "dark",
        "Dark (CleanVision)",
        "Brightness of the brightest pixels (99th percentile).",
        "dark",
        0.32,
        0.42,
    ),
    Score(
        "light",
        "Light (CleanVision)",
        "1 less the brightness of the darkest pixels (5th percentile).",
        "light",
        0.05,
        0.5,
    ),
    Score(
        "light_content",
        "Light (darkest pixels and blown-out share)",
        "1 less the 1st percentile of brightness, or the share of pixels that are not blown out.",
        "light",
        0.36,
        0.56,
    ),
    Score(
        "blurry",
        "Blurry (CleanVision)",
        "Spread of the edges at 64 pixels; follows what the picture shows.",
        "blurry",
        0.29,
        0.5,
    ),
    Score(
        "blurry_content",
        "Blurry (against itself)",
        "Finest detail against the next finer, log-ratio 0 to 3.",
        "blurry",
        0.32,
        0.4,
    ),
    Score(
        "low_information",
        "Low information (CleanVision)",
        "Entropy of the histogram of all channels, a tenth of its bits.",
        "low_information",
        0.3,
        0.6,
    ),
    Score(
        "low_information_content",
        "Low information (enlarged or flat)",
        "Detail that no enlargement of a smaller picture explains, or contrast for its brightness.",
        "low_information",
        0.45,
        0.65,
    ),
    Score(
        "grayscale",
        "Greyscale (CleanVision)",
        "0 for files of mode L, else 1.",
        "grayscale",
        0.5,
    ),
    Score(
        "grayscale_content",
        "Greyscale (by its colours)",
        "Colour of the most colourful pixels: channel spread, 99th percentile, 0 to 64 levels.",
        "grayscale",
        0.02,
        least_share=0.015,
    ),
    Score(
        "odd_aspect_ratio",
        "Odd aspect ratio (CleanVision)",
        "Shorter side over longer side.",
        "odd_aspect_ratio",
        0.35,
    ),
    Score(
        "odd_size",
        "Odd size (CleanVision)",
        "Distance of sqrt(width x height) from the interquartile range of the set.",
        "odd_size",
        0.5,
    ),
)


def score_images(images: npt.NDArray[np.uint8]) -> pd.DataFrame:
    """All scores and hashes of an array of images, one row an image.

    Args:
        images: uint8, shape (n, height, width, channels) or (n, height, width), channels 1 or 3.

    Returns:
        `width`, `height`, a column `<name>_score` for every entry of `SCORES`, and the hashes
        `phash`, `phash_mirrored`, `dhash` (uint64) and `digest`.

    Raises:
        InputError: not uint8, or not of such a shape.
    """
    if images.ndim == 3:
        images = images[..., None]
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in (1, 3):
        raise InputError(
            "Images must be uint8 of shape (n, height, width, 1 or 3); "
            f"got {images.dtype} of shape {images.shape}."
        )
    if not images.size:
        raise InputError(f"There must be at least one image of one pixel; got {images.shape}.")
    step = max(CHUNK_VALUES // images[0].size, 1)
    chunks = [score_chunk(images[i : i + step]) for i in range(0, len(images), step)]
    return with_odd_size(pd.concat(chunks, ignore_index=True))


def score_chunk(images: npt.NDArray[np.uint8]) -> pd.DataFrame:
    """Everything that one image tells by itself; `images` as for `score_images`, with channels."""
    height, width = images.shape[1:3]
    planes = np.ascontiguousarray(images.transpose(3, 0, 1, 2))
    small = cleanvision.shrunk(planes)
    p1, p5, p99 = np.percentile(
        cleanvision.brightness(planes), [1, 5, 99], axis=1, overwrite_input=True
    )
    columns: dict[str, object] = {"width": width, "height": height}
    columns |= cleanvision.scores(planes, small, p99, p5)
    columns |= content.scores(planes, small, p1)
    columns |= hashing.hashes(planes)
    # Nullable integers, because a float column cannot hold 64 bits beside missing values.
    return pd.DataFrame(columns).astype(dict.fromkeys(INTEGERS, "UInt64"))


def with_odd_size(table: pd.DataFrame) -> pd.DataFrame:
    """The table with `odd_size_score`, which compares each readable image with all others."""
    width, height = (
        table[side].to_numpy(np.float64, na_value=np.nan) for side in ("width", "height")
    )
    size = np.sqrt(width) * np.sqrt(height)
    score = np.full(len(table), np.nan)
    readable = ~np.isnan(size)
    if readable.any():
        score[readable] = cleanvision.odd_size(size[readable])[0]
    return table.assign(odd_size_score=score)
