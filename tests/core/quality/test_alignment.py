"""Where one picture fits into another, against scikit-image and by construction."""

import numpy as np
import pytest
from PIL import Image
from skimage.feature import match_template

from core.quality.alignment import SAME_PART, TEMPLATE, _grey, _search, aligned, fits
from core.quality.similarity import correlation


def moved(image, down, across):
    wide = np.pad(image, ((6, 6), (6, 6), (0, 0)), mode="reflect")
    return wide[6 + down : 38 + down, 6 + across : 38 + across]


def test_the_best_place_is_scikit_image_s(tiles, monkeypatch):
    monkeypatch.setattr("core.quality.alignment.SCALES", (1.0,))
    frames, parts = _grey(tiles[:12]), _grey(tiles[5:17])
    best, _, top, left = _search(frames, parts)
    side = round(TEMPLATE * 32)
    corner = (32 - side) // 2
    for i in range(12):
        template = parts[i, corner : corner + side, corner : corner + side]
        fit = match_template(frames[i], template)
        assert best[i] == pytest.approx(fit.max(), abs=2e-3)
        row, column = np.unravel_index(fit.argmax(), fit.shape)
        assert (top[i] + corner, left[i] + corner) == (row, column)


@pytest.mark.parametrize("shift", [(0, 0), (3, -2), (-4, 4)])
def test_a_shifted_picture_fits_exactly(tiles, shift):
    other = np.stack([moved(tile, *shift) for tile in tiles[:20]])
    np.testing.assert_allclose(aligned(tiles[:20], other), 1, atol=1e-5)
    np.testing.assert_allclose(fits(other, tiles[:20]), 1, atol=1e-5)


@pytest.mark.parametrize("side", [25, 27, 30])
def test_an_enlarged_part_fits_whichever_comes_first(tiles, side):
    part = np.stack(
        [
            np.asarray(Image.fromarray(tile[1 : 1 + side, 2 : 2 + side]).resize((32, 32), 3))
            for tile in tiles[:30]
        ]
    )
    for pair in ((tiles[:30], part), (part, tiles[:30])):
        assert np.median(aligned(*pair)) > SAME_PART
        assert np.median(correlation(*pair)) < SAME_PART


def test_other_pictures_do_not_fit(tiles):
    some = tiles[:150:5]
    assert (fits(some[:-1], some[1:]) < SAME_PART).mean() > 0.95


@pytest.mark.parametrize("shape", [(3, 8, 8, 1), (2, 28, 20, 1), (1, 1, 1, 3)])
def test_any_small_shape_will_do(shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert np.isfinite(fits(images, images[::-1])).all()
    np.testing.assert_allclose(fits(images, images), 1, atol=1e-5)


def test_blocks_do_not_matter(tiles, monkeypatch):
    whole = aligned(tiles[:20], tiles[20:40])
    monkeypatch.setattr("core.quality.alignment.BLOCK", 7)
    np.testing.assert_allclose(aligned(tiles[:20], tiles[20:40]), whole, atol=1e-5)
