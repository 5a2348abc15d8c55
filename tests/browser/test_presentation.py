"""A study on a wall: the arrow keys turn the slides, and there is no sidebar."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import harness


@pytest.mark.parametrize(("start", "link"), [("presentation", "tiny"), ("jobs", "Present")])
def test_arrow_keys_turn_the_slides(
    browser: Browser, served: tuple[str, str], start: str, link: str
) -> None:
    address, _ = served
    with harness.tab(browser, address) as tab:
        tab.open(start)
        tab.settle(tab.page.get_by_role("link", name=link).click)
        expect(tab.page.get_by_text("1 /")).to_be_visible(timeout=60_000)
        expect(tab.page.get_by_test_id("stSidebarNav")).to_have_count(0)
        tab.settle(lambda: tab.page.keyboard.press("ArrowRight"))
        expect(tab.page.get_by_text("2 /")).to_be_visible(timeout=60_000)
        expect(tab.page.get_by_test_id("stVegaLiteChart")).to_be_visible()
        assert "slide=2" in tab.page.url
        tab.settle(lambda: tab.page.keyboard.press("ArrowLeft"))
        expect(tab.page.get_by_role("heading", name="tiny", level=1)).to_be_visible()
        tab.settle(lambda: tab.page.goto(f"{address}/"))
        expect(tab.page.get_by_test_id("stSidebarNav")).to_be_visible()
