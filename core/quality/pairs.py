"""All pairs of 64-bit hashes within a Hamming distance, exactly, by multi-index hashing.

Hashes that differ in at most r bits differ in at most r // 4 bits in one of their four quarters.
So each quarter is an index of 65,536 buckets, looked up at every value within r // 4 bits of the
wanted one; what comes out is checked on all 64 bits.

References:
    M. Norouzi et al., Fast search in Hamming space with multi-index hashing, CVPR 2012.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
import numpy.typing as npt

from core.errors import InputError

Hashes = npt.NDArray[np.uint64]
Rows = npt.NDArray[np.int64]

QUARTERS, BITS = 4, 16
BLOCK = 1 << 16
LARGEST_RADIUS = 15


def pairs_within(
    hashes: Hashes, radius: int, others: Hashes | None = None
) -> tuple[Rows, Rows, npt.NDArray[np.uint8]]:
    """Every pair of hashes that differ in at most `radius` bits.

    Args:
        hashes: uint64, shape (n,).
        radius: 0 to 15 bits; each multiple of 4 costs several times more than the one before.
        others: Pairs with these instead, shape (m,).

    Returns:
        Row numbers a and b, with a < b unless `others` are given, sorted by a then b, and the
        distances; each of shape (pairs,).

    Raises:
        InputError: a radius out of range.
    """
    if not 0 <= radius <= LARGEST_RADIUS:
        raise InputError(f"The radius must be 0 to {LARGEST_RADIUS} bits; got {radius}.")
    against = hashes if others is None else others
    found = [
        part
        for quarter in range(QUARTERS)
        for part in _search(hashes, against, quarter, radius, others is None)
    ]
    a, b = (np.concatenate([part[i] for part in found]) for i in (0, 1))
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    return a, b, np.bitwise_count(hashes[a] ^ against[b])


def _search(
    hashes: Hashes, against: Hashes, quarter: int, radius: int, ordered: bool
) -> list[tuple[Rows, Rows]]:
    """Pairs that are close in this quarter and in none before it, so that none comes twice."""
    near = radius // QUARTERS
    left, right = _quarters(hashes), _quarters(against)
    order = np.argsort(right[:, quarter], kind="stable")
    starts = np.zeros((1 << BITS) + 1, dtype=np.int64)
    np.cumsum(np.bincount(right[:, quarter], minlength=1 << BITS), out=starts[1:])
    found = [(np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64))]
    for mask in _masks(near):
        for first in range(0, len(hashes), BLOCK):
            wanted = left[first : first + BLOCK, quarter] ^ mask
            start, count = starts[wanted], starts[wanted + 1] - starts[wanted]
            a = np.repeat(np.arange(first, first + len(wanted)), count)
            skip = np.repeat(start - np.cumsum(count) + count, count)
            b = order[np.arange(len(a)) + skip]
            keep = np.bitwise_count(hashes[a] ^ against[b]) <= radius
            if ordered:
                keep &= a < b
            a, b = a[keep], b[keep]
            differ = np.bitwise_count(left[a, :quarter] ^ right[b, :quarter])
            fresh = (differ > near).all(axis=1)
            found.append((a[fresh], b[fresh]))
    return found


def _quarters(hashes: Hashes) -> npt.NDArray[np.int32]:
    """Every fourth bit to one quarter: bits of like frequencies are alike, and spread this way."""
    bits = np.unpackbits(hashes.astype(">u8").view(np.uint8).reshape(-1, 8), axis=1)
    spread = bits.reshape(-1, BITS, QUARTERS).transpose(0, 2, 1)
    packed = np.ascontiguousarray(np.packbits(spread, axis=2))
    return np.asarray(packed.view(">u2")[..., 0], dtype=np.int32)


def _masks(near: int) -> list[int]:
    """Every 16-bit pattern with at most `near` bits set."""
    return [
        sum(1 << bit for bit in chosen)
        for size in range(near + 1)
        for chosen in combinations(range(BITS), size)
    ]
