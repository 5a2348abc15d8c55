"""Distances to the nearest other image."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.diversity.points import Points


def nearest(points: Points) -> float:
    """Mean RMSD to the nearest other image; NaN for a single one."""
    return _mean(points, np.ones_like(points.squared, dtype=np.bool_))


def nearest_same(points: Points) -> float:
    """Mean RMSD to the nearest other image of the same class; NaN where a class has one image."""
    return _mean(points, points.labels[:, None] == points.labels)


def nearest_other(points: Points) -> float:
    """Mean RMSD to the nearest image of another class; NaN for a single class."""
    return _mean(points, points.labels[:, None] != points.labels)


def _mean(points: Points, candidates: npt.NDArray[np.bool_]) -> float:
    """Mean over images of the least distance among candidates, never to itself."""
    distances = np.where(candidates, points.rmsd, np.inf)
    np.fill_diagonal(distances, np.inf)
    least = distances.min(axis=1)
    return float(least.mean()) if np.isfinite(least).all() else float("nan")
