"""The X-Factor study's figures, in the order of the paper.

References:
    X-Factor, figures 2 to 7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from itertools import chain
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.charts import better, cdf, heatmap, overlap, scaling, strategies, variance
from core.charts import ceiling as ceilings
from core.charts.z_scatter import pair_table, z_scatter
from core.figures.figure import Figure
from core.studies.xfactor_analysis import Analysis, ceiling
from core.studies.xfactor_analysis.readings import Fact, facts, percent

if TYPE_CHECKING:
    from core.jobs import Job
    from core.studies import Report

GROUPS = ("random", "selected")
POOLED = {"per_class": "by size", "model": "by model"}


def figures(job: Job, report: Report) -> list[Figure]:
    """Every figure for which the study has subsets and models."""
    tables: dict[str, Any] = {item.name: report.tables.get(item.name) for item in fields(Analysis)}
    found = Analysis(**{**tables, "notes": ()})
    said = facts(found)
    parts = (
        _scaling,
        _cdfs,
        _scatters,
        _agreement,
        _ceiling,
        _classes,
        _strategies,
        _better,
        _overlap,
        _variance,
    )
    return list(chain.from_iterable(part(found, said) for part in parts))


def _say(said: list[Fact], *topics: str) -> str:
    return " ".join(fact.text for fact in said if fact.topic in topics)


def _scaling(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    for group in GROUPS:
        some = found.scaling[found.scaling["group"] == group]
        if len(some):
            yield Figure(
                f"scaling-{group}",
                f"Error against size, {group} subsets",
                "Mean test error by images per class, a line for each model, with the range from "
                "the best to the worst subset.",
                scaling.scaling(found.scaling, group),
                some,
                _say(said, "scaling") if group == "random" else _means(some),
            )


def _means(scaling: pd.DataFrame) -> str:
    """From where to where the mean error runs."""
    ends = scaling.sort_values("mean", kind="stable").to_dict("records")
    low, high = (
        f"{percent(end['mean'])} ({end['model']}, {end['per_class']} images per class)"
        for end in (ends[0], ends[-1])
    )
    return f"The mean error runs from {low} to {high}."


def _cdfs(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    for by, words in POOLED.items():
        for group in GROUPS:
            some = found.cdf[(found.cdf["by"] == by) & (found.cdf["group"] == group)]
            if len(some):
                topic = "ks" if group == "random" else "z_scores"
                yield Figure(
                    f"cdf-{group}-{by}",
                    f"Distribution of Z-scores, {group} subsets, {words}",
                    "Share of subsets whose Z-score is at or below a value, beside the normal "
                    "distribution.",
                    cdf.cdf(found.cdf, group, by),
                    some,
                    _say(said, topic) if by == "per_class" else _medians(some),
                )


def _medians(distributions: pd.DataFrame) -> str:
    """From where to where the median runs."""
    upper = distributions[distributions["cdf"] >= 0.5]
    medians = upper.groupby("value", sort=False)["z"].min().sort_values(kind="stable")
    low, high = (f"{medians.iloc[end]:+.2f} ({medians.index[end]})" for end in (0, -1))
    return f"The median Z runs from {low} to {high}.".replace("-", "−")


def _scatters(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    """The pair of models that agrees most, and the one that agrees least."""
    pairs = found.r_squared[found.r_squared["group"] == "all"].dropna(subset="r_squared")
    pairs = pairs.sort_values("r_squared", ascending=False, kind="stable")
    ends = pairs.iloc[sorted({0, len(pairs) - 1})] if len(pairs) else pairs
    for pair in ends.to_dict("records"):
        a, b = str(pair["model_a"]), str(pair["model_b"])
        yield Figure(
            f"z-{a}-{b}".replace(":", "-"),
            f"Z by {b} against Z by {a}",
            "One point a subset; on the dashed line both models find it equally good.",
            z_scatter(found.z_scores, a, b),
            pair_table(found.z_scores, a, b),
            f"R² {pair['r_squared']:.2f} (95 % CI {pair['ci_low']:.2f} to {pair['ci_high']:.2f}) "
            f"over {pair['n']:,} subsets.",
        )


def _agreement(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    for group in ("all", *GROUPS):
        some = found.r_squared[found.r_squared["group"] == group]
        if some["r_squared"].notna().any():
            yield Figure(
                f"r-squared-{group}",
                f"R² between models, {group} subsets",
                "R² of the Z-scores of every pair of models.",
                heatmap.r_squared(found.r_squared, group, found.models),
                some,
                _say([fact for fact in said if fact.group == group], "r_squared_mean")
                + (f" {_say(said, 'r_squared')}" if group == "all" else ""),
            )


def _ceiling(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    if found.ceiling is None or found.reliability is None or found.ceiling_mean is None:
        return
    for group in ("all", *GROUPS):
        pairs = found.ceiling[found.ceiling["group"] == group]
        if pairs["ceiling"].notna().any():
            yield Figure(
                f"ceiling-{group}",
                f"R² and the most that it can be, {group} subsets",
                "R² of every pair of models beside its ceiling, what both agree with themselves.",
                ceilings.ceiling(pairs),
                pairs,
                " ".join(ceiling.sentences(found.reliability, found.ceiling_mean, group)),
            )


def _classes(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    if found.spearman.empty:
        return
    yield Figure(
        "spearman-by-class",
        "Spearman's ρ by class",
        "Rank correlation of the errors in each class, for every pair of models.",
        heatmap.spearman_by_class(found.spearman),
        found.spearman,
        _say(said, "spearman_mean"),
    )
    yield Figure(
        "spearman-mean",
        "Spearman's ρ, mean over classes",
        "Rank correlation of the class errors of every pair of models, mean over classes.",
        heatmap.spearman(found.spearman, None, found.models),
        found.spearman_mean,
        _ranks(found.spearman_mean),
    )


def _ranks(table: pd.DataFrame) -> str:
    """How far the pairs of models lie apart."""
    row = table[table["class"] == "all classes"].iloc[0]
    return (
        f"ρ is {row['rho']:.2f} on average over pairs of models and classes, from "
        f"{row['rho_min']:.2f} to {row['rho_max']:.2f}."
    ).replace("-", "−")


def _strategies(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    if (found.strategies["strategy"] != "random").any():
        yield Figure(
            "z-by-strategy",
            "What each strategy does",
            "Mean Z-score by strategy and direction against the images discarded.",
            strategies.strategies(found.strategies),
            found.strategies,
            _say(said, "strategies"),
        )


def _better(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    """Over models together where there are several."""
    if found.better.empty:
        return
    together = found.better[found.better["model"] == found.better["model"].iloc[-1]]
    words = (
        "by strategy and direction, a mark for each size, over all models that means are taken of."
    )
    yield Figure(
        "better-share",
        "How often the best random subset is beaten",
        f"Share of subsets that beat the best random one, with 95 % intervals, {words}",
        better.shares(together),
        found.better,
        _say(said, "better"),
    )
    low = together.sort_values("z_mean", kind="stable").to_dict("records")[0]
    yield Figure(
        "better-z",
        "Mean Z-score of each strategy",
        f"Mean Z-score with 95 % bootstrap intervals, {words}",
        better.means(together),
        together,
        f"The lowest mean is {low['z_mean']:+.2f}, of {low['strategy']} {low['direction']} with "
        f"{low['per_class']} images per class.".replace("-", "−"),
    )


def _overlap(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    table = pd.DataFrame(columns=["per_class"]) if found.overlap is None else found.overlap
    for size, some in table.groupby("per_class", sort=True):
        yield Figure(
            f"overlap-{size}",
            f"Images shared, {size} images per class",
            "Percentage of images that kinds of subsets have in common.",
            overlap.overlap(some),
            some,
            f"Two subsets of different kinds share {some['percent'].mean():.1f} % of their images "
            f"on average, and {some['percent_max'].max():.0f} % at most.",
        )


def _variance(found: Analysis, said: list[Fact]) -> Iterator[Figure]:
    if found.variance["explained"].notna().any():
        yield Figure(
            "explained",
            "What size and model explain",
            "Share of the variance of the error that size and model explain.",
            variance.variance(found.variance),
            found.variance,
            _say(said, "variance"),
        )
