"""Each perturbation against the library that people know it from, and what holds for all."""

import hashlib

import numpy as np
import pytest
import torch
from PIL import Image, ImageEnhance
from scipy import ndimage
from skimage import exposure, metrics, util
from torchvision.transforms.v2 import functional

from core.corruption import PERTURBATIONS, pixels
from core.errors import InputError


def photos(n: int = 6, side: tuple[int, int] = (32, 28), channels: int = 3) -> np.ndarray:
    """Smooth random images with a texture, so that every perturbation has something to take."""
    rng = np.random.default_rng(0)
    smooth = ndimage.gaussian_filter(rng.random((n, *side, channels)), (0, 3, 3, 0))
    smooth = (smooth - smooth.min()) / np.ptp(smooth) * 200 + 25
    return np.clip(smooth + rng.normal(0, 6, smooth.shape), 0, 255).astype(np.uint8)


def run(name: str, images: np.ndarray, level: float, seed: int = 0, peak: int = 255) -> np.ndarray:
    return PERTURBATIONS[name](images, level, np.random.default_rng(seed), peak)


def largest_difference(a: np.ndarray, b: np.ndarray) -> int:
    return int(np.abs(a.astype(int) - b.astype(int)).max())


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("factor", [0.1, 0.5, 1.5, 8.0])
def test_contrast_as_pillow(channels, factor):
    images = photos(channels=channels)
    name = "contrast-weaker" if factor < 1 else "contrast-stronger"
    for image, changed in zip(images, run(name, images, factor), strict=True):
        pillow = ImageEnhance.Contrast(Image.fromarray(image.squeeze())).enhance(factor)
        # Pillow rounds the mean to a whole number and cuts fractions off.
        allowed = 1 + abs(1 - factor) * 0.5 + 1
        assert largest_difference(changed.squeeze(), np.asarray(pillow)) <= allowed


@pytest.mark.parametrize("factor", [0.25, 0.5, 2.0, 4.0])
def test_brightness_as_torchvision(factor):
    images = photos()
    expected = functional.adjust_brightness(torch.tensor(images).permute(0, 3, 1, 2), factor)
    changed = run("brightness", images, factor)
    assert largest_difference(changed, expected.permute(0, 2, 3, 1).numpy()) <= 1


@pytest.mark.parametrize("power", [0.25, 0.5, 2.0, 4.0])
def test_gamma_as_scikit_image(power):
    images = photos()
    assert largest_difference(run("gamma", images, power), exposure.adjust_gamma(images, power)) < 2


def test_grey_as_pillow():
    images = photos()
    for image, grey in zip(images, run("grey", images, 1), strict=True):
        expected = np.asarray(Image.fromarray(image).convert("L"))
        assert (np.ptp(grey, axis=2) == 0).all()
        assert largest_difference(grey[..., 0], expected) <= 1
    assert np.array_equal(run("grey", images[..., :1], 1), images[..., :1])


@pytest.mark.parametrize("sigma", [2.0, 8.0, 16.0])
def test_gaussian_noise_has_the_moments_of_scikit_image(sigma):
    images = np.full((4, 64, 64, 3), 128, np.uint8)
    ours = run("gaussian-noise", images, sigma).astype(float)
    theirs = util.random_noise(images[..., :1], "gaussian", rng=1, var=(sigma / 255) ** 2) * 255
    assert ours.std() == pytest.approx(theirs.std(), rel=0.04)
    assert ours.mean() == pytest.approx(theirs.mean(), abs=0.1 * sigma)
    assert (np.ptp(ours, axis=3) == 0).all()  # The same draw in all channels.


@pytest.mark.parametrize("a", [0.05, 0.2, 0.4])
def test_salt_and_pepper_hits_as_many_pixels_as_scikit_image(a):
    images = np.full((4, 64, 64, 3), 128, np.uint8)
    ours = run("salt-and-pepper", images, a)
    theirs = util.random_noise(images[..., 0], "s&p", rng=1, amount=2 * a) * 255
    for value in (0, 255):
        assert (ours == value).mean() == pytest.approx((theirs.round() == value).mean(), abs=0.02)
    assert set(np.unique(ours)) == {0, 128, 255}


@pytest.mark.parametrize("kernel", [3, 5, 9])
def test_box_blur_is_the_mean_of_a_window(kernel):
    images, half = photos(2, (12, 9)), kernel // 2
    padded = np.pad(images, ((0, 0), (half, half), (half, half), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel), axis=(1, 2))
    expected = windows.mean(axis=(-2, -1))
    assert np.abs(run("box-blur", images, kernel) - expected).max() <= 0.5 + 1e-9


@pytest.mark.parametrize("kernel", [3, 5, 9])
def test_gaussian_blur_as_torchvision(kernel):
    """Torchvision takes OpenCV's standard deviation for a kernel, and mirrors the border."""
    images = photos()
    expected = functional.gaussian_blur(torch.tensor(images).permute(0, 3, 1, 2), kernel)
    changed = run("gaussian-blur", images, kernel)
    assert largest_difference(changed, expected.permute(0, 2, 3, 1).numpy()) <= 1


@pytest.mark.parametrize("factor", [2, 3, 4, 8])
def test_downscaling_is_a_mean_over_areas_and_bilinear_as_in_pillow(factor):
    images = photos()
    height, width = images.shape[1:3]
    rows, columns = round(height / factor), round(width / factor)
    for image, changed in zip(images, run("downscale", images, factor), strict=True):
        fine = image.repeat(rows, axis=0).repeat(columns, axis=1)
        small = fine.reshape(rows, height, columns, width, 3).mean(axis=(1, 3)).round()
        small = Image.fromarray(small.astype(np.uint8))
        expected = small.resize((width, height), Image.Resampling.BILINEAR)
        assert largest_difference(changed, np.asarray(expected)) <= 1


@pytest.mark.parametrize("channels", [1, 3])
def test_jpeg_is_what_a_file_gives(channels, tmp_path):
    images, file = photos(channels=channels), tmp_path / "image.jpg"
    for image, changed in zip(images, run("jpeg", images, 20), strict=True):
        Image.fromarray(image.squeeze()).save(file, quality=20)
        with Image.open(file) as stored:
            assert np.array_equal(changed.squeeze(), np.asarray(stored))


@pytest.mark.parametrize("area", [0.05, 0.25, 1.0])
def test_occlusion_covers_its_share_wholly_inside(area):
    images = np.full((50, 20, 40, 3), 9, np.uint8)
    black = (run("occlusion", images, area) == 0).all(axis=3)
    rows, columns = round(20 * area**0.5), round(40 * area**0.5)
    assert (black.sum(axis=(1, 2)) == rows * columns).all()
    assert (black.any(axis=2).sum(axis=1) == rows).all()
    assert area == 1 or len(np.unique(black, axis=0)) > 10


@pytest.mark.parametrize("name", PERTURBATIONS)
@pytest.mark.parametrize("shape", [(5, 8, 8, 1), (3, 9, 14, 3), (2, 1, 1, 1), (0, 4, 4, 3)])
def test_shape_range_and_input_are_kept(name, shape):
    images = np.random.default_rng(2).integers(0, 17, shape, dtype=np.uint8)
    before = images.copy()
    for level in PERTURBATIONS[name].levels:
        changed = run(name, images, level, peak=16)
        assert changed.shape == shape
        assert changed.dtype == np.uint8
        assert changed.max(initial=0) <= 16
    assert np.array_equal(images, before)


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_scale_of_grey_does_not_matter(name):
    """Digits have 17 levels of grey: the same image in 256 is damaged in the same way."""
    coarse = np.random.default_rng(2).integers(0, 17, (5, 8, 8, 1), dtype=np.uint8)
    fine = (coarse * (255 / 16)).round().astype(np.uint8)
    level = PERTURBATIONS[name].levels[0]
    difference = run(name, coarse, level, peak=16) * (255 / 16) - run(name, fine, level)
    assert np.abs(difference).max() <= 255 / 16


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_the_same_seed_gives_the_same_bytes_in_chunks_of_any_size(name, monkeypatch):
    images, level = photos(7), PERTURBATIONS[name].levels[0]
    whole = run(name, images, level)
    monkeypatch.setattr(pixels, "CHUNK_VALUES", 2 * images[0].size)
    assert np.array_equal(run(name, images, level), whole)
    drawn = name in ("gaussian-noise", "salt-and-pepper", "occlusion")
    assert np.array_equal(run(name, images, level, seed=1), whole) is not drawn


@pytest.mark.parametrize("name", [name for name, p in PERTURBATIONS.items() if p.clean is not None])
def test_the_clean_level_changes_nothing(name):
    images = photos()
    assert np.array_equal(run(name, images, PERTURBATIONS[name].clean), images)


@pytest.mark.parametrize(
    ("name", "levels"),
    [
        ("contrast-weaker", (0.9, 0.7, 0.4, 0.1)),
        ("contrast-stronger", (1.2, 2, 4, 16)),
        ("gaussian-noise", (2, 8, 16, 64)),
        ("salt-and-pepper", (0.01, 0.05, 0.2, 0.4)),
        ("gamma", (1.2, 2, 4)),
        ("gamma", (0.8, 0.5, 0.25)),
        ("gaussian-blur", (3, 7, 15)),
        ("box-blur", (3, 5, 9)),
        ("downscale", (2, 4, 8)),
        ("jpeg", (90, 50, 20, 5)),
        ("brightness", (0.8, 0.5, 0.1)),
        ("brightness", (1.2, 2, 4)),
        ("grey", (0.2, 0.5, 1)),
        ("occlusion", (0.05, 0.2, 0.5)),
    ],
)
def test_stronger_levels_do_more_damage(name, levels):
    images = photos()
    psnr, ssim = [], []
    for level in levels:
        changed = run(name, images, level)
        psnr.append(metrics.peak_signal_noise_ratio(images, changed))
        ssim.append(
            np.mean(
                [
                    metrics.structural_similarity(a, b, channel_axis=2)
                    for a, b in zip(images, changed, strict=True)
                ]
            )
        )
    assert np.all(np.diff(psnr) < 0)
    assert np.all(np.diff(ssim) < 0)


# Of made-up images, damaged at the first level; JPEG rests on the release of libjpeg instead.
BYTES = {
    "contrast-weaker": "dd7d5f1ca9f384f0",
    "contrast-stronger": "7a1f0a8d6f22f0c0",
    "gaussian-noise": "675f85fbaf43b31c",
    "salt-and-pepper": "5aa086b167f0c973",
    "gamma": "1569ae4a775ad1b8",
    "gaussian-blur": "96b4153ec4e7fc3e",
    "box-blur": "e1ccb55c6a5ea5e5",
    "downscale": "9714ef008e6cc197",
    "brightness": "65c57beb181fd2c7",
    "grey": "fa41d69620cd7ee8",
    "occlusion": "20df33484d50cd07",
}


@pytest.mark.parametrize("name", BYTES)
def test_bytes_are_pinned(name):
    images = (np.arange(4 * 16 * 12 * 3) * 7919 % 251).astype(np.uint8).reshape(4, 16, 12, 3)
    found = run(name, images, PERTURBATIONS[name].levels[0])
    assert hashlib.sha256(found.tobytes()).hexdigest()[:16] == BYTES[name]


@pytest.mark.parametrize("name", PERTURBATIONS)
def test_levels_out_of_bounds_are_refused(name):
    entry = PERTURBATIONS[name]
    for level in (entry.least - 1, entry.most + 1, float("nan")):
        with pytest.raises(InputError, match="must be from"):
            run(name, photos(1), level)


@pytest.mark.parametrize("name", ["gaussian-blur", "box-blur"])
def test_a_kernel_must_be_odd(name):
    for kernel in (4, 3.5):
        with pytest.raises(InputError, match="odd"):
            run(name, photos(1), kernel)


def test_a_quality_must_be_whole():
    with pytest.raises(InputError, match="whole"):
        run("jpeg", photos(1), 50.5)
