"""Near-duplicates of a data set or folder, and test images that are in the training split."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.base import Dataset
from core.quality import by_hash, by_vector, fastdup
from core.quality.audit import pixels, scan
from core.quality.clusters import Rows, Space, cluster, medoid
from core.quality.pairs import LARGEST_RADIUS, pairs_within
from core.quality.search import Detector, Search, Source, confirmed
from core.quality.similarity import SAME, SIDE, correlation, from_array, loader
from core.registry import Registry

if TYPE_CHECKING:
    from core.quality.vectors import Vectors

DETECTORS: Registry[Detector] = Registry(
    "detector",
    Detector(
        "hash",
        "Perceptual hashes",
        "Hamming distance of pHashes: fast; finds other brightness, contrast and compression.",
        "bits",
        LARGEST_RADIUS,
        by_hash.find,
    ),
    Detector(
        "vectors",
        "Feature vectors",
        "1 - cosine of a network's vectors: slower; finds crops, shifts, zooms and noise too.",
        "1 - cosine",
        by_vector.LARGEST_RADIUS,
        by_vector.find,
    ),
    Detector(
        "both",
        "Hashes and vectors",
        "The pairs that either finds; where the two agree, pixels may differ more.",
        "1 - cosine",
        by_vector.LARGEST_RADIUS,
        by_vector.find_both,
    ),
    Detector(
        "fastdup",
        "fastdup",
        "The tool of that name in an environment of its own: make fastdup; non-commercial licence.",
        "1 - cosine",
        fastdup.LARGEST_RADIUS,
        fastdup.find,
    ),
)


@dataclass(frozen=True, eq=False)
class Duplicates:
    """What `find_duplicates` gives.

    Args:
        pairs: One row a pair: `a` and `b` (row numbers or paths), `distance`, `exact`,
            `mirrored`, `cluster`, and `similarity` where pixels were looked at.
        members: One row an image of a cluster: `image`, `row`, `cluster`, `distance` to the
            cluster's medoid, `keep`: the one to keep, which has the most pixels, then the
            sharpest, then the first.
        curve: Candidate pairs by distance, from 0 up in equal steps.
        radius: Distance within which pairs were looked for.
        reason: What the radius comes from, and what network made the vectors.
        detector: Name of the detector, which tells the unit of distances.
        step: Width of a step of the curve: 1 bit, or 0.01.
        space: Distances between any images, by their places among the readable rows of the scan.
    """

    pairs: pd.DataFrame
    members: pd.DataFrame
    curve: npt.NDArray[np.int64]
    radius: float
    reason: str
    detector: str
    step: float
    space: Space


def find_duplicates(
    source: Source,
    table: pd.DataFrame | None = None,
    radius: float | None = None,
    linkage: str = "single",
    flips: bool = False,
    confirm: bool = True,
    detector: str = "hash",
    vectors: Vectors | None = None,
) -> Duplicates:
    """Pairs and clusters of images that show the same thing; unreadable files are never among them.

    Args:
        source: uint8 images, a data set (its training split), or a folder.
        table: What `scan(source)` gave, where the caller has it already.
        radius: Largest distance of a pair: 0 to 15 bits for `hash`, else 0 to 1, which is
            1 - cosine; None adapts it to the data.
        linkage: `single`, `complete` or `average`.
        flips: Whether an image and the mirror image of another count as equal.
        confirm: Whether to look at the pixels of each pair that the detector finds.
        detector: Name of an entry of `DETECTORS`.
        vectors: What `feature_vectors(source)` gave, where the caller has it already.

    Raises:
        InputError: a radius out of range, or one so large that everything hangs together, or
            fastdup is asked for and not here.
        UnknownName: no such linkage or detector.
    """
    table = scan(source) if table is None else table
    rows = np.flatnonzero(table["phash"].notna())
    known = table.iloc[rows]
    if vectors is not None:
        vectors = replace(vectors, array=vectors.array[rows])
    load = loader(source, known, SIDE)
    search = Search(source, known, load, radius, flips, confirm, vectors)
    found = DETECTORS[detector].find(search)
    pairs = found.pairs
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    labels = cluster(found.space, a, b, found.radius, linkage)
    pairs["cluster"] = np.where(labels[a] == labels[b], labels[a], -1)
    pairs = pairs[pairs["cluster"] >= 0]
    names = (known["path"] if "path" in known else known["row"]).to_numpy()
    members = _members(known, names, labels, found.space)
    pairs = pairs.assign(a=names[pairs["a"]], b=names[pairs["b"]]).reset_index(drop=True)
    return Duplicates(
        pairs, members, found.curve, found.radius, found.reason, detector, found.step, found.space
    )


def find_leaks(
    dataset: Dataset,
    radius: float | None = None,
    confirm: bool = True,
    tables: tuple[pd.DataFrame, pd.DataFrame] | None = None,
    detector: str = "hash",
    network: str = "own",
) -> pd.DataFrame:
    """Test images that are in the training split too: `train`, `test`, `distance`, `exact`.

    Args:
        dataset: A data set with both splits.
        radius: As for `find_duplicates`.
        confirm: Likewise.
        tables: What `scan` gave for the training and the test split, where the caller has it.
        detector: As for `find_duplicates`.
        network: Name of an entry of `NETWORKS`, for detectors by vectors.

    Returns:
        One row a pair of row numbers, with `similarity` where confirmed.

    Raises:
        InputError: As for `find_duplicates`.
        UnknownName: no such detector.
    """
    train, test = tables or (scan(dataset), scan(dataset, split="test"))
    if detector == "hash":
        found = _hash_leaks(dataset, radius, confirm, train, test)
    else:
        images = np.concatenate([pixels(dataset, split) for split in ("train", "test")])
        both = pd.concat([train, test], ignore_index=True)
        load = from_array(images)
        vectors = None
        if detector in ("vectors", "both"):
            from core.quality.vectors import feature_vectors

            vectors = feature_vectors(images, both, network)
        search = Search(images, both, load, radius, False, confirm, vectors)
        pairs = DETECTORS[detector].find(search).pairs
        across = (pairs["a"] < len(train)) & (pairs["b"] >= len(train))
        found = pairs[across].assign(b=pairs["b"] - len(train)).reset_index(drop=True)
    return found.drop(columns="mirrored").rename(columns={"a": "train", "b": "test"})


def _hash_leaks(
    dataset: Dataset, radius: float | None, confirm: bool, train: pd.DataFrame, test: pd.DataFrame
) -> pd.DataFrame:
    bits = by_hash.widest(len(train) + len(test)) if radius is None else by_hash.bits(radius)
    bits = min(bits, 11) if radius is None else bits
    a, b, distance = pairs_within(by_hash.of(train, "phash"), bits, by_hash.of(test, "phash"))
    exact = train["digest"].to_numpy()[a] == test["digest"].to_numpy()[b]
    found = pd.DataFrame({"a": a, "b": b, "distance": distance, "exact": exact, "mirrored": False})
    if confirm:
        left, right = (from_array(pixels(dataset, split)) for split in ("train", "test"))
        found = confirmed(found, left, right, correlation, SAME)
    return found


def flag_duplicates(table: pd.DataFrame, duplicates: Duplicates | None) -> pd.DataFrame:
    """The scan with CleanVision's columns for duplicates.

    `exact_duplicates_score` and `near_duplicates_score` are 1 over the number of images in the
    set, as in the library; a cluster of images that are all exactly equal is not a near one.

    Args:
        table: What `scan` gave.
        duplicates: What `find_duplicates` gave; None where nobody looked, so that near-duplicates
            have no columns.
    """
    digest = table["digest"]
    alike = digest.groupby(digest).transform("size").fillna(1).astype(float)
    table = table.assign(exact_duplicates_score=1 / alike, is_exact_duplicates_issue=alike > 1)
    if duplicates is None:
        return table
    near = np.ones(len(table))
    members = duplicates.members
    kinds = digest.to_numpy()[members["row"]]
    size = members.groupby("cluster")["row"].transform("size").to_numpy()
    mixed = pd.Series(kinds).groupby(members["cluster"].to_numpy()).transform("nunique") > 1
    near[members["row"].to_numpy()[mixed]] = 1 / size[mixed]
    return table.assign(near_duplicates_score=near, is_near_duplicates_issue=near < 1)


def _members(
    known: pd.DataFrame,
    names: npt.NDArray[np.object_],
    labels: Rows,
    space: Space,
) -> pd.DataFrame:
    inside = np.flatnonzero(labels >= 0)
    inside = inside[np.argsort(labels[inside], kind="stable")]
    distance = np.zeros(len(inside), dtype=np.result_type(space.between(inside[:0]), np.int64))
    for place in pd.Series(labels[inside]).groupby(labels[inside]).indices.values():
        rows = inside[place]
        _, first, back = np.unique(space.keys[rows], return_index=True, return_inverse=True)
        between = space.between(rows[first])
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
