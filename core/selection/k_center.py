"""k-centre greedy: keeps images so that none drawn is far from one that is kept.

Begins with the image nearest to its class's mean and adds the image furthest from all kept so
far, until `per_class` are kept: the largest distance from an image drawn to the nearest kept is
at most twice the smallest possible. Ties go to the lower row number.

References:
    Sener & Savarese 2018, Active learning for convolutional neural networks: a core-set approach,
    algorithm 1; arXiv:1708.00489. There it begins with images labelled before, and the distances
    are those of learned features.
"""

from __future__ import annotations

import numpy as np

from core.selection.base import Choice, Strategy, check_pairs
from core.selection.pool import Pool


def _keep(pool: Pool, per_class: int, direction: str) -> Choice:
    check_pairs("k_center", pool)
    separations = pool.separations
    first = int(pool.geometry.mean_rmsd[pool.rows, pool.label].argmin())
    kept = np.zeros(len(pool), dtype=bool)
    kept[first] = True
    nearest = separations[first].copy()  # to an image kept
    judged = np.full(len(pool), np.nan)
    for _ in range(per_class - 1):
        best = int(np.where(kept, -1, nearest).argmax())
        kept[best] = True
        judged[best] = nearest[best]
        np.minimum(nearest, separations[best], out=nearest)
    judged[~kept] = nearest[~kept]
    if per_class > 1:
        judged[first] = np.nanmax(judged)  # that of the second, which is as far from the first
    return kept, np.sqrt(judged / pool.geometry.pixels.shape[1])


STRATEGY = Strategy(
    name="k_center",
    title="k-centre",
    summary="Adds the image furthest from all kept so far, so that none drawn is far from one "
    "kept.",
    directions=("+",),
    keep=_keep,
    judged="Distance to the nearest image kept; of those kept, to the nearest kept before.",
)
