"""Faults are put where they are said to be, and the scoreboard counts right."""

import numpy as np
import pytest
from PIL import Image, ImageFilter

from core.errors import InputError
from core.quality.detectors import precision_recall_f1, scoreboard
from core.quality.perturb import PERTURBATIONS, SEVERITIES, inject, near_copies
from core.quality.scores import SCORES, score_images
from core.quality.thresholds import THRESHOLDS


@pytest.mark.parametrize("name", list(PERTURBATIONS))
def test_perturbations_keep_shape_and_type_and_grow_with_severity(name, tiles):
    images = tiles[::20]
    changed = [PERTURBATIONS[name](images, severity).astype(int) for severity in SEVERITIES]
    assert all(one.shape == images.shape for one in changed)
    distance = [np.abs(one - images).mean() for one in changed]
    assert distance == sorted(distance)
    assert distance[0] > 1


@pytest.mark.parametrize("shape", [(3, 28, 28, 1), (2, 30, 45, 3), (1, 7, 5, 3)])
@pytest.mark.parametrize("name", list(PERTURBATIONS))
def test_perturbations_take_any_shape(name, shape):
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    assert PERTURBATIONS[name](images, "strong").shape == shape


def test_gaussian_blur_is_pillow_s_but_for_its_approximation(tiles):
    ours = PERTURBATIONS["gaussian-blur"](tiles[:5], "medium").astype(int)
    theirs = [
        np.asarray(Image.fromarray(tile).filter(ImageFilter.GaussianBlur(1.5)))
        for tile in tiles[:5]
    ]
    assert np.abs(ours - np.stack(theirs)).mean() < 2


def test_downscaled_is_area_down_and_bilinear_up(tiles):
    ours = PERTURBATIONS["downscaled"](tiles[:5], "mild").astype(int)
    theirs = [
        np.asarray(
            Image.fromarray(tile)
            .resize((16, 16), Image.Resampling.BOX)
            .resize((32, 32), Image.Resampling.BILINEAR)
        )
        for tile in tiles[:5]
    ]
    assert np.abs(ours - np.stack(theirs)).max() <= 2


def test_injected_rows_and_truth_agree(tiles):
    before = tiles.copy()
    faulty = inject(tiles, 0.2, seed=3, faults=2)
    assert len(faulty.rows) == len(faulty.images) == len(faulty.truth) == round(0.2 * len(tiles))
    assert (faulty.truth.sum(axis=1) == 2).all()
    assert not (faulty.truth["dark"] & faulty.truth["light"]).any()
    np.testing.assert_array_equal(tiles, before)
    again = inject(tiles, 0.2, seed=3, faults=2)
    np.testing.assert_array_equal(faulty.images, again.images)


def test_near_copies_are_copies_with_other_brightness(tiles):
    copies = near_copies(tiles, 0.1, seed=0, strength=0.0)
    np.testing.assert_array_equal(copies.images, tiles[copies.rows])
    assert (near_copies(tiles, 0.1, seed=0).images != tiles[copies.rows]).any()


@pytest.mark.parametrize("wrong", [{"share": 0.0}, {"share": 1.5}, {"faults": 6}])
def test_impossible_injections_are_refused(wrong, tiles):
    with pytest.raises(InputError):
        inject(tiles, **({"share": 0.1, "seed": 0} | wrong))


def test_unknown_severities_are_refused(tiles):
    with pytest.raises(InputError, match="mild, medium, strong"):
        PERTURBATIONS["dark"](tiles[:1], "huge")


def test_precision_recall_f1_by_hand():
    flagged = np.array([1, 1, 1, 0, 0], bool)
    truth = np.array([1, 1, 0, 1, 0], bool)
    assert precision_recall_f1(flagged, truth) == pytest.approx((2 / 3, 2 / 3, 2 / 3))
    assert precision_recall_f1(np.zeros(5, bool), truth) == (1.0, 0.0, 0.0)


@pytest.fixture(scope="module")
def board(tiles):
    table = score_images(tiles)
    ordinary = (table["dark_score"] > 0.6) & (table["light_content_score"] > 0.6)
    return scoreboard(tiles[ordinary], share=0.15)


def test_every_score_and_threshold_has_its_row(board):
    single = board[board["faults"] == "single"]
    for score in SCORES.values():
        if score.issue.startswith("odd"):
            continue
        rows = single[single["score"] == score.name]
        assert set(rows["threshold"]) == {"default", *THRESHOLDS}, score.name
    numbers = board[["precision", "recall", "f1", "clean_flagged"]]
    assert ((numbers >= 0) & (numbers <= 1)).all(axis=None)
    assert set(board["faults"]) == {"single", "dual", "copies"}


def test_the_default_finds_injected_faults_and_little_else(board):
    default = board[(board["threshold"] == "default") & (board["faults"] == "single")]
    f1 = default.set_index("score")["f1"]
    for name in ("dark", "blurry_content", "low_information_content", "grayscale_content"):
        assert f1[name] > 0.9, name
    assert f1["blurry_content"] > f1["blurry"] + 0.2
    assert board[board["score"] == "phash and pixels"]["f1"].item() > 0.9


def test_grey_images_cannot_be_made_grey(tiles):
    board = scoreboard(tiles[:120, :, :, :1], share=0.2)
    assert "grayscale" not in set(board["issue"])
