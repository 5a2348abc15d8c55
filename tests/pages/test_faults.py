"""The page on faults: the preview, a study from its widgets, and every tab of its results."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.store import Store
from core.studies.faults_spec import FaultsSpec
from pages.shared import jobs_panel
from pages.shared.faults.results import TABS
from tests.pages.test_pages import go, sound, texts

SPEC = FaultsSpec(
    "digits",
    "damaged",
    faults=("flip-random@0.2,0.6", "remove-class:label=each", "box-blur:where=test@3"),
    models=("gnb", "svc"),
    repeats=2,
    images=200,
)


def test_the_preview_follows_the_fault_chosen(app: AppTest) -> None:
    page = go(app, "faults")
    assert page.slider(key="level-contrast-weaker").value == 0.25
    page.segmented_control(key="aspect").set_value("labels").run()
    assert "training rows are left" in texts(sound(page), "caption")
    page.segmented_control(key="aspect").set_value("size").run()
    page.slider(key="level-keep").set_value(0.1).run()
    assert "130 of 1,300 training rows" in texts(sound(page), "caption")


def test_a_fault_is_added_and_the_study_started(app: AppTest) -> None:
    page = go(app, "faults")
    page.text_area(key="faults").set_value("keep@0.5").run()
    (add,) = (button for button in page.button if button.label.startswith("Add"))
    sound(add.click().run())
    assert page.text_area(key="faults").value == "keep@0.5\ncontrast-weaker@0.25"
    (run,) = (button for button in page.button if button.label == "Run")
    sound(run.click().run())
    (job,) = jobs.all_jobs(Store())
    assert job.spec["faults"] == ["keep@0.5", "contrast-weaker@0.25"]
    assert page.selectbox(key="study").value == jobs_panel.label(job)


def test_a_line_that_is_none_is_said_in_one_sentence(app: AppTest) -> None:
    page = go(app, "faults")
    page.text_area(key="faults").set_value("nothing@3").run()
    assert "Unknown fault" in texts(sound(page), "error")


def test_faults_of_pixels_are_not_offered_for_tables(app: AppTest) -> None:
    page = go(app, "faults")
    page.selectbox(key="dataset").set_value("wine").run()
    assert page.segmented_control(key="aspect").options == ["Equilibrium", "Size", "Labels"]
    assert not page.error


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with a finished study; copy it, do not change it."""
    store = Store(tmp_path_factory.mktemp("damaged"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XFACTOR_CACHE", str(store.root))
        patch.setattr(jobs, "ensure_runner", lambda store: None)
        jobs.submit(store, "faults", SPEC)
        jobs.run_queue(store)
    return store.root


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_draws(app: AppTest, cache: Path, damaged: Path, tab: str) -> None:
    shutil.copytree(damaged, cache, dirs_exist_ok=True)
    app.session_state["tab"] = tab
    page = go(app, "faults")
    (job,) = jobs.all_jobs(Store())
    page.selectbox(key="study").set_value(jobs_panel.label(job)).run()
    sound(page)
    assert not page.error
    if tab == "Findings":
        assert "hurts most" in texts(page, "markdown")
    if tab == "Epochs":
        assert "no accuracy by epoch" in texts(page, "info")
