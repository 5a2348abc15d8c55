"""Compose an X-Factor study, run it, and read what it found."""

from __future__ import annotations

import streamlit as st

from core.studies import xfactor
from core.studies.diversity import DiversitySpec
from core.studies.union_spec import UnionSpec
from core.studies.xfactor_spec import XFactorSpec
from pages.shared import jobs_panel, loaders, machines, people, picker, shell
from pages.shared.text import duration
from pages.shared.xfactor import compose, quality, results, unions


def compose_study() -> None:
    """Widgets, what the study would cost, and the button that starts it."""
    with st.container(border=True):
        listing = picker.listing(XFactorSpec.help("dataset"))
        if not picker.is_here(listing):
            return
        spec = compose.spec(listing.name)
    cost(spec)
    if people.button(
        "Run",
        icon=":material/play_arrow:",
        help="Queue the study. It runs on when you close this page, and what it shares with "
        "earlier studies is not trained again.",
    ):
        jobs_panel.submit("xfactor", spec)
    jobs_panel.as_file(spec)


def cost(spec: XFactorSpec) -> None:
    """Units and time before the start."""
    estimate = xfactor.estimate(spec, loaders.dataset(spec.dataset), loaders.store())
    left = estimate.units - estimate.done
    seconds, where = machines.wait(estimate.seconds, left)
    measured = "from times measured here" if estimate.measured else "a rough figure: first run"
    metrics = (
        (
            "Subsets",
            f"{estimate.subsets:,}",
            "Random and selected.",
        ),
        ("Units", f"{estimate.units:,}", "Training runs: each model on each subset."),
        ("Scored already", f"{estimate.done:,}", "By earlier studies; they are not run again."),
        (
            "Expected time",
            duration(seconds) if left else "none",
            f"{where[0].upper()}{where[1:]} ({shell.device()}), {measured}.",
        ),
    )
    with st.container(horizontal=True, gap="medium"):
        for title, value, help in metrics:
            st.metric(title, value, help=help, width="content")


with shell.page("study"):
    job = jobs_panel.choose(
        "xfactor",
        "New study",
        "Compose a new study, or read one that has run or runs.",
        DiversitySpec.study,
        UnionSpec.study,
    )
    if job is None:
        compose_study()
    elif job.study == DiversitySpec.study:
        jobs_panel.read(job, quality.show_measured)
    elif job.study == UnionSpec.study:
        jobs_panel.read(job, unions.show)
    else:
        jobs_panel.read(job, results.show)
