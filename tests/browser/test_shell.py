"""Every page opens: from the sidebar, by its address on a fresh server, light and dark."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from pages.shared.shell import PAGES, Entry
from tests.browser import harness


def is_open(tab: harness.Tab, entry: Entry) -> None:
    name = entry.heading or entry.title
    expect(tab.page.get_by_role("heading", name=name, level=1)).to_be_visible()


def test_every_page_opens_from_the_sidebar(tab: harness.Tab) -> None:
    tab.open()
    for entry in (entry for entry in PAGES[::-1] if not entry.by_itself):
        links = tab.page.get_by_test_id("stSidebarNav")
        tab.settle(links.get_by_role("link", name=entry.title).click)
        is_open(tab, entry)


@pytest.mark.parametrize("entry", PAGES, ids=lambda entry: entry.name)
def test_a_deep_link_works_on_a_fresh_server(
    browser: Browser, tmp_path: Path, entry: Entry
) -> None:
    with harness.serving(tmp_path) as address, harness.tab(browser, address) as tab:
        tab.open(entry.address)
        is_open(tab, entry)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1440, 800])
def test_pages_open_in_both_themes_and_widths(
    browser: Browser, address: str, scheme: str, width: int
) -> None:
    with harness.tab(browser, address, width, scheme) as tab:
        for entry in PAGES:
            tab.open(entry.address)
            is_open(tab, entry)
