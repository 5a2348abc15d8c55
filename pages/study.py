"""Compose an X-Factor study, run it, and read what it found."""

from __future__ import annotations

import time

import streamlit as st

from core import jobs, settings
from core.jobs import Job
from core.studies import xfactor
from core.studies.xfactor_spec import XFactorSpec
from pages.shared import jobs_panel, loaders, picker, shell
from pages.shared.text import duration
from pages.shared.xfactor import compose, results

NEW = "New study"


def compose_study() -> None:
    """Widgets, what the study would cost, and the button that starts it."""
    with st.container(border=True):
        listing = picker.listing(XFactorSpec.help("dataset"))
        if not picker.is_here(listing):
            return
        spec = compose.spec(listing.name)
    cost(spec)
    if st.button(
        "Run",
        icon=":material/play_arrow:",
        help="Queue the study. It runs on when you close this page, and what it shares with "
        "earlier studies is not trained again.",
    ):
        job = jobs.submit(loaders.store(), "xfactor", spec, settings.scheduler())
        st.session_state["go_to_study"] = jobs_panel.label(job)
        st.rerun()
    with st.expander("The same as a file for the command line", icon=":material/terminal:"):
        toml = spec.to_toml()
        st.code(toml, language="toml", wrap_lines=True)
        st.download_button(
            "study.toml",
            toml,
            "study.toml",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
            help="Save the file.",
        )
        st.code("python -m core study run study.toml --out results/", language="bash")


def cost(spec: XFactorSpec) -> None:
    """Units and time before the start."""
    estimate = xfactor.estimate(spec, loaders.dataset(spec.dataset), loaders.store())
    workers = settings.workers()
    measured = "from times measured here" if estimate.measured else "a rough figure: first run"
    metrics = (
        (
            "Subsets",
            f"{estimate.units // len(spec.models):,}",
            "Random and selected.",
        ),
        ("Units", f"{estimate.units:,}", "Training runs: each model on each subset."),
        ("Scored already", f"{estimate.done:,}", "By earlier studies; they are not run again."),
        (
            "Expected time",
            duration(estimate.seconds) if estimate.done < estimate.units else "none",
            f"On {workers} worker processes ({shell.device()}), {measured}.",
        ),
    )
    with st.container(horizontal=True, gap="medium"):
        for title, value, help in metrics:
            st.metric(title, value, help=help, width="content")


def read(job: Job) -> None:
    """Progress of a study while it runs, and its results."""

    def draw(found: list[Job]) -> None:
        for one in found:
            if one.key == job.key:
                jobs_panel.card(one, results=False)

    jobs_panel.poll(draw)
    if not job.active:
        results.show(job.key, job.finished or job.submitted)
        return
    asked = st.session_state.setdefault("asked_at", {})
    if st.button(
        "Show results so far",
        icon=":material/refresh:",
        help="Figures from the units that are scored now; they do not move by themselves.",
    ):
        asked[job.key] = time.time()
    if job.key in asked:
        results.show(job.key, asked[job.key])
    else:
        st.caption("Results appear here when the study ends.")


def body() -> None:
    """The study chosen: a new one, or one from the queue."""
    if "go_to_study" in st.session_state:
        st.session_state["study"] = st.session_state.pop("go_to_study")
    found = {jobs_panel.label(job): job for job in jobs.all_jobs(loaders.store())}
    chosen = st.selectbox(
        "Study",
        [NEW, *found],
        key="study",
        bind="query-params",
        help="Compose a new study, or read one that has run or runs.",
    )
    if chosen == NEW:
        compose_study()
    else:
        read(found[chosen])


with shell.page("study"):
    body()
