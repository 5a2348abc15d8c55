"""The images of one class that a selection chooses from."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec

import numpy as np
import numpy.typing as npt

from core.errors import NotEnoughImages
from core.selection.distances import Geometry, blocks, squared_distances

LARGEST_WHOLE = 8192  # images of a class whose distances are all held at once: 256 MiB
LEAST_COMPILED = 2000  # images of a class for whose many pools compiled loops pay


@dataclass(frozen=True, eq=False)
class Pool:
    """Images of one class drawn at random.

    Args:
        geometry: Pixel space of the data set.
        label: Class number.
        rows: Training row numbers drawn, ascending, int32, shape (size,).
        within: A larger pool that holds these rows, whose distances are reused.
        many: Whether it is one of so many that compiled loops pay.
    """

    geometry: Geometry
    label: int
    rows: npt.NDArray[np.int32]
    within: Pool | None = None
    many: bool = False

    def __len__(self) -> int:
        return len(self.rows)

    @cached_property
    def separations(self) -> npt.NDArray[np.int32 | np.int64]:
        """Squared distance of every pair, integers, shape (size, size).

        The diagonal holds the type's largest value: no image is its own neighbour.
        """
        if self.within is None:
            matrix = squared_distances(self.geometry.pixels[self.rows])
            np.fill_diagonal(matrix, np.iinfo(matrix.dtype).max)
            return matrix
        known = self.within.separations
        places = np.searchsorted(self.within.rows, self.rows)
        matrix = np.empty((len(places), len(places)), dtype=known.dtype)
        if self.many:
            from core.selection import kernels

            kernels.gather(known, places, matrix)
            return matrix
        for rows in blocks(len(places)):
            first, after = places[rows.start], matrix[rows, rows.stop :]
            known_rows = known[places[rows], first:]  # the memory these fill is what takes time
            matrix[rows, rows.start :] = known_rows.take(places[rows.start :] - first, axis=1)
            matrix[rows.stop :, rows] = after.T
        return matrix


def draw(
    geometry: Geometry, label: int, draws: Mapping[int, Collection[int]]
) -> Iterator[tuple[int, Pool]]:
    """Pools of one class: for each seed one of each size.

    The pool of a size is the first images of a random permutation of the class by the seed, so
    it depends on seed, class and size alone, and a smaller pool lies within a larger one.

    Args:
        geometry: Pixel space of the data set.
        label: Class number.
        draws: Sizes by seed; at least one each.

    Yields:
        Seed and pool, the largest of a seed first.

    Raises:
        NotEnoughImages: the class has fewer images than the largest size.
    """
    members = geometry.rows[label]
    largest = [max(sizes) for sizes in draws.values()]
    if max(largest) > len(members):
        raise NotEnoughImages(
            f"Class {geometry.classes[label]!r} has {len(members)} training images, and "
            f"per_class + excess = {max(largest)} are needed; lower one of the two."
        )
    whole = None
    if len(members) <= LARGEST_WHOLE and sum(size**2 for size in largest) > len(members) ** 2:
        whole = Pool(geometry, label, members)
    many = whole is not None and len(members) >= LEAST_COMPILED and bool(find_spec("numba"))
    for seed, sizes in draws.items():
        order = np.random.default_rng([seed, label]).permutation(len(members))
        within = whole
        for size in sorted(sizes, reverse=True):
            pool = Pool(geometry, label, members[np.sort(order[:size])], within, many)
            if within is whole:
                within = pool
            yield seed, pool
