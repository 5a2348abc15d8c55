"""People sign in with a provider of identities, in a real browser, and do what they may."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser import harness, oidc

RUNNER, VIEWER = "ada@example.org", "eve@example.org"


@pytest.fixture
def provider(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[oidc.Provider]:
    """A provider that the servers of this test know."""
    with oidc.providing() as provider:
        provider.write_secrets(tmp_path / "secrets.toml")
        monkeypatch.setenv("STREAMLIT_SECRETS_FILES", str(tmp_path / "secrets.toml"))
        monkeypatch.setenv("XFACTOR_RUNNERS", RUNNER)
        yield provider


def sign_in(page: Page, provider: oidc.Provider, email: str) -> None:
    provider.claims = {"email": email, "email_verified": True, "name": "Ada or Eve"}
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text(f"Signed in as {email}")).to_be_visible(timeout=60_000)


def test_people_sign_in_look_and_run_as_the_operator_lets_them(
    browser: Browser, provider: oidc.Provider, tmp_path: Path
) -> None:
    with (
        harness.serving(tmp_path / "cache") as address,
        harness.tab(browser, address) as tab,
    ):
        page = tab.page
        tab.open("scoreboard")
        expect(page.get_by_text("People sign in here")).to_be_visible()
        expect(page.get_by_test_id("stSidebarNav")).to_have_count(0)
        sign_in(page, provider, VIEWER)
        tab.open("scoreboard")
        judge = page.get_by_role("button", name="Judge the detectors")
        expect(judge).to_be_disabled()
        judge.hover(force=True)
        expect(page.get_by_text("not on the operator's list")).to_be_visible()
        page.get_by_role("button", name="Sign out").click()
        expect(page.get_by_text("People sign in here")).to_be_visible(timeout=60_000)
        sign_in(page, provider, RUNNER)
        tab.open("scoreboard")
        expect(judge).to_be_enabled()
        tab.check()
