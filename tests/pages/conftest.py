"""Pages without a browser: a cache folder of their own, the built-in digits as data."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from core import jobs
from core.settings import PROJECT


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache folder, an empty data root, and no runner that is started on its own."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("XFACTOR_CACHE", str(folder))
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XFACTOR_DEVICE", "cpu")
    monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
    st.cache_resource.clear()
    st.cache_data.clear()
    return folder


@pytest.fixture
def with_study(tiny: tuple[Path, str], cache: Path) -> str:
    """The finished study in this test's cache folder; gives its key."""
    shutil.copytree(tiny[0], cache, dirs_exist_ok=True)
    return tiny[1]


@pytest.fixture
def app() -> AppTest:
    """The app on its home page."""
    return AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120).run()
