"""What an X-Factor study found: one tab a question, of which only the open one is drawn."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.charts import better
from core.charts.cdf import cdf
from core.charts.heatmap import r_squared, spearman, spearman_by_class
from core.charts.overlap import overlap
from core.charts.scaling import scaling
from core.charts.strategies import strategies
from core.charts.variance import variance
from core.studies.xfactor_analysis.published import beside_paper
from pages.shared import layout, loaders
from pages.shared.shown import draw, gaps, in_tabs, table
from pages.shared.text import plain
from pages.shared.xfactor import ceiling, combine, quality, scatter
from pages.shared.xfactor.found import Found, say, side_by_side

GROUPS = ("random", "selected")
MEAN = "Mean over classes"
EVERY = "All classes"


def show(key: str, moment: float) -> None:
    """Draw the results of a study.

    Args:
        key: Key of the job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    results = loaders.results(key, moment)
    if results.scores.empty:
        gaps(results.notes, results.failures, "failures")
        st.info("There are no scores to show yet.", icon=":material/hourglass_empty:")
        return
    found = Found(key, moment, results, loaders.analysis(key, moment))
    gaps((*results.notes, *found.analysis.notes), results.failures, "failures")
    in_tabs(TABS, found)


def _choice(label: str, options: list[str], key: str, help: str) -> str:
    chosen = st.segmented_control(
        label,
        options,
        default=options[0],
        required=True,
        key=key,
        bind="query-params",
        help=help,
    )
    return chosen or options[0]


def _findings(found: Found) -> None:
    say(found)
    st.subheader("Beside the paper", anchor=False)
    st.caption("The paper's figures are for MNIST, 2,500 subsets and ten models.")
    table(beside_paper(found.analysis), "beside-paper")


def _scaling(found: Found) -> None:
    say(found, "scaling")
    numbers = found.analysis.scaling
    with layout.panels():
        for group in GROUPS:
            with layout.panel():
                st.subheader(f"{group.capitalize()} subsets", anchor=False)
                some = numbers[numbers["group"] == group]
                if some.empty:
                    st.caption("None in this study.")
                    continue
                alt = f"Error against size on {group} subsets, a line for each model"
                draw(scaling(numbers, group), some, f"scaling-{group}", alt)
    st.subheader("Slopes on log-log axes", anchor=False)
    table(found.analysis.slopes, "slopes")


def _cdfs(found: Found) -> None:
    say(found, "ks", "z_scores")
    pooled = {"By size": "per_class", "By model": "model", "All together": "all"}
    chosen = _choice("Curves", list(pooled), "curves", "What one curve pools.")
    numbers = found.analysis.cdf[found.analysis.cdf["by"] == pooled[chosen]]
    with layout.panels():
        for group in GROUPS:
            with layout.panel():
                st.subheader(f"{group.capitalize()} subsets", anchor=False)
                some = numbers[numbers["group"] == group]
                if some.empty:
                    st.caption("None in this study.")
                    continue
                alt = f"Distribution of the Z-scores of {group} subsets, {chosen.lower()}"
                stem = f"cdf-{group}-{pooled[chosen]}"
                draw(cdf(found.analysis.cdf, group, pooled[chosen]), some, stem, alt)
    st.subheader("Kolmogorov-Smirnov tests against the normal distribution", anchor=False)
    table(found.analysis.ks, "ks")


def _agreement(found: Found) -> None:
    if len(found.analysis.models) < 2:
        st.info("R² compares models; this study has one.", icon=":material/info:")
        return
    say(found, "r_squared_mean", "r_squared")
    names = {"All subsets": "all", "Selected": "selected", "Random": "random"}
    group = names[_choice("Subsets", list(names), "group", "Which subsets models are compared on.")]
    pairs = found.analysis.r_squared
    side_by_side(
        r_squared(pairs, group, found.analysis.models),
        pairs[pairs["group"] == group],
        f"r-squared-{group}",
        f"R² of every pair of models on {group} subsets",
        found.analysis.r_squared_mean,
        "Mean R2 over pairs",
    )


def _classes(found: Found) -> None:
    pairs = found.analysis.spearman
    if pairs.empty:
        st.info("Spearman's ρ compares models; this study has one.", icon=":material/info:")
        return
    say(found, "spearman_mean")
    chosen = st.selectbox(
        "Class",
        [EVERY, MEAN, *found.results.classes],
        key="rho_class",
        bind="query-params",
        width=layout.WIDGET,
        help="All classes at a glance, or a matrix of models for one class or their mean.",
    )
    if chosen == EVERY:
        figure = spearman_by_class(pairs)
    elif chosen == MEAN:
        figure = spearman(pairs, None, found.analysis.models)
    else:
        figure = spearman(pairs, chosen, found.analysis.models)
        pairs = pairs[pairs["class"] == chosen]
    alt = f"Spearman's ρ of every pair of models, {chosen}"
    mean = found.analysis.spearman_mean
    side_by_side(figure, pairs, "spearman", alt, mean, "Mean rho over pairs")


def _strategies(found: Found) -> None:
    means = found.analysis.strategies
    if not (means["strategy"] != "random").any():
        st.info("This study has random subsets only.", icon=":material/info:")
        return
    say(found, "strategies")
    alt = "Mean Z-score by strategy, direction and excess"
    side_by_side(strategies(means), means, "z-by-strategy", alt, means, "Strategies")


def _better(found: Found) -> None:
    numbers = found.analysis.better
    if numbers.empty:
        st.info("This study has no selected subsets beside random ones.", icon=":material/info:")
        return
    say(found, "better")
    models = list(dict.fromkeys(numbers["model"]))
    model = st.selectbox(
        "Model",
        models,
        index=len(models) - 1,
        key="better_model",
        bind="query-params",
        width=layout.WIDGET,
        help="Whose errors are compared: one model's, or those of all that means are taken of.",
    )
    some = numbers[numbers["model"] == model]
    with layout.panels():
        with layout.panel():
            st.subheader("Subsets that beat the best random one", anchor=False)
            alt = f"Share of subsets that beat the best random one, {model}"
            draw(better.shares(some), some, "better-share", alt)
        with layout.panel():
            st.subheader("Mean Z-score", anchor=False)
            alt = f"Mean Z-score by strategy, direction and size, {model}"
            draw(better.means(some), some, "better-z", alt)
    st.caption(
        "Dashed: what is expected without any effect. Of R random subsets and one more, each is "
        "as likely to be the best, so by chance one in R + 1 beats the best of R."
    )
    table(numbers, "better-than-random")


def _overlap(found: Found) -> None:
    sizes = [str(size) for size in found.results.spec.per_class]
    size = _choice("Images per class", sizes, "size", "Subsets of one size are compared.")
    numbers = loaders.overlap(found.key, found.moment, int(size))
    draw(overlap(numbers), numbers, f"overlap-{size}", "Images that kinds of subsets share")


def _variance(found: Found) -> None:
    say(found, "variance")
    shares = found.analysis.variance
    alt = "Variance of the error that size and model explain"
    side_by_side(variance(shares), shares, "explained", alt, shares, "Variance")


def _scores(found: Found) -> None:
    scores = found.results.scores
    devices = ", ".join(sorted(scores["device"].unique()))
    weights = ", ".join(sorted(set(scores["weights"]) - {""}))
    started = f"; networks started from {plain(weights)} weights" if weights else ""
    count = f"{len(scores):,} of {found.results.units:,} units"
    st.caption(f"{count}, trained on {plain(devices)}{started}.")
    table(scores, "scores")


TABS: dict[str, Callable[[Found], None]] = {
    "Findings": _findings,
    "Scaling": _scaling,
    "CDFs": _cdfs,
    "Z against Z": scatter.show,
    "R²": _agreement,
    "Ceiling": ceiling.show,
    "Classes": _classes,
    "Strategies": _strategies,
    "Better than random": _better,
    "Combine": combine.show,
    "Overlap": _overlap,
    "Variance": _variance,
    "Quality": quality.show,
    "Scores": _scores,
}
