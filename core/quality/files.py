"""Reading folders of image files: every file gives a picture or the reason why not."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from core.errors import InputError

EXTENSIONS = frozenset(
    (".bmp", ".gif", ".jp2", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
)


@dataclass(frozen=True, eq=False)
class Picture:
    """A decoded image file.

    Args:
        pixels: uint8, shape (height, width, channels): 1 for grey files, else 3.
        mode: Pillow's mode of the file, such as `RGB`, `L`, `P`, `I;16`.
    """

    pixels: npt.NDArray[np.uint8]
    mode: str


def image_files(root: Path) -> Iterator[Path]:
    """Every image file under a folder by its extension, folder by folder in sorted order.

    Raises:
        InputError: there is no such folder, or it cannot be read.
    """
    try:
        with os.scandir(root) as found:
            entries = sorted((entry.name, entry.is_dir(follow_symlinks=False)) for entry in found)
    except OSError as error:
        raise InputError(
            f"{root} must be a folder that can be read; got: {error.strerror}."
        ) from None
    for name, is_folder in entries:
        if is_folder:
            yield from image_files(root / name)
        elif Path(name).suffix.lower() in EXTENSIONS:
            yield root / name


def read(path: Path) -> Picture | str:
    """The picture as a viewer shows it and a training pipeline reads it, or why there is none.

    Turned upright by its EXIF orientation; first frame of an animation; alpha dropped; palettes,
    CMYK and the rest as RGB; 16-bit and floating-point grey scaled to 8 bits. A file with more
    pixels than Pillow's decompression bomb limit is not read.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            # Pillow warns of damaged metadata, which does not matter here.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as image:
                mode = image.mode
                image.load()
                return Picture(_pixels(ImageOps.exif_transpose(image)), mode)
    # Decoders fail in every way there is (SyntaxError, struct.error, IndexError, MemoryError),
    # and one bad file must not end an audit of a million; the reason is kept with the file.
    except Exception as error:
        return f"{type(error).__name__}: {error}".replace(str(path), path.name)


def _pixels(image: object) -> npt.NDArray[np.uint8]:
    from PIL import Image

    assert isinstance(image, Image.Image)
    if image.mode in ("L", "1", "LA", "La"):
        return np.asarray(image.convert("L"))[..., None]
    if image.mode.startswith(("I", "F")):
        return _to_8_bits(np.asarray(image, dtype=np.float64))[..., None]
    return np.asarray(image.convert("RGB"))


def _to_8_bits(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    """Deep grey to 0-255: by 1, 255 or 65535, the least that holds it, else by its own range."""
    values = np.nan_to_num(values, posinf=0.0, neginf=0.0)
    low, high = values.min(), values.max()
    for top in (1.0, 255.0, 65535.0):
        if low >= 0 and high <= top:
            return np.asarray(np.rint(values * (255 / top)), dtype=np.uint8)
    return np.asarray(np.rint((values - low) * (255 / (high - low))), dtype=np.uint8)
