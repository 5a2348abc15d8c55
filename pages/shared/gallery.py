"""Many small images as one: a contact sheet."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from core.datasets.base import Dataset
from pages.shared import layout

CELL = 56  # Side of an image in pixels, met as closely as whole factors allow.
GAP = 4
MARGIN = 80
CAPTION = 12
FONT_SIZE = 9.5
Font = ImageFont.ImageFont | ImageFont.FreeTypeFont
# Grey that can be read on the light and on the dark background.
INK = {"light": 90, "dark": 165}


def contact_sheet(
    images: npt.NDArray[np.uint8],
    captions: Sequence[str],
    columns: int | None = None,
    ink: int = INK["light"],
    titles: Sequence[str] = (),
) -> bytes:
    """One PNG with a transparent background and a fixed-size cell for every image.

    Images grow by a whole factor, so that a pixel stays a square; those that are larger than a
    cell lose every second, third … row and column.

    Args:
        images: uint8, shape (n, height, width, 1 or 3).
        captions: One short text for each image.
        columns: Images in a row; as many as fit into a panel when None.
        ink: Grey level of the captions, 0 to 255.
        titles: A short text to the left of each row of the sheet; none by default.

    Returns:
        The PNG file.
    """
    tiles = _scaled(images)
    count, height, width, channels = tiles.shape
    step_y, step_x = height + CAPTION + GAP, width + GAP
    columns = columns or max(1, min(layout.PANEL // step_x, count))
    rows = -(-count // columns)
    canvas = np.zeros((rows, step_y, columns, step_x, channels + 1), np.uint8)
    places = np.arange(count)
    canvas[places // columns, :height, places % columns, :width, :channels] = tiles
    canvas[places // columns, :height, places % columns, :width, channels] = 255
    tiled = Image.fromarray(canvas.reshape(rows * step_y, columns * step_x, channels + 1))
    font = ImageFont.load_default(size=FONT_SIZE)
    titles = [_shortened(title, font, MARGIN) for title in titles]
    margin = int(max((font.getlength(title) for title in titles), default=-GAP)) + GAP
    sheet = Image.new(tiled.mode, (margin + tiled.width, tiled.height))
    sheet.paste(tiled, (margin, 0))
    pen, fill = ImageDraw.Draw(sheet), (*[ink] * channels, 255)
    for place, caption in enumerate(captions):
        x, y = place % columns * step_x + width // 2, place // columns * step_y + height
        text = _shortened(caption, font, step_x)
        pen.text((margin + x, y), text, fill=fill, font=font, anchor="ma")
    for row, title in enumerate(titles):
        pen.text((0, row * step_y + height // 2), title, fill=fill, font=font, anchor="lm")
    file = io.BytesIO()
    sheet.save(file, "PNG", compress_level=1)
    return file.getvalue()


def _shortened(text: str, font: Font, width: float) -> str:
    """As much of a text as fits, with a mark where it was cut."""
    if font.getlength(text) <= width:
        return text
    while text and font.getlength(f"{text}…") > width:
        text = text[:-1]
    return f"{text}…"


def _scaled(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    side = max(images.shape[1:3])
    if side > CELL:
        step = round(side / CELL)
        return images[:, ::step, ::step]
    factor = round(CELL / side)
    return images.repeat(factor, axis=1).repeat(factor, axis=2)


def pixels(dataset: Dataset, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """Training images by row number, in grey levels 0 to 255 whatever the data set's own range."""
    return stretched(dataset.train.x[rows], dataset.peak)


def stretched(
    images: npt.NDArray[np.uint8] | npt.NDArray[np.float64], peak: int
) -> npt.NDArray[np.uint8]:
    """Images whose white is `peak`, in grey levels 0 to 255."""
    if peak == 255 and images.dtype == np.uint8:
        return np.asarray(images, dtype=np.uint8)
    scaled: npt.NDArray[np.uint8] = np.rint(images * (255 / peak)).clip(0, 255).astype(np.uint8)
    return scaled


def show(
    images: npt.NDArray[np.uint8],
    captions: Sequence[str],
    alt: str,
    columns: int | None = None,
    titles: Sequence[str] = (),
) -> None:
    """Draw a contact sheet.

    Args:
        images: uint8, shape (n, height, width, 1 or 3), n at least 1.
        captions: One short text for each image, such as its row number.
        alt: What the sheet shows, for those who cannot see it.
        columns: Images in a row; as many as fit into a panel when None.
        titles: A short text to the left of each row of the sheet.
    """
    ink = INK["dark" if st.context.theme.type == "dark" else "light"]
    sheet = contact_sheet(images, captions, columns, ink, titles)
    st.image(sheet, alt=alt, output_format="PNG")
