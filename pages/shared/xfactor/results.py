"""What an X-Factor study found: one tab a question, of which only the open one is drawn."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.charts.cdf import cdf
from core.charts.heatmap import r_squared, spearman, spearman_by_class
from core.charts.overlap import overlap
from core.charts.scaling import scaling
from core.charts.strategies import strategies
from core.charts.variance import variance
from core.studies.xfactor_analysis.published import beside_paper
from core.studies.xfactor_analysis.readings import facts
from pages.shared import export, layout, loaders
from pages.shared.text import plain
from pages.shared.xfactor import scatter
from pages.shared.xfactor.found import Found, draw, say

GROUPS = {"All subsets": "all", "Selected subsets": "selected", "Random subsets": "random"}
MEAN = "Mean over classes"
EVERY = "All classes"


def show(key: str, done: int) -> None:
    """Draw the results of a study.

    Args:
        key: Key of the job.
        done: Units that had a score when the results were asked for.
    """
    results = loaders.results(key, done)
    if results.scores.empty:
        st.info("No model has been scored yet.", icon=":material/hourglass_empty:")
        return
    analysis = loaders.analysis(key, done)
    for note in dict.fromkeys((*results.notes, *analysis.notes)):
        st.warning(plain(note), icon=":material/info:")
    if not results.failures.empty:
        with st.expander(f"{len(results.failures):,} units failed", icon=":material/warning:"):
            st.dataframe(results.failures, hide_index=True)
    tabs = st.tabs(list(TABS), key="tab", bind="query-params")
    for tab, content in zip(tabs, TABS.values(), strict=True):
        if tab.open:
            with tab:
                content(Found(key, done, results, analysis))


def _group(*groups: str, key: str, help: str) -> str:
    titles = [title for title, name in GROUPS.items() if name in groups]
    chosen = st.segmented_control(
        "Subsets", titles, default=titles[0], required=True, key=key, bind="query-params", help=help
    )
    return GROUPS[chosen or titles[0]]


def _findings(found: Found) -> None:
    for fact in facts(found.analysis):
        st.markdown(f"- {plain(fact.text)}")
    st.subheader("Beside the paper", anchor=False)
    st.caption("The paper's figures are for MNIST, 2,500 subsets and ten models.")
    table = beside_paper(found.analysis)
    st.dataframe(table, hide_index=True)
    export.table(table, "beside-paper")


def _scaling(found: Found) -> None:
    say(found, "scaling")
    with layout.panels():
        for group in ("random", "selected"):
            with layout.panel():
                st.subheader(f"{group.capitalize()} subsets", anchor=False)
                table = found.analysis.scaling[found.analysis.scaling["group"] == group]
                if table.empty:
                    st.caption("None in this study.")
                    continue
                alt = f"Error against size on {group} subsets, a line for each model"
                draw(scaling(found.analysis.scaling, group), table, f"scaling-{group}", alt)
    st.subheader("Slopes on log-log axes", anchor=False)
    st.dataframe(found.analysis.slopes, hide_index=True)
    export.table(found.analysis.slopes, "slopes")


def _cdfs(found: Found) -> None:
    say(found, "ks", "z_scores")
    titles = {"by size": "per_class", "by model": "model", "all together": "all"}
    chosen = st.segmented_control(
        "Curves",
        list(titles),
        default="by size",
        required=True,
        key="curves",
        bind="query-params",
        help="What one curve pools.",
    )
    by = titles[chosen or "by size"]
    with layout.panels():
        for group in ("random", "selected"):
            table = found.analysis.cdf[
                (found.analysis.cdf["group"] == group) & (found.analysis.cdf["by"] == by)
            ]
            with layout.panel():
                st.subheader(f"{group.capitalize()} subsets", anchor=False)
                if table.empty:
                    st.caption("None in this study.")
                    continue
                alt = f"Distribution of Z-scores of {group} subsets {chosen}"
                draw(cdf(found.analysis.cdf, group, by), table, f"cdf-{group}-{by}", alt)
    with st.expander("Kolmogorov-Smirnov tests against the normal distribution"):
        st.dataframe(found.analysis.ks, hide_index=True)
        export.table(found.analysis.ks, "ks")


def _agreement(found: Found) -> None:
    if len(found.analysis.models) < 2:
        st.info("R² compares models; this study has one.", icon=":material/info:")
        return
    say(found, "r_squared_mean", "r_squared")
    group = _group("all", "selected", "random", key="group", help="Which subsets are compared.")
    table = found.analysis.r_squared[found.analysis.r_squared["group"] == group]
    draw(
        r_squared(found.analysis.r_squared, group, found.analysis.models),
        table,
        f"r-squared-{group}",
        f"R² of every pair of models on {group} subsets",
    )
    st.subheader("Mean over pairs", anchor=False)
    st.dataframe(found.analysis.r_squared_mean, hide_index=True)
    export.table(found.analysis.r_squared_mean, "r-squared-mean")


def _spearman(found: Found) -> None:
    if found.analysis.spearman.empty:
        st.info("Spearman's ρ compares models; this study has one.", icon=":material/info:")
        return
    say(found, "spearman_mean")
    chosen = st.selectbox(
        "Class",
        [EVERY, MEAN, *found.results.classes],
        key="rho_class",
        bind="query-params",
        width=layout.WIDGET,
        help="One matrix of models for a class or their mean, or all classes at a glance.",
    )
    if chosen == EVERY:
        figure, table = spearman_by_class(found.analysis.spearman), found.analysis.spearman
    else:
        name = None if chosen == MEAN else chosen
        figure = spearman(found.analysis.spearman, name, found.analysis.models)
        table = (
            found.analysis.spearman
            if name is None
            else found.analysis.spearman.query("`class` == @name")
        )
    draw(figure, table, "spearman", f"Spearman's ρ of every pair of models, {chosen}")
    st.subheader("Mean over pairs", anchor=False)
    st.dataframe(found.analysis.spearman_mean, hide_index=True)
    export.table(found.analysis.spearman_mean, "spearman-mean")


def _overlap(found: Found) -> None:
    size = st.segmented_control(
        "Images per class",
        [str(size) for size in found.results.spec.per_class],
        default=str(found.results.spec.per_class[0]),
        required=True,
        key="size",
        bind="query-params",
        help="Subsets of one size are compared with each other.",
    )
    table = loaders.overlap(found.key, found.done, int(size or found.results.spec.per_class[0]))
    draw(overlap(table), table, f"overlap-{size}", "Images that kinds of subsets share")


def _variance(found: Found) -> None:
    say(found, "variance")
    draw(
        variance(found.analysis.variance),
        found.analysis.variance,
        "variance",
        "Variance explained, by models",
    )
    st.dataframe(found.analysis.variance, hide_index=True)


def _strategies(found: Found) -> None:
    if not (found.analysis.strategies["strategy"] != "random").any():
        st.info("This study has random subsets only.", icon=":material/info:")
        return
    say(found, "strategies")
    draw(
        strategies(found.analysis.strategies),
        found.analysis.strategies,
        "strategies",
        "Mean Z-score by strategy, direction and excess",
    )
    st.dataframe(found.analysis.strategies, hide_index=True)


def _scores(found: Found) -> None:
    scores = found.results.scores
    devices = ", ".join(sorted(scores["device"].unique()))
    weights = ", ".join(sorted(set(scores["weights"]) - {""}))
    st.caption(
        f"{len(scores):,} of {found.results.units:,} units, trained on {plain(devices)}"
        + (f"; networks started from {plain(weights)} weights" if weights else "")
        + "."
    )
    st.dataframe(scores, hide_index=True)
    export.table(scores, "scores")


TABS: dict[str, Callable[[Found], None]] = {
    "Findings": _findings,
    "Scaling": _scaling,
    "CDFs": _cdfs,
    "Z against Z": scatter.show,
    "R²": _agreement,
    "Classes": _spearman,
    "Strategies": _strategies,
    "Overlap": _overlap,
    "Variance": _variance,
    "Scores": _scores,
}
