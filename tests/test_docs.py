"""Every study has a page, and what the pages show can be run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from core import studies
from core.cli import _parser
from core.report.citations import CITATIONS
from core.settings import PROJECT
from core.studies import STUDIES

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
