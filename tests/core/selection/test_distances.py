"""Distances are exact at every size, and the means are those of the whole training split."""

import gc
import weakref

import numpy as np
import pytest

from core.errors import NotEnoughImages
from core.selection import geometry
from core.selection.distances import squared_distances
from tests.core.selection.oracle import dataset


def exact(images):
    x = images.astype(np.int64)
    norms = (x**2).sum(axis=1)
    return norms[:, None] + norms - 2 * x @ x.T


@pytest.mark.parametrize(
    ("pixels", "dtype"),
    [(1, np.int32), (784, np.int32), (1024, np.int32), (3072, np.int32), (150_528, np.int64)],
)
@pytest.mark.parametrize("values", [[0, 255], [0, 127, 128, 129, 255], list(range(256))])
def test_squared_distances_are_exact(pixels, dtype, values):
    """Sizes of MNIST, of one slice, of CIFAR-10 and of 224 x 224 colour images; extreme values."""
    rng = np.random.default_rng(0)
    images = rng.choice(np.array(values, dtype=np.uint8), size=(9, pixels))
    images[0], images[1] = 0, 255
    result = squared_distances(images)
    assert result.dtype == dtype
    np.testing.assert_array_equal(result, exact(images))


@pytest.mark.parametrize("count", [1, 127, 128, 129, 300])
def test_squared_distances_over_several_blocks(count):
    images = np.random.default_rng(count).integers(0, 256, size=(count, 30), dtype=np.uint8)
    np.testing.assert_array_equal(squared_distances(images), exact(images))


def test_identical_images_are_at_distance_zero():
    assert not squared_distances(np.full((5, 12), 201, dtype=np.uint8)).any()


def test_means_are_over_the_whole_training_split():
    rng = np.random.default_rng(3)
    images = rng.integers(0, 256, size=(2500, 50), dtype=np.uint8)
    labels = rng.integers(0, 4, size=2500)
    space = geometry(dataset(images, labels))
    means = np.stack([images[labels == label].mean(axis=0) for label in range(4)])
    np.testing.assert_allclose(space.means, means, rtol=1e-14)
    rmsd = np.sqrt(((images[:, None] - means) ** 2).mean(axis=2))
    np.testing.assert_allclose(space.mean_rmsd, rmsd, rtol=1e-12)
    for label in range(4):
        assert space.rows[label].tolist() == np.flatnonzero(labels == label).tolist()


def test_identical_images_are_at_no_distance_from_their_mean_however_many():
    """N²·pixels·255² is past 2⁵³ here, so that the last digits round."""
    space = geometry(dataset(np.full((150_000, 12), 251), [0] * 150_000))
    assert not space.mean_rmsd.any()


def test_computed_once_read_only_and_freed_with_the_data_set():
    made = dataset([[1, 2], [3, 4]], [0, 1])
    space = geometry(made)
    assert geometry(made) is space
    for array in (space.pixels, *space.rows, space.means, space.mean_rmsd):
        assert not array.flags.writeable
    assert np.shares_memory(space.pixels, made.train.x)
    gone = weakref.ref(space)
    del space, made, array
    gc.collect()
    assert gone() is None


def test_a_class_without_images_is_named():
    with pytest.raises(NotEnoughImages, match="'cat' of Made has no training image"):
        geometry(dataset([[1], [2]], [0, 0], classes=["dog", "cat"]))
