"""Which rows harm a model, whose labels look wrong, and what refining the data gains."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core import jobs
from core.datasets.base import Dataset
from core.studies.influence_spec import InfluenceSpec
from pages.shared import jobs_panel, loaders, people, picker, shell
from pages.shared.influence import checked, compose, refined, scored


@dataclass(frozen=True)
class View:
    """One of the studies of this page: its name, how one is composed and how one is shown."""

    study: str
    about: str
    compose: Callable[[Dataset], Any] | None
    show: Callable[[str, float], None]


VIEWS = {
    "Scores": View(
        "influence",
        "Train a model on some rows and score each: its harm to the loss of validation rows, and "
        "how wrong its label looks.",
        compose.scores,
        scored.show,
    ),
    "Refinement": View(
        "refinement",
        "Remove the most harmful rows, train again, and see whether it helps: round by round, "
        "over several seeds, beside as many rows removed at random and by loss.",
        compose.refinement,
        refined.show,
    ),
    "Leave one out": View(
        "leave-one-out",
        "Check scores against what really happens when rows are left out.",
        None,
        checked.show,
    ),
}


def turn_to_study() -> None:
    """Open the view of the study that a link or a start led to."""
    asked = st.session_state.get(jobs_panel.GO_TO)
    if asked is None and "view" not in st.session_state and "view" not in st.query_params:
        asked = st.query_params.get("study")
    kinds = {view.study: name for name, view in VIEWS.items()}
    for job in jobs.all_jobs(loaders.store()) if asked else []:
        if jobs_panel.label(job) == asked and job.study in kinds:
            st.session_state["view"] = kinds[job.study]


def forget_study() -> None:
    """A study of one view is none of another."""
    st.session_state.pop("study", None)


def new_study(view: View) -> None:
    """Widgets and the button that starts the study, or where to start it."""
    if view.compose is None:
        st.info("Open scores and choose rows to leave out at their end.", icon=":material/rule:")
        return
    with st.container(border=True):
        listing = picker.listing(InfluenceSpec.help("dataset"), kinds=picker.EVERYTHING)
        if not picker.is_here(listing):
            return
        spec = view.compose(loaders.dataset(listing.name))
    jobs_panel.cost(spec)
    if people.button(
        "Run",
        icon=":material/play_arrow:",
        help="Queue the study. It runs on when you close this page, and what earlier studies have "
        "answered is not computed again.",
    ):
        jobs_panel.submit(view.study, spec)
    jobs_panel.as_file(spec)


def body() -> None:
    """The view chosen: a new study, or one from the queue."""
    turn_to_study()
    names = list(VIEWS)
    chosen = st.segmented_control(
        "View",
        names,
        default=names[0],
        required=True,
        key="view",
        bind="query-params",
        on_change=forget_study,
        help="  \n".join(f"**{name}**: {view.about}" for name, view in VIEWS.items()),
    )
    view = VIEWS[chosen or names[0]]
    job = jobs_panel.choose(view.study, "New study", "Start a new one, or read one of the queue.")
    if job is None:
        st.caption(view.about)
        new_study(view)
    else:
        jobs_panel.read(job, view.show)


with shell.page("influence"):
    body()
