"""Random subsets: the baseline that selected subsets are compared with.

References:
    X-Factor paper, section 2.3.
"""

from __future__ import annotations

import numpy as np

from core.selection.base import Choice, Strategy
from core.selection.pool import Pool


def _keep(pool: Pool, per_class: int, direction: str) -> Choice:
    return np.ones(len(pool), dtype=bool), np.full(len(pool), np.nan)


STRATEGY = Strategy(
    name="random",
    title="Random",
    summary="Keeps images of each class uniformly at random: the baseline for all others.",
    directions=("",),
    keep=_keep,
    discards=False,
)
