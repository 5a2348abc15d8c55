"""The queue: what waits, what runs, what ended, and what can be done about it."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.jobs import Job
from pages.shared import jobs_panel, machines, share, shell

FILTERS: dict[str, Callable[[Job], bool]] = {
    "All": lambda job: True,
    "Waiting or running": lambda job: job.active,
    "Done": lambda job: job.state == "done",
    "Failed or cancelled": lambda job: job.state in ("failed", "cancelled"),
}
PAGE = 10


def draw(jobs: list[Job], wanted: str) -> None:
    """The jobs under a filter, those that wait or run first."""
    if not jobs:
        st.info(
            "No study has been started yet. Compose one on the study page; it will queue here.",
            icon=":material/science:",
        )
        shell.link("study", "Start a study")
        return
    found = sorted((job for job in jobs if FILTERS[wanted](job)), key=lambda job: not job.active)
    shown = st.session_state.setdefault("jobs_shown", PAGE)
    st.caption(f"{len(found)} of {len(jobs)} jobs")
    for job in found[:shown]:
        jobs_panel.card(job)
    if len(found) > shown:
        st.button("Show more", help="Older jobs.", on_click=show_more)


def show_more() -> None:
    """List one page of jobs more."""
    st.session_state["jobs_shown"] += PAGE


with shell.page("jobs"):
    wanted = st.segmented_control(
        "Show",
        list(FILTERS),
        default="All",
        required=True,
        key="show",
        bind="query-params",
        help="Which jobs are listed. Those that wait or run come first.",
    )
    machines.panel()
    share.upload()
    jobs_panel.poll(lambda jobs: draw(jobs, wanted or "All"))
