"""A contact sheet whose images can be selected, by mouse or keyboard, by the hundred."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePath

import numpy as np
import numpy.typing as npt
import streamlit as st
from PIL import Image

from core.curation import Row
from pages.shared import gallery

HERE = Path(__file__).parent
LARGEST = 64  # Side of an image on the page; small ones grow to about 56 by a whole factor.
COLUMNS = 25

_component = st.components.v2.component(
    "xfactor_sheet",
    html='<div class="sheet" role="group"></div>',
    css=(HERE / "sheet.css").read_text(encoding="utf-8"),
    js=(HERE / "sheet.js").read_text(encoding="utf-8"),
)


@dataclass(frozen=True)
class Sheet:
    """Images side by side in one PNG, 25 in a row, as text; width and height of one on the page."""

    png: str
    width: int
    height: int
    pixelated: bool


@dataclass
class Selection:
    """What is selected; `given` is what the browser was last told, under the number `stamp`."""

    rows: list[Row] = field(default_factory=list)
    given: list[Row] = field(default_factory=list)
    stamp: int = 0


def made(images: npt.NDArray[np.uint8]) -> Sheet:
    """The sheet of some images.

    Args:
        images: uint8, shape (n, height, width, 1 or 3), n at least 1.
    """
    count, height, width, channels = images.shape
    factor = gallery.CELL / max(height, width)
    factor = round(factor) if factor >= 1 else LARGEST / max(height, width)
    shown = max(round(width * factor), 1), max(round(height * factor), 1)
    if factor < 0.5:  # Twice as fine as shown is enough for fine displays.
        images = np.stack([_resized(image, (2 * shown[0], 2 * shown[1])) for image in images])
        height, width = images.shape[1:3]
    rows = -(-count // COLUMNS)
    columns = min(count, COLUMNS)
    canvas = np.zeros((rows * columns, height, width, channels), np.uint8)
    canvas[:count] = images
    grid = canvas.reshape(rows, columns, height, width, channels).swapaxes(1, 2)
    pixels = grid.reshape(rows * height, columns * width, channels)
    file = io.BytesIO()
    Image.fromarray(pixels[..., 0] if channels == 1 else pixels).save(file, "PNG", compress_level=1)
    return Sheet(base64.b64encode(file.getvalue()).decode(), *shown, pixelated=factor >= 1)


def _resized(image: npt.NDArray[np.uint8], size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    picture = Image.fromarray(image[..., 0] if image.shape[2] == 1 else image)
    return np.asarray(picture.resize(size)).reshape(size[1], size[0], -1)


def selection(key: str) -> Selection:
    """What is selected in the sheet with a key, in this session."""
    found = st.session_state.setdefault(f"selection-{key}", Selection())
    assert isinstance(found, Selection)
    return found


def select(key: str, rows: Iterable[Row]) -> None:
    """Select these rows and no others."""
    one = selection(key)
    one.rows = list(rows)
    one.given, one.stamp = one.rows, one.stamp + 1


def show(
    key: str,
    sheet: Sheet,
    rows: Sequence[Row],
    notes: Sequence[str],
    tags: Sequence[str],
    label: str,
) -> None:
    """Draw a sheet; what the user selects on it stands in `selection`.

    Args:
        key: Of the selection; it holds rows of all sheets shown under this key.
        sheet: The images.
        rows: What each is called; the selection is kept by it.
        notes: What stands below each beside its row number or file name; may be empty.
        tags: What stands on each; empty for nothing.
        label: What the sheet shows, for those who cannot see it.
    """
    mounted = f"sheet-{key}"
    one = selection(key)
    if mounted not in st.session_state:  # A new one in the browser, which knows nothing.
        select(key, one.rows)

    def take() -> None:
        one.rows = [_row(row) for row in st.session_state[mounted]["selected"]]

    _component(
        key=mounted,
        data={
            "sheet": sheet.png,
            "width": sheet.width,
            "height": sheet.height,
            "columns": min(len(rows), COLUMNS),
            "pixelated": sheet.pixelated,
            "label": label,
            "stamp": one.stamp,
            "given": one.given,
            "tiles": [
                {
                    "id": row,
                    "caption": _joined(PurePath(str(row)).name, note),
                    "tags": tag,
                    "label": _joined(str(row), note, tag),
                }
                for row, note, tag in zip(rows, notes, tags, strict=True)
            ],
        },
        default={"selected": []},
        on_selected_change=take,
    )


def _joined(*parts: str) -> str:
    return " · ".join(part for part in parts if part)


def _row(value: object) -> Row:
    """A row as the browser gives it; numbers may come as floats."""
    return value if isinstance(value, str) else int(value)  # type: ignore[call-overload]
