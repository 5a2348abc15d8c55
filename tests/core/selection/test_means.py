"""The three mean strategies against exact fractions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import InputError
from core.selection import select
from core.specs import Selection
from tests.core.selection.oracle import dataset, mean_image, squared

CLASSES = 3


@st.composite
def labelled_images(draw):
    """Images of few values, each of three classes with three images or more."""
    extra = draw(st.lists(st.integers(0, CLASSES - 1), max_size=9))
    labels = draw(st.permutations([*range(CLASSES)] * 3 + extra))
    values = st.sampled_from([0, 1, 2, 255])
    return draw(arrays(np.uint8, (len(labels), 2), elements=values)), labels


def exact_squares(images, labels):
    """Squared RMSD of every image to every class mean, as fractions."""
    means = [
        mean_image([x for x, y in zip(images, labels, strict=True) if y == label])
        for label in range(CLASSES)
    ]
    return [[squared(x, mean) / len(mean) for mean in means] for x in images]


def expected_rows(squares, labels, measure, largest, keep):
    """Rows kept of classes drawn whole; of equal images those with lower rows."""
    rows = []
    for label in range(CLASSES):
        members = [row for row, y in enumerate(labels) if y == label]
        sign = -1 if largest else 1
        rows += sorted(members, key=lambda row: (sign * measure(squares[row], label), row))[:keep]
    return sorted(rows)


def own(squares: list[Fraction], label: int) -> Fraction:
    return squares[label]


def other(squares: list[Fraction], label: int) -> Fraction:
    return max(square for k, square in enumerate(squares) if k != label)


@pytest.mark.parametrize(
    ("strategy", "direction", "measure", "largest"),
    [
        ("own_mean", "+", own, False),
        ("own_mean", "-", own, True),
        ("other_mean", "+", other, True),
        ("other_mean", "-", other, False),
    ],
)
@settings(deadline=None, max_examples=150)
@given(case=labelled_images())
def test_same_rows_as_exact_fractions(strategy, direction, measure, largest, case):
    images, labels = case
    size = min(np.bincount(labels))
    # A pool of the smallest class's size; classes that have more are cut to it, and their means
    # are still those of the whole class.
    selection = Selection(strategy, direction, 1, int(size) - 1, seed=4)
    subset = select(dataset(images, labels), selection)
    squares = exact_squares(images, labels)
    pool = sorted(subset.pool.ravel().tolist())
    in_pool = [label if row in pool else -1 for row, label in enumerate(labels)]
    expected = expected_rows(squares, in_pool, measure, largest, keep=1)
    assert subset.rows.tolist() == expected
    exact = [[float(measure(squares[r], k)) for r in rows] for k, rows in enumerate(subset.pool)]
    np.testing.assert_allclose(subset.distances, np.sqrt(exact), rtol=1e-12, atol=0)


@pytest.mark.parametrize("direction", ["+", "-"])
def test_global_mean_is_the_average_of_the_distances_to_all_class_means(direction):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, size=(90, 17), dtype=np.uint8)
    labels = np.arange(90) % CLASSES
    subset = select(dataset(images, labels), Selection("global_mean", direction, 4, 20, seed=1))
    means = np.stack([images[labels == label].mean(axis=0) for label in range(CLASSES)])
    rmsd = np.sqrt(((images[:, None] - means) ** 2).mean(axis=2)).mean(axis=1)
    np.testing.assert_allclose(subset.distances, rmsd[subset.pool], rtol=1e-12)
    for distances, kept in zip(subset.distances, subset.kept, strict=True):
        if direction == "+":
            assert distances[kept].min() > distances[~kept].max()
        else:
            assert distances[kept].max() < distances[~kept].min()


@pytest.mark.parametrize("strategy", ["global_mean", "other_mean", "own_mean"])
@pytest.mark.parametrize("direction", ["+", "-"])
def test_of_identical_images_the_lowest_rows_are_kept(strategy, direction):
    made = dataset([[5]] * 5 + [[9]] * 5, [0] * 5 + [1] * 5)
    subset = select(made, Selection(strategy, direction, 2, 3, seed=0))
    assert subset.rows.tolist() == [0, 1, 5, 6]


def test_other_mean_needs_another_class():
    with pytest.raises(InputError, match="two classes or more; got one"):
        select(dataset([[1], [2]], [0, 0]), Selection("other_mean", "+", 1, 1, seed=0))
