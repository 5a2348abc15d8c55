"""A finished study as slides: one figure at a time with the sentence that it shows."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.charts.style import enlarged
from core.errors import InputError
from core.figures import Figure
from core.jobs import Job
from core.report import citations
from core.studies import STUDIES
from pages.shared import jobs_panel, loaders, shell
from pages.shared.text import plain

PLACE = "slide"
STUDY = "study"


def chosen() -> Job | None:
    """The study that the address names, by label, name or key; None where it names none.

    Raises:
        InputError: There is no such study, or it has not ended.
    """
    name = st.query_params.get(STUDY, "")
    if not name:
        return None
    # A label ends in the beginning of the key, which tells studies of one name apart.
    found = {jobs_panel.label(job): job for job in jobs.all_jobs(loaders.store())}
    job = found.get(name) or jobs.find(loaders.store(), name)
    if job.state != "done":
        raise InputError(f"Study {job.name!r} is {job.state}; let it end, then present it.")
    return job


def contents() -> None:
    """What can be presented."""
    here = shell.entry("presentation")
    st.title(here.title, anchor=False)
    st.caption(here.summary)
    done = [job for job in jobs.all_jobs(loaders.store()) if job.state == "done"]
    if not done:
        st.info("No study has ended yet; start one, and come back.", icon=":material/info:")
        shell.link("study", "Start a study")
    for job in done:
        shell.link(here.name, plain(job.name), study=jobs_panel.label(job))


def turn(job: Job, to: int) -> None:
    """Go to a slide, in the address too, which forgets the study that a link brought."""
    st.query_params.from_dict({STUDY: jobs_panel.label(job), PLACE: str(to)})


def place(slides: int) -> int:
    """The slide that the address asks for, from 1; the nearest there is."""
    text = st.query_params.get(PLACE, "1")
    number = int(text) if text.isascii() and text.isdecimal() and len(text) < 9 else 1
    return min(max(number, 1), slides)


def opening(job: Job, moment: float) -> None:
    """What was asked, of which data, and the one sentence that answers."""
    study = STUDIES[job.study]
    st.title(plain(job.name), anchor=False)
    st.caption(f"{plain(study.title)} · {plain(str(job.spec['dataset']))} · {job.done:,} units")
    st.header(plain(loaders.headline(job.key, moment)), anchor=False)


def slide(figure: Figure) -> None:
    """A figure under its reading."""
    st.title(plain(figure.title), anchor=False)
    if figure.reading:
        st.header(plain(figure.reading), anchor=False)
    st.altair_chart(enlarged(figure.chart), alt=figure.alt, key=f"slide-{figure.name}")
    st.caption(plain(figure.alt))


def closing(job: Job) -> None:
    """How it was made, and what to read."""
    st.title("How it was made", anchor=False)
    st.markdown(
        f"{plain(STUDIES[job.study].summary)}  \n"
        f"{job.done:,} of {job.total:,} units, key `{job.key}`; "
        "the report holds settings, versions, devices and the command that runs it again."
    )
    for paper in citations.CITATIONS[job.study]:
        st.markdown(f"- {plain(paper)}")
    jobs_panel.link(job, "To the study")


def steps(job: Job, number: int, slides: int) -> None:
    """Back and on, by the arrow keys too, and how many slides there are."""
    with st.container(horizontal=True, horizontal_alignment="center", vertical_alignment="center"):
        st.button(
            "Back",
            key="back",
            icon=":material/arrow_back:",
            on_click=turn,
            args=(job, number - 1),
            disabled=number == 1,
            shortcut="Left",
            type="tertiary",
            help="The slide before this one.",
        )
        st.markdown(f"{number} / {slides}", width="content")
        st.button(
            "On",
            key="on",
            icon=":material/arrow_forward:",
            on_click=turn,
            args=(job, number + 1),
            disabled=number == slides,
            shortcut="Right",
            type="tertiary",
            help="The slide after this one.",
        )


def show(job: Job, moment: float) -> None:
    """The slide that the address asks for."""
    figures = loaders.figures(job.key, moment)
    slides = len(figures) + 2
    number = place(slides)
    if number == 1:
        opening(job, moment)
    elif number == slides:
        closing(job)
    else:
        slide(figures[number - 2])
    steps(job, number, slides)


shell.guard()
with shell.sentences():
    job = chosen()
    if job is None:
        contents()
    else:
        assert job.finished is not None
        show(job, job.finished)
