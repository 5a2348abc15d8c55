"""Near-duplicates of a data set or folder, and test images that are in the training split."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.base import Dataset
from core.errors import InputError
from core.quality.audit import pixels, scan
from core.quality.clusters import cluster, distances, medoid
from core.quality.pairs import pairs_within
from core.quality.similarity import SAME, Thumbnails, from_array, from_files, similarity

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Source = npt.NDArray[np.uint8] | Dataset | Path | str

# The widest search by the number of images, so that it stays within seconds.
RADII = ((6_000, 15), (200_000, 11))
WIDE_RADIUS = 7
CANDIDATES_PER_IMAGE = 4
ALIKE = 32


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What `find_duplicates` gives.

    Args:
        pairs: One row a pair: `a` and `b` (row numbers or paths), `distance` in bits,
            `similarity`, `exact`, `mirrored`, `cluster`.
        members: One row an image of a cluster: `image`, `row`, `cluster`, `distance` to the
            cluster's medoid, `keep`: the one to keep, which has the most pixels, then the
            sharpest, then the first.
        curve: Candidate pairs by distance, from 0 bits up.
        radius: Bits within which pairs were looked for.
        reason: One sentence on the radius.
    """

    pairs: pd.DataFrame
    members: pd.DataFrame
    curve: npt.NDArray[np.int64]
    radius: int
    reason: str


def find_duplicates(
    source: Source,
    table: pd.DataFrame | None = None,
    radius: int | None = None,
    linkage: str = "single",
    flips: bool = False,
    confirm: bool = True,
) -> Duplicates:
    """Pairs and clusters of images that show the same thing; unreadable files are never among them.

    Args:
        source: uint8 images, a data set (its training split), or a folder.
        table: What `scan(source)` gave, where the caller has it already.
        radius: Largest Hamming distance of two pHashes, 0 to 15; None adapts it to the data.
        linkage: `single`, `complete` or `average`.
        flips: Whether an image and the mirror image of another count as equal.
        confirm: Whether to look at the pixels of each pair that the hashes find.

    Raises:
        InputError: a radius out of range, or one so large that everything hangs together.
        UnknownName: no such linkage.
    """
    table = scan(source) if table is None else table
    rows = np.flatnonzero(table["phash"].notna())
    known = table.iloc[rows]
    hashes, mirrored = _hashes(known, "phash"), _hashes(known, "phash_mirrored")
    digests = known["digest"].to_numpy()
    found = _candidates(hashes, digests, _widest(len(rows)) if radius is None else radius)
    curve = np.bincount(found["distance"], minlength=1)
    if radius is None:
        radius, reason = _adapted(curve, len(rows), confirm)
    else:
        reason = f"Pairs within the {radius} bits asked for."
    found = found[found["distance"] <= radius]
    if flips:
        found = pd.concat([found, _flipped(hashes, mirrored, radius, found)], ignore_index=True)
    if confirm:
        load = _loader(source, known)
        found = _confirmed(found, load, load)
    a, b = found["a"].to_numpy(), found["b"].to_numpy()
    labels = cluster(hashes, mirrored if flips else None, a, b, radius, linkage)
    found["cluster"] = np.where(labels[a] == labels[b], labels[a], -1)
    found = found[found["cluster"] >= 0]
    names = (known["path"] if "path" in known else known["row"]).to_numpy()
    members = _members(known, names, labels, hashes, mirrored if flips else None)
    pairs = found.assign(a=names[found["a"]], b=names[found["b"]]).reset_index(drop=True)
    return Duplicates(pairs, members, curve, radius, reason)


def find_leaks(
    dataset: Dataset,
    radius: int | None = None,
    confirm: bool = True,
    tables: tuple[pd.DataFrame, pd.DataFrame] | None = None,
) -> pd.DataFrame:
    """Test images that are in the training split too: `train`, `test`, `distance`, `exact`.

    Args:
        dataset: A data set with both splits.
        radius: As for `find_duplicates`.
        confirm: Likewise.
        tables: What `scan` gave for the training and the test split, where the caller has it.

    Returns:
        One row a pair of row numbers, with `similarity` where confirmed.
    """
    train, test = tables or (scan(dataset), scan(dataset, split="test"))
    if radius is None:
        radius = min(_widest(len(train) + len(test)), 11)
    a, b, distance = pairs_within(_hashes(train, "phash"), radius, _hashes(test, "phash"))
    exact = train["digest"].to_numpy()[a] == test["digest"].to_numpy()[b]
    found = pd.DataFrame({"a": a, "b": b, "distance": distance, "exact": exact, "mirrored": False})
    if confirm:
        left, right = (from_array(pixels(dataset, split)) for split in ("train", "test"))
        found = _confirmed(found, left, right)
    return found.drop(columns="mirrored").rename(columns={"a": "train", "b": "test"})


def flag_duplicates(table: pd.DataFrame, duplicates: Duplicates) -> pd.DataFrame:
    """The scan with CleanVision's columns for duplicates.

    `exact_duplicates_score` and `near_duplicates_score` are 1 over the number of images in the
    set, as in the library; a cluster of images that are all exactly equal is not a near one.
    """
    digest = table["digest"]
    alike = digest.groupby(digest).transform("size").fillna(1).astype(float)
    near = np.ones(len(table))
    members = duplicates.members
    kinds = digest.to_numpy()[members["row"]]
    size = members.groupby("cluster")["row"].transform("size").to_numpy()
    mixed = pd.Series(kinds).groupby(members["cluster"].to_numpy()).transform("nunique") > 1
    near[members["row"].to_numpy()[mixed]] = 1 / size[mixed]
    return table.assign(
        exact_duplicates_score=1 / alike,
        is_exact_duplicates_issue=alike > 1,
        near_duplicates_score=near,
        is_near_duplicates_issue=near < 1,
    )


def _hashes(table: pd.DataFrame, name: str) -> Hashes:
    return table[name].to_numpy(dtype=np.uint64)


def _widest(images: int) -> int:
    return next((radius for most, radius in RADII if images <= most), WIDE_RADIUS)


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
    even = np.add.reduceat(np.append(curve, 0), np.arange(0, len(curve), 2))
    # Down the wall of chance pairs from the right, so that the noise of small counts to its
    # left is no minimum.
    place = len(even) - 1
    while place and even[place - 1] < even[place]:
        place -= 1
    return 2 * place, (
        f"The number of pairs by distance has its minimum at {2 * place} bits; beyond it chance "
        f"pairs among {images:,} images take over."
    )


def _loader(source: Source, known: pd.DataFrame) -> Thumbnails:
    if isinstance(source, Dataset):
        source = pixels(source, "train")
    if isinstance(source, np.ndarray):
        images = source if source.ndim == 4 else source[..., None]
        if len(images) != len(known):
            raise InputError(f"The table has {len(known)} images; the source has {len(images)}.")
        return from_array(images)
    return from_files(Path(source), known["path"].to_numpy(dtype=object))


def _confirmed(found: pd.DataFrame, left: Thumbnails, right: Thumbnails) -> pd.DataFrame:
    value = np.ones(len(found))
    a, b = found["a"].to_numpy(), found["b"].to_numpy()
    for turned in (False, True):
        open_ = ((found["mirrored"] == turned) & ~found["exact"]).to_numpy()
        value[open_] = similarity(a[open_], b[open_], left, right, turned)
    return found.assign(similarity=value)[value >= SAME].reset_index(drop=True)


def _members(
    known: pd.DataFrame,
    names: npt.NDArray[np.object_],
    labels: Rows,
    hashes: Hashes,
    mirrored: Hashes | None,
) -> pd.DataFrame:
    inside = np.flatnonzero(labels >= 0)
    inside = inside[np.argsort(labels[inside], kind="stable")]
    distance = np.zeros(len(inside), dtype=np.int64)
    for place in pd.Series(labels[inside]).groupby(labels[inside]).indices.values():
        rows = inside[place]
        distinct, first, back = np.unique(hashes[rows], return_index=True, return_inverse=True)
        between = distances(distinct, None if mirrored is None else mirrored[rows][first])
        distance[place] = between[medoid(between, np.bincount(back))][back]
    members = pd.DataFrame(
        {
            "image": names[inside],
            "row": known.index.to_numpy()[inside],
            "cluster": labels[inside],
            "distance": distance,
        }
    )
    quality = pd.DataFrame(
        {
            "cluster": labels[inside],
            "pixels": (known["width"] * known["height"]).to_numpy(np.int64)[inside],
            "sharp": known["blurry_content_score"].to_numpy()[inside],
        }
    ).sort_values(["cluster", "pixels", "sharp"], ascending=[True, False, False], kind="stable")
    members["keep"] = False
    members.loc[quality.groupby("cluster").head(1).index, "keep"] = True
    return members
