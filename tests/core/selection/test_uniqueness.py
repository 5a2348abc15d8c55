"""Uniqueness keeps the very rows that the paper's text keeps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import InputError
from core.selection import base, geometry, kernels, pool, select, select_many
from core.selection import uniqueness as strategy
from core.specs import Selection
from tests.core.selection.oracle import dataset, uniqueness

DIRECTIONS = pytest.mark.parametrize("direction", ["+", "-"])


def kept_places(images, keep, direction):
    """Places kept of a class that is drawn whole, so that the pool is the class in row order."""
    made = dataset(images, [0] * len(images))
    selection = Selection("uniqueness", direction, keep, len(images) - keep, seed=0)
    return select(made, selection).rows.tolist()


def tied_images(values):
    """Up to 12 images of up to 3 pixels with few values: duplicates and equal distances abound."""
    shapes = st.tuples(st.integers(1, 12), st.integers(1, 3))
    return arrays(np.uint8, shapes, elements=st.sampled_from(values))


@DIRECTIONS
@settings(deadline=None, max_examples=300)
@given(data=st.data())
def test_same_rows_as_the_papers_text_with_many_ties(direction, data):
    images = data.draw(tied_images([0, 1, 2, 255]))
    keep = data.draw(st.integers(1, len(images)))
    assert kept_places(images, keep, direction) == uniqueness(images, keep, direction)


@DIRECTIONS
@pytest.mark.parametrize(("alone", "together"), [(0, 1), (0, 3), (1, 2)])
def test_same_rows_when_many_images_are_looked_at_at_once(monkeypatch, direction, alone, together):
    """An image far from all others is every image's furthest partner until it is discarded."""
    monkeypatch.setattr(strategy, "ALONE", alone)
    monkeypatch.setattr(strategy, "TOGETHER", together)
    rng = np.random.default_rng(together)
    for values in ([0, 1, 2, 255], [0, 100, 250, 255], range(256)):
        images = rng.choice(np.array(values, dtype=np.uint8), size=(20, 2))
        assert kept_places(images, 3, direction) == uniqueness(images, 3, direction)


@DIRECTIONS
@pytest.mark.parametrize("pixels", [1, 2, 5, 40, 1100, 34_000])
def test_same_rows_as_the_papers_text_on_random_images(direction, pixels):
    rng = np.random.default_rng(pixels)
    images = rng.integers(0, 256, size=(24 if pixels < 1000 else 8, pixels), dtype=np.uint8)
    assert kept_places(images, 5, direction) == uniqueness(images, 5, direction)


@DIRECTIONS
def test_same_rows_as_the_papers_text_on_grey_levels_far_apart(direction):
    images = np.random.default_rng(1).choice([0, 128, 255], size=(30, 70)).astype(np.uint8)
    assert kept_places(images, 7, direction) == uniqueness(images, 7, direction)


@pytest.mark.parametrize("pixels", [2, 34_000])
def test_compiled_loops_keep_the_same_rows(monkeypatch, pixels):
    """Squared distances of 34,000 pixels need 64 bits."""
    values = np.random.default_rng(pixels).choice([0, 1, 2, 255], size=(30, 2))
    made = dataset(np.repeat(values, pixels // 2, axis=1), [0] * 30)
    wanted = [
        Selection("uniqueness", direction, keep, size - keep, seed)
        for direction in ("+", "-")
        for keep, size in ((1, 2), (1, 30), (12, 25), (24, 25), (30, 30))
        for seed in range(3)
    ]
    compiled = []
    thin = kernels.thin
    monkeypatch.setattr(kernels, "thin", lambda *arguments: compiled.append(1) or thin(*arguments))
    plain = select_many(made, wanted)
    assert not compiled, "the class is too small for compiling to pay"
    monkeypatch.setattr(pool, "LEAST_COMPILED", 30)
    alone = [select(made, one) for one in wanted]
    assert not compiled, "nobody waits for a compiler to see one subset"
    for one, a, b in zip(select_many(made, wanted), plain, alone, strict=True):
        for field in ("pool", "kept", "distances"):
            np.testing.assert_array_equal(getattr(one, field), getattr(a, field))
            np.testing.assert_array_equal(getattr(one, field), getattr(b, field))
    assert len(compiled) == len(wanted)


def test_without_numba_many_are_selected_all_the_same(monkeypatch):
    monkeypatch.setattr(pool, "LEAST_COMPILED", 1)
    monkeypatch.setattr(pool, "find_spec", lambda name: None)
    made = dataset(np.arange(20).reshape(10, 2), [0] * 10)
    _, drawn = next(pool.draw(geometry(made), 0, {seed: [8] for seed in range(3)}))
    assert drawn.within is not None
    assert not drawn.many


def test_a_pair_loses_the_image_nearer_to_its_second_neighbour():
    assert kept_places([[0], [1], [3], [10]], 3, "+") == [0, 2, 3]


def test_a_pair_loses_the_image_further_from_its_second_furthest():
    assert kept_places([[0], [8], [9], [10]], 3, "-") == [1, 2, 3]


@DIRECTIONS
def test_of_identical_images_the_highest_rows_are_left(direction):
    assert kept_places([[7]] * 6, 2, direction) == [4, 5]


def test_when_two_are_left_the_lower_row_goes():
    assert kept_places([[0], [9]], 1, "+") == kept_places([[0], [9]], 1, "-") == [1]


def test_distances_are_to_the_nearest_image_of_the_pool():
    made = dataset([[0, 0], [3, 4], [3, 4], [30, 40]], [0, 0, 0, 0])
    subset = select(made, Selection("uniqueness", "-", 2, 2, seed=0))
    expected = np.sqrt(np.array([25, 0, 0, 27**2 + 36**2]) / 2)
    np.testing.assert_allclose(subset.distances, [expected])


def test_a_pool_of_one_has_no_distance():
    subset = select(dataset([[1], [2]], [0, 1]), Selection("uniqueness", "+", 1, 0, seed=0))
    assert subset.kept.all()
    assert np.isnan(subset.distances).all()


def test_a_pool_too_large_to_compare_every_pair_of_says_so(monkeypatch):
    monkeypatch.setattr(base, "LARGEST_POOL", 3)
    with pytest.raises(InputError, match=r"per_class \+ excess must be at most 3; got 4"):
        kept_places([[0], [1], [2], [3]], 2, "+")


@DIRECTIONS
def test_positive_selection_spreads_images_out_and_negative_brings_them_together(direction):
    images = np.random.default_rng(2).integers(0, 256, size=(60, 9), dtype=np.uint8)

    def spread(places):
        x = images[places].astype(float)
        return np.sqrt(((x[:, None] - x) ** 2).sum(axis=2)).mean()

    kept = spread(kept_places(images, 15, direction))
    assert kept > spread(slice(None)) if direction == "+" else kept < spread(slice(None))
