"""Herding: keeps images whose mean is the class's mean image.

Adds the image that brings the mean of those kept nearest to the mean of all training images of
the class, again and again. With images of equal length this is Welling's rule, which follows the
image with the largest product with w and moves w on by the mean less that image; the correction
for length keeps it from following brightness. Ties go to the lower row number.

References:
    Welling 2009, Herding dynamical weights to learn, https://doi.org/10.1145/1553374.1553517.
    Rebuffi et al. 2017, iCaRL, algorithm 4, for choosing each image once; arXiv:1611.07725.
"""

from __future__ import annotations

import numpy as np

from core.selection.base import Choice, Strategy, check_pairs
from core.selection.pool import Pool


def _keep(pool: Pool, per_class: int, direction: str) -> Choice:
    check_pairs("herding", pool)
    geometry, label = pool.geometry, pool.label
    images = geometry.pixels[pool.rows].astype(np.float64)  # Products are whole and exact.
    count = len(geometry.rows[label])
    norms = np.einsum("ij,ij->i", images, images).astype(np.int64)
    with_mean = (images @ np.rint(geometry.means[label] * count)).astype(np.int64)  # N·mean·x
    with_kept = np.zeros(len(pool), dtype=np.int64)  # 2·(sum of those kept)·x
    kept = np.zeros(len(pool), dtype=bool)
    for step in range(1, per_class + 1):
        # N times the fall of ||sum of those kept + x - step·mean||² that x brings.
        scores = 2 * step * with_mean - count * (with_kept + norms)
        scores[kept] = np.iinfo(np.int64).min
        best = int(scores.argmax())
        kept[best] = True
        with_kept += norms + norms[best] - pool.separations[best]
    return kept, np.full(len(pool), np.nan)


STRATEGY = Strategy(
    name="herding",
    title="Herding",
    summary="Adds the image that brings the mean of those kept nearest to the class's mean.",
    directions=("+",),
    keep=_keep,
)
