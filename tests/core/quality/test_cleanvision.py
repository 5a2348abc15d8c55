"""CleanVision's scores against the library itself, image by image."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.errors import InputError
from core.quality import cleanvision
from core.quality.scores import SCORES, score_images

EXACT = ("dark", "light", "blurry", "odd_aspect_ratio", "odd_size", "grayscale")


class Pictures:
    """What CleanVision's issue managers need of a data set."""

    def __init__(self, images):
        self.images = images
        self.index = list(range(len(images)))

    def __getitem__(self, i):
        image = self.images[i]
        return Image.fromarray(image[..., 0] if image.shape[-1] == 1 else image)


def library(images):
    from cleanvision.issue_managers.image_property_issue_manager import ImagePropertyIssueManager

    manager = ImagePropertyIssueManager()
    manager.find_issues(
        params={name: {} for name in manager.params},
        dataset=Pictures(images),
        imagelab_info={},
        n_jobs=1,
        verbose=False,
    )
    return manager.issues


def noise(*shape):
    rng = np.random.default_rng(7)
    scale = rng.random((shape[0], 1, 1, 1))
    return (rng.integers(0, 256, shape) * scale).astype(np.uint8)


SHAPES = [
    (30, 28, 28, 1),
    (9, 100, 150, 3),
    (5, 257, 64, 3),
    (4, 64, 65, 1),
    (3, 1, 1, 3),
    (3, 2, 7, 1),
    (3, 1, 300, 3),
    (2, 700, 500, 3),
]


def check_against_library(images):
    ours, theirs = score_images(images), library(images)
    for name in EXACT:
        pd.testing.assert_series_equal(
            ours[f"{name}_score"],
            theirs[f"{name}_score"],
            check_exact=True,
            check_index=False,
            check_dtype=False,
        )
    entropy = ours["low_information_score"] - theirs["low_information_score"]
    assert np.abs(entropy).max() < 1e-12
    flags = cleanvision.flags(ours)
    for name in flags:
        np.testing.assert_array_equal(flags[name], theirs[name].astype(bool), err_msg=name)


def test_photographs_get_the_library_s_scores_and_flags(tiles):
    dark = (tiles[:50] * 0.25).astype(np.uint8)
    light = np.maximum(tiles[50:100], 250).astype(np.uint8)
    flat = np.full_like(tiles[:3], 128)
    check_against_library(np.concatenate([tiles[::4], dark, light, flat]))


@pytest.mark.parametrize("shape", SHAPES)
def test_noise_of_any_shape_gets_the_library_s_scores(shape):
    check_against_library(noise(*shape))


def test_odd_size_matches_the_library_on_mixed_sizes():
    from cleanvision.issue_managers.image_property import SizeProperty

    sizes = np.sqrt([100.0, 110, 95, 102, 99, 4000, 2])
    score, threshold = cleanvision.odd_size(sizes)
    prop = SizeProperty()
    theirs = prop.get_scores(pd.DataFrame({"size": sizes}), "odd_size")
    np.testing.assert_array_equal(score, theirs["odd_size_score"])
    assert threshold == prop.threshold
    assert (score < threshold).tolist() == [False] * 5 + [True] * 2


def test_chunks_do_not_change_scores(tiles, monkeypatch):
    whole = score_images(tiles[:20])
    monkeypatch.setattr("core.quality.scores.CHUNK_VALUES", 7 * tiles[0].size)
    pd.testing.assert_frame_equal(whole, score_images(tiles[:20]), rtol=1e-5)


def test_every_registered_score_is_a_column_between_0_and_1(tiles):
    table = score_images(tiles)
    for score in SCORES.values():
        assert table[score.column].between(0, 1).all(), score.name


@pytest.mark.parametrize(
    "images",
    [np.zeros((2, 8, 8, 3)), np.zeros((2, 8, 8, 4), np.uint8), np.zeros((2, 8), np.uint8)],
)
def test_wrong_arrays_are_refused_in_one_sentence(images):
    with pytest.raises(InputError, match="Images must be uint8 of shape"):
        score_images(images)


def test_no_images_are_refused():
    with pytest.raises(InputError, match="at least one image"):
        score_images(np.zeros((0, 8, 8, 3), np.uint8))
