"""Small natural images that need no download: photographs inside two libraries, cut into tiles."""

import numpy as np
import pytest
from PIL import Image
from skimage import data
from sklearn.datasets import load_sample_images

TILE = 32


@pytest.fixture(scope="session")
def tiles():
    """About 350 RGB tiles of 32 x 32 pixels from photographs shrunk four times; sky left out."""
    photos = [*load_sample_images().images, data.astronaut(), data.coffee(), data.chelsea()]
    out = []
    for photo in photos:
        small = np.asarray(Image.fromarray(photo).reduce(4))
        for top in range(0, small.shape[0] - TILE + 1, 11):
            for left in range(0, small.shape[1] - TILE + 1, 11):
                out.append(small[top : top + TILE, left : left + TILE])
    tiles = np.stack(out)
    tiles = tiles[tiles.std(axis=(1, 2)).max(axis=1) > 20]
    tiles.setflags(write=False)
    return tiles
