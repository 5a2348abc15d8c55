"""The subset explorer in a real browser: every control answers, the address holds the view."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from playwright.sync_api import expect

from core import datasets, selection
from core.specs import Selection
from tests.browser import harness

SLIDERS = ("Kept per class, n", "Discarded per class, m", "Seed")


def press(tab: harness.Tab, slider: str, key: str) -> float:
    tab.page.get_by_role("slider", name=slider).focus()
    return tab.settle(lambda: tab.page.keyboard.press(key))


def choose(tab: harness.Tab, label: str, option: str) -> float:
    tab.page.get_by_role("combobox", name=label).click()
    return tab.settle(tab.page.get_by_role("option", name=option, exact=True).click)


def pick(tab: harness.Tab, group: str, option: str) -> float:
    buttons = tab.page.get_by_test_id("stButtonGroup").filter(has_text=group)
    return tab.settle(buttons.get_by_text(option, exact=True).click)


def test_every_control_answers(tab: harness.Tab) -> None:
    tab.open("explorer")
    for slider in SLIDERS:
        press(tab, slider, "ArrowRight")
    pick(tab, "Direction", "-")
    pick(tab, "Class", "3")
    for title in ("Global mean", "Random", "Own mean"):
        choose(tab, "Strategy", title)
    expect(tab.page.get_by_role("img", name="Kept images, rows")).to_be_visible()
    for part in ("strategy=Own+mean", "direction=-", "class=3", "seed=1"):
        assert part in tab.page.url


def test_a_link_opens_the_same_view(tab: harness.Tab) -> None:
    tab.open("explorer?strategy=Own+mean&direction=-&per_class=20&excess=40&class=7&seed=5")
    expect(tab.page.get_by_role("heading", name="Kept: 20")).to_be_visible()
    expect(tab.page.get_by_role("heading", name="Discarded: 40")).to_be_visible()
    expect(
        tab.page.get_by_text("--direction - --per-class 20 --excess 40 --seed 5")
    ).to_be_visible()


def test_the_pool_is_saved_as_the_command_line_saves_it(tab: harness.Tab, tmp_path: Path) -> None:
    tab.open("explorer?strategy=Own+mean&per_class=20&excess=40&seed=5")
    with tab.page.expect_download() as download:
        tab.page.get_by_role("button", name="All images drawn, of every class, as CSV").click()
    download.value.save_as(tmp_path / "rows.csv")
    table = pd.read_csv(tmp_path / "rows.csv")
    assert list(table.columns) == ["row", "label", "kept"]
    subset = selection.select(datasets.load("digits"), Selection("own_mean", "+", 20, 40, 5))
    assert sorted(table.loc[table["kept"] == 1, "row"]) == subset.rows.tolist()
    assert len(table) == subset.pool.size


@pytest.mark.parametrize("kind", ["PNG", "SVG"])
def test_charts_are_saved_as_pictures(tab: harness.Tab, kind: str, tmp_path: Path) -> None:
    tab.open("explorer?strategy=Own+mean")
    with tab.page.expect_download() as download:
        tab.page.get_by_test_id("stDownloadButton").get_by_text(kind).first.click()
    download.value.save_as(tmp_path / "chart")
    start = (tmp_path / "chart").read_bytes()[:5]
    assert start in (b"\x89PNG\r", b"<svg ")
