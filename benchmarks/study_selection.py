"""CPU time of selection against the X-Factor paper's text put into plain NumPy.

Both sides run in one process on one thread, on MNIST and the paper's grid: five sizes, ten
excesses, four strategies, two directions, five repeats; 2,000 subsets. The product selects all of
them, each from a seed of its own. The plain version runs a sample that stands for the grid:
uniqueness for every size, excess and direction on one class of ten in turn; the mean strategies
on ten of the fifty (size, excess), every size twice and every excess once, so that a cost that is
linear in both adds up to that of the grid. Every sampled choice must be the product's.

The product selects all subsets of a strategy in one call (`select_many`, as a study does), and
compiles its loops on the way; `one by one` is the same by `select`, one repeat of five, scaled,
and must keep the same images.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import product

import numpy as np
from scipy.spatial.distance import cdist

from benchmarks.timing import line, timed
from core import datasets, selection
from core.datasets import Dataset
from core.selection import Subset
from core.specs import Selection, seed_from

SIZES = (10, 30, 100, 300, 1000)
EXCESSES = (6, 10, 20, 30, 60, 100, 200, 300, 600, 1000)
STRATEGIES = ("uniqueness", "global_mean", "other_mean", "own_mean")
DIRECTIONS = ("+", "-")
REPEATS = 5


def recipe(strategy: str, direction: str, size: int, excess: int, repeat: int) -> Selection:
    """A subset's recipe; its seed is its own."""
    seed = seed_from(strategy, direction, size, excess, repeat)
    return Selection(strategy, direction, size, excess, seed)


def plain_uniqueness(images: np.ndarray, keep: int, direction: str) -> np.ndarray:
    """Which images are kept: the lowest of all pairs is looked for anew each time."""
    rmsd = cdist(images, images) / np.sqrt(images.shape[1])
    costs = rmsd if direction == "+" else -rmsd
    np.fill_diagonal(costs, np.inf)
    left = np.ones(len(images), dtype=bool)
    for _ in range(len(images) - keep):
        i, j = divmod(int(costs.argmin()), len(images))
        lost = i if np.delete(costs[i], j).min() <= np.delete(costs[j], i).min() else j
        costs[lost] = costs[:, lost] = np.inf
        left[lost] = False
    return left


def plain_mean(
    images: np.ndarray, labels: np.ndarray, wanted: Selection, pool: np.ndarray
) -> np.ndarray:
    """Which images of the pool, shape (classes, size), are kept."""
    means = np.stack([images[labels == label].mean(axis=0) for label in range(len(pool))])
    kept = np.zeros(pool.shape, dtype=bool)
    for label, rows in enumerate(pool):
        differences = images[rows][:, None] - means
        rmsd = np.sqrt((differences**2).mean(axis=2))
        if wanted.strategy == "global_mean":
            distances = rmsd.mean(axis=1)
        elif wanted.strategy == "other_mean":
            distances = np.delete(rmsd, label, axis=1).max(axis=1)
        else:
            distances = -rmsd[:, label]
        best = -distances if wanted.direction == "+" else distances
        kept[label, np.argsort(best, kind="stable")[: wanted.per_class]] = True
    return kept


def check(same: bool, wanted: Selection) -> None:
    """Stop where the two sides keep different images."""
    if not same:
        sys.exit(f"{wanted}: the plain version keeps other images")


def sample_uniqueness(dataset: Dataset, images: np.ndarray) -> float:
    """CPU seconds of the plain version, scaled to the grid."""
    total = 0.0
    cells = product(SIZES, EXCESSES, DIRECTIONS)
    for number, (size, excess, direction) in enumerate(cells):
        wanted = recipe("uniqueness", direction, size, excess, 0)
        subset = selection.select(dataset, wanted)
        label = number % len(dataset.classes)
        kept, seconds = timed(plain_uniqueness, images[subset.pool[label]], size, direction)
        check(bool((kept == subset.kept[label]).all()), wanted)
        total += seconds
    return total * len(dataset.classes) * REPEATS


def sample_mean(dataset: Dataset, images: np.ndarray, strategy: str) -> float:
    """CPU seconds of the plain version, scaled to the grid."""
    total = 0.0
    for number, excess in enumerate(EXCESSES):
        size, direction = SIZES[number % len(SIZES)], DIRECTIONS[number % 2]
        wanted = recipe(strategy, direction, size, excess, 0)
        subset = selection.select(dataset, wanted)
        kept, seconds = timed(plain_mean, images, dataset.train.y, wanted, subset.pool)
        check(bool((kept == subset.kept).all()), wanted)
        total += seconds
    return total * len(SIZES) * len(DIRECTIONS) * REPEATS


def one_by_one(dataset: Dataset, selections: Iterable[Selection]) -> list[Subset]:
    """Select each by itself."""
    return [selection.select(dataset, wanted) for wanted in selections]


def run() -> None:
    """Print two lines a strategy and two for all, class means included."""
    dataset = datasets.load("mnist")
    images = dataset.train.x.reshape(len(dataset.train), -1).astype(np.float64)
    _, preparing = timed(selection.geometry, dataset)
    print(f"{'class means':34}{'':9}{preparing:9.3g}")
    totals = np.array([0, preparing, preparing])
    for strategy in STRATEGIES:
        if strategy == "uniqueness":
            plain = sample_uniqueness(dataset, images)
        else:
            plain = sample_mean(dataset, images, strategy)
        cells = product(DIRECTIONS, SIZES, EXCESSES, range(REPEATS))
        grid = [recipe(strategy, *cell) for cell in cells]
        some, alone = timed(one_by_one, dataset, grid[::REPEATS])
        subsets, together = timed(selection.select_many, dataset, grid)
        for one, other in zip(some, subsets[::REPEATS], strict=True):
            check(bool((one.kept == other.kept).all()), one.selection)
        line(f"{strategy}, {len(grid)} subsets", plain, together)
        line(f"{strategy}, one by one", plain, alone * REPEATS)
        totals += [plain, together, alone * REPEATS]
    line("all 2,000 subsets", totals[0], totals[1], target=60)
    line("all, one by one", totals[0], totals[2])
