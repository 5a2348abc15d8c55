"""Data that the influence tests share."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from sklearn.datasets import load_digits

from core.settings import data_root

Rows = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


@pytest.fixture(scope="session")
def digits() -> tuple[Rows, Rows]:
    """Digits / 16: 300 training rows and 200 validation rows."""
    x, y = load_digits(return_X_y=True)
    return (x[:300] / 16, y[:300]), (x[300:500] / 16, y[300:500])


@pytest.fixture(scope="session")
def mnist() -> tuple[Rows, Rows]:
    """MNIST / 255: 1,000 training rows and 500 validation rows, drawn from the training split."""
    folder = data_root() / "MNIST" / "raw"
    if not folder.is_dir():
        pytest.skip(f"MNIST is not in {folder}; set XFACTOR_DATA")
    x = _idx(folder / "train-images-idx3-ubyte").reshape(60000, -1) / 255
    y = _idx(folder / "train-labels-idx1-ubyte").astype(np.int64)
    order = np.random.default_rng(0).permutation(60000)
    train, val = order[:1000], order[1000:1500]
    return (x[train], y[train]), (x[val], y[val])


def _idx(path: Path) -> npt.NDArray[np.uint8]:
    data = path.read_bytes()
    shape = [int.from_bytes(data[i : i + 4], "big") for i in range(4, 4 + 4 * data[3], 4)]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(shape)
