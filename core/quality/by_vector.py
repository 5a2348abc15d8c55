"""Near-duplicates by feature vectors, alone and together with hashes, confirmed by their pixels."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import InputError
from core.quality import by_hash
from core.quality.alignment import SAME_PART, fits
from core.quality.clusters import Cosine
from core.quality.search import CANDIDATES_PER_IMAGE, Found, Search, equal_pairs, first_minimum
from core.quality.similarity import similarity

if TYPE_CHECKING:
    from core.quality.vectors import Vectors

Floats = npt.NDArray[np.float32]
Counts = npt.NDArray[np.int64]
Likeness = npt.NDArray[np.float64]

STEP = 0.01
FARTHEST = 0.5
LARGEST_RADIUS = 1.0
MOST_PER_IMAGE = 100
# Pairs of vectors whose hashes agree within so many bits need this correlation only.
AGREED_BITS, SAME_AGREED = 6, 0.8


def find(search: Search) -> Found:
    """Pairs of images whose feature vectors point the same way; distance is 1 - cosine.

    Of images with equal pixels only the first is compared with others.

    Raises:
        InputError: a radius that is not from 0 to 1, or one that too many pairs are within.
    """
    return _found(search, _vectors(search))


def find_both(search: Search) -> Found:
    """The pairs that either detector finds, at 1 - cosine of their vectors.

    Where the two agree on a pair, pixels that are less alike confirm it: noise and compression
    change pixels, but neither what a network nor what a hash sees.
    """
    vectors = _vectors(search)
    by_vectors = _found(search, vectors, AGREED_BITS)
    by_hashes = by_hash.find(dataclasses.replace(search, radius=None))
    pairs = by_hashes.pairs
    cosines = np.einsum("ij,ij->i", *(vectors.array[pairs[name]] for name in ("a", "b")))
    pairs = pd.concat([by_vectors.pairs, pairs.assign(distance=_distance(cosines))])
    return dataclasses.replace(
        by_vectors,
        pairs=pairs.drop_duplicates(["a", "b"]).reset_index(drop=True),
        reason=f"By vectors: {by_vectors.reason} By hashes: {by_hashes.reason}",
    )


def _found(search: Search, vectors: Vectors, agreed: int = -1) -> Found:
    equal = equal_pairs(search)
    near = _near(search, vectors.array)
    curve = np.bincount((near["distance"] // STEP).astype(int), minlength=1)
    curve[0] += len(equal)
    radius, reason = _cut(search, near, curve)
    near = near[near["distance"] <= radius]
    if search.confirm:
        hashes = by_hash.of(search.known, "phash")
        bits = np.bitwise_count(hashes[near["a"]] ^ hashes[near["b"]])
        near = pixel_confirmed(search, near, np.where(bits <= agreed, SAME_AGREED, SAME_PART))
        equal = equal.assign(similarity=1.0)
    pairs = pd.concat([equal, near], ignore_index=True).sort_values(["a", "b"], ignore_index=True)
    space = Cosine(search.known["digest"].to_numpy(dtype=str), vectors.array)
    return Found(pairs, space, curve, STEP, radius, f"{reason} {vectors.reason}")


def _vectors(search: Search) -> Vectors:
    if search.vectors is not None:
        return search.vectors
    from core.quality.vectors import vectors_of

    return vectors_of(search.load, search.known)


def _near(search: Search, values: Floats) -> pd.DataFrame:
    """Candidates: the nearest pairs, four for each image, or all within the radius asked for."""
    from core.quality.vectors import pairs_above

    first = np.unique(search.known["digest"].to_numpy(dtype=str), return_index=True)[1]
    rows = np.sort(first)
    if search.radius is None:
        least, most = 1 - FARTHEST, CANDIDATES_PER_IMAGE * len(rows)
    else:
        if not 0 <= search.radius <= LARGEST_RADIUS:
            raise InputError(
                f"The radius must be 0 to {LARGEST_RADIUS:g}, 1 - cosine; got {search.radius:g}."
            )
        least, most = 1 - search.radius, MOST_PER_IMAGE * len(rows) + 1
    a, b, cosine = pairs_above(values[rows], least, most)
    if search.radius is not None and len(a) == most:
        raise InputError(
            f"More than {most - 1:,} pairs are within {search.radius:g}; lower the radius to tell "
            "them apart."
        )
    return pd.DataFrame(
        {"a": rows[a], "b": rows[b], "distance": _distance(cosine), "exact": False}
    ).assign(mirrored=False)


def _distance(cosine: Floats) -> npt.NDArray[np.float64]:
    return np.clip(1 - cosine.astype(np.float64), 0, None)


def _cut(search: Search, near: pd.DataFrame, curve: Counts) -> tuple[float, str]:
    """The cut that this data set bears, and a sentence on it."""
    images = len(search.known)
    if search.radius is not None:
        return search.radius, f"Pairs within the distance {search.radius:g} asked for."
    if search.confirm:
        radius = float(near["distance"].max()) if len(near) else FARTHEST
        return radius, (
            f"The {len(near):,} nearest pairs, 1 - cosine up to {radius:.2f}, were compared pixel "
            f"by pixel; a wider search would find mostly chance among {images:,} images."
        )
    # The last step is filled in part: the nearest pairs end somewhere inside it.
    radius = (first_minimum(curve[:-1] if len(curve) > 1 else curve) + 1) * STEP
    return radius, (
        f"The number of pairs by distance has its minimum at 1 - cosine {radius:.2f}; beyond it "
        f"chance pairs among {images:,} images take over."
    )


def pixel_confirmed(search: Search, near: pd.DataFrame, least: Likeness) -> pd.DataFrame:
    """The pairs of which one shows a part of the other, or of its mirror image if flips count.

    Args:
        search: What is asked.
        near: Candidates.
        least: Correlation that confirms a pair, shape (pairs,).
    """
    a, b = near["a"].to_numpy(), near["b"].to_numpy()
    value = np.ones(len(near))
    turned = np.zeros(len(near), dtype=bool)
    open_ = np.flatnonzero(~near["exact"].to_numpy(dtype=bool))
    value[open_] = similarity(a[open_], b[open_], search.load, search.load, False, fits)
    if search.flips:
        open_ = np.flatnonzero(value < least)
        mirrored = similarity(a[open_], b[open_], search.load, search.load, True, fits)
        turned[open_] = mirrored > value[open_]
        value[open_] = np.maximum(mirrored, value[open_])
    near = near.assign(mirrored=turned, similarity=value)
    return near[value >= least]
