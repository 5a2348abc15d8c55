"""The page on influence: composing, every view of scores, refinements and spot checks."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from core import datasets, jobs
from core.settings import PROJECT
from core.store import Store
from core.studies.influence_spec import InfluenceSpec, LeaveOneOutSpec
from core.studies.refinement_spec import RefinementSpec
from pages.shared import jobs_panel
from pages.shared.influence.refined import TABS
from pages.shared.influence.scored import VIEWS
from tests.core.studies.serial import serial
from tests.pages.test_pages import go, sound, texts

SCORES = InfluenceSpec("digits", "tiny-scores", train=150, validation=80, flip=0.1)
TABLE = InfluenceSpec("wine", "tiny-table", model="boosting:rounds=5", train=80, validation=40)
REFINED = RefinementSpec(
    "digits", "tiny-refined", train=150, validation=80, flip=0.1, rounds=2, seeds=2
)


@pytest.fixture(scope="module")
def studies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache folder with a finished study of each kind; copy it, do not change it."""
    cache = tmp_path_factory.mktemp("influence")
    with serial(cache):
        store = Store(cache)
        drawn = SCORES.sample.draw(datasets.load("digits")).training_set.rows[:4].tolist()
        checked = {**SCORES.to_dict(), "rows": tuple(drawn), "name": "tiny-check"}
        for spec in (SCORES, TABLE, REFINED, LeaveOneOutSpec.from_dict(checked)):
            jobs.submit(store, spec.study, spec)
        jobs.run_queue(store)
        assert {job.state for job in jobs.all_jobs(store)} == {"done"}
    return cache


@pytest.fixture
def page(studies: Path, cache: Path, app: AppTest) -> AppTest:
    shutil.copytree(studies, cache, dirs_exist_ok=True)
    return go(app, "influence")


def view(page: AppTest, name: str) -> AppTest:
    return sound(page.segmented_control(key="view").set_value(name).run())


def opened(page: AppTest, name: str) -> AppTest:
    (job,) = (job for job in jobs.all_jobs(Store()) if job.name == name)
    return sound(page.selectbox(key="study").set_value(jobs_panel.label(job)).run())


def press(page: AppTest, label: str) -> AppTest:
    (button,) = (one for one in page.button if one.label == label)
    return sound(button.click().run())


def test_a_scoring_is_composed_and_queued(app: AppTest) -> None:
    page = go(app, "influence")
    page.selectbox(key="score_image_model").set_value("mlp-1").run()
    page.text_input(key="score_image_options").set_value("width=16").run()
    page.number_input(key="score_flip").set_value(10.0).run()
    press(page, "Run")
    (job,) = jobs.all_jobs(Store())
    assert (job.study, job.spec["model"], job.spec["flip"]) == ("influence", "mlp-1:width=16", 0.1)
    assert (job.spec["train"], job.spec["validation"]) == (867, 433)
    assert page.selectbox(key="study").value == jobs_panel.label(job)


def test_a_refinement_is_a_preset_or_ones_own(app: AppTest) -> None:
    page = view(go(app, "influence"), "Refinement")
    assert "under two minutes" in texts(page, "caption")
    page.segmented_control(key="refine_start_digits").set_value("Own settings").run()
    page.number_input(key="refine_percent").set_value(5.0).run()
    page.number_input(key="refine_seeds").set_value(3).run()
    press(page, "Run")
    (job,) = jobs.all_jobs(Store())
    assert (job.study, job.spec["share"], job.spec["seeds"]) == ("refinement", 0.05, 3)
    assert page.segmented_control(key="view").value == "Refinement"
    assert page.selectbox(key="study").value == jobs_panel.label(job)


def test_each_data_set_has_presets_of_its_own(app: AppTest) -> None:
    page = view(go(app, "influence"), "Refinement")
    sound(page.selectbox(key="dataset").set_value("wine").run())
    assert page.number_input(key="refine_rounds").value == 3
    sound(page.selectbox(key="dataset").set_value("digits").run())
    assert page.segmented_control(key="refine_start_digits").value == "Quick"


def test_models_fit_the_kind_of_data(app: AppTest) -> None:
    page = go(app, "influence")
    page.selectbox(key="dataset").set_value("wine").run()
    assert "boosting" in page.selectbox(key="score_table_model").options
    assert "embedding" not in page.selectbox(key="score_table_model").options
    page.text_input(key="score_table_options").set_value("depth=3").run()
    assert "no gradients" not in texts(page, "error")
    assert "option" in texts(page, "error")


def test_what_a_study_takes_is_said_before_it_runs(page: AppTest) -> None:
    assert "7 models to train" in texts(page, "caption")
    assert "a rough figure" in texts(page, "caption")
    view(page, "Refinement")
    page.segmented_control(key="refine_start_digits").set_value("Own settings").run()
    page.number_input(key="refine_digits_train").set_value(150).run()
    sound(page.number_input(key="refine_seeds").set_value(3).run())
    assert "30 models to train" in texts(page, "caption")
    assert "a rough figure" not in texts(page, "caption")
    assert not page.warning
    page.number_input(key="refine_rounds").set_value(50).run()
    page.selectbox(key="refine_image_model").set_value("boosting").run()
    sound(page.number_input(key="refine_seeds").set_value(100).run())
    assert "Ask for less, or let it run" in texts(page, "warning")


def test_results_say_what_they_were_made_with(page: AppTest) -> None:
    for name, study, models in (
        ("Scores", "tiny-scores", 7),
        ("Refinement", "tiny-refined", 14),
        ("Leave one out", "tiny-check", 5),
    ):
        view(page, name)
        opened(page, study)
        assert f"{models} models, trained on cpu with numpy" in texts(page, "caption")


@pytest.mark.parametrize("rows", VIEWS)
def test_rows_are_shown_with_what_the_order_is_for(page: AppTest, rows: str) -> None:
    opened(page, "tiny-scores")
    sound(page.segmented_control(key="rows").set_value(rows).run())
    assert VIEWS[rows].purpose in texts(page, "caption")
    assert "Solver converged" in texts(page, "markdown")
    assert "rows harm" in texts(page, "markdown")
    assert page.dataframe[0].value["row"].is_unique


def test_a_table_is_shown_as_people_wrote_it(page: AppTest) -> None:
    opened(page, "tiny-table")
    assert "alcohol" in page.dataframe[0].value
    assert "trees replayed" in texts(page, "markdown")


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_a_refinement_is_drawn(page: AppTest, tab: str) -> None:
    view(page, "Refinement")
    page.query_params["tab"] = tab
    opened(page, "tiny-refined")
    if tab == "Findings":
        assert "2 seeds cannot be significant" in texts(page, "markdown")


def test_a_round_is_opened(page: AppTest) -> None:
    view(page, "Refinement")
    page.query_params["tab"] = "Rounds"
    opened(page, "tiny-refined")
    sound(page.selectbox(key="round").set_value(1).run())
    metrics = {metric.label: metric.value for metric in page.metric}
    assert metrics["Rows"] == "146"
    assert "Removed after this round: 4" in texts(page, "subheader")
    assert "Other models without the rows removed so far" in texts(page, "subheader")


def test_a_spot_check_is_read(page: AppTest) -> None:
    view(page, "Leave one out")
    opened(page, "tiny-check")
    assert "Over 4 rows left out one at a time" in texts(page, "markdown")
    assert len(page.dataframe[0].value) == 4


def test_without_a_check_the_page_says_where_to_begin(app: AppTest) -> None:
    page = view(go(app, "influence"), "Leave one out")
    assert "Open scores and choose rows" in texts(page, "info")


def test_a_link_to_a_study_opens_its_view(page: AppTest, studies: Path) -> None:
    (job,) = (job for job in jobs.all_jobs(Store()) if job.name == "tiny-refined")
    fresh = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    fresh.run()
    fresh.query_params["study"] = jobs_panel.label(job)
    opened_page = sound(fresh.switch_page("pages/influence.py").run())
    assert opened_page.segmented_control(key="view").value == "Refinement"


def test_every_widget_of_results_has_a_help_text(page: AppTest) -> None:
    for name, study in (("Scores", "tiny-scores"), ("Refinement", "tiny-refined")):
        view(page, name)
        opened(page, study)
        for kind in ("selectbox", "segmented_control", "number_input", "button", "metric"):
            for widget in getattr(page, kind):
                assert widget.proto.help, f"{name}: {kind} {widget.label}"
