"""What is quality? Measures of the subsets beside how well models do on them."""

from __future__ import annotations

from dataclasses import replace

import pandas as pd
import streamlit as st

from core import jobs
from core.charts.measures import ranking, remaining, scatter
from core.diversity import MEASURES
from core.jobs import Job
from core.studies import xfactor
from core.studies.diversity import DiversitySpec, estimate, measures
from core.studies.xfactor_analysis import analyse
from core.studies.xfactor_analysis.measures import Quality, accounts, closest, quality
from core.studies.xfactor_spec import XFactorSpec
from pages.shared import actions, jobs_panel, layout, loaders, machines, people, picker
from pages.shared.shown import draw, gaps, table
from pages.shared.text import duration, plain
from pages.shared.xfactor.found import Found

TITLES = {name: entry.title for name, entry in MEASURES.items()}
NO_SCORES = pd.DataFrame({"subset": [], "model": [], "z": []}, dtype=object)
GROUPS = {"All subsets": "all", "Selected": "selected", "Random": "random"}


@st.cache_resource(max_entries=8, show_spinner="Setting measures beside the scores …")
def _quality(key: str, moment: float) -> Quality | None:
    """What measures say of a study's subsets; None where none has been measured.

    Args:
        key: Key of an X-Factor study, or of one that measures its subsets.
        moment: Unix time when either ended last.
    """
    store = loaders.store()
    found = xfactor.results(jobs.find(store, key), store)
    measured = measures(found, store)
    if measured.empty:
        return None
    if found.scores.empty:
        return quality(measured, NO_SCORES)
    return quality(measured, analyse(found.scores, models=found.spec.models).z_scores)


def show_measured(key: str, moment: float) -> None:
    """The results of a study that measures subsets.

    Args:
        key: Key of its job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    found = _quality(key, moment)
    if found is None:
        st.info("No subset has been measured yet.", icon=":material/hourglass_empty:")
    else:
        _read(found)


def show(found: Found) -> None:
    """The measures of a study's subsets; where there are none, how to get them."""
    job = _job(found.results.spec)
    if job is not None and job.active:
        jobs_panel.poll(lambda every: _card(job.key, every))
        return
    moment = max(found.moment, (job.finished or job.submitted) if job else 0.0)
    measured = _quality(found.key, moment)
    if measured is None:
        _ask(found)
    else:
        _read(measured)


def _job(spec: XFactorSpec) -> Job | None:
    """The newest job that measures this study, whatever it is called."""
    wanted = replace(DiversitySpec.of(spec), name="any").to_dict()
    for job in jobs.all_jobs(loaders.store()):
        if job.study == DiversitySpec.study:
            measured = DiversitySpec.from_dict({**job.spec, "name": "any"})
            if measured.to_dict() == wanted:
                return job
    return None


def _card(key: str, every: list[Job]) -> None:
    for job in every:
        if job.key == key:
            jobs_panel.card(job, results=False)


def _ask(found: Found) -> None:
    st.info(
        "Nobody has measured the subsets of this study yet. Diversity, distances and "
        "separability need no model, and can be set beside the Z-scores.",
        icon=":material/straighten:",
    )
    spec = found.results.spec
    dataset = picker.of_study(spec.dataset, found.results.fingerprint)
    if dataset is None:
        return
    count, seconds, _ = estimate(spec, dataset, loaders.store())
    seconds, where = machines.wait(seconds, count)
    st.caption(f"{count:,} subsets, about {duration(seconds)} {where}.")
    if people.button(
        "Measure the subsets",
        icon=":material/play_arrow:",
        help="Queue it. It runs on when you close this page, and what is measured is remembered.",
    ):
        actions.submit(DiversitySpec.study, DiversitySpec.of(spec))
        st.rerun()


def _read(found: Quality) -> None:
    gaps(found.notes, found.correlations.iloc[:0], "measures")
    if not found.correlations.empty:
        _draw(found)


def _draw(found: Quality) -> None:
    known = set(found.correlations["group"])
    names = [name for name, group in GROUPS.items() if group in known]
    chosen = st.segmented_control(
        "Subsets",
        names,
        default=names[0],
        required=True,
        key="measured_group",
        bind="query-params",
        help="Which subsets measures and Z-scores are compared on.",
    )
    group = GROUPS[chosen or names[0]]
    ranked, explained, left = (
        some[some["group"] == group]
        for some in (found.correlations, found.explained, found.remaining)
    )
    said = [text for text in (accounts(explained, left), closest(ranked)) if text]
    st.markdown("\n".join(f"- {plain(text)}" for text in said))
    with layout.panels():
        with layout.panel():
            st.subheader("Measures beside mean Z", anchor=False)
            alt = "Correlation of every measure with the mean Z-score, with intervals"
            draw(ranking(ranked, TITLES), ranked, f"measures-{group}", alt)
        with layout.panel():
            if left["r_squared"].notna().any():
                st.subheader("Agreement without a measure", anchor=False)
                alt = "Mean R² between models with a measure taken out"
                draw(remaining(left, TITLES), left, f"measures-left-{group}", alt)
    _one(found, group, explained["measure"][explained["measures"] == 1].tolist())
    st.subheader("Variance of mean Z explained", anchor=False)
    table(explained, f"measures-explained-{group}")
    st.subheader("Every subset", anchor=False)
    table(found.subsets, "measures")


def _one(found: Quality, group: str, names: list[str]) -> None:
    """Mean Z against one measure, at one size."""
    some = found.subsets
    some = some if group == "all" else some[some["group"] == group]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        titles = [TITLES[name] for name in names]
        title = st.selectbox(
            "Measure",
            titles,
            key="measure",
            bind="query-params",
            width=layout.WIDGET,
            help="What stands across; the one that explains most of mean Z comes first.",
        )
        sizes = [str(size) for size in sorted(some["per_class"].unique())]
        size = st.segmented_control(
            "Images per class",
            sizes,
            default=sizes[0],
            required=True,
            key="measured_size",
            bind="query-params",
            help="Subsets of one size are compared.",
        )
    name = names[titles.index(title)]
    some = some[some["per_class"] == int(size or sizes[0])]
    st.caption(MEASURES[name].summary)
    draw(
        scatter(some, name, TITLES[name]),
        some[["subset", "strategy", "direction", "excess", "z", name]],
        f"measure-{name}-{size}",
        f"Mean Z of every subset against {TITLES[name]}",
    )
