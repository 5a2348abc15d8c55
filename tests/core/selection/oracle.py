"""The X-Factor paper's section A.2 in the plainest Python, with exact fractions; for tests only."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import combinations

import numpy as np

from core.datasets.base import Dataset, Split
from core.errors import NotEnoughImages

Image = Sequence[int]


def dataset(x: np.ndarray, y: Sequence[int], classes: Sequence[str] | None = None) -> Dataset:
    """A data set whose training split is flattened images `x`, one row of pixels each."""
    x = np.asarray(x, dtype=np.uint8)
    train = Split(x.reshape(len(x), 1, -1, 1), np.asarray(y, dtype=np.int64))
    names = tuple(classes or map(str, range(max(y) + 1)))
    return Dataset("made", "Made", train, train, names, "made-by-hand", "a test", "none")


def squared(a: Image, b: Sequence[Fraction | int]) -> Fraction:
    return Fraction(sum((p - q) ** 2 for p, q in zip(map(int, a), b, strict=True)))


def uniqueness(images: Sequence[Image], keep: int, direction: str) -> list[int]:
    """Places of the images kept, of a pool in row order."""
    sign = 1 if direction == "+" else -1
    costs = {
        frozenset((i, j)): sign * squared(images[i], list(map(int, images[j])))
        for i, j in combinations(range(len(images)), 2)
    }
    left = list(range(len(images)))
    while len(left) > keep:
        i, j = min(combinations(left, 2), key=lambda pair: (costs[frozenset(pair)], pair))

        def second(one: int, other: int) -> list[Fraction]:
            return sorted(costs[frozenset((one, k))] for k in left if k not in (one, other))[:1]

        left.remove(i if second(i, j) <= second(j, i) else j)
    return left


def mean_image(images: Sequence[Image]) -> list[Fraction]:
    return [Fraction(sum(map(int, values)), len(images)) for values in zip(*images, strict=True)]


def draw(rows: Sequence[int], size: int, seed: int, label: int) -> list[int]:
    """Rows drawn from those of a class."""
    if size > len(rows):
        raise NotEnoughImages
    order = np.random.default_rng([seed, label]).permutation(len(rows))
    return sorted(rows[place] for place in order[:size])
