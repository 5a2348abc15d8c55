"""The figure of a study of unions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.charts.union import unions
from core.figures.figure import Figure

if TYPE_CHECKING:
    from core.jobs import Job
    from core.studies import Report


def figures(job: Job, report: Report) -> list[Figure]:
    """Unions against what their parts lead one to expect, over models together."""
    table, slopes = report.tables["unions"], report.tables["slopes"]
    if table.empty:
        return []
    row = slopes.to_dict("records")[-1]
    some = table[table["model"] == row["model"]] if row["model"] in set(table["model"]) else table
    return [
        Figure(
            "unions",
            "Z-scores of unions",
            "One point a pair of subsets: Z-score of the union against what adding up the worth of "
            "images gives, means over models. On the dashed line both are equal.",
            unions(some, row["slope"]),
            table,
            report.sentences[0],
        )
    ]
