"""The figures of a study of faults: losses, curves, classes, agreement.

References:
    Four-aspects paper, section III; X-Factor paper, figure 6.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING

import pandas as pd

from core.charts import faults as charts
from core.charts.heatmap import r_squared
from core.corruption.faults import FAULTS
from core.figures.figure import Figure
from core.studies.faults_spec import Line

if TYPE_CHECKING:
    from core.jobs import Job
    from core.studies import Report

Tables = dict[str, pd.DataFrame]


def figures(job: Job, report: Report) -> list[Figure]:
    """Every figure for which a model has been scored."""
    models = list(dict.fromkeys(report.tables["scores"]["model"]))
    parts = (_losses, _curves, _classes, _agreement)
    return list(chain.from_iterable(part(report.tables, models) for part in parts))


def _losses(tables: Tables, models: list[str]) -> Iterator[Figure]:
    ranking = tables["ranking"]
    if len(ranking):
        yield Figure(
            "losses",
            "What each fault costs",
            "Loss of test accuracy of each fault and model, with 95 % intervals, the worst on top, "
            "each at the level whose share of damaged rows is nearest to 20 %.",
            charts.losses(ranking, models),
            ranking,
            _worst(ranking),
        )


def _worst(losses: pd.DataFrame) -> str:
    """What costs most, and which model."""
    known = losses.dropna(subset="loss").sort_values("loss", kind="stable").to_dict("records")
    if not known or known[-1]["loss"] <= 0:
        return "Nothing costs any model accuracy."
    row = known[-1]
    return (
        f"{_title(str(row['line']))} at level {row['level']:g} costs most: "
        f"{100 * row['loss']:.1f} points of accuracy, {row['model']}."
    )


def _curves(tables: Tables, models: list[str]) -> Iterator[Figure]:
    for line, part in tables["curves"].groupby("line", sort=False):
        fault = FAULTS[Line.parse(str(line)).fault]
        yield Figure(
            f"curve-{line}".replace(":", "-"),
            _title(str(line)),
            "Mean test accuracy by level for every model, with 95 % t intervals over repeats.",
            charts.curves(part, str(line), fault.parameter),
            part,
            _deepest(part),
        )


def _title(line: str) -> str:
    name, _, choices = line.partition(":")
    return FAULTS[name].title + (f" ({choices})" if choices else "")


def _deepest(part: pd.DataFrame) -> str:
    """The largest loss on a curve."""
    known = part.dropna(subset="loss").sort_values("loss", kind="stable").to_dict("records")
    if not known:
        return ""
    worst = known[-1]
    if worst["loss"] <= 0:
        return "No model loses accuracy at any level."
    return (
        f"The largest loss is {100 * worst['loss']:.1f} points of accuracy: {worst['model']} at "
        f"level {worst['level']:g}."
    )


def _classes(tables: Tables, models: list[str]) -> Iterator[Figure]:
    for (line, level), part in tables["removed"].groupby(["line", "level"], sort=False):
        yield Figure(
            f"classes-{line}-{level:g}".replace(":", "-"),
            f"{_title(str(line))}, level {level:g}, by class",
            "Loss of test accuracy by the class that the fault is about.",
            charts.by_class(part, models),
            part,
            _dearest(part),
        )


def _dearest(part: pd.DataFrame) -> str:
    """The class that costs most."""
    row = part.sort_values("loss", kind="stable").to_dict("records")[-1]
    return (
        f"Most is lost where it is about class {row['of_class']}: {100 * row['loss']:.1f} points "
        f"of accuracy, {row['model']}."
    )


def _agreement(tables: Tables, models: list[str]) -> Iterator[Figure]:
    pairs = tables["r_squared"]
    if len(pairs):
        yield Figure(
            "agreement",
            "R² of losses between models",
            "R² of the losses over all damaged sets for every pair of models; near 1 where models "
            "lose alike.",
            r_squared(pairs, "all", models),
            pairs,
            f"R² over the pairs of models is {pairs['r_squared'].mean():.2f} on average, from "
            f"{pairs['r_squared'].min():.2f} to {pairs['r_squared'].max():.2f}.",
        )
