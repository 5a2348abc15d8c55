"""One study of a report: sentences, figures, tables, and how to make it again."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING

import pandas as pd

from core.figures import Figure, figures
from core.report.citations import CITATIONS
from core.studies import STUDIES

if TYPE_CHECKING:
    from core.jobs import Job
    from core.store import Store
    from core.studies import Study

MOST_ROWS = 100
MOST_COLUMNS = 40
RECORDED = {"device": "Trained on", "weights": "Starting weights", "versions": "Versions"}


@dataclass(frozen=True)
class Part:
    """A study as HTML, and the specifications of its charts as script elements."""

    body: str
    specs: tuple[str, ...]


def escaped(value: object) -> str:
    """A value as text in HTML, in an element or an attribute."""
    return escape(str(value))


def study_part(job: Job, store: Store, number: int) -> Part:
    """Everything that a report says of one study.

    Args:
        job: The study.
        store: Where its results are.
        number: Its place in the report, from 1.
    """
    study = STUDIES[job.study]
    found = study.report(job, store)
    scores = found.tables.get("scores")
    scores = study.scores(job, store) if scores is None else scores
    drawn = figures(job, found)
    shown = {id(figure.table) for figure in drawn}
    tables = dict(found.tables)
    if not any(scores.equals(table) for table in tables.values()):
        tables["scores"] = scores
    others = {name: table for name, table in tables.items() if id(table) not in shown}
    charts = [_figure(figure, f"spec-{number}-{n}") for n, figure in enumerate(drawn)]
    body = (
        f'<section id="study-{number}">\n<h2><bdi>{escaped(job.name)}</bdi></h2>\n'
        f'<p class="soft">{escaped(study.title)} study of the data set '
        f"<bdi>{escaped(job.spec['dataset'])}</bdi>. {escaped(study.summary)}</p>\n"
        + _sentences(study.headline(job, store), found.sentences)
        + "".join(figure for figure, _ in charts)
        + "<h3>Tables</h3>\n"
        + "".join(_table(name, table, job.name) for name, table in others.items() if len(table))
        + _made(job, tables.get("runs", scores))
        + _again(job, study)
        + "<h3>References</h3>\n<ul>"
        + "".join(f"<li>{escaped(paper)}</li>" for paper in CITATIONS[job.study])
        + "</ul>\n</section>\n"
    )
    return Part(body, tuple(spec for _, spec in charts))


def _sentences(headline: str, sentences: tuple[str, ...]) -> str:
    first, *rest = dict.fromkeys(text for text in (headline, *sentences) if text)
    items = "".join(f"<li>{escaped(text)}</li>" for text in rest)
    return f'<p class="headline">{escaped(first)}</p>\n' + (f"<ul>{items}</ul>\n" if items else "")


def _figure(figure: Figure, key: str) -> tuple[str, str]:
    """A figure's place on the page with its numbers, and the specification of its chart."""
    import altair as alt

    drawing = f'<div class="chart" data-spec="{key}"></div>'
    try:
        spec = figure.chart.to_json(indent=None)
    except alt.MaxRowsError:
        spec = ""
        drawing = '<p class="soft">Too many marks to draw here; the page of the study shows it.</p>'
    said = f" {figure.reading}" if figure.reading else ""
    place = (
        f'<figure role="group" aria-label="{escaped(figure.title)}">\n'
        f"<h3>{escaped(figure.title)}</h3>\n{drawing}\n"
        f"<figcaption>{escaped(figure.alt + said)}</figcaption>\n</figure>\n"
        + _table("Numbers", figure.table, "")
    )
    # In JSON < can always be written so, and then nothing in it ends the element.
    data = spec.replace("<", "\\u003c")
    return place, f'<script type="application/json" id="{key}">{data}</script>\n' if spec else ""


def _table(name: str, frame: pd.DataFrame, study: str) -> str:
    """A table to be opened, cut where it is long or wide, which it then says."""
    part = frame.iloc[:MOST_ROWS, :MOST_COLUMNS]
    cut = [
        f"the first {most:,} of {count:,} {what}"
        for what, most, count in (
            ("rows", MOST_ROWS, len(frame)),
            ("columns", MOST_COLUMNS, frame.shape[1]),
        )
        if count > most
    ]
    note = f" ({' and '.join(cut)}; the study's CSV files hold all)" if cut else ""
    head = "".join(f"<th>{escaped(column)}</th>" for column in part)
    rows = "".join(
        f"<tr>{''.join(map(_cell, row))}</tr>\n" for row in part.itertuples(index=False, name=None)
    )
    return (
        f"<details><summary>{escaped(name)}: {len(frame):,} rows{note}</summary>\n"
        f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>{rows}</tbody>'
        "</table></div></details>\n"
    )


def _cell(value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return f"<td><bdi>{escaped(value)}</bdi></td>"
    if isinstance(value, float):
        text = "–" if math.isnan(value) else f"{value:.5g}"
    else:
        text = str(value)
    return f'<td class="number">{text}</td>'


def _made(job: Job, scores: pd.DataFrame) -> str:
    """What is known of how and where the results came about; one row of `scores` is one run."""
    facts = {"Key": job.key, "Data set": job.spec["dataset"]}
    if "fingerprint" in job.facts:
        facts["Fingerprint of the data"] = job.facts["fingerprint"]
    facts["Units"] = f"{job.done:,} of {job.total:,}"
    if job.finished is not None:
        facts["Ended"] = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(job.finished))
    if job.started is not None and job.finished is not None:
        facts["Last run took"] = f"{job.finished - job.started:,.0f} s"
    if "seconds" in scores:
        facts["Training and testing"] = f"{scores['seconds'].sum():,.0f} s in all runs together"
    if "seed" in job.spec:
        facts["Seed of the study"] = str(job.spec["seed"])
    for column, title in RECORDED.items():
        counts = scores[column].value_counts() if column in scores else pd.Series(dtype=int)
        texts = [f"{text} ({count:,} runs)" for text, count in counts.items() if text]
        if texts:
            facts[title] = "; ".join(texts)
    if "device" not in scores:
        facts["Trained on"] = "not recorded by this kind of study"
    rows = "".join(
        f"<dt>{title}</dt><dd><bdi>{escaped(text)}</bdi></dd>" for title, text in facts.items()
    )
    return f"<h3>How it was made</h3>\n<dl>{rows}</dl>\n"


def _again(job: Job, study: Study) -> str:
    """The settings as a file, inside the one command that runs them."""
    toml = study.spec.from_dict(job.spec).to_toml()
    command = (
        f"python -m core study run /dev/stdin --out results/ <<'END OF STUDY'\n{toml}END OF STUDY\n"
    )
    return (
        "<h3>Settings, and how to run it again</h3>\n"
        '<p class="soft">One command for the folder of X-Factor Lab; the lines in between are the '
        "study as a TOML file. On the same data it gives a study with the same key.</p>\n"
        f'<pre class="command">{escaped(command)}</pre>\n'
    )
