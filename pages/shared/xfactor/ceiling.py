"""How far models can agree at all: R² beside what each model agrees with itself."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.charts.ceiling import ceiling
from core.charts.heatmap import r_squared
from core.studies.xfactor import estimate
from core.studies.xfactor_analysis.ceiling import sentences
from pages.shared import jobs_panel, layout, loaders, machines, people, picker
from pages.shared.shown import draw, table
from pages.shared.text import duration, plain
from pages.shared.xfactor.found import Found

GROUPS = {"All subsets": "all", "Selected": "selected", "Random": "random"}


def show(found: Found) -> None:
    """Ceilings of R²; where no subset was trained again, how to get them."""
    analysis = found.analysis
    if analysis.ceiling is None or analysis.reliability is None or analysis.ceiling_mean is None:
        _ask(found)
        return
    names = [name for name, group in GROUPS.items() if (analysis.ceiling["group"] == group).any()]
    chosen = st.segmented_control(
        "Subsets",
        names,
        default=names[0],
        required=True,
        key="ceiling_group",
        bind="query-params",
        help="Which subsets models are compared on.",
    )
    group = GROUPS[chosen or names[0]]
    said = sentences(analysis.reliability, analysis.ceiling_mean, group)
    st.markdown("\n".join(f"- {plain(text)}" for text in said))
    own = analysis.reliability[analysis.reliability["group"] == group]
    pairs = analysis.ceiling[analysis.ceiling["group"] == group]
    with layout.panels():
        with layout.panel():
            st.subheader("R², with itself on the diagonal", anchor=False)
            figure = r_squared(analysis.r_squared, group, analysis.models, own)
            alt = "R² of every pair of models, and of each model with itself trained again"
            draw(figure, pairs, f"r-squared-own-{group}", alt)
        with layout.panel():
            st.subheader("R² and the most that it can be", anchor=False)
            alt = "R² of every pair of models beside its ceiling"
            draw(ceiling(pairs), pairs, f"ceiling-{group}", alt)
    st.subheader("Every pair of models", anchor=False)
    table(pairs, f"ceiling-pairs-{group}")
    st.subheader("Every model with itself", anchor=False)
    table(own, f"reliability-{group}")


def _ask(found: Found) -> None:
    spec = found.results.spec
    if len(spec.models) < 2:
        st.info("Agreement compares models; this study has one.", icon=":material/info:")
        return
    if all(model.family.deterministic for model in spec.parsed_models()):
        st.info(
            "These models draw nothing at random: each agrees with itself in full, and R² may "
            "reach 1.",
            icon=":material/info:",
        )
        return
    if spec.replicates:
        st.info("No subset has been trained again yet.", icon=":material/hourglass_empty:")
        return
    again = replace(spec, replicates=1)
    st.info(
        "Two models cannot agree more than each agrees with itself under another seed. Train some "
        f"subsets again to see that ceiling: {again.replicate_subsets} of each size, half of them "
        "random ones.",
        icon=":material/replay:",
    )
    dataset = picker.of_study(spec.dataset, found.results.fingerprint)
    if dataset is None:
        return
    cost = estimate(again, dataset, loaders.store())
    left = cost.units - cost.done
    seconds, where = machines.wait(cost.seconds, left)
    st.caption(
        f"{left:,} training runs; {duration(seconds)} expected {where}."
        if left
        else "All of them are known already."
    )
    if people.button(
        "Train them again",
        icon=":material/play_arrow:",
        help="Queue this study with one training more of those subsets; all else is known.",
    ):
        jobs_panel.submit("xfactor", again)
