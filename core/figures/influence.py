"""The figures of refinement, of influence and of rows left out one at a time.

References:
    Kamene, The Data Gradient, doi:10.70389/pjcs.100014.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pandas as pd

from core.charts import influence as charts
from core.figures.figure import Figure

if TYPE_CHECKING:
    from core.jobs import Job
    from core.studies import Report


def refinement(job: Job, report: Report) -> list[Figure]:
    """Every measure by round and arm, and test accuracy against DCS."""
    curves, rounds = report.tables["curves"], report.tables["rounds"]
    found = [
        Figure(
            f"rounds-{metric}",
            f"{measure.title[0].upper()}{measure.title[1:]} by round",
            "Mean over seeds by round of removal and arm, with 95 % intervals.",
            charts.curves(curves, metric),
            curves[curves["metric"] == metric],
            _course(curves[curves["metric"] == metric], measure.percent),
        )
        for metric, measure in charts.MEASURES.items()
        if (curves["metric"] == metric).any()
    ]
    if rounds["dcs"].notna().any():
        found.append(
            Figure(
                "tracking",
                "Test accuracy against DCS",
                "One point a round; lines join the rounds of a seed.",
                charts.tracking(rounds),
                rounds,
                _tracked(report.tables["tracking"]),
            )
        )
    return found


def _course(curve: pd.DataFrame, percent: bool) -> str:
    """Where each arm begins and ends."""
    texts = []
    for arm, part in curve.groupby("arm", sort=False):
        means = part.sort_values("round")["mean"]
        first, last = (f"{mean:.1%}" if percent else f"{mean:.3f}" for mean in means.iloc[[0, -1]])
        texts.append(f"{arm} from {first} to {last}")
    return f"Mean over seeds, first round to last: {', '.join(texts)}."


def _tracked(tracking: pd.DataFrame) -> str:
    """How closely DCS and accuracy go together."""
    texts = [
        f"Pearson {row['pearson']:.2f} over {row['points']} rounds ({row['arm']})"
        for row in tracking.to_dict("records")
    ]
    return f"DCS and test accuracy within a seed: {', '.join(texts)}."


def scores(job: Job, report: Report) -> list[Figure]:
    """Influence against suspicion, once both are known."""
    rows = report.tables.get("rows")
    if rows is None or rows["suspicion"].isna().all():
        return []
    names = dict(enumerate(job.facts["classes"]))
    table = rows.assign(given=rows["given_label"].map(names), own=rows["label"].map(names))
    return [
        Figure(
            "harm-and-suspicion",
            "Influence against label suspicion",
            "One point a training row; rows with a label made wrong stand out.",
            charts.harm_and_suspicion(table),
            rows,
            f"{report.sentences[0]} Influence and suspicion correlate with Spearman "
            f"{rows['influence'].corr(rows['suspicion'], method='spearman'):.2f}.",
        )
    ]


def leave_one_out(job: Job, report: Report) -> list[Figure]:
    """True against predicted change."""
    table = report.tables["leave-one-out"]
    if table.empty:
        return []
    return [
        Figure(
            "spot-check",
            "True against predicted change",
            "Change of the validation loss without a row: predicted by influence, and true after "
            "training again. On the dashed line both are equal.",
            charts.spot_check(table),
            table,
            report.sentences[0],
        )
    ]
