"""Prototypes: k-means in exact fractions, scikit-learn's k-means, and what must not matter."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from core.selection import geometry, prototypes, select
from core.selection.prototypes import prototype_distances
from core.specs import Selection
from tests.core.selection.oracle import dataset, mean_image, squared


def blobs(count: int, pixels: int, centres: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    means = rng.integers(40, 216, size=(centres, pixels))
    near = means[rng.integers(centres, size=count)] + rng.integers(-12, 13, size=(count, pixels))
    return near.astype(np.uint8)


def exact_squares(x: np.ndarray, seeds: list[int]) -> list[Fraction]:
    """Squared distance of each image to its prototype, by Lloyd's algorithm in fractions."""
    images = x.tolist()
    means, before = [list(map(Fraction, images[seed])) for seed in seeds], None
    while True:
        costs = [[squared(image, mean) for mean in means] for image in images]
        nearest = [row.index(min(row)) for row in costs]
        if nearest == before:
            return [min(row) for row in costs]
        before = nearest
        groups = [
            [x for x, k in zip(images, nearest, strict=True) if k == j] for j in range(len(means))
        ]
        means = [mean_image(group) for group in groups if group]
        if len(means) < len(groups):
            before = None


@pytest.mark.parametrize(("pixels", "levels"), [(1, 20), (2, 5), (5, 255)])
@pytest.mark.parametrize("seed", range(4))
def test_distances_are_those_of_k_means_in_fractions(pixels: int, levels: int, seed: int) -> None:
    x = np.random.default_rng(seed).integers(0, levels + 1, size=(40, pixels)).astype(np.uint8)
    found = prototype_distances(geometry(dataset(x, [0] * 40)), 0)
    seeds = prototypes._seeds(x, np.random.default_rng(0))
    exact = [float(square / pixels) for square in exact_squares(x, seeds)]
    np.testing.assert_allclose(found**2, exact, rtol=1e-12, atol=1e-12)


def test_as_good_as_scikit_learns_k_means_from_the_same_start() -> None:
    x = blobs(600, 20, 30)
    found = prototype_distances(geometry(dataset(x, [0] * 600)), 0)
    start = x[prototypes._seeds(x, np.random.default_rng(0))].astype(float)
    theirs = KMeans(len(start), init=start, n_init=1, tol=0).fit(x.astype(float))
    assert (found**2).sum() * 20 == pytest.approx(theirs.inertia_)


def test_threads_do_not_matter() -> None:
    x = blobs(900, 64, 25, seed=3)
    found = []
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            found.append(prototype_distances(geometry(dataset(x, [0] * 900)), 0))
    assert (found[0] == found[1]).all()
    assert (found[0] == found[2]).all()


def test_each_prototype_is_drawn_among_images_unlike_those_before() -> None:
    x = np.repeat(np.arange(4, dtype=np.uint8), 25)[:, None] * 60
    seeds = prototypes._seeds(x, np.random.default_rng(0))
    assert sorted(x[seeds].ravel().tolist()) == [0, 60, 120, 180]


def test_fewer_distinct_images_than_prototypes_are_all_prototypes() -> None:
    x = np.repeat(np.arange(3, dtype=np.uint8), 5)[:, None]
    assert (prototype_distances(geometry(dataset(x, [0] * 15)), 0) == 0).all()


@pytest.mark.parametrize("direction", ["+", "-"])
def test_easy_images_are_near_and_hard_ones_far(direction: str) -> None:
    x = blobs(300, 16, 12)
    subset = select(dataset(x, [0] * 150 + [1] * 150), Selection("prototype", direction, 20, 60, 0))
    for distances, kept in zip(subset.distances, subset.kept, strict=True):
        near, far = (kept, ~kept) if direction == "+" else (~kept, kept)
        assert distances[near].max() <= distances[far].min()


def test_a_class_depends_on_its_own_images_alone() -> None:
    x = blobs(200, 16, 12)
    whole = geometry(dataset(x, [0] * 100 + [1] * 100))
    alone = geometry(dataset(x[:100], [0] * 100))
    assert (prototype_distances(whole, 0) == prototype_distances(alone, 0)).all()
