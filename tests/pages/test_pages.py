"""Every page without a browser: what it shows, what its widgets do, what it says when it cannot."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs, settings
from core.selection import STRATEGIES
from core.store import Store
from pages.shared import jobs_panel
from pages.shared.loaders import EXAMPLES
from pages.shared.shell import PAGES, Entry
from pages.shared.text import plain
from pages.shared.xfactor.results import TABS
from tests import study


def go(app: AppTest, name: str) -> AppTest:
    return sound(app.switch_page(f"pages/{name}.py").run())


def sound(app: AppTest) -> AppTest:
    assert not app.exception, app.exception
    return app


def texts(app: AppTest, kind: str) -> str:
    return "\n".join(element.value for element in getattr(app, kind))


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_pages_open_on_an_empty_cache(app: AppTest, entry: Entry) -> None:
    page = go(app, entry.name)
    assert page.title[0].value == (entry.heading or entry.title)
    assert not page.error


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_every_widget_has_a_help_text(app: AppTest, entry: Entry, with_study: str) -> None:
    page = go(app, entry.name)
    kinds = ("slider", "selectbox", "segmented_control", "pills", "text_input", "number_input")
    for kind in (*kinds, "button", "download_button", "metric"):
        for widget in getattr(page, kind):
            assert widget.proto.help, f"{entry.name}: {kind} {widget.label}"


def test_home_says_how_to_begin_and_then_what_was_found(app: AppTest, with_study: str) -> None:
    assert "Finished studies" in texts(app, "subheader")
    page = sound(app.run())
    assert "tiny" in texts(page, "markdown")
    assert "Mean R²" in texts(page, "markdown")


def test_datasets_offers_a_download_for_what_is_not_here(app: AppTest) -> None:
    page = go(app, "datasets")
    page.selectbox(key="dataset").set_value("mnist").run()
    assert "not on this machine" in texts(sound(page), "info")
    assert page.button[0].label == "Download MNIST"


def test_datasets_shows_numbers_of_the_digits(app: AppTest) -> None:
    page = go(app, "datasets")
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Classes"] == "10"
    assert int(shown["Training images"].replace(",", "")) + int(shown["Test images"]) == 1797
    sound(page.slider(key="sample").set_value(7).run())


def test_datasets_shows_tables(app: AppTest) -> None:
    page = go(app, "datasets")
    sound(page.selectbox(key="dataset").set_value("wine").run())
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Features"] == "13"
    assert int(shown["Training rows"]) + int(shown["Test rows"]) == 178
    assert "Columns" in texts(page, "subheader")
    assert [len(frame.value) for frame in page.dataframe][-2:] == [13, 9]
    sound(page.slider(key="sample").set_value(7).run())


def test_datasets_shows_texts(app: AppTest) -> None:
    folder = settings.data_root() / "talk"
    folder.mkdir(parents=True)
    lines = [f"<b>*{word}*</b> and more" for word in ("good", "bad") for _ in range(10)]
    table = pa.table({"text": lines, "label": ["up"] * 10 + ["down"] * 10})
    pq.write_table(table, folder / "data.parquet")
    st.cache_data.clear()
    page = go(app, "datasets")
    sound(page.selectbox(key="dataset").set_value("talk").run())
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Training texts"] == "16"
    assert "**up** good" in texts(page, "markdown")
    assert r"\<b\>\*good\*\</b\> and more" in texts(page, "markdown")


def test_pages_on_images_offer_no_other_data(app: AppTest) -> None:
    for name in ("explorer", "study", "quality", "duplicates"):
        offered = go(app, name).selectbox(key="dataset").options
        assert "digits" in offered
        assert "wine" not in offered


def test_a_link_to_data_that_a_page_cannot_use_says_so(app: AppTest) -> None:
    app.query_params["dataset"] = "wine"
    page = go(app, "explorer")
    assert "Wine is a data set of table rows; this page is for images." in texts(page, "info")
    assert page.selectbox(key="dataset").value == "digits"


@pytest.mark.parametrize(
    "strategy",
    ["Random", "Uniqueness", "Own mean", *(s.title for s in list(STRATEGIES.values())[5:])],
)
def test_explorer_shows_every_strategy(app: AppTest, strategy: str) -> None:
    page = go(app, "explorer")
    page.selectbox(key="strategy").set_value(strategy).run()
    sound(page)
    headings = texts(page, "subheader")
    n, m = page.slider(key="per_class").value, page.slider(key="excess").value
    assert f"Kept: {n}" in headings
    assert f"Discarded: {0 if strategy == 'Random' else m}" in headings


def test_explorer_says_which_class_has_too_few_images(app: AppTest) -> None:
    page = go(app, "explorer")
    page.slider(key="per_class").set_value(page.slider(key="per_class").max)
    page.slider(key="excess").set_value(page.slider(key="excess").max).run()
    assert "training images" in texts(sound(page), "error")


def test_a_new_study_shows_its_cost_and_is_queued_once(app: AppTest, cache: object) -> None:
    page = go(app, "study")
    shown = {metric.label: metric.value for metric in page.metric}
    assert shown["Units"] == "780"
    run = next(button for button in page.button if button.label == "Run")
    sound(run.click().run())
    assert page.selectbox(key="study").value.startswith("quick-digits")
    sound(page.selectbox(key="study").set_value("New study").run())
    sound(next(button for button in page.button if button.label == "Run").click().run())
    assert len(jobs.all_jobs(Store())) == 1


def test_a_preset_too_large_for_the_data_is_one_sentence(app: AppTest) -> None:
    page = go(app, "study")
    sound(page.segmented_control(key="start").set_value("Paper").run())
    assert "training images" in texts(page, "error")


def test_own_grid_makes_the_study_that_its_widgets_say(app: AppTest) -> None:
    page = go(app, "study")
    page.segmented_control(key="start").set_value("Own grid").run()
    page.text_input(key="grid_per_class").set_value("2, 3")
    page.pills(key="grid_models").set_value(["gnb"])
    page.text_input(key="grid_options").set_value("mlp-2:width=64")
    page.number_input(key="grid_random").set_value(5).run()
    toml = sound(page).code[0].value
    assert "per_class = [2, 3]" in toml
    assert 'models = ["gnb", "mlp-2:width=64"]' in toml
    assert "random = 5" in toml
    page.text_input(key="grid_per_class").set_value("two").run()
    assert "whole numbers" in texts(sound(page), "error")


@pytest.mark.parametrize("tab", TABS)
def test_every_tab_of_results_is_drawn(app: AppTest, with_study: str, tab: str) -> None:
    job = jobs.find(Store(), with_study)
    app.session_state["tab"] = tab
    page = go(app, "study")
    page.selectbox(key="study").set_value(jobs_panel.label(job)).run()
    sound(page)
    assert not page.error
    open_tabs = [one.label for one in page.tabs if one.children]
    assert open_tabs == [tab]


def test_subsets_are_put_together(app: AppTest, with_study: str) -> None:
    job = jobs.find(Store(), with_study)
    app.session_state["tab"] = "Combine"
    page = go(app, "study")
    page.selectbox(key="study").set_value(jobs_panel.label(job)).run()
    page.pills(key="union_kinds").set_value(["best with best"])
    page.number_input(key="union_count").set_value(2).run()
    page.selectbox(key="union_a").set_value("own_mean+_n2_m4_r0")
    page.selectbox(key="union_b").set_value("own_mean-_n2_m4_r0").run()
    assert "3 pairs;" in texts(sound(page), "caption")
    sound(next(button for button in page.button if button.label == "Combine subsets").click().run())
    (union,) = [job for job in jobs.all_jobs(Store()) if job.study == "union"]
    assert union.spec["pairs"][-1] == "own_mean+_n2_m4_r0 & own_mean-_n2_m4_r0"
    assert page.selectbox(key="study").value == jobs_panel.label(union)


def test_a_subset_shows_its_images(app: AppTest, with_study: str) -> None:
    job = jobs.find(Store(), with_study)
    app.session_state["tab"] = "Z against Z"
    page = go(app, "study")
    page.selectbox(key="study").set_value(jobs_panel.label(job)).run()
    page.selectbox(key="subset").set_value("uniqueness+_n4_m12_r1").run()
    assert "4 of 4 images" in texts(sound(page), "caption")


def test_jobs_are_cancelled_and_resumed(app: AppTest) -> None:
    store = Store()
    job = jobs.submit(store, "xfactor", study.SPEC)
    page = go(app, "jobs")
    sound(page.button(key=f"cancel-{job.key}").click().run())
    assert jobs.find(store, job.key).state == "cancelled"
    sound(page.button(key=f"resume-{job.key}").click().run())
    assert jobs.find(store, job.key).state == "queued"
    page.segmented_control(key="show").set_value("Done").run()
    assert "0 of 1 jobs" in texts(sound(page), "caption")


def test_the_example_opens_from_the_home_page(app: AppTest) -> None:
    left = [button.key for button in app.button if str(button.key).startswith("example-")]
    assert left == sorted(f"example-{path.stem}" for path in EXAMPLES.glob("*.zip"))
    for opened, key in enumerate(list(left), start=1):
        app.button(key=key).click().run()
        assert not app.exception
        assert not app.error
        found = jobs.all_jobs(Store())
        assert len(found) == opened
        assert all(job.imported for job in found)
        left.remove(key)
        keys = [button.key for button in app.button]
        assert [key for key in keys if str(key).startswith("example-")] == left
        assert any(plain(found[0].name) in text.value for text in app.markdown)
