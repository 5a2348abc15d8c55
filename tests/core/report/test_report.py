"""The report: what a parser other than ours finds in it, and that nothing foreign gets out."""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pandas as pd
import pytest

from core import jobs
from core.cli import main
from core.errors import InputError
from core.figures import FIGURES, figures
from core.report import parts, report
from core.report.citations import CITATIONS
from core.settings import PROJECT
from core.store import Store
from core.studies import STUDIES, from_toml
from tests.core.studies.several import HOSTILE, IMAGE, REMOVAL, studies


class Read(HTMLParser):
    """Elements with their attributes, and the text outside of scripts and styles."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.within: list[str] = []
        self.text = ""
        self.scripts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag in ("script", "style"):
            self.within.append(tag)
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        if self.within and tag == self.within[-1]:
            self.within.pop()

    def handle_data(self, data: str) -> None:
        if self.within:
            self.scripts[-1] += data
        else:
            self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.found if name == tag]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with studies(tmp_path_factory.mktemp("report")) as store:
        yield store


@pytest.fixture(scope="module")
def content(store: Store) -> bytes:
    return report(jobs.all_jobs(store), store)


@pytest.fixture(scope="module")
def read(content: bytes) -> Read:
    return Read(content.decode())


def test_every_study_has_figures_and_citations() -> None:
    assert set(FIGURES) == set(CITATIONS) == set(STUDIES)


def test_it_asks_no_network(content: bytes, read: Read) -> None:
    for tag in ("script", "link", "img", "iframe", "object", "embed", "source"):
        for attributes in read.all(tag):
            assert not {"src", "href", "data", "srcset"} & set(attributes)
    for attributes in read.all("a"):
        assert str(attributes["href"]).startswith("#study-")
    style = read.scripts[0]
    assert "@import" not in style
    assert "url(" not in style
    assert len(content) < 10e6


def test_its_policy_names_each_script_and_no_other(read: Read) -> None:
    (policy,) = (str(m["content"]) for m in read.all("meta") if m.get("http-equiv") is not None)
    assert "default-src 'none'" in policy
    kinds = [attributes.get("type") for attributes in read.all("script")]
    ran = [text for text, kind in zip(read.scripts[1:], kinds, strict=True) if kind is None]
    digests = {
        "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for text in ran
    }
    assert set(re.findall(r"'(sha256-[^']*)'", policy)) == digests
    assert len(ran) == 2


def test_foreign_text_stays_text(content: bytes, read: Read) -> None:
    assert HOSTILE in read.text
    assert IMAGE in read.text
    assert b"<script>window" not in content
    assert not read.all("img")
    assert all("onerror" not in attributes for _, attributes in read.found)


def test_every_figure_is_there_with_its_words_and_numbers(store: Store, read: Read) -> None:
    places = [str(a["data-spec"]) for a in read.all("div") if a.get("class") == "chart"]
    kinds = [a.get("id") for a in read.all("script") if a.get("type") == "application/json"]
    assert places == kinds
    assert len(places) > 15
    specs = [
        json.loads(text)
        for text, attributes in zip(read.scripts[1:], read.all("script"), strict=True)
        if attributes.get("type") == "application/json"
    ]
    assert all("data" in spec or "datasets" in spec or "layer" in spec for spec in specs)
    for job in jobs.all_jobs(store):
        found = STUDIES[job.study].report(job, store)
        assert STUDIES[job.study].headline(job, store) in read.text
        for sentence in found.sentences:
            assert sentence in read.text
        drawn = figures(job, found)
        assert len({figure.name for figure in drawn}) == len(drawn)
        for figure in drawn:
            assert figure.title in read.text
            assert figure.alt + (f" {figure.reading}" if figure.reading else "") in read.text
            assert len(figure.table)


def test_it_says_how_each_study_was_made(store: Store, read: Read) -> None:
    for job in jobs.all_jobs(store):
        scores = STUDIES[job.study].scores(job, store)
        assert job.key in read.text
        assert job.facts.get("fingerprint", "") in read.text
        assert f"{scores['device'].iloc[0]} ({len(scores):,} runs)" in read.text
        assert scores["versions"].iloc[0] in read.text
        for paper in CITATIONS[job.study]:
            assert paper in read.text


def test_its_command_gives_the_same_study(store: Store, read: Read, tmp_path: Path) -> None:
    found = re.findall(
        r"python -m core (study run .*?) <<'END OF STUDY'\n(.*?)END", read.text, re.S
    )
    assert len(found) == len(jobs.all_jobs(store))
    keys = set()
    for command, toml in found:
        path = tmp_path / "study.toml"
        path.write_text(toml, encoding="utf-8")
        words = command.replace("/dev/stdin", str(path)).split()
        assert main([*words, "--detach"]) == 0  # A study that is done is left as it is.
        kind, spec = from_toml(path)
        keys.add(kind.prepare(spec)[0])
    assert keys == {job.key for job in jobs.all_jobs(store)}


def test_standard_input_is_a_file_to_the_command() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "core", "study", "run", "/dev/stdin"],
        input="dataset = 'nowhere'\n", cwd=PROJECT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "Unknown data set 'nowhere'" in done.stderr


def test_a_table_is_cut_where_it_says_so() -> None:
    frame = pd.DataFrame({f"c{n}": range(150) for n in range(50)}) / 3
    frame.iloc[0, 0] = float("nan")
    read = Read(parts._table("<big>", frame, ""))
    assert "<big>: 150 rows (the first 100 of 150 rows and the first 40 of 50 columns" in read.text
    assert len(read.all("th")) == 40
    assert len(read.all("td")) == 4000
    assert "0.33333" in read.text
    assert "–" in read.text


def test_what_is_not_done_is_refused(store: Store) -> None:
    job = jobs.all_jobs(store)[0]
    for state in ("queued", "running", "failed", "cancelled"):
        with pytest.raises(InputError, match=state):
            report([dataclasses.replace(job, state=state)], store)
    with pytest.raises(InputError, match="none"):
        report([], store)


def test_the_command_line_writes_it(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "deep" / "report.html"
    assert main(["study", "report", "tiny", "damage", "tiny", "--out", str(out)]) == 0
    read = Read(out.read_text(encoding="utf-8"))
    assert len(read.all("section")) == 2
    assert main(["study", "report", "tiny", "--out", str(tmp_path / "report.pdf")]) == 2
    assert "must end in .html" in capsys.readouterr().err
    assert main(["study", "report", "nothing", "--out", str(out)]) == 2
    assert REMOVAL.name in capsys.readouterr().err
