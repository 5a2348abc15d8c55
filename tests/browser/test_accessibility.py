"""Every page under axe-core, light and dark: labels, roles, contrast AA; and by keyboard alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, expect

from core import jobs
from core.store import Store
from core.studies import STUDIES
from pages.shared import jobs_panel
from pages.shared.shell import PAGES
from tests.browser import harness
from tests.browser.screenshots import TABS

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"]
# While the server answers, Streamlit fades what may change; a moment later it is as it stays.
CALM = """() => document.querySelector('[data-stale="true"]') === null
  && document.getAnimations().every(one => one.playState !== "running")"""
# WCAG asks no contrast of controls that cannot be used, but axe does not see that of a label.
IDLE = """([target]) => {
  const widget = document.querySelector(target)?.closest('[class*="st-key-"]');
  return widget?.querySelector('[disabled], [aria-disabled="true"]') != null;
}"""


def faults(page: Page) -> list[str]:
    """What axe-core finds, a line each."""
    page.wait_for_function(CALM, timeout=30_000)
    found: list[dict[str, Any]] = Axe().run(page, options={"runOnly": RULES}).response["violations"]
    return [
        f"{page.url}: {rule['id']}: {node['html'][:200]} {node['failureSummary'][:200]}"
        for rule in found
        for node in rule["nodes"]
        if not (rule["id"] == "color-contrast" and page.evaluate(IDLE, node["target"]))
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_pages(browser: Browser, address: str, scheme: str) -> None:
    found = []
    with harness.tab(browser, address, scheme=scheme) as tab:
        for entry in PAGES:
            tab.open(entry.address)
            found += faults(tab.page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results(browser: Browser, served: tuple[str, str], scheme: str) -> None:
    found = []
    address, label = served
    with harness.tab(browser, address, scheme=scheme) as tab:
        for path in ("", "jobs", f"presentation?study={label}&slide=2"):
            tab.open(path)
            found += faults(tab.page)
        for name in TABS["xfactor"]:
            tab.open(f"study?study={label}&tab={name}")
            expect(
                tab.page.get_by_role("tab", name=name, exact=True, selected=True)
            ).to_be_visible()
            found += faults(tab.page)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_results_of_other_kinds(browser: Browser, several: Path, scheme: str) -> None:
    found = []
    cache = several / "cache"
    others = [job for job in jobs.all_jobs(Store(cache)) if job.study != "xfactor"]
    assert {job.study for job in others} == {"faults", "removal"}
    with (
        harness.serving(cache, several / "data") as address,
        harness.tab(browser, address, scheme=scheme) as tab,
    ):
        for job in others:
            page = f"{STUDIES[job.study].page}?study={quote(jobs_panel.label(job))}"
            for name in TABS.get(job.study, ("",)):
                tab.open(f"{page}&tab={name}" if name else page)
                expect(tab.page.locator(f".st-key-job-{job.key}")).to_be_visible()
                found += faults(tab.page)
    assert not found, "\n".join(found)


def test_the_keyboard_reaches_every_control(tab: harness.Tab) -> None:
    tab.open("explorer")
    main = tab.page.get_by_test_id("stMain")
    controls = main.locator("button:enabled, input:enabled, [role=slider], a[href]").all()
    assert len(controls) > 5
    for number, control in enumerate(controls):
        control.evaluate("(element, number) => element.dataset.control = number", number)
    reached = set()
    for _ in range(4 * len(controls) + 60):
        tab.page.keyboard.press("Tab")
        reached.add(tab.page.evaluate("() => document.activeElement.dataset.control"))
    # Of a group of choices the arrow keys move on, as they open a list; and what is not shown has
    # no place.
    missed = [
        control.evaluate("element => element.outerHTML.slice(0, 200)")
        for number, control in enumerate(controls)
        if str(number) not in reached
        and control.is_visible()
        and control.get_attribute("role") not in ("radio", "tab")
        and control.get_attribute("aria-haspopup") != "listbox"
    ]
    assert not missed, "\n".join(missed)
