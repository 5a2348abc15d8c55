"""Hashes against imagehash, bit for bit."""

import imagehash
import numpy as np
import pytest
from PIL import Image

from core.quality import hashing
from core.quality.pixels import grey, resize


def planes(images):
    return np.ascontiguousarray(images.transpose(3, 0, 1, 2))


def pictures(images):
    return [Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image) for image in images]


def as_numbers(hashes):
    return np.array([int(str(h), 16) for h in hashes], dtype=np.uint64)


def noise(*shape):
    return np.random.default_rng(3).integers(0, 256, shape, dtype=np.uint8)


@pytest.fixture(params=["tiles", (40, 28, 28, 1), (9, 50, 77, 3), (9, 265, 63, 3), (4, 5, 3, 1)])
def images(request, tiles):
    if request.param == "tiles":
        flat = np.full((2, 32, 32, 3), 77, np.uint8)
        return np.concatenate([tiles, flat])
    return noise(*request.param)


def test_phash_and_dhash_are_imagehash_s(images):
    ours = hashing.hashes(planes(images))
    images = pictures(images)
    np.testing.assert_array_equal(ours["phash"], as_numbers(map(imagehash.phash, images)))
    np.testing.assert_array_equal(ours["dhash"], as_numbers(map(imagehash.dhash, images)))


def test_mirrored_phash_is_that_of_the_mirror_image(tiles):
    turned = [image.transpose(Image.Transpose.FLIP_LEFT_RIGHT) for image in pictures(tiles)]
    ours = hashing.hashes(planes(tiles))["phash_mirrored"]
    np.testing.assert_array_equal(ours, as_numbers(map(imagehash.phash, turned)))


def test_grey_is_pillow_s_mode_l():
    images = noise(20, 40, 30, 3)
    theirs = np.stack([np.asarray(image.convert("L")) for image in pictures(images)])
    np.testing.assert_array_equal(grey(planes(images)), theirs)


@pytest.mark.parametrize("resample", ["BICUBIC", "LANCZOS"])
def test_batched_resize_is_pillow_s_for_any_sizes(resample):
    rng = np.random.default_rng(0)
    for _ in range(40):
        rows, columns = rng.integers(1, 300, 2)
        height, width = map(int, rng.integers(1, 80, 2))
        levels = rng.integers(0, 256, (3, rows, columns), dtype=np.uint8)
        theirs = np.stack(
            [
                np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling[resample]))
                for one in levels
            ]
        )
        np.testing.assert_array_equal(resize(levels, height, width, resample), theirs)


def test_digest_tells_equal_pixels_and_shapes():
    flat = hashing.digest(planes(np.zeros((2, 4, 6, 3), np.uint8)))
    other = hashing.digest(planes(np.zeros((1, 6, 4, 3), np.uint8)))
    assert flat[0] == flat[1] != other[0]
