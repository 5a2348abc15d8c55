"""Fixtures of the browser tests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from core import jobs
from core.store import Store
from pages.shared import jobs_panel
from tests.browser import harness
from tests.core.studies.several import studies

expect.set_options(timeout=30_000)  # Other tests run beside these.


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """One Chromium for all tests."""
    try:
        with harness.launched() as launched:
            yield launched
    except harness.NoBrowser as error:
        pytest.fail(str(error))


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """One server, with its own cache folder, for all tests that do not need a fresh one."""
    with harness.serving(tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture(scope="module")
def served(
    tiny: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """A server of the module's own with the finished study; its address and the study's label."""
    cache, key = tiny
    copy = tmp_path_factory.mktemp("served") / "cache"
    shutil.copytree(cache, copy)
    with harness.serving(copy) as address:
        yield address, jobs_panel.label(jobs.find(Store(copy), key))


@pytest.fixture(scope="session")
def several(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the cache and the data of finished studies of several kinds; see `studies`."""
    root = tmp_path_factory.mktemp("several")
    with studies(root):
        return root


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[harness.Tab]:
    """A fresh light tab, 1440 wide."""
    with harness.tab(browser, address) as tab:
        yield tab
        tab.check()
