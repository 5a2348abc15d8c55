"""Clusters of near-duplicates: components of the pairs, cut by linkage, chains broken.

References:
    Image-quality paper, hierarchical clustering of perceptual hashes by Hamming distance.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import squareform

from core.errors import InputError, UnknownName

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

LINKAGES = ("single", "complete", "average")
MOST_HASHES = 10_000


def cluster(
    hashes: Hashes, mirrored: Hashes | None, a: Rows, b: Rows, radius: int, method: str
) -> Rows:
    """Cluster number of every image, -1 for those that are like no other.

    Args:
        hashes: uint64, shape (n,).
        mirrored: Hashes of the mirror images where those count as equal, else None.
        a: First rows of the pairs that belong together, shape (pairs,).
        b: Second rows.
        radius: Members of a cluster are within this many bits of its medoid.
        method: `single`, `complete` or `average` linkage.

    Returns:
        int64, shape (n,), numbered from 0 by the first member.

    Raises:
        UnknownName: no such linkage.
        InputError: a component with more than 10,000 different hashes.
    """
    if method not in LINKAGES:
        raise UnknownName("linkage", method, LINKAGES)
    n = len(hashes)
    edges = coo_array((np.ones(len(a), dtype=bool), (a, b)), shape=(n, n))
    component = connected_components(edges, directed=False)[1]
    labels = np.full(n, -1, dtype=np.int64)
    order = np.argsort(component, kind="stable")
    starts = np.flatnonzero(np.diff(component[order], prepend=-1))
    found = []
    for rows in np.split(order, starts[1:]):
        if len(rows) > 1:
            found += _groups(rows, hashes, mirrored, radius, method)
    for number, rows in enumerate(sorted(found, key=lambda rows: int(rows[0]))):
        labels[rows] = number
    return labels


def dendrogram(
    hashes: Hashes, method: str, mirrored: Hashes | None = None
) -> npt.NDArray[np.float64]:
    """SciPy's linkage matrix of some images, heights in bits, shape (n - 1, 4)."""
    if method not in LINKAGES:
        raise UnknownName("linkage", method, LINKAGES)
    distance = distances(hashes, mirrored).astype(np.float64)
    return np.asarray(linkage(squareform(distance, checks=False), method=method))


def distances(hashes: Hashes, mirrored: Hashes | None = None) -> npt.NDArray[np.uint8]:
    """Bits that each two hashes differ in, the smaller with the mirror image where given."""
    out = np.bitwise_count(hashes[:, None] ^ hashes[None])
    if mirrored is not None:
        turned = np.bitwise_count(hashes[:, None] ^ mirrored[None])
        out = np.minimum(out, np.minimum(turned, turned.T))
        np.fill_diagonal(out, 0)
    return np.asarray(out)


def medoid(distance: npt.NDArray[np.uint8], weight: npt.NDArray[np.int64]) -> int:
    """The member with the least sum of distances to the others."""
    return int((distance.astype(np.int64) @ weight).argmin())


def _groups(
    rows: Rows, hashes: Hashes, mirrored: Hashes | None, radius: int, method: str
) -> list[Rows]:
    """Clusters of at least two rows out of one component."""
    distinct, first, place = np.unique(hashes[rows], return_index=True, return_inverse=True)
    if len(distinct) > MOST_HASHES:
        raise InputError(
            f"{len(rows):,} images hang together at {radius} bits; lower the radius to tell them "
            "apart."
        )
    turned = None if mirrored is None else mirrored[rows][first]
    distance = distances(distinct, turned)
    if method == "single" or len(distinct) < 3:
        kinds = np.zeros(len(distinct), dtype=np.int64)
    else:
        tree = dendrogram(distinct, method, turned)
        kinds = fcluster(tree, radius, criterion="distance")
    out: list[Rows] = []
    for kind in np.unique(kinds):
        members = np.flatnonzero(kinds == kind)
        out += _around_medoids(members, distance, np.bincount(place), radius)
    groups = [rows[np.isin(place, members)] for members in out]
    return [group for group in groups if len(group) > 1]


def _around_medoids(
    members: Rows, distance: npt.NDArray[np.uint8], weight: npt.NDArray[np.int64], radius: int
) -> list[Rows]:
    """Chains broken: those near the medoid are one cluster, the rest is looked at again."""
    out = []
    while len(members):
        inside = distance[np.ix_(members, members)]
        near = inside[medoid(inside, weight[members])] <= radius
        out.append(members[near])
        members = members[~near]
    return out
