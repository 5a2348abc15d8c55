"""A study whose data set is not here, or not as it was: what it found is shown all the same."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import datasets, jobs
from core.bundle import opened
from core.datasets.base import Dataset
from core.errors import UnknownName
from core.store import Store
from pages.shared import jobs_panel, loaders
from tests.pages.test_pages import go, sound, texts

SUBSETS = {"mnist": "own_mean+_n10_m20_r0", "tiny": "own_mean+_n2_m4_r0"}
TABS = ("Z against Z", "Ceiling", "Quality", "Combine")


def tab(app: AppTest, key: str, name: str) -> AppTest:
    job = jobs.find(Store(), key)
    app.session_state["tab"] = name
    page = go(app, "study")
    page.selectbox(key="study").set_value(jobs_panel.label(job)).run()
    if name == "Z against Z":
        subset = SUBSETS["mnist" if job.imported else "tiny"]
        page.selectbox(key="subset").set_value(subset).run()
        assert len(page.dataframe)  # The errors of the subset, which need no data set.
    assert [one.label for one in sound(page).tabs if one.children] == [name]
    return page


def starts_nothing(page: AppTest) -> bool:
    labels = {button.label for button in page.button}
    return labels.isdisjoint({"Train them again", "Measure the subsets", "Combine subsets"})


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cache folder with a study that comes with the program, and its key."""
    folder = tmp_path_factory.mktemp("example")
    path = next(one for one in loaders.EXAMPLES.glob("mnist-*.zip"))
    with path.open("rb") as file:
        return folder, opened(file, Store(folder), path.name).key


@pytest.mark.parametrize("name", TABS)
def test_nothing_is_downloaded_for_somebody_who_only_looks(
    app: AppTest,
    example: tuple[Path, str],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
) -> None:
    shutil.copytree(example[0], cache, dirs_exist_ok=True)
    load, asked = datasets.load, []

    def loaded(name: str) -> Dataset:
        asked.append(name)
        return load("digits")

    monkeypatch.setattr(datasets, "load", loaded)
    page = tab(app, example[1], name)
    assert "Download it on the data sets page" in texts(page, "info")
    assert starts_nothing(page)
    assert "mnist" not in asked


@pytest.mark.parametrize("name", TABS)
def test_another_data_set_of_that_name_is_not_used(
    app: AppTest, with_study: str, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    load = datasets.load

    def changed(*arguments: str) -> Dataset:
        return replace(load(*arguments), fingerprint="another")

    monkeypatch.setattr(datasets, "load", changed)
    page = tab(app, with_study, name)
    assert "not what the study ran on" in texts(page, "warning")
    assert starts_nothing(page)


def test_a_folder_that_is_gone_is_one_sentence(
    app: AppTest, with_study: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def gone(name: str) -> Dataset:
        raise UnknownName("data set", name, ["mnist"])

    monkeypatch.setattr(datasets, "load", gone)
    page = tab(app, with_study, "Quality")
    assert "cannot be opened here" in texts(page, "info")
    assert starts_nothing(page)
