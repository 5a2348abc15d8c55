"""A study leaves one server as a report and a bundle, and opens on another."""

from __future__ import annotations

from pathlib import Path

from playwright.sync_api import Browser, expect

from core import jobs
from core.store import Store
from tests.browser import harness
from tests.core.studies.several import HOSTILE


def saved(tab: harness.Tab, button: str, key: str, folder: Path) -> Path:
    """What a card's button saves."""
    card = tab.page.locator(f".st-key-job-{key}")
    with tab.page.expect_download(timeout=120_000) as download:
        card.get_by_role("button", name=button).click()
    path = folder / download.value.suggested_filename
    download.value.save_as(path)
    return path


def test_a_study_goes_from_one_server_to_another(
    browser: Browser, several: Path, tmp_path: Path
) -> None:
    store = Store(several / "cache")
    key = jobs.find(store, "tiny").key
    with (
        harness.serving(several / "cache", several / "data") as address,
        harness.tab(browser, address) as tab,
    ):
        tab.open("jobs")
        report = saved(tab, "Report", key, tmp_path)
        bundle = saved(tab, "Bundle", key, tmp_path)
        hostile = saved(tab, "Report", jobs.find(store, HOSTILE).key, tmp_path)
        tab.check()
    assert report.name == "tiny.html"
    assert key in report.read_text(encoding="utf-8")
    assert hostile.name == "script-script-window.taken-1-script.html"
    with (
        harness.serving(tmp_path / "other") as address,
        harness.tab(browser, address) as tab,
    ):
        tab.open("jobs")
        tab.page.get_by_text("Open a study from a bundle").click()
        upload = tab.page.locator("input[type=file]")
        tab.settle(lambda: upload.set_input_files(bundle))
        tab.settle(tab.page.get_by_role("button", name="Open", exact=True).click)
        expect(tab.page.get_by_text("Opened tiny.")).to_be_visible()
        expect(tab.page.get_by_text("it stays as it is until it is run again")).to_be_visible()
        expect(tab.page.get_by_role("button", name="Run again")).to_be_visible()
        tab.settle(tab.page.get_by_role("button", name="Open", exact=True).click)
        expect(tab.page.get_by_text("has the study already")).to_be_visible()
