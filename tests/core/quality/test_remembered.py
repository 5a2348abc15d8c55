"""Scans of data sets in the store: the same table again, without scanning again."""

import dataclasses

import numpy as np
import pandas as pd
import pytest

import core.quality.remembered as remembered
from core import datasets
from core.quality import scan
from core.quality.audit import pixels
from core.quality.remembered import remembered_scan
from core.store import Store


@pytest.fixture(scope="module")
def digits():
    return datasets.load("digits")


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_remembered_scan_is_the_scan(digits, split, tmp_path, monkeypatch):
    store, wanted, steps = Store(tmp_path), scan(digits, split), []
    first = remembered_scan(store, digits, split, steps.append)
    assert steps[-1] == len(wanted)
    monkeypatch.setattr(remembered, "scan", None)
    for table in (first, remembered_scan(store, digits, split)):
        pd.testing.assert_frame_equal(table, wanted)


def test_blocks_do_not_change_a_scan(digits, monkeypatch):
    whole, steps = scan(digits), []
    monkeypatch.setattr("core.quality.audit.BLOCK_IMAGES", 500)
    pd.testing.assert_frame_equal(scan(digits, progress=steps.append), whole, rtol=1e-5)
    assert steps == [500, 1000, len(whole)]


def test_white_is_white_whatever_the_data_set_calls_it(digits):
    assert digits.peak == 16
    white = pixels(digits, "train")
    assert white.max() == 255
    np.testing.assert_array_equal(white[digits.train.x == 8], 128)
    bright = dataclasses.replace(digits, peak=255)
    assert pixels(bright, "train") is digits.train.x
    assert scan(digits)["dark_score"].min() > 0.8 > scan(bright)["dark_score"].max()
