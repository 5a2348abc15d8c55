"""One image file → 8-bit RGB pixels, with the bytes treated as hostile.

| in the file | what is read |
|---|---|
| EXIF orientation | the image as it is meant to be seen |
| transparency | the image laid on white |
| 16 bits a channel | the high byte |
| CMYK, YCbCr, palette | Pillow's conversion to RGB |
| several frames or pages | the first |
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import ExifTags, Image, ImageOps, UnidentifiedImageError

# Raster formats only: Pillow would hand EPS to an interpreter, Ghostscript.
FORMATS = ("BMP", "GIF", "JPEG", "JPEG2000", "PNG", "PPM", "TIFF", "WEBP")
SIXTEEN_BIT = ("I", "I;16", "I;16B", "I;16L", "I;16N")
SIDEWAYS = (5, 6, 7, 8)
RESAMPLING = Image.Resampling.BILINEAR
LONGEST_REASON = 200

Encoded = Path | bytes


class Unreadable(Exception):
    """The bytes are an image, but not one that can be shown with 8 bits."""


@contextmanager
def _opened(data: Encoded) -> Iterator[Image.Image]:
    if data == b"":
        raise Unreadable("no bytes")
    file = io.BytesIO(data) if isinstance(data, bytes) else data
    with Image.open(file, formats=FORMATS) as image:
        limit = Image.MAX_IMAGE_PIXELS
        # Pillow only warns up to twice its limit.
        if limit is not None and image.width * image.height > limit:
            raise Image.DecompressionBombError(
                f"{image.width} × {image.height} pixels; at most {limit:,} are decoded"
            )
        yield image


def size(data: Encoded) -> tuple[int, int]:
    """(width, height) as shown, without decoding pixels where the format allows it."""
    with _opened(data) as image:
        # Pillow's TIFF reader turns images by itself, the others do not.
        shown = ImageOps.exif_transpose(image) if _orientation(image) in SIDEWAYS else image
        return shown.width, shown.height


def pixels(
    data: Encoded, wanted: tuple[int, int] | None = None
) -> tuple[npt.NDArray[np.uint8], list[str]]:
    """Pixels of an image.

    Args:
        data: A file, or its bytes.
        wanted: (width, height) to resize to, bilinear with antialiasing, aspect not kept.

    Returns:
        uint8 of shape (height, width, 3), and what had to be changed, as phrases.
    """
    changes: list[str] = []
    with _opened(data) as image:
        if getattr(image, "is_animated", False):
            changes.append("with several frames: the first was used")
        upright = image
        if _orientation(image) != 1:
            changes.append("turned as their EXIF orientation says")
            upright = ImageOps.exif_transpose(image)
        shown = _rgb(upright, changes)
        if wanted is not None and shown.size != wanted:
            changes.append(f"resized to {wanted[0]} × {wanted[1]}, bilinear with antialiasing")
            shown = shown.resize(wanted, RESAMPLING)
        return np.asarray(shown, dtype=np.uint8), changes


def reason(error: Exception) -> str:
    """One short line on why an image could not be read."""
    if isinstance(error, UnidentifiedImageError):
        return f"not an image in one of the formats {', '.join(FORMATS)}"
    return " ".join(f"{error or type(error).__name__}".split())[:LONGEST_REASON]


def _orientation(image: Image.Image) -> int:
    return int(image.getexif().get(ExifTags.Base.Orientation, 1))


def _rgb(image: Image.Image, changes: list[str]) -> Image.Image:
    if image.mode in SIXTEEN_BIT:
        values = np.asarray(image)
        if values.min() < 0 or values.max() > 0xFFFF:
            raise Unreadable("32-bit pixels: save it with 8 or 16 bits")
        changes.append("with 16 bits a pixel: the high byte was used")
        return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")
    if image.mode == "F":
        raise Unreadable("floating-point pixels: save it with 8 or 16 bits")
    if image.has_transparency_data:
        changes.append("with transparency: laid on white")
        layer = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer).convert("RGB")
    if image.mode not in ("RGB", "L", "1", "P"):
        changes.append(f"converted from {image.mode} to RGB")
    return image.convert("RGB")
