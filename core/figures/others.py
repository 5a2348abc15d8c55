"""The figures of removal and of the detector scoreboard."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from core.charts import scoreboard as charts
from core.charts.removal import differences
from core.figures.figure import Figure
from core.quality import SCORES
from core.studies.removal import AGAINST
from core.studies.scoreboard import KINDS

if TYPE_CHECKING:
    from core.jobs import Job
    from core.studies import Report


def removal(job: Job, report: Report) -> list[Figure]:
    """Differences between the arms."""
    table = report.tables["differences"]
    if table.empty:
        return []
    return [
        Figure(
            "differences",
            "What leaving the rows out does",
            "Difference in test accuracy by model, with 95 % confidence intervals.",
            differences(table.assign(against=table["against"].map(AGAINST))),
            table,
            f"Of {len(table)} differences, {table['significant'].sum()} are significant; they run "
            f"from {100 * table['difference'].min():+.2f} to "
            f"{100 * table['difference'].max():+.2f} points of accuracy.".replace("-", "−"),
        )
    ]


def scoreboard(job: Job, report: Report) -> list[Figure]:
    """F1 and false alarms of every score under every threshold."""
    table = report.tables["scoreboard"]
    found = []
    for kind, words in KINDS.items():
        rows = table[(table["faults"] == kind) & (table["issue"] != "any")]
        if rows.empty:
            continue
        rows = rows.assign(detector=[SCORES[name].title for name in rows["score"]])
        rows = rows.sort_values(["issue", "score"], kind="stable")
        found += [
            Figure(
                f"{measure}-{kind}",
                f"{charts.MEASURES[measure].capitalize()}, {words} in an image",
                f"{charts.MEASURES[measure].capitalize()} of every score under every threshold, "
                "in per cent.",
                charts.heatmap(rows, measure),
                rows,
                _extreme(rows, measure),
            )
            for measure in ("f1", "clean_flagged")
        ]
    return found


def _extreme(rows: pd.DataFrame, measure: str) -> str:
    """The score and threshold with the most of a measure."""
    known = rows.dropna(subset=measure).sort_values(measure, kind="stable").to_dict("records")
    if not known:
        return "It is not defined anywhere."
    highest = known[-1]
    return (
        f"Highest: {100 * highest[measure]:.1f} %, {highest['detector']} under "
        f"{highest['threshold']}."
    )
