"""The studies that come with the program: they open, and say what the README says."""

from __future__ import annotations

import re

import pytest

from core import studies
from core.bundle import opened
from core.settings import PROJECT
from core.store import Store
from core.studies import xfactor
from core.studies.xfactor_analysis import Analysis, analyse, readings
from core.studies.xfactor_analysis.published import beside_paper

EXAMPLES = PROJECT / "examples"
Examples = dict[str, tuple[xfactor.Results, Analysis]]
README = (PROJECT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def examples(tmp_path_factory: pytest.TempPathFactory) -> Examples:
    """All opened in one cache; what a bundle holds is the study of the file beside it."""
    store, read = Store(tmp_path_factory.mktemp("examples")), {}
    for path in sorted(EXAMPLES.glob("*.zip")):
        with path.open("rb") as file:
            job = opened(file, store, path.name)
        _, spec = studies.from_toml(path.with_suffix(".toml"))
        assert job.spec == spec.to_dict()
        found = xfactor.results(job, store)
        assert len(found.scores) == found.units
        analysis = analyse(found.scores, models=found.spec.models, resamples=200)
        read[path.stem] = found, analysis
    return read


def test_they_are_small() -> None:
    assert all(path.stat().st_size < 5_000_000 for path in EXAMPLES.iterdir())


def test_the_grid_opens_and_agrees_with_the_readme(examples: Examples) -> None:
    found, analysis = examples["mnist"]
    assert found.units == 12_000
    assert "lacks 300 and 1,000 images per class" in found.notes[0]
    (line,) = re.findall(r"\| without naive Bayes \| ([^|]+)\|([^|]+)\|([^|]+)\|", README)
    for group, text in zip(("all", "selected", "random"), line, strict=True):
        mean = readings.mean_r_squared(analysis, group)["r_squared"]
        assert mean == pytest.approx(float(text.split()[0]), abs=0.006)


def test_all_ten_models_open_and_have_the_blocks_that_the_readme_names(examples: Examples) -> None:
    found, analysis = examples["mnist-ten-models"]
    assert found.units == 5_000
    assert "both ResNets start from random weights" in found.notes[0]
    here = beside_paper(analysis).set_index("quantity")["here"].to_dict()
    means = [value for quantity, value in here.items() if "block" in quantity.lower()]
    sentence = "{} among perceptrons, {} among ResNets, forest and support vectors, {} between"
    assert sentence.format(*means) in README


def test_fashion_opens_and_agrees_with_the_readme(examples: Examples) -> None:
    found, analysis = examples["fashion-mnist"]
    assert found.units == 5_440
    means = [
        readings.mean_r_squared(analysis, group)["r_squared"]
        for group in ("all", "selected", "random")
    ]
    pattern = r"Fashion-MNIST says the same.*?(0\.\d+) \(.*?(0\.\d+) \(.*?(0\.\d+) \("
    (said,) = re.findall(pattern, README)
    assert means == pytest.approx([float(text) for text in said], abs=0.006)
