"""The images that a page is about: a split of a data set, or the files in a folder."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from PIL import Image

from core.curation import Place, Row
from core.datasets import places
from core.datasets.base import Dataset
from core.quality.files import read
from pages.shared import gallery

THUMBNAIL = 112
GREY = 128


@dataclass(frozen=True, eq=False)
class Images:
    """What is looked at, scored and tagged.

    Args:
        name: As the address and the command line have it.
        place: What tags and saved cuts belong to.
        table: The scan; images are told apart by their row number, in a folder by their path.
        dataset: Where they come from, or None.
        folder: Where they come from, or None.
    """

    name: str
    place: Place
    table: pd.DataFrame
    dataset: Dataset | None = None
    folder: Path | None = None

    @property
    def stem(self) -> str:
        """Begins the names of files that are saved."""
        return f"{self.name.strip('/').replace('/', '-')}-{self.place.split}"

    @cached_property
    def version(self) -> str:
        """Changes with the images; of a folder by size and time of change of its files."""
        if self.dataset is not None:
            return self.dataset.fingerprint
        files = pd.util.hash_pandas_object(self.table[["path", "bytes", "modified"]], index=False)
        return str(hash(files.to_numpy().tobytes()))

    @cached_property
    def rows(self) -> npt.NDArray[np.object_]:
        """Row number or path of every image, by its place in the table."""
        return self.table["path" if "path" in self.table else "row"].to_numpy(dtype=object)

    def positions(self, rows: list[Row]) -> npt.NDArray[np.intp]:
        """Places in the table of some rows; those that are not there any more are left out."""
        found = pd.Index(self.rows).get_indexer(pd.Index(rows, dtype=object))
        return found[found >= 0]

    def pixels(self, positions: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
        """Images by their place in the table, grey levels 0 to 255, those of a folder made small.

        Returns:
            uint8, shape (n, height, width, 1 or 3).
        """
        if self.dataset is not None:
            split = self.dataset.train if self.place.split == "train" else self.dataset.test
            return gallery.stretched(split.x[positions], self.dataset.peak)
        assert self.folder is not None
        paths = [self.folder / str(row) for row in self.rows[positions]]
        return np.stack([thumbnail(path) for path in paths])


def thumbnail(path: Path) -> npt.NDArray[np.uint8]:
    """A file as a small square picture; plain grey where it cannot be read or must not be.

    Returns:
        uint8, shape (112, 112, 3).
    """
    square = np.full((THUMBNAIL, THUMBNAIL, 3), GREY, dtype=np.uint8)
    picture = read(path) if places.allowed(path) else "outside"
    if isinstance(picture, str):
        return square
    pixels = picture.pixels if picture.pixels.shape[2] == 3 else picture.pixels.repeat(3, axis=2)
    small = Image.fromarray(pixels)
    small.thumbnail((THUMBNAIL, THUMBNAIL))
    top, left = (THUMBNAIL - small.height) // 2, (THUMBNAIL - small.width) // 2
    square[top : top + small.height, left : left + small.width] = np.asarray(small)
    return square
