"""Images are selected by mouse and keyboard, tagged, and keep their tags in another browser."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import Browser, Locator, expect

from tests.browser import harness

VIEW = "quality?dataset=digits&group=Kept&score=Dark+(CleanVision)"


def tiles(tab: harness.Tab) -> Locator:
    return tab.page.get_by_role("group", name="Kept images").get_by_role("button")


def row(tile: Locator) -> int:
    return int((tile.get_attribute("title") or "").split(" · ")[0])


def test_images_are_selected_tagged_and_still_tagged_after_a_reload(
    browser: Browser, tmp_path: Path
) -> None:
    with harness.serving(tmp_path) as address:
        with harness.tab(browser, address) as tab:
            tab.open(VIEW)
            expect(tiles(tab)).to_have_count(100)
            tab.settle(tiles(tab).nth(2).click)
            tab.settle(lambda: tiles(tab).nth(4).click(modifiers=["Shift"]))
            expect(tab.page.get_by_text("3 selected")).to_be_visible()
            expect(tiles(tab).nth(3)).to_have_attribute("aria-pressed", "true")
            tab.page.keyboard.press("ArrowRight")
            tab.page.keyboard.press("ArrowLeft")
            tab.settle(lambda: tab.page.keyboard.press("Space"))
            expect(tab.page.get_by_text("2 selected")).to_be_visible()
            chosen = sorted(row(tiles(tab).nth(place)) for place in (2, 3))
            tab.settle(lambda: tab.page.keyboard.press("n"))
            assert "sheet_page=2" in tab.page.url
            tab.settle(lambda: tab.page.keyboard.press("d"))
            expect(tab.page.get_by_text("2 of 2 tagged remove")).to_be_visible()
            tab.settle(lambda: tab.page.keyboard.press("p"))
            expect(tiles(tab).filter(has_text="remove")).to_have_count(2)
            tab.check()
        with harness.tab(browser, address) as tab:
            tab.open(VIEW)
            expect(tiles(tab).filter(has_text="remove")).to_have_count(2)
            with tab.page.expect_download() as download:
                tab.page.get_by_role("button", name="Tags as CSV").click()
            download.value.save_as(tmp_path / "tags.csv")
            tab.check()
    table = pd.read_csv(tmp_path / "tags.csv")
    assert table["row"].tolist() == chosen
    assert set(table["tag"]) == {"remove"}


@pytest.mark.parametrize("size", [100, 500])
def test_a_selection_stays_while_groups_and_pages_change(tab: harness.Tab, size: int) -> None:
    tab.open(f"{VIEW}&size={size}")
    tab.settle(tiles(tab).nth(7).click)
    label = tiles(tab).nth(7).get_attribute("title")
    for text in ("Any issue", "Kept"):
        tab.settle(tab.page.get_by_test_id("stButtonGroup").get_by_text(text).click)
    chosen = tiles(tab).and_(tab.page.locator('[aria-pressed="true"]'))
    expect(chosen).to_have_count(1)
    assert chosen.get_attribute("title") == label
    tab.settle(lambda: tab.page.get_by_role("button", name="None", exact=True).click())
    expect(chosen).to_have_count(0)
