"""What a detector of near-duplicates is given, and what it gives back."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.base import Dataset
from core.quality.clusters import Space
from core.quality.similarity import Comparison, Thumbnails, similarity

if TYPE_CHECKING:
    from core.quality.vectors import Vectors

Counts = npt.NDArray[np.int64]
Source = npt.NDArray[np.uint8] | Dataset | Path | str

CANDIDATES_PER_IMAGE = 4
ALIKE = 32


@dataclass(frozen=True, eq=False)
class Search:
    """A question to a detector.

    Args:
        source: uint8 images, a data set (its training split), or a folder.
        known: The readable rows of the scan; pairs are numbered by their places in it.
        load: Thumbnails by those numbers.
        radius: The cut in the detector's own distance, or None to adapt it to the data.
        flips: Whether an image and the mirror image of another count as equal.
        confirm: Whether to look at the pixels of each pair.
        vectors: Of the readable images, where the caller has them already.
    """

    source: Source
    known: pd.DataFrame
    load: Thumbnails
    radius: float | None
    flips: bool
    confirm: bool
    vectors: Vectors | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """An answer.

    Args:
        pairs: `a`, `b` (places in `known`), `distance`, `exact`, `mirrored`, and `similarity`
            where pixels were looked at.
        space: How far any images are apart.
        curve: Candidate pairs by distance, from 0 up in equal steps.
        step: Width of a step of the curve.
        radius: The cut.
        reason: One sentence or two on the cut.
    """

    pairs: pd.DataFrame
    space: Space
    curve: Counts
    step: float
    radius: float
    reason: str


@dataclass(frozen=True)
class Detector:
    """One entry of the registry of detectors.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        unit: What its distances are measured in.
        largest: The largest cut that it takes.
        find: Answers a search.
    """

    name: str
    title: str
    summary: str
    unit: str
    largest: float
    find: Callable[[Search], Found]


def equal_pairs(search: Search) -> pd.DataFrame:
    """Pairs of images with equal pixels; of more than 32 each is paired with the first.

    A thousand blank pages would else make half a million pairs that say nothing more.
    """
    codes = np.unique(search.known["digest"].to_numpy(dtype=str), return_inverse=True)[1]
    rank = pd.Series(codes).groupby(codes).cumcount().to_numpy()
    order = np.argsort(codes, kind="stable")
    a, b = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    for step in range(1, ALIKE):
        same = codes[order[step:]] == codes[order[:-step]]
        same &= rank[order[step:]] < ALIKE
        a.append(order[:-step][same])
        b.append(order[step:][same])
    first = order[np.searchsorted(codes[order], codes)]
    a.append(first[rank >= ALIKE])
    b.append(np.flatnonzero(rank >= ALIKE))
    return pd.DataFrame(
        {
            "a": np.concatenate(a),
            "b": np.concatenate(b),
            "distance": 0.0,
            "exact": True,
            "mirrored": False,
        }
    )


def first_minimum(curve: Counts) -> int:
    """The step of the first minimum of the pair counts: beyond it chance takes over.

    Down the wall of chance pairs from the right, so that the noise of small counts to its left
    is no minimum.
    """
    place = len(curve) - 1
    while place and curve[place - 1] < curve[place]:
        place -= 1
    return place


def confirmed(
    found: pd.DataFrame, left: Thumbnails, right: Thumbnails, compare: Comparison, least: float
) -> pd.DataFrame:
    """The pairs whose pixels are alike, with `similarity`; exact ones are taken as they are."""
    value = np.ones(len(found))
    a, b = found["a"].to_numpy(), found["b"].to_numpy()
    for turned in (False, True):
        open_ = ((found["mirrored"] == turned) & ~found["exact"]).to_numpy(dtype=bool)
        value[open_] = similarity(a[open_], b[open_], left, right, turned, compare)
    return found.assign(similarity=value)[value >= least].reset_index(drop=True)
