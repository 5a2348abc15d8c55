"""The map of a class against a full singular value decomposition."""

import numpy as np
import pytest

from core.selection import geometry
from core.selection.plane import principal_plane
from tests.core.selection.oracle import dataset


def test_first_two_principal_components():
    rng = np.random.default_rng(0)
    images = rng.normal(128, 3, size=(300, 40)) + rng.normal(0, 20, size=(300, 1))
    images[:, :20] += rng.normal(0, 15, size=(300, 1))
    labels = np.arange(300) % 2
    made = dataset(images.clip(0, 255), labels)
    points, shares = principal_plane(geometry(made), 1)
    x = made.train.x[labels == 1].reshape(150, -1).astype(float)
    left, lengths, _ = np.linalg.svd(x - x.mean(axis=0), full_matrices=False)
    assert (points.shape, points.dtype) == ((150, 2), np.float32)
    np.testing.assert_allclose(shares, lengths[:2] ** 2 / (lengths**2).sum(), rtol=1e-3)
    for axis in range(2):
        expected = left[:, axis] * lengths[axis] / np.sqrt(40)
        expected *= np.sign(expected[np.abs(expected).argmax()])
        np.testing.assert_allclose(points[:, axis], expected, atol=1e-3 * np.abs(expected).max())
        assert points[np.abs(points[:, axis]).argmax(), axis] > 0


def test_the_same_images_give_the_same_map():
    images = np.random.default_rng(1).integers(0, 256, size=(50, 30))
    maps = [principal_plane(geometry(dataset(images, [0] * 50)), 0) for _ in range(2)]
    assert (maps[0][0] == maps[1][0]).all()
    assert maps[0][1] == maps[1][1]


@pytest.mark.parametrize(
    ("images", "varying"),
    [([[5, 6, 7]], 0), ([[5, 6, 7]] * 9, 0), ([[1], [4], [9]], 1), ([[1, 1], [3, 3]], 1)],
)
def test_axes_that_images_do_not_vary_along_are_zero(images, varying):
    points, shares = principal_plane(geometry(dataset(images, [0] * len(images))), 0)
    assert points.shape == (len(images), 2)
    np.testing.assert_allclose(points[:, varying:], 0, atol=1e-5)
    assert np.isfinite(points).all()
    assert sum(shares) == pytest.approx(varying)
