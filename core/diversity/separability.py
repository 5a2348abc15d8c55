"""How well classes stand apart, from distances alone.

References:
    Rousseeuw, Journal of Computational and Applied Mathematics 20 (1987); Calinski and Harabasz,
    Communications in Statistics 3 (1974).
"""

from __future__ import annotations

import numpy as np

from core.diversity.points import Points


def silhouette(points: Points) -> float:
    """Mean silhouette of the classes by RMSD, in [-1, 1]; scikit-learn's.

    NaN with fewer than two classes, or with no class of two images.
    """
    from sklearn.metrics import silhouette_score

    classes = points.members.shape[1]
    if not 2 <= classes < len(points.labels):
        return float("nan")
    return float(silhouette_score(points.rmsd, points.labels, metric="precomputed"))


def calinski_harabasz(points: Points) -> float:
    """Ratio of the traces of between- and within-class scatter, each by its degrees of freedom.

    The trace of a scatter matrix is the sum of squared distances over ordered pairs by twice
    their number of images, so that no pixel is needed. NaN with fewer than two classes, or where
    images of one class are all equal.
    """
    squared, members = points.squared.astype(np.float64), points.members
    n, classes = members.shape
    counts = members.sum(axis=0)
    sums = np.einsum("ic,ic->c", members, squared @ members)
    within = float((sums / (2 * counts)).sum())
    between = float(squared.sum() / (2 * n)) - within
    if classes < 2 or n <= classes or within == 0:
        return float("nan")
    return float(between / (classes - 1) / (within / (n - classes)))
