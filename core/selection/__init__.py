"""Which images of a data set to keep: class-balanced subsets by strategy, direction and size.

A strategy is one file here and one line in `STRATEGIES`.

References:
    X-Factor paper, sections 2.3 and A.2.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import pandas as pd

from core.datasets.base import Dataset
from core.errors import InputError
from core.registry import Registry
from core.selection import (
    distances,
    facility_location,
    herding,
    k_center,
    means,
    prototypes,
    random,
    uniqueness,
)
from core.selection.base import Strategy, Subset, apply
from core.selection.distances import Geometry, geometry
from core.specs import Selection

__all__ = [
    "STRATEGIES",
    "VERSION",
    "Geometry",
    "Strategy",
    "Subset",
    "check",
    "geometry",
    "pool_table",
    "select",
    "select_many",
]

VERSION = 1  # raised whenever a selection gives other rows; part of the keys of what is stored

STRATEGIES: Registry[Strategy] = Registry(
    "selection strategy",
    random.STRATEGY,
    uniqueness.STRATEGY,
    means.GLOBAL_MEAN,
    means.OTHER_MEAN,
    means.OWN_MEAN,
    prototypes.STRATEGY,
    k_center.STRATEGY,
    herding.STRATEGY,
    facility_location.STRATEGY,
)


def check(selection: Selection) -> Strategy:
    """The strategy of a selection, once its direction and excess are known to suit it.

    Raises:
        UnknownName: there is no such strategy.
        InputError: the strategy does not have that direction, or has nothing to discard.
    """
    strategy = STRATEGIES[selection.strategy]
    if selection.direction not in strategy.directions:
        expected = " or ".join(f'"{direction}"' for direction in strategy.directions)
        raise InputError(
            f'Strategy {strategy.name} takes direction {expected}; got "{selection.direction}".'
        )
    if selection.excess and not strategy.discards:
        raise InputError(
            f"Strategy {strategy.name} discards nothing, so excess must be 0; "
            f"got {selection.excess}."
        )
    return strategy


def select(dataset: Dataset, selection: Selection, geometry: Geometry | None = None) -> Subset:
    """Draw a pool of every class and keep `per_class` images of each by the strategy.

    The pool of a class is the first `per_class + excess` images of a random permutation that
    depends on the seed and the class alone: pools are nested as `excess` grows, and the same for
    every strategy and direction.

    Args:
        dataset: Where the images come from; only its training split is used.
        selection: Strategy, direction, sizes and seed.
        geometry: The pixel space of `dataset`, where the caller has it at hand.

    Raises:
        UnknownName: there is no such strategy.
        InputError: direction or excess do not suit the strategy.
        NotEnoughImages: a class has fewer images than the pool needs.

    References:
        X-Factor paper, sections 2.3 and A.2.
    """
    return select_many(dataset, [selection], geometry)[0]


def select_many(
    dataset: Dataset, selections: Sequence[Selection], geometry: Geometry | None = None
) -> list[Subset]:
    """What `select` gives for each selection, in order, at less cost.

    Selections of one strategy share the distances between the images of a class, so pass those
    of a whole study, or a large part of it, at once.
    """
    space = distances.geometry(dataset) if geometry is None else geometry
    if space.fingerprint != dataset.fingerprint:
        raise ValueError("the geometry is that of another data set")
    by_strategy: defaultdict[str, list[int]] = defaultdict(list)
    for index, selection in enumerate(selections):
        by_strategy[check(selection).name].append(index)
    subsets: dict[int, Subset] = {}
    for name, indices in by_strategy.items():
        chosen = apply(STRATEGIES[name], [selections[index] for index in indices], space)
        subsets.update(zip(indices, chosen, strict=True))
    return [subsets[index] for index in range(len(selections))]


def pool_table(dataset: Dataset, selection: Selection) -> pd.DataFrame:
    """All images that a selection draws: columns `row`, `label` (class name) and `kept` (0 or 1).

    Raises:
        InputError: As `select`.
    """
    subset = select(dataset, selection)
    rows = subset.pool.ravel()
    labels = [dataset.classes[label] for label in dataset.train.y[rows]]
    table = pd.DataFrame({"row": rows, "label": labels, "kept": subset.kept.ravel().astype(int)})
    return table.sort_values("row")
