"""The tabs on quality and on the ceiling of R²: empty at first, then computed from here."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.store import Store
from core.studies.diversity import DiversitySpec
from pages.shared import jobs_panel, machines
from tests import study
from tests.core.studies.serial import serial
from tests.pages.test_pages import go, sound, texts


def opened(app: AppTest, key: str, tab: str) -> AppTest:
    app.session_state["tab"] = tab
    page = go(app, "study")
    page.selectbox(key="study").set_value(jobs_panel.label(jobs.find(Store(), key))).run()
    return sound(page)


def work() -> None:
    """Run what is queued, here and now."""
    with serial(Store().root):
        jobs.run_queue(Store())


def press(page: AppTest, label: str) -> AppTest:
    (button,) = (one for one in page.button if one.label == label)
    return sound(button.click().run())


def test_measures_are_computed_from_their_tab(app: AppTest, with_study: str) -> None:
    page = opened(app, with_study, "Quality")
    assert "Nobody has measured" in texts(page, "info")
    assert "48 subsets" in texts(page, "caption")
    press(page, "Measure the subsets")
    assert jobs.find(Store(), "tiny-diversity").state == "queued"
    work()
    page = opened(app, with_study, "Quality")
    assert "goes most closely" in texts(page, "markdown")
    assert "of which nothing is said" in texts(page, "info")
    assert {"Measure", "Study"} <= {one.label for one in page.selectbox}
    page.selectbox(key="measure").set_value("Vendi score").run()
    sound(page)


def test_measures_are_computed_where_the_session_has_chosen(
    app: AppTest, with_study: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XFACTOR_SCHEDULER", "tcp://scheduler.example:8786")
    app.session_state[machines.CHOSEN] = machines.HERE
    press(opened(app, with_study, "Quality"), "Measure the subsets")
    assert jobs.find(Store(), "tiny-diversity").scheduler is None


def test_a_measuring_opens_on_its_own(app: AppTest, with_study: str) -> None:
    jobs.submit(Store(), "diversity", DiversitySpec.of(study.SPEC))
    work()
    page = opened(app, jobs.find(Store(), "tiny-diversity").key, "Quality")
    assert "goes most closely" in texts(page, "markdown")


def test_the_ceiling_is_computed_from_its_tab(app: AppTest, with_study: str) -> None:
    page = opened(app, with_study, "Ceiling")
    assert "under another seed" in texts(page, "info")
    press(page, "Train them again")
    again = jobs.find(Store(), "tiny")
    assert again.key != with_study
    assert again.spec["replicates"] == 1
    work()
    page = opened(app, again.key, "Ceiling")
    assert "a model agrees with itself on all subsets" in texts(page, "markdown")
    assert "could be" in texts(page, "markdown")
