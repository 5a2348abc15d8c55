"""Contact sheets, names and numbers as people see them."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pages.shared import layout
from pages.shared.gallery import contact_sheet, stretched
from pages.shared.text import duration, plain


def opened(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)))


def test_a_pixel_stays_a_square_of_its_value() -> None:
    image = np.array([[0, 255], [100, 50]], np.uint8).reshape(1, 2, 2, 1)
    sheet = opened(contact_sheet(image, [""]))
    assert (sheet[:28, :28] == [0, 255]).all()
    assert (sheet[:28, 28:56] == [255, 255]).all()
    assert (sheet[28:56, :28] == [100, 255]).all()


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("side", [8, 28, 32, 224])
def test_sheets_fit_a_panel_and_have_a_cell_for_every_image(side: int, channels: int) -> None:
    images = np.full((30, side, side, channels), 200, np.uint8)
    sheet = opened(contact_sheet(images, [""] * 30))
    assert sheet.shape[1] <= layout.PANEL
    assert sheet.shape[2] == channels + 1
    tile = 56 if side < 56 and 56 % side == 0 else {32: 64, 224: 56}[side]
    assert (sheet[..., -1] == 255).sum() == 30 * tile**2


def test_captions_and_titles_are_written() -> None:
    images = np.zeros((2, 28, 28, 1), np.uint8)
    bare = opened(contact_sheet(images, ["", ""]))
    captioned = opened(contact_sheet(images, ["17", "18"], titles=["seven"]))
    assert captioned.shape[1] > bare.shape[1]
    assert (captioned[..., 1] > 0).sum() > (bare[..., 1] > 0).sum()


def test_long_names_stay_in_their_cells() -> None:
    images = np.zeros((1, 28, 28, 1), np.uint8)
    name = "a name that is far too long for its cell"
    sheet = opened(contact_sheet(images, [name], titles=[name]))
    assert sheet.shape[1] <= 80 + 4 + 60


def test_images_use_the_whole_range_of_grey() -> None:
    assert stretched(np.array([0, 8, 16], np.uint8), 16).tolist() == [0, 128, 255]


def test_names_are_shown_as_they_are() -> None:
    assert plain("a_b*[x](y)$z") == r"a\_b\*\[x\]\(y\)\$z"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.2, "under 1 s"),
        (45, "45 s"),
        (600, "10 min"),
        (7500, "2 h 5 min"),
        (7200, "2 h"),
        (4 * 86400, "4.0 days"),
    ],
)
def test_durations(seconds: float, text: str) -> None:
    assert duration(seconds) == text
