"""What many pools of a large class cost most, in loops that Numba compiles.

Compiling takes a second in every process (Numba could only keep it on disk as a pickle), so
import this where many pools are at hand alone: see `Pool.many`.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from numba import njit

Integers = npt.NDArray[np.int32 | np.int64]


@njit(nogil=True)
def gather(known: Integers, places: npt.NDArray[np.intp], matrix: Integers) -> None:
    """Fill `matrix` with the rows and columns `places` of another matrix."""
    for i in range(len(places)):
        row, out = known[places[i]], matrix[i]
        for k in range(len(places)):
            out[k] = row[places[k]]


@njit(nogil=True)
def lowest(costs: Integers, barred: Integers) -> tuple[int, int]:
    """The first place with the lowest cost, and the cost; `barred` is its lower limit."""
    low = max(costs[0], barred[0])
    for k in range(len(costs)):
        low = min(low, max(costs[k], barred[k]))
    for k in range(len(costs)):
        if max(costs[k], barred[k]) == low:
            return k, low
    return 0, low


@njit(nogil=True)
def thin(costs: Integers, per_class: int) -> npt.NDArray[np.bool_]:
    """Which images are left when `per_class` are, by the same bounds as in `uniqueness`.

    Args:
        costs: Pair costs, shape (size, size), symmetric, the largest integer on the diagonal.
        per_class: How many to leave.
    """
    size, never = len(costs), np.iinfo(costs.dtype).max
    barred = np.full(size, -never, costs.dtype)  # `never`: no partner
    partners, cheapest = np.empty(size, np.intp), np.empty(size, costs.dtype)
    for i in range(size):
        partners[i], cheapest[i] = lowest(costs[i], barred)
    for _ in range(size - per_class):
        i, low = -1, never
        for k in range(size):
            if cheapest[k] < low:
                if barred[partners[k]] == never:
                    partners[k], cheapest[k] = lowest(costs[k], barred)
                if cheapest[k] < low:
                    i, low = k, cheapest[k]
        j = partners[i]
        barred[i] = barred[j] = never  # one of the two goes; the partner is the second
        partners[i], cheapest[i] = lowest(costs[i], barred)
        partners[j], cheapest[j] = lowest(costs[j], barred)
        gone, stays = (i, j) if cheapest[i] <= cheapest[j] else (j, i)  # i < j
        barred[stays] = -never
        cheapest[gone] = never
    left: npt.NDArray[np.bool_] = barred != never
    return left
