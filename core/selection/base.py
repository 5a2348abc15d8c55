"""What a selection strategy is, and what it gives when it is applied."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.selection.distances import Geometry
from core.selection.pool import Pool, draw
from core.specs import Selection

LARGEST_POOL = 16_384  # images: a matrix of distances of 1 GiB

Choice = tuple[npt.NDArray[np.bool_], npt.NDArray[np.float64]]


@dataclass(frozen=True)
class Strategy:
    """One entry of the strategy registry.

    Args:
        name: What is typed, such as `own_mean`.
        title: What is shown.
        summary: One sentence.
        directions: `("+", "-")`, or `("",)` for a strategy that has none.
        keep: Takes a pool of one class, how many images to keep and the direction; returns
            which images of the pool are kept, bool, shape (size,), and the RMSD each was judged
            by, float64, shape (size,), in pixel values, NaN where there is none.
        discards: False for a strategy that takes no `excess`.
        judged: What the RMSD is, in a sentence, where the summary does not say it.
    """

    name: str
    title: str
    summary: str
    directions: tuple[str, ...]
    keep: Callable[[Pool, int, str], Choice]
    discards: bool = True
    judged: str = ""


@dataclass(frozen=True, eq=False)
class Subset:
    """The images that a selection drew and those it kept; arrays are read-only.

    Args:
        selection: The recipe.
        pool: Training row numbers drawn, ascending within each class, int32,
            shape (classes, per_class + excess).
        kept: Which of the pool are kept, bool, same shape, `per_class` in every row.
        distances: The RMSD that the choice was made by, in pixel values, float64, same shape. For
            uniqueness it is that to the nearest other image of the pool; NaN where there is
            none, as for random subsets.
    """

    selection: Selection
    pool: npt.NDArray[np.int32]
    kept: npt.NDArray[np.bool_]
    distances: npt.NDArray[np.float64]

    def __post_init__(self) -> None:
        for array in (self.pool, self.kept, self.distances):
            array.setflags(write=False)

    @property
    def rows(self) -> npt.NDArray[np.int32]:
        """Row numbers kept, ascending, int32, shape (classes * per_class,)."""
        return np.sort(self.pool[self.kept])


def check_pairs(strategy: str, pool: Pool) -> None:
    """Raise an InputError if a pool is too large to compare every pair of its images."""
    if len(pool) > LARGEST_POOL:
        raise InputError(
            f"Strategy {strategy} compares every pair, so per_class + excess must be at most "
            f"{LARGEST_POOL}; got {len(pool)}."
        )


def apply(strategy: Strategy, selections: Sequence[Selection], geometry: Geometry) -> list[Subset]:
    """Subsets by one strategy; the distances of one class are held at a time.

    Args:
        strategy: The strategy of all selections.
        selections: At least one.
        geometry: Pixel space of the data set.

    Raises:
        NotEnoughImages: a class has fewer images than a pool needs.
    """
    draws: defaultdict[int, defaultdict[int, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, selection in enumerate(selections):
        draws[selection.seed][selection.per_class + selection.excess].append(index)
    classes: list[list[tuple[npt.NDArray[np.int32], *Choice]]] = [[] for _ in selections]
    for label in range(len(geometry.classes)):
        for seed, pool in draw(geometry, label, draws):
            for index in draws[seed][len(pool)]:
                selection = selections[index]
                choice = strategy.keep(pool, selection.per_class, selection.direction)
                classes[index].append((pool.rows, *choice))
    return [
        Subset(selection, *map(np.stack, zip(*parts, strict=True)))
        for selection, parts in zip(selections, classes, strict=True)
    ]
