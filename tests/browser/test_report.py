"""The report in a real browser without any network: drawn, quiet, and right in both schemes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from core import jobs
from core.report import report
from tests.core.studies.several import studies


@pytest.fixture(scope="module")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("report")
    with studies(root) as store:
        (root / "report.html").write_bytes(report(jobs.all_jobs(store), store))
    return root / "report.html"


def drawn(page: Page, file: Path) -> list[str]:
    """Open a file and wait for its charts; gives what went wrong."""
    faults: list[str] = []
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("console", lambda one: faults.append(one.text) if one.type == "error" else None)
    page.on(
        "request",
        lambda one: None if one.url.startswith(("file:", "data:")) else faults.append(one.url),
    )
    page.goto(file.as_uri())
    page.wait_for_function("document.documentElement.dataset.drawn === 'yes'")
    return faults


@pytest.mark.parametrize(
    ("scheme", "ink"), [("light", "rgb(32, 38, 45)"), ("dark", "rgb(230, 233, 237)")]
)
def test_it_is_drawn_offline_in_the_reader_s_colours(
    browser: Browser, file: Path, scheme: str, ink: str
) -> None:
    context = browser.new_context(
        color_scheme="dark" if scheme == "dark" else "light", offline=True
    )
    page = context.new_page()
    assert drawn(page, file) == []
    charts = page.locator(".chart")
    assert charts.count() > 15
    for place in charts.all():
        expect(place.locator("svg.marks")).to_have_count(1)
        assert place.locator("svg.marks path, svg.marks rect, svg.marks line").count() > 3
    label = page.locator("svg.marks .role-axis-label text").first
    assert label.evaluate("element => getComputedStyle(element).fill") == ink
    assert page.evaluate("window.taken") is None
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.emulate_media(media="print")
    assert label.evaluate("element => getComputedStyle(element).fill") == "rgb(0, 0, 0)"
    context.close()


def test_a_mark_gives_its_numbers_and_a_narrow_screen_is_enough(
    browser: Browser, file: Path
) -> None:
    context = browser.new_context(viewport={"width": 400, "height": 800}, offline=True)
    page = context.new_page()
    assert drawn(page, file) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    mark = page.locator("svg.marks .mark-symbol path").first
    mark.hover(force=True)
    expect(page.locator("#vg-tooltip-element")).to_be_visible()
    context.close()
