"""The rows kept on MNIST itself, against the paper's text put into plain NumPy."""

import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.study_selection import plain_mean, plain_uniqueness
from core.datasets import Dataset, Split
from core.selection import select
from core.specs import Selection


@pytest.fixture(scope="module")
def mnist() -> Dataset:
    folder = Path(os.environ.get("XFACTOR_DATA", "")) / "MNIST" / "raw"
    if not folder.is_dir():
        pytest.skip("XFACTOR_DATA is not set to a folder with MNIST/raw")
    x = np.fromfile(folder / "train-images-idx3-ubyte", dtype=np.uint8, offset=16)
    y = np.fromfile(folder / "train-labels-idx1-ubyte", dtype=np.uint8, offset=8)
    train = Split(x.reshape(-1, 28, 28, 1), y.astype(np.int64))
    return Dataset("mnist", "MNIST", train, train, tuple("0123456789"), "mnist", "", "")


@pytest.mark.parametrize("direction", ["+", "-"])
@pytest.mark.parametrize(("per_class", "excess"), [(10, 60), (100, 300), (300, 30)])
def test_uniqueness_keeps_the_rows_of_the_plain_version(mnist, direction, per_class, excess):
    images = mnist.train.x.reshape(len(mnist.train), -1).astype(np.float64)
    subset = select(mnist, Selection("uniqueness", direction, per_class, excess, seed=8))
    for pool, kept in zip(subset.pool, subset.kept, strict=True):
        expected = plain_uniqueness(images[pool], per_class, direction)
        np.testing.assert_array_equal(kept, expected)


@pytest.mark.parametrize("direction", ["+", "-"])
@pytest.mark.parametrize("strategy", ["global_mean", "other_mean", "own_mean"])
def test_means_keep_the_rows_of_the_plain_version(mnist, direction, strategy):
    wanted = Selection(strategy, direction, 100, 300, seed=8)
    images = mnist.train.x.reshape(len(mnist.train), -1).astype(np.float64)
    subset = select(mnist, wanted)
    expected = plain_mean(images, mnist.train.y, wanted, subset.pool)
    np.testing.assert_array_equal(subset.kept, expected)
