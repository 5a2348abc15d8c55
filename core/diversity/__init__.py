"""What a subset is like in numbers that need no model: diversity, distances, separability.

To add a measure, write a function of `Points` and list it in `MEASURES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from core.datasets.base import Dataset
from core.diversity import lcr, neighbours, separability, spectrum
from core.diversity.points import Points, typical_distance
from core.registry import Registry
from core.selection.distances import squared_distances
from core.specs import TrainingSet, seed_from

__all__ = [
    "MEASURES",
    "MOST_IMAGES",
    "VERSION",
    "Measure",
    "Points",
    "measure",
    "of_subset",
    "typical_distance",
]

VERSION = 1
# Time and memory grow with the square of the images, and those of the Vendi score with the cube.
MOST_IMAGES = 2000
# Similarity falls to 1/e at the typical distance of two images, or at a tenth of it: at the first
# all images count as somewhat alike, at the second only near ones do.
SCALES = {"": 1.0, "_near": 0.1}


@dataclass(frozen=True)
class Measure:
    """One entry of the registry.

    Args:
        name: Column of the tables.
        title: What is shown.
        summary: What a high value means, in a few words.
        of: The function; None for those of the similarity, which come at several scales.
    """

    name: str
    title: str
    summary: str
    of: Callable[[Points], float] | None = None


LCR = {
    "alpha": "effective number of images, each class counted apart",
    "beta": "how distinct classes are from the whole",
    "gamma": "effective number of images, classes put together",
    "rho": "how much classes resemble the whole",
}
WORDS = {"": "", "_near": ", near"}
MEASURES: Registry[Measure] = Registry(
    "measure",
    *(
        Measure(
            f"{name}_q{q}{suffix}",
            f"{name}, q = {q}{WORDS[suffix]}",
            f"LCR diversity: {LCR[name]}.",
        )
        for suffix in SCALES
        for name in lcr.MEASURES
        for q in lcr.VIEWPOINTS
    ),
    *(
        Measure(
            f"vendi{suffix}",
            f"Vendi score{WORDS[suffix]}",
            "Effective number of images by the eigenvalues of their similarity.",
        )
        for suffix in SCALES
    ),
    Measure(
        "nearest",
        "Nearest image",
        "Mean RMSD to the nearest other image.",
        neighbours.nearest,
    ),
    Measure(
        "nearest_same",
        "Nearest of its class",
        "Mean RMSD to the nearest other image of the same class.",
        neighbours.nearest_same,
    ),
    Measure(
        "nearest_other",
        "Nearest of another class",
        "Mean RMSD to the nearest image of another class.",
        neighbours.nearest_other,
    ),
    Measure(
        "silhouette",
        "Silhouette",
        "How much nearer images are to their own class than to the next.",
        separability.silhouette,
    ),
    Measure(
        "calinski_harabasz",
        "Calinski-Harabasz",
        "Scatter between classes over scatter within (trace ratio).",
        separability.calinski_harabasz,
    ),
)


def measure(points: Points) -> dict[str, float]:
    """Every measure by name, in the registry's order, NaN where it is not defined."""
    found = {name: entry.of(points) for name, entry in MEASURES.items() if entry.of is not None}
    for suffix, share in SCALES.items():
        scaled = replace(points, scale=share * points.scale)
        for (name, q), value in lcr.diversities(scaled).items():
            found[f"{name}_q{q}{suffix}"] = value
        found[f"vendi{suffix}"] = spectrum.vendi(scaled)
    return {name: found[name] for name in MEASURES}


def of_subset(dataset: Dataset, training_set: TrainingSet, scale: float) -> Points:
    """A subset as points; of one with more than `MOST_IMAGES` images, so many of them.

    As many are taken of each class as of every other, drawn by the subset's own key.

    Args:
        dataset: Of images.
        training_set: The subset.
        scale: From `typical_distance`.
    """
    rows = training_set.rows
    if rows.size > MOST_IMAGES:
        rows = _some(rows, dataset.train.y[rows], training_set.key)
    flat = dataset.train.x[rows].reshape(len(rows), -1)
    return Points(squared_distances(flat), dataset.train.y[rows], flat.shape[1], scale)


def _some(
    rows: npt.NDArray[np.int32], labels: npt.NDArray[np.int64], key: str
) -> npt.NDArray[np.int32]:
    rng = np.random.default_rng(seed_from("measured", key))
    classes = np.unique(labels)
    kept = [
        rng.permutation(rows[labels == label])[: MOST_IMAGES // len(classes)] for label in classes
    ]
    return np.sort(np.concatenate(kept))
