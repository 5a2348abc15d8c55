"""The pages on image quality and on duplicates, on the digits and on images with known faults."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import curation, datasets
from core.datasets.base import Dataset, Split, fingerprint
from core.quality import JUDGES, SCORES, Vectors
from core.quality.remembered import scan_key
from core.store import Store
from pages.shared import audits
from tests.pages.test_pages import go, sound, texts

COPIES = ((0, 700), (0, 701), (1, 702))


def faulty(digits: Dataset) -> Dataset:
    """The digits, all distinct: some made dark, some copied, some test images in training."""
    x, y, test = digits.train.x.copy(), digits.train.y.copy(), digits.test.x.copy()
    for first, second in COPIES:
        x[second], y[second] = x[first], y[first]
    y[702] = (y[1] + 1) % 10
    x[100:160] = x[100:160] // 8
    test[5] = x[30]
    train, tested = Split(x, y), Split(test, digits.test.y)
    key = fingerprint(train, tested, digits.classes)
    return dataclasses.replace(digits, train=train, test=tested, fingerprint=key)


@pytest.fixture
def faults(monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """The digits with faults in place of the digits."""
    made = faulty(datasets.load("digits"))
    monkeypatch.setattr(datasets, "load", lambda name, progress=None: made)
    return made


def numbers(app: AppTest) -> dict[str, str]:
    return {metric.label: metric.value for metric in app.metric}


def pick(app: AppTest, kind: str, key: str, value: object) -> AppTest:
    return sound(getattr(app, kind)(key=key).set_value(value).run())


def overview(app: AppTest) -> pd.DataFrame:
    return app.dataframe[0].value.set_index("issue")


def test_clean_images_are_not_flagged(app: AppTest) -> None:
    page = go(app, "quality")
    assert numbers(page)["Flagged"] == "0"
    assert set(overview(page).index) == {issue.replace("_", " ") for issue in JUDGES}
    assert "so none is flagged" in "\n".join(overview(page)["why"])


def test_dark_images_are_flagged_and_the_sentence_says_why(app: AppTest, faults: Dataset) -> None:
    page = go(app, "quality")
    assert overview(page).loc["dark", "flagged"] == 60
    assert "60 images" in texts(page, "markdown")
    assert f"60 flagged, {1300 - 60:,} kept, 60 with any issue" in texts(page, "caption")


@pytest.mark.parametrize("score", SCORES)
def test_every_score_is_drawn(app: AppTest, score: str) -> None:
    page = pick(go(app, "quality"), "selectbox", "score", SCORES[score].title)
    assert not page.error


def test_a_cut_of_ones_own_stands_in_the_address_until_reset(app: AppTest) -> None:
    page = go(app, "quality")
    slider = page.slider[0]
    default = slider.value
    sound(slider.set_value(0.9).run())
    flagged = overview(page).loc["dark", "flagged"]
    assert flagged > 0
    assert "Your cut at 0.900" in texts(page, "markdown")
    cuts = page.query_params["cuts"]
    assert "dark:0.9" in str(cuts)
    pick(page, "selectbox", "score", SCORES["blurry"].title)
    assert overview(page).loc["dark", "flagged"] == flagged
    pick(page, "selectbox", "score", SCORES["dark"].title)
    assert page.slider[0].value == 0.9
    pick(page, "segmented_control", "split", "test")
    assert overview(page).loc["dark", "flagged"] == 0
    pick(page, "segmented_control", "split", "train")
    sound(next(button for button in page.button if button.label == "Reset").click().run())
    assert page.slider[0].value == default
    assert overview(page).loc["dark", "flagged"] == 0
    assert "cuts" not in page.query_params


@pytest.mark.parametrize("cuts", ["", "x", "mine,dark:0.9", "{owner},dark:2", "{owner},dark:nan"])
def test_cuts_that_cannot_be_used_are_not(app: AppTest, cuts: str) -> None:
    owner = f"{datasets.load('digits').fingerprint[:8]}-train"
    app.query_params["cuts"] = cuts.format(owner=owner)
    assert overview(go(app, "quality")).loc["dark", "flagged"] == 0


def test_a_scan_is_read_from_the_store_the_second_time(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    go(app, "quality")
    assert Store().blob(scan_key(datasets.load("digits"), "train")) is not None
    st.cache_resource.clear()
    monkeypatch.setattr("core.quality.remembered.scan", None)
    sound(app.run())


def test_digits_hold_no_copies(app: AppTest) -> None:
    page = go(app, "duplicates")
    assert numbers(page)["Clusters"] == "0"
    assert "No two of these images" in texts(page, "caption")
    pick(page, "segmented_control", "view", "Train–test leaks")
    assert numbers(page)["Leaked test images"] == "0"


def test_copies_are_clusters_with_one_to_keep(app: AppTest, faults: Dataset) -> None:
    page = go(app, "duplicates")
    assert numbers(page)["Clusters"] == "2"
    assert numbers(page)["More than needed"] == "3"
    assert "Keep 0: none is sharper" in texts(page, "caption")
    assert "labels differ" in texts(page, "markdown")
    page = pick(page, "selectbox", "cluster", "1")
    assert not page.error


@pytest.mark.parametrize("linkage", ["single", "complete", "average"])
def test_hashes_alone_find_more_with_every_linkage(app: AppTest, linkage: str) -> None:
    page = go(app, "duplicates")
    page.toggle(key="own_cut").set_value(True)
    page.toggle(key="confirm").set_value(False)
    page.toggle(key="flips").set_value(True)
    pick(page, "segmented_control", "linkage", linkage)
    pick(page, "slider", "radius", 8)
    assert int(numbers(page)["Clusters"].replace(",", "")) > 50
    assert f"--radius 8 --no-confirm --linkage {linkage} --flips" in page.code[0].value


def test_vectors_are_a_detector_with_a_cut_of_its_own(
    app: AppTest, faults: Dataset, monkeypatch: pytest.MonkeyPatch
) -> None:
    flat = faults.train.x.reshape(len(faults.train), -1).astype(np.float32)
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    made = Vectors(flat, "By pixels.")
    monkeypatch.setattr(audits, "remembered_vectors", lambda *_, **__: made)
    page = pick(go(app, "duplicates"), "segmented_control", "detector", "vectors")
    assert "By pixels." in texts(page, "markdown").replace("\\", "")
    assert int(numbers(page)["Clusters"]) >= 2
    pick(page, "toggle", "own_cut", True)
    pick(page, "slider", "vectors_radius", 0.0)
    assert numbers(page)["Clusters"] == "2"
    assert "--detector vectors --radius 0 --linkage single" in page.code[0].value


def test_fastdup_that_is_absent_is_said_to_be(
    app: AppTest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.quality.fastdup.ENVIRONMENT", tmp_path)
    page = pick(go(app, "duplicates"), "segmented_control", "detector", "fastdup")
    assert "make fastdup" in texts(page, "info")
    assert not page.error
    assert not page.metric


def test_a_cut_that_joins_everything_is_one_sentence(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.quality.clusters.MOST_HASHES", 2)
    page = go(app, "duplicates")
    pick(page, "toggle", "own_cut", True)
    pick(page, "toggle", "confirm", False)
    pick(page, "slider", "radius", 12)
    assert "lower the radius" in texts(page, "error")
    assert page.slider(key="radius").value == 12


def test_leaks_are_shown(app: AppTest, faults: Dataset) -> None:
    page = go(app, "duplicates")
    pick(page, "segmented_control", "view", "Train–test leaks")
    assert numbers(page)["Leaked test images"] == "1"
    pair = page.dataframe[0].value.iloc[0]
    assert (pair["train"], pair["test"]) == (30, 5)
    sound(next(one for one in page.button if "Tag 1 image" in one.label).click().run())
    tagged = curation.tags(Store(), curation.Place(faults.fingerprint))
    assert tagged["row"].tolist() == [30]
