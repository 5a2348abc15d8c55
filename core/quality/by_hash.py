"""Near-duplicates by perceptual hashes, confirmed by their pixels."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.errors import InputError
from core.quality.clusters import Hamming
from core.quality.pairs import LARGEST_RADIUS, pairs_within
from core.quality.search import ALIKE, CANDIDATES_PER_IMAGE, Found, Search, confirmed, first_minimum
from core.quality.similarity import SAME, correlation

Hashes = npt.NDArray[np.uint64]

# The widest search by the number of images, so that it stays within seconds.
RADII = ((6_000, 15), (200_000, 11))
WIDE_RADIUS = 7


def find(search: Search) -> Found:
    """Pairs within a Hamming distance of their pHashes.

    Raises:
        InputError: a radius that is no whole number from 0 to 15.
    """
    known = search.known
    hashes, mirrored = of(known, "phash"), of(known, "phash_mirrored")
    wanted = widest(len(known)) if search.radius is None else bits(search.radius)
    found = _candidates(hashes, known["digest"].to_numpy(), wanted)
    curve = np.bincount(found["distance"], minlength=1)
    if search.radius is None:
        radius, reason = _adapted(curve, len(known), search.confirm)
    else:
        radius, reason = wanted, f"Pairs within the {wanted} bits asked for."
    found = found[found["distance"] <= radius]
    if search.flips:
        found = pd.concat([found, _flipped(hashes, mirrored, radius, found)], ignore_index=True)
    if search.confirm:
        found = confirmed(found, search.load, search.load, correlation, SAME)
    space = Hamming(hashes, mirrored if search.flips else None)
    return Found(found.reset_index(drop=True), space, curve, 1.0, radius, reason)


def of(table: pd.DataFrame, name: str) -> Hashes:
    """A column of hashes."""
    return table[name].to_numpy(dtype=np.uint64)


def widest(images: int) -> int:
    """The widest search among so many images that takes seconds."""
    return next((radius for most, radius in RADII if images <= most), WIDE_RADIUS)


def bits(radius: float) -> int:
    """A radius as a whole number of bits.

    Raises:
        InputError: it is none from 0 to 15.
    """
    if radius != int(radius) or not 0 <= radius <= LARGEST_RADIUS:
        raise InputError(
            f"The radius must be a whole number, 0 to {LARGEST_RADIUS} bits; got {radius:g}."
        )
    return int(radius)


def _candidates(hashes: Hashes, digests: npt.NDArray[np.object_], radius: int) -> pd.DataFrame:
    """Pairs within the radius; of more than 32 images with one hash each is paired with the first.

    A thousand blank pages would else make half a million pairs that say nothing more.
    """
    rank = pd.Series(hashes).groupby(hashes).cumcount().to_numpy()
    some, rest = np.flatnonzero(rank < ALIKE), np.flatnonzero(rank >= ALIKE)
    a, b, distance = pairs_within(hashes[some], radius)
    _, first, place = np.unique(hashes, return_index=True, return_inverse=True)
    a = np.concatenate([some[a], first[place[rest]]])
    b = np.concatenate([some[b], rest])
    distance = np.concatenate([distance, np.zeros(len(rest), dtype=distance.dtype)])
    return pd.DataFrame(
        {"a": a, "b": b, "distance": distance, "exact": digests[a] == digests[b], "mirrored": False}
    )


def _flipped(hashes: Hashes, mirrored: Hashes, radius: int, found: pd.DataFrame) -> pd.DataFrame:
    a, b, distance = pairs_within(hashes, radius, mirrored)
    turned = pd.DataFrame({"a": a, "b": b, "distance": distance, "exact": False, "mirrored": True})
    turned = turned[turned["a"] < turned["b"]]
    straight = pd.MultiIndex.from_frame(found[["a", "b"]])
    return turned[~pd.MultiIndex.from_frame(turned[["a", "b"]]).isin(straight)]


def _adapted(curve: npt.NDArray[np.int64], images: int, confirm: bool) -> tuple[int, str]:
    """The radius that this data set bears: random pairs grow with the square of its size."""
    if confirm:
        within = np.cumsum(curve)
        bearable = np.flatnonzero(within <= max(CANDIDATES_PER_IMAGE * images, within[0]))
        radius = int(bearable[-1])
        return radius, (
            f"{within[radius]:,} pairs within {radius} bits were compared pixel by pixel; a wider "
            f"search would find mostly chance among {images:,} images."
        )
    # Two pHashes have 32 bits set each, but for ties, so odd distances are next to empty.
    radius = 2 * first_minimum(np.add.reduceat(np.append(curve, 0), np.arange(0, len(curve), 2)))
    return radius, (
        f"The number of pairs by distance has its minimum at {radius} bits; beyond it chance "
        f"pairs among {images:,} images take over."
    )
