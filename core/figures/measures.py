"""The figures of the diversity study."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pandas as pd

from core.charts import measures as charts
from core.diversity import MEASURES
from core.figures.figure import Figure
from core.studies.xfactor_analysis.measures import accounts, closest

if TYPE_CHECKING:
    from core.jobs import Job
    from core.studies import Report

TITLES = {name: entry.title for name, entry in MEASURES.items()}


def diversity(job: Job, report: Report) -> list[Figure]:
    """How measures rank, what is left without them, and the closest one; none without scores."""
    if "measure_correlations" not in report.tables:
        return []
    correlations, explained, left = (
        report.tables[f"measure_{name}"] for name in ("correlations", "explained", "remaining")
    )
    figures = []
    for group in correlations["group"].unique():
        which = "all subsets" if group == "all" else f"{group} subsets"
        ranked = correlations[correlations["group"] == group]
        rest = left[left["group"] == group]
        figures.append(
            Figure(
                f"measures-{group}",
                f"Measures beside mean Z, {which}",
                "Correlation of every measure with the mean Z-score, partial on size, with 95 % "
                "confidence intervals; left of zero more of it is better.",
                charts.ranking(ranked, TITLES),
                ranked,
                closest(ranked),
            )
        )
        if rest["r_squared"].notna().any():
            figures.append(
                Figure(
                    f"measures-left-{group}",
                    f"Agreement without the measures, {which}",
                    "Mean R² between models with size and a measure taken out of their Z-scores.",
                    charts.remaining(rest, TITLES),
                    rest,
                    accounts(explained[explained["group"] == group], rest),
                )
            )
    return [*figures, *_telling(report.tables["measures"], explained)]


def _telling(subsets: pd.DataFrame, explained: pd.DataFrame) -> Iterator[Figure]:
    """Mean Z against the measure that explains most of it, size by size."""
    alone = explained[(explained["group"] == "all") & (explained["measures"] == 1)]
    if alone.empty:
        return
    name = str(alone["measure"].iloc[0])
    for size, some in subsets.groupby("per_class"):
        yield Figure(
            f"measure-{name}-{size}",
            f"Mean Z against {TITLES[name]}, {size} images per class",
            "One point a subset.",
            charts.scatter(some, name, TITLES[name]),
            some[["subset", "strategy", "direction", "excess", "z", name]],
            _slope(some, name, size),
        )


def _slope(subsets: pd.DataFrame, name: str, size: object) -> str:
    rho = subsets[name].corr(subsets["z"], method="spearman")
    return (
        f"Over {len(subsets):,} subsets with {size} images per class, Spearman's ρ of mean Z and "
        f"{TITLES[name]} is {rho:+.2f}.".replace("-0", "−0")
    )
