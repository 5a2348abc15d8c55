"""Every study has a page, and what the pages show can be run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import curation, datasets, jobs, studies
from core.cli import _parser, main
from core.report.citations import CITATIONS
from core.settings import PROJECT
from core.store import Store
from core.studies import STUDIES
from tests.core.studies.serial import serial

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def page(study: str) -> str:
    return (PROJECT / "docs" / f"{study}.md").read_text(encoding="utf-8")


OTHERS = ("quality", "duplicates", "curation")


@pytest.mark.parametrize("name", [*STUDIES, *OTHERS])
def test_a_page_is_linked_and_tells_all_parts(name: str) -> None:
    assert f"](docs/{name}.md)" in README
    headings = re.findall(r"^## (.*)$", page(name), re.MULTILINE)
    for part in ("Formulas", "How to read", "What it cannot", "Reference"):
        assert any(text.startswith(part) for text in headings), part
    papers = CITATIONS.get(name) or CITATIONS["scoreboard"]
    assert any(paper.split(". ")[-1].rstrip(".") in page(name) for paper in papers)


@pytest.mark.parametrize(
    "path", sorted((PROJECT / "docs").glob("*.md")), ids=lambda path: path.stem
)
def test_links_lead_somewhere(path: Path) -> None:
    for link in re.findall(r"\]\(([^)#:]+\.\w+)\)", path.read_text(encoding="utf-8")):
        assert (path.parent / link).is_file(), link


@pytest.mark.parametrize("study", STUDIES)
def test_its_settings_are_a_study(study: str, tmp_path: Path) -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", page(study), re.DOTALL)
    path = tmp_path / "study.toml"
    path.write_text(toml, encoding="utf-8")
    kind, spec = studies.from_toml(path)
    assert kind.name == study
    assert f"python -m core study run {spec.name}.toml" in page(study)


@pytest.mark.parametrize("study", [*STUDIES, *OTHERS])
def test_its_commands_exist(study: str) -> None:
    commands = re.findall(r"^python -m core (.*)$", page(study), re.MULTILINE)
    assert commands
    for command in commands:
        options = _parser().parse_args(shlex.split(command))
        preset = getattr(options, "preset", None)
        if preset is not None:
            assert studies.of_preset(preset).name == study


# Those of the other pages train for longer; `docs/extending.md` runs a smaller one of some.
QUICK = ("removal", "scoreboard", "refinement", "influence", "leave-one-out")


@pytest.mark.parametrize("study", QUICK)
def test_its_study_runs(study: str, tmp_path: Path) -> None:
    (toml,) = re.findall(r"```toml\n(.*?)```", page(study), re.DOTALL)
    (tmp_path / "study.toml").write_text(toml, encoding="utf-8")
    with serial(tmp_path / "cache"):
        kind, spec = studies.from_toml(tmp_path / "study.toml")
        jobs.submit(Store(), kind.name, spec)
        jobs.run_queue(Store())
        (job,) = jobs.all_jobs(Store())
        assert (job.state, job.done) == ("done", job.total), job.message
        assert kind.report(job, Store()).sentences


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, no data but the digits, and ten photographs, two of them equal."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path))
    pixels = np.random.default_rng(0).integers(0, 256, (10, 32, 32, 3), dtype=np.uint8)
    pixels[1] = pixels[0]
    (tmp_path / "photos").mkdir()
    for number, image in enumerate(pixels):
        Image.fromarray(image).save(tmp_path / "photos" / f"{number}.png")
    place = curation.Place.of_folder(tmp_path / "photos")
    curation.tag(Store(), place, ["0.png", "2.png"], "keep", "somebody")
    digits = curation.Place(datasets.load("digits").fingerprint)
    curation.tag(Store(), digits, [3, 5], "remove", "somebody")
    curation.tag(Store(), digits, [7, 9], "keep", "somebody")
    return tmp_path


@pytest.mark.parametrize("name", OTHERS)
def test_its_commands_run(name: str, folder: Path) -> None:
    for command in re.findall(r"^python -m core (.*)$", page(name), re.MULTILINE):
        words = shlex.split(command)
        assert main(words) == 0, command
        assert (folder / words[words.index("--out") + 1]).exists(), command
