"""Fixtures of the browser tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser

from tests.browser import harness


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


@pytest.fixture
def tab(browser: Browser, address: str) -> Iterator[harness.Tab]:
    """A fresh light tab, 1440 wide."""
    with harness.tab(browser, address) as tab:
        yield tab
        tab.check()
