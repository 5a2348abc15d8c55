"""Content-normalised scores fall with the fault they name, and not with others."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.quality import upscaling
from core.quality.scores import SCORES, score_images

THRESHOLD = {name: score.threshold for name, score in SCORES.items()}


def each(images, change):
    return np.stack([np.asarray(change(Image.fromarray(image))) for image in images])


def flagged(images, name):
    return (score_images(images)[f"{name}_score"] < THRESHOLD[name]).mean()


def enlarged(image, small, kind, down="BOX"):
    size = image.size
    return image.resize((small, small), Image.Resampling[down]).resize(size, Image.Resampling[kind])


def test_more_blur_never_raises_sharpness(tiles):
    scores = [
        score_images(each(tiles[::5], lambda im, r=r: im.filter(ImageFilter.GaussianBlur(r))))
        for r in (0, 0.6, 0.9, 1.3, 1.8)
    ]
    medians = [table["blurry_content_score"].median() for table in scores]
    assert medians == sorted(medians, reverse=True)
    assert (np.diff([t["blurry_content_score"] for t in scores], axis=0) < 0.02).mean() > 0.97


@pytest.mark.parametrize("radius", [1, 1.5, 2])
def test_blurred_tiles_are_told_from_sharp_ones(tiles, radius):
    blurred = each(tiles[::3], lambda im: im.filter(ImageFilter.GaussianBlur(radius)))
    assert flagged(blurred, "blurry_content") > 0.97
    assert flagged(tiles, "blurry_content") < 0.03


def test_blur_is_seen_through_darkness(tiles):
    dark = (each(tiles[::3], lambda im: im.filter(ImageFilter.GaussianBlur(1.5))) * 0.25).astype(
        np.uint8
    )
    assert flagged(dark, "blurry_content") > 0.9
    assert flagged((tiles * 0.25).astype(np.uint8), "blurry_content") < 0.05


@pytest.mark.parametrize("level", [0, 77, 255])
def test_a_flat_image_is_low_information_and_not_blurry(level):
    table = score_images(np.full((1, 32, 32, 3), level, np.uint8)).iloc[0]
    assert table["low_information_content_score"] == 0
    assert table["blurry_content_score"] == pytest.approx(0.5)


@pytest.mark.parametrize("small", [8, 10, 13, 16])
@pytest.mark.parametrize("kind", ["NEAREST", "BILINEAR", "BICUBIC"])
def test_enlarged_tiles_are_low_information_and_not_blurry(tiles, small, kind):
    images = each(tiles[::6], lambda im: enlarged(im, small, kind))
    assert flagged(images, "low_information_content") > 0.95
    assert flagged(images, "blurry_content") < 0.1
    assert flagged(tiles, "low_information_content") < 0.01


@pytest.mark.parametrize("side", [96, 150])
def test_enlargement_is_seen_in_the_middle_of_large_images(side):
    from skimage import data

    photo = Image.fromarray(data.astronaut()).resize((side * 2, side * 2), Image.Resampling.BOX)
    clean = np.asarray(photo)[None]
    twice = np.asarray(enlarged(photo, side, "BICUBIC"))[None]
    assert score_images(twice)["low_information_content_score"][0] < 0.45
    assert score_images(clean)["low_information_content_score"][0] > 0.5


@pytest.mark.parametrize(("side", "size"), [(32, 16), (32, 13), (28, 9), (50, 17)])
@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("nearest, centre (Pillow)", "NEAREST"),
        ("bilinear", "BILINEAR"),
        ("bicubic (Pillow)", "BICUBIC"),
        ("Lanczos 3 (Pillow)", "LANCZOS"),
    ],
)
def test_kernels_are_pillow_s(side, size, name, kind):
    unit = Image.fromarray(np.eye(size, dtype=np.float32))
    theirs = np.asarray(unit.resize((size, side), Image.Resampling[kind]))
    source, weights = upscaling.KERNELS[name](side, size)
    ours = np.zeros((side, size))
    np.add.at(ours, (np.arange(side)[:, None], source), weights)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "mode"),
    [
        ("nearest, floor (OpenCV, torch)", "nearest"),
        ("bilinear", "bilinear"),
        ("bicubic (OpenCV, torch)", "bicubic"),
    ],
)
def test_kernels_are_torch_s(name, mode):
    import torch

    unit = torch.eye(13)[None, None]
    corners = {} if mode == "nearest" else {"align_corners": False}
    theirs = torch.nn.functional.interpolate(unit, size=(32, 13), mode=mode, **corners)[0, 0]
    source, weights = upscaling.KERNELS[name](32, 13)
    ours = np.zeros((32, 13))
    np.add.at(ours, (np.arange(32)[:, None], source), weights)
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_light_sees_light_added_and_light_multiplied(tiles):
    added = np.clip(tiles.astype(int) + 150, 0, 255).astype(np.uint8)
    multiplied = np.clip(tiles.astype(int) * 4, 0, 255).astype(np.uint8)
    for changed in (added, multiplied):
        assert (score_images(changed)["light_content_score"] < 0.5).mean() > 0.85
    assert flagged(multiplied, "light") < 0.6
    assert flagged(tiles, "light_content") < 0.05


def test_grey_is_told_by_its_colours_not_by_its_mode(tiles):
    grey = each(tiles[::5], lambda im: im.convert("L").convert("RGB"))
    assert flagged(grey, "grayscale_content") == 1
    assert flagged(grey, "grayscale") == 0
    assert flagged(tiles, "grayscale_content") < 0.02
