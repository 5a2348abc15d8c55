"""What users bring ends in a data set or in one sentence: a moment of each kind of `tests.fuzz`."""

from __future__ import annotations

import os

import pytest

from tests import fuzz

SECONDS = float(os.environ.get("XFACTOR_FUZZ_SECONDS") or 0)


@pytest.mark.parametrize("name", fuzz.NAMES)
def test_nothing_but_an_input_error_comes_out(name: str) -> None:
    assert fuzz.fuzz(name, SECONDS / len(fuzz.NAMES)) >= 1
