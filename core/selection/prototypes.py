"""Prototype distance: keeps the images near to (+, easy) or far from (-, hard) their class's types.

The training images of each class are clustered once by k-means; the prototypes are the mean
images of the clusters. Seeding, assignments and means are whole numbers, so that the prototypes
are the same on every machine and with any number of threads, which those of a k-means in floating
point (scikit-learn's among them) need not be.

References:
    Sorscher et al. 2022, Beyond neural scaling laws: beating power law scaling via data pruning,
    section 6; arXiv:2206.14486. X-Factor's reference 37. There the distances are those of learned
    features and the clusters those of all classes at once.
"""

from __future__ import annotations

from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from core.selection.base import Choice, Strategy
from core.selection.distances import Geometry, rmsd_to_means
from core.selection.pool import Pool

PROTOTYPES = 10
# Lloyd's rounds; on MNIST the last ones move fewer than one image in a hundred.
MOST_ROUNDS = 50

Pixels = npt.NDArray[np.uint8]
_DISTANCES: WeakKeyDictionary[Geometry, dict[int, npt.NDArray[np.float64]]] = WeakKeyDictionary()


def prototype_distances(geometry: Geometry, label: int) -> npt.NDArray[np.float64]:
    """RMSD from each training image of a class to the nearest of the class's prototypes.

    Computed once and held as long as the geometry is.

    Returns:
        Float64, shape (images of the class,), in the order of `geometry.rows[label]`, in pixel
        values.
    """
    known = _DISTANCES.setdefault(geometry, {})
    if label not in known:
        known[label] = _cluster(geometry.pixels[geometry.rows[label]], label)
    return known[label]


def _cluster(pixels: Pixels, seed: int) -> npt.NDArray[np.float64]:
    """RMSD from each image to its prototype, by Lloyd's algorithm from k-means++ seeds.

    A cluster that loses all its images is gone. Of prototypes equally near, the first is taken.
    """
    sums = pixels[_seeds(pixels, np.random.default_rng(seed))].astype(np.int64)
    counts = np.ones(len(sums), dtype=np.int64)
    nearest = np.full(len(pixels), -1)
    for _ in range(MOST_ROUNDS):
        rmsd = rmsd_to_means(pixels, counts, sums)
        before, nearest = nearest, rmsd.argmin(axis=1)
        if (nearest == before).all():
            break
        clusters, nearest, counts = np.unique(nearest, return_inverse=True, return_counts=True)
        sums = np.stack([pixels[nearest == k].sum(0, dtype=np.int64) for k in range(len(clusters))])
    distances: npt.NDArray[np.float64] = rmsd_to_means(pixels, counts, sums).min(axis=1)
    return distances


def _seeds(pixels: Pixels, rng: np.random.Generator) -> list[int]:
    """Images to begin with, each drawn with weight of its squared distance to those before.

    References:
        Arthur & Vassilvitskii 2007, k-means++: the advantages of careful seeding.
    """
    chosen = [int(rng.integers(len(pixels)))]
    weights = np.full(len(pixels), np.iinfo(np.int64).max)
    while len(chosen) < PROTOTYPES:
        difference = pixels.astype(np.int32) - pixels[chosen[-1]]
        squared = np.einsum("ij,ij->i", difference, difference, dtype=np.int64)
        np.minimum(weights, squared, out=weights)
        ends = np.cumsum(weights)
        if not ends[-1]:
            break  # Fewer distinct images than prototypes.
        chosen.append(int(np.searchsorted(ends, rng.integers(ends[-1]), side="right")))
    return chosen


def _keep(pool: Pool, per_class: int, direction: str) -> Choice:
    of_class = prototype_distances(pool.geometry, pool.label)
    distances = of_class[np.searchsorted(pool.geometry.rows[pool.label], pool.rows)]
    best_first = distances if direction == "+" else -distances
    kept = np.zeros(len(pool), dtype=bool)
    kept[np.argsort(best_first, kind="stable")[:per_class]] = True
    return kept, distances


STRATEGY = Strategy(
    name="prototype",
    title="Prototype distance",
    summary=f"+ keeps the images nearest to one of {PROTOTYPES} prototypes of their class (easy), "
    "- the furthest (hard).",
    directions=("+", "-"),
    keep=_keep,
)
