"""The study that comes with the program: it opens, and says what the README says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from core import studies
from core.bundle import opened
from core.settings import PROJECT
from core.store import Store
from core.studies import xfactor
from core.studies.xfactor_analysis import analyse, readings

EXAMPLE = PROJECT / "examples" / "mnist.zip"
README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_it_opens_and_agrees_with_the_readme(tmp_path: Path) -> None:
    assert EXAMPLE.stat().st_size < 5_000_000
    store = Store(tmp_path)
    with EXAMPLE.open("rb") as file:
        job = opened(file, store, EXAMPLE.name)
    _, spec = studies.from_toml(EXAMPLE.with_suffix(".toml"))
    assert job.spec == spec.to_dict()
    found = xfactor.results(job, store)
    assert len(found.scores) == found.units == 12000
    assert "lacks 300 and 1,000 images per class" in found.notes[0]
    analysis = analyse(found.scores, models=found.spec.models, resamples=200)
    (line,) = re.findall(r"\| without naive Bayes \| ([^|]+)\|([^|]+)\|([^|]+)\|", README)
    for group, text in zip(("all", "selected", "random"), line, strict=True):
        mean = readings.mean_r_squared(analysis, group)["r_squared"]
        assert mean == pytest.approx(float(text.split()[0]), abs=0.006)
