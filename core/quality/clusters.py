"""Clusters of near-duplicates: components of the pairs, cut by linkage, chains broken.

References:
    Image-quality paper, hierarchical clustering of perceptual hashes by Hamming distance.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from core.errors import InputError, UnknownName

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]
Distances = npt.NDArray[np.uint8] | npt.NDArray[np.float32]

LINKAGES = ("single", "complete", "average")
MOST_HASHES = 10_000


class Space(Protocol):
    """How far images are apart; `keys` of shape (n,) are equal only where they are not at all."""

    @property
    def keys(self) -> npt.NDArray[np.generic]: ...

    def between(self, rows: Rows) -> Distances:
        """Distances between each two of these images, shape (k, k)."""
        ...


@dataclass(frozen=True, eq=False)
class Hamming:
    """By hashes, in bits.

    Args:
        keys: uint64, shape (n,).
        mirrored: Hashes of the mirror images where those count as equal, else None.
    """

    keys: Hashes
    mirrored: Hashes | None = None

    def between(self, rows: Rows) -> Distances:
        return distances(self.keys[rows], None if self.mirrored is None else self.mirrored[rows])


@dataclass(frozen=True, eq=False)
class Cosine:
    """By feature vectors, 1 - cosine.

    Args:
        keys: Equal for equal pixels, shape (n,).
        vectors: float32, shape (n, d), each row of length 1.
    """

    keys: npt.NDArray[np.generic]
    vectors: npt.NDArray[np.float32]

    def between(self, rows: Rows) -> Distances:
        out = np.clip(1 - self.vectors[rows] @ self.vectors[rows].T, 0, None)
        np.fill_diagonal(out, 0)
        return np.asarray(out)


@dataclass(frozen=True, eq=False)
class Listed:
    """By the distances of some pairs; all others are 1 apart.

    Args:
        keys: `arange(n)`.
        near: 1 - distance of the pairs, symmetric, shape (n, n).
    """

    keys: Rows
    near: csr_array

    def between(self, rows: Rows) -> Distances:
        out = 1 - self.near[rows][:, rows].toarray()
        np.fill_diagonal(out, 0)
        return np.asarray(out)


def cluster(space: Space, a: Rows, b: Rows, radius: float, method: str) -> Rows:
    """Cluster number of every image, -1 for those that are like no other.

    Args:
        space: Where the images lie.
        a: First rows of the pairs that belong together, shape (pairs,).
        b: Second rows.
        radius: Members of a cluster are within this of its medoid, or a pair with it.
        method: `single`, `complete` or `average` linkage.

    Returns:
        int64, shape (n,), numbered from 0 by the first member.

    Raises:
        UnknownName: no such linkage.
        InputError: a component with more than 10,000 different images.
    """
    if method not in LINKAGES:
        raise UnknownName("linkage", method, LINKAGES)
    n = len(space.keys)
    edges = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n)).tocsr()
    component = connected_components(edges, directed=False)[1]
    labels = np.full(n, -1, dtype=np.int64)
    order = np.argsort(component, kind="stable")
    starts = np.flatnonzero(np.diff(component[order], prepend=-1))
    found = []
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1:
            found += _groups(rows, space, edges[rows][:, rows].nonzero(), radius, method)
    for number, rows in enumerate(sorted(found, key=lambda rows: int(rows[0]))):
        labels[rows] = number
    return labels


def dendrogram(
    hashes: Hashes, method: str, mirrored: Hashes | None = None
) -> npt.NDArray[np.float64]:
    """SciPy's linkage matrix of some images by their hashes, heights in bits, shape (n - 1, 4)."""
    return tree(distances(hashes, mirrored), method)


def tree(distance: Distances, method: str) -> npt.NDArray[np.float64]:
    """SciPy's linkage matrix of some images by their distances, shape (n - 1, 4)."""
    if method not in LINKAGES:
        raise UnknownName("linkage", method, LINKAGES)
    condensed = squareform(distance.astype(np.float64), checks=False)
    return np.asarray(linkage(condensed, method=method))


def distances(hashes: Hashes, mirrored: Hashes | None = None) -> npt.NDArray[np.uint8]:
    """Bits that each two hashes differ in, the smaller with the mirror image where given."""
    out = np.bitwise_count(hashes[:, None] ^ hashes[None])
    if mirrored is not None:
        turned = np.bitwise_count(hashes[:, None] ^ mirrored[None])
        out = np.minimum(out, np.minimum(turned, turned.T))
        np.fill_diagonal(out, 0)
    return np.asarray(out)


def medoid(distance: Distances, weight: Rows) -> int:
    """The member with the least sum of distances to the others."""
    return int((distance @ weight).argmin())


def _groups(
    rows: Rows, space: Space, pairs: tuple[Rows, Rows], radius: float, method: str
) -> list[Rows]:
    """Clusters of at least two rows out of one component."""
    distinct, first, place = np.unique(space.keys[rows], return_index=True, return_inverse=True)
    if len(distinct) > MOST_HASHES:
        raise InputError(
            f"{len(rows):,} images hang together at {radius:g}; lower the radius to tell them "
            "apart."
        )
    distance = space.between(rows[first])
    # A pair that another detector found, or that is a part of the other, may lie farther apart.
    a, b = (place[side] for side in pairs)
    distance[a, b] = distance[b, a] = np.minimum(distance[a, b], radius)
    if method == "single" or len(distinct) < 3:
        kinds = np.zeros(len(distinct), dtype=np.int64)
    else:
        kinds = fcluster(tree(distance, method), radius, criterion="distance")
    out: list[Rows] = []
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        out += _around_medoids(members, distance, np.bincount(place), radius)
    groups = [rows[np.isin(place, members)] for members in out]
    return [group for group in groups if len(group) > 1]


def _around_medoids(members: Rows, distance: Distances, weight: Rows, radius: float) -> list[Rows]:
    """Chains broken: those near the medoid are one cluster, the rest is looked at again."""
    out = []
    while len(members):
        inside = distance[np.ix_(members, members)]
        near = inside[medoid(inside, weight[members])] <= radius
        out.append(members[near])
        members = members[~near]
    return out
