"""The two directions in which the images of one class differ most: a map to look at."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from sklearn.utils.extmath import randomized_svd

from core.selection.distances import Geometry


def principal_plane(
    geometry: Geometry, label: int
) -> tuple[npt.NDArray[np.float32], tuple[float, float]]:
    """Training images of a class on their first two principal components.

    The same images give the same map: the solver is seeded, and the image furthest out on an
    axis is on its positive side.

    Args:
        geometry: Pixel space of the data set.
        label: Class number.

    Returns:
        Coordinates, float32, shape (images of the class, 2), in the order of
        `geometry.rows[label]`, on the scale of RMSD: the distance between two points is at most
        that between their images. Then the share of the variance, 0-1, that each axis shows.
        An axis that the images do not vary along is zero.

    References:
        Randomized subspace iteration: https://doi.org/10.1137/090771806, algorithm 4.4.
    """
    images = geometry.pixels[geometry.rows[label]].astype(np.float32)
    images -= images.mean(axis=0)
    left, lengths, _ = randomized_svd(images, min(2, *images.shape), random_state=0)
    plane = np.zeros((len(images), 2), dtype=np.float32)
    plane[:, : len(lengths)] = left * lengths / np.sqrt(images.shape[1])
    plane *= np.where(plane[np.abs(plane).argmax(axis=0), [0, 1]] < 0, -1, 1).astype(np.float32)
    total = float(np.einsum("ij,ij->", images, images)) or 1.0
    shares = [float(length) ** 2 / total for length in lengths] + [0.0]
    return plane, (shares[0], shares[1])
