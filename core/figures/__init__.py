"""The figures of every kind of study: the same charts as on the pages, with nothing to choose.

To add a study's, write a function that takes its job and its report and list it in `FIGURES`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from core.figures import faults, influence, measures, others, union, xfactor
from core.figures.figure import Figure

if TYPE_CHECKING:
    from core.jobs import Job
    from core.studies import Report

__all__ = ["FIGURES", "Figure", "figures"]

FIGURES: dict[str, Callable[[Job, Report], list[Figure]]] = {
    "xfactor": xfactor.figures,
    "faults": faults.figures,
    "removal": others.removal,
    "scoreboard": others.scoreboard,
    "refinement": influence.refinement,
    "influence": influence.scores,
    "leave-one-out": influence.leave_one_out,
    "diversity": measures.diversity,
    "union": union.figures,
}


def figures(job: Job, report: Report) -> list[Figure]:
    """What a study's report looks like, drawn; without figures where there are no numbers.

    Args:
        job: The study.
        report: What it has found.
    """
    return FIGURES[job.study](job, report)
