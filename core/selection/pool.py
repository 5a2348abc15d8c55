"""The images of one class that a selection chooses from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from core.errors import NotEnoughImages
from core.selection.distances import Geometry, squared_distances


@dataclass(frozen=True, eq=False)
class Pool:
    """Images of one class drawn at random.

    Args:
        geometry: Pixel space of the data set.
        label: Class number.
        rows: Training row numbers drawn, ascending, int32, shape (size,).
        within: A larger pool that holds these rows, whose distances are reused.
    """

    geometry: Geometry
    label: int
    rows: npt.NDArray[np.int32]
    within: Pool | None = None

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def separations(self) -> npt.NDArray[np.int32 | np.int64]:
        """Squared distance of every pair, integers, shape (size, size).

        The diagonal holds the type's largest value: no image is its own neighbour.
        """
        if self.within is not None:
            places = np.searchsorted(self.within.rows, self.rows)
            return self.within.separations[places].take(places, axis=1)
        matrix = squared_distances(self.geometry.pixels[self.rows])
        np.fill_diagonal(matrix, np.iinfo(matrix.dtype).max)
        return matrix


def draw(geometry: Geometry, label: int, seed: int, sizes: Iterable[int]) -> Iterator[Pool]:
    """Pools of one class, one for each size, largest first, each within the one before.

    The pool of a size is the first images of one random permutation of the class, so it depends
    on the seed, the class and the size alone.

    Raises:
        NotEnoughImages: the class has fewer images than the largest size.
    """
    members = geometry.rows[label]
    sizes = sorted(set(sizes), reverse=True)
    if sizes[0] > len(members):
        raise NotEnoughImages(
            f"Class {geometry.classes[label]!r} has {len(members)} training images, and "
            f"per_class + excess = {sizes[0]} are needed; lower one of the two."
        )
    order = np.random.default_rng([seed, label]).permutation(len(members))
    largest = None
    for size in sizes:
        pool = Pool(geometry, label, members[np.sort(order[:size])], largest)
        largest = largest or pool
        yield pool
