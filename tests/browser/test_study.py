"""Studies in a real browser: results, a click on a point, a study from start to end."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, expect

from pages.shared.xfactor.results import TABS
from tests.browser import harness

JOB_SECONDS = 180


@pytest.fixture
def tab(browser: Browser, served: tuple[str, str]) -> Iterator[harness.Tab]:
    with harness.tab(browser, served[0]) as tab:
        yield tab
        tab.check()


def wait_until(tab: harness.Tab, text: str | re.Pattern[str]) -> None:
    """Wait for a text that comes by polling; fails at once on anything wrong."""
    end = time.monotonic() + JOB_SECONDS
    found = tab.page.get_by_text(text).first
    while not found.is_visible():
        shown = tab.page.get_by_test_id("stMain").inner_text()
        assert time.monotonic() < end, f"{text} did not come; the page shows: {shown}"
        tab.page.wait_for_timeout(250)
        tab.check()


def test_every_tab_of_results_opens(tab: harness.Tab, served: tuple[str, str]) -> None:
    tab.open(f"study?study={quote(served[1])}")
    for name in list(TABS)[1:]:
        tab.settle(tab.page.get_by_role("tab", name=name, exact=True).click)
        assert f"tab={quote(name)}" in tab.page.url.replace("+", "%20")


def test_a_click_on_a_point_shows_the_images_of_that_subset(
    tab: harness.Tab, served: tuple[str, str]
) -> None:
    tab.open(f"study?study={quote(served[1])}&tab=Z+against+Z")
    points = tab.page.get_by_test_id("stVegaLiteChart").locator("g.mark-symbol.role-mark path")
    tab.settle(lambda: points.last.click(force=True))
    expect(tab.page.get_by_role("img", name="Images of class 0 in subset")).to_be_visible()
    assert "subset=" in tab.page.url
    link = tab.page.url.removeprefix(served[0] + "/")
    tab.open(link)
    expect(tab.page.get_by_role("img", name="Images of class 0 in subset")).to_be_visible()


def test_a_study_runs_from_its_page_to_its_results(tab: harness.Tab) -> None:
    tab.open(
        "study?start=Own+grid&name=browser&grid_per_class=2&grid_excess=4&grid_random=4"
        "&grid_repeats=1&grid_strategies=own_mean&grid_models=gnb&grid_models=svc"
    )
    expect(tab.page.get_by_text("12", exact=True)).to_be_visible()
    tab.settle(tab.page.get_by_role("button", name="Run", exact=True).click)
    wait_until(tab, "Beside the paper")
    assert "study=browser" in tab.page.url


def test_a_job_is_cancelled_and_resumed(tab: harness.Tab) -> None:
    tab.open("study?start=Own+grid&name=long&grid_random=200&grid_models=rf&grid_models=mlp-1")
    tab.settle(tab.page.get_by_role("button", name="Run", exact=True).click)
    tab.open("jobs")
    wait_until(tab, re.compile("^running$"))
    tab.settle(tab.page.get_by_role("button", name="Cancel").click)
    wait_until(tab, re.compile("^cancelled$"))
    tab.settle(tab.page.get_by_role("button", name="Resume").click)
    wait_until(tab, re.compile("^(queued|running)$"))
    tab.settle(tab.page.get_by_role("button", name="Cancel").click)
    wait_until(tab, re.compile("^cancelled$"))
