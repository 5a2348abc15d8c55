"""What tests of several folders share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import study


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """A cache folder with the finished study, and its key; copy it, do not change it."""
    cache = tmp_path_factory.mktemp("tiny")
    return cache, study.finished(cache)
