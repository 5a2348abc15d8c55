"""The selection of one class by itself: what an explorer shows, at a fraction of the cost."""

from __future__ import annotations

import numpy as np

from core.selection import check
from core.selection.base import Subset
from core.selection.distances import Geometry
from core.selection.pool import draw
from core.specs import Selection


def select_class(geometry: Geometry, selection: Selection, label: int) -> Subset:
    """What `select` gives for one class, which does not depend on the others.

    Args:
        geometry: Pixel space of the data set.
        selection: Strategy, direction, sizes and seed.
        label: Class number.

    Returns:
        A subset whose arrays have one row, that of the class.

    Raises:
        UnknownName: There is no such strategy.
        InputError: Direction or excess do not suit the strategy.
        NotEnoughImages: A class, this or another, has fewer images than the pool needs.
    """
    strategy = check(selection)
    size = selection.per_class + selection.excess
    smallest = int(np.argmin([len(rows) for rows in geometry.rows]))
    draws = {selection.seed: [size]}
    next(draw(geometry, smallest, draws))
    _, pool = next(draw(geometry, label, draws))
    kept, distances = strategy.keep(pool, selection.per_class, selection.direction)
    return Subset(selection, pool.rows[None], kept[None], distances[None])
