"""The page that compares training with and without some rows."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from core import jobs
from core.store import Store
from core.studies.removal import RemovalSpec
from pages.shared import jobs_panel
from tests.pages.test_pages import go, sound, texts

SPEC = RemovalSpec("digits", "3,17-40", "left out", models=("gnb",), repeats=2, images=300)


def test_rows_become_a_study(app: AppTest) -> None:
    page = go(app, "comparison")
    assert "Name the rows here" in texts(page, "info")
    page.text_area(key="remove").set_value("3,17-40").run()
    (models,) = (pills for pills in page.pills if pills.label == "Models")
    models.set_value(["gnb"]).run()
    assert "18 models to train" in texts(sound(page), "caption")
    sound(page.button[0].click().run())
    (job,) = jobs.all_jobs(Store())
    assert job.spec["remove"] == "3,17-40"
    assert page.selectbox(key="study").value == jobs_panel.label(job)


def test_rows_that_do_not_exist_are_refused_in_one_sentence(app: AppTest) -> None:
    page = go(app, "comparison")
    page.text_area(key="remove").set_value("3,x").run()
    assert "lists row numbers" in texts(sound(page), "error")
    page.text_area(key="remove").set_value("99999").run()
    assert "names row 99999" in texts(sound(page), "error")


def test_results_are_read_in_words_and_numbers(app: AppTest) -> None:
    job = jobs.submit(Store(), "removal", SPEC)
    jobs.run_queue(Store())
    page = go(app, "comparison")
    page.selectbox(key="study").set_value(jobs_panel.label(job)).run()
    assert "points of accuracy" in texts(sound(page), "markdown")
    assert page.dataframe[0].value["arm"].tolist() == ["all", "without", "random"]
    assert "left out" in texts(go(app, "home"), "markdown")
