"""Rounds of a refinement study as tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.influence import Certificate
from core.influence.draw import Draw
from core.studies.assess import Assessment

COLUMNS = (
    *("seed", "arm", "round", "rows", "flipped", "removed", "removed_flipped"),
    *("dcs", "contribution", "validation_loss", "validation_accuracy", "accuracy", "macro_f1"),
    *("train_accuracy", "seconds", "influence_seconds", "residual", "device", "versions"),
    "training_set",
)
Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class Round:
    """One training set of one arm, and what the model made of it.

    Args:
        repeat: Which of the seeds, from 0.
        arm: What removes rows.
        number: 0 before anything is removed.
        drawn: The rows that are left, and the validation rows.
        found: How the model did and what it says of the rows.
        removed: Places in `drawn` of the rows that are left out of the next round.
    """

    repeat: int
    arm: str
    number: int
    drawn: Draw
    found: Assessment
    removed: Places


def rounds_table(rounds: Sequence[Round]) -> pd.DataFrame:
    """One row a round.

    Returns:
        Columns `seed` (its number), `arm`, `round`, `rows`, `flipped` (rows with a label made
        wrong), `removed` and `removed_flipped` (rows that leave after it, and those of them with
        a wrong label), `dcs`, `contribution` (raw), `validation_loss`, `validation_accuracy`,
        `accuracy`, `macro_f1`, `train_accuracy`, `seconds`, `influence_seconds`, `residual` (NaN
        for trees), `device`, `versions`, `training_set` (key) and `best` (lowest validation loss
        of its seed and arm).
    """
    frame = pd.DataFrame([_line(one) for one in rounds], columns=list(COLUMNS))
    chains = frame.groupby(["seed", "arm"], sort=False)["validation_loss"]
    return frame.assign(best=frame.index.isin(chains.idxmin()))


def _line(one: Round) -> tuple[Any, ...]:
    found, wrong = one.found, one.drawn.given != one.drawn.labels
    contribution = found.contribution
    certificate, made = found.certificate, found.made()
    return (
        *(one.repeat, one.arm, one.number, len(wrong), int(wrong.sum())),
        *(len(one.removed), int(wrong[one.removed].sum())),
        *(contribution.dcs, contribution.raw),
        *(found.validation_loss, found.validation_accuracy, found.accuracy, found.macro_f1),
        *(found.train_accuracy, found.seconds, certificate.seconds),
        certificate.residual if isinstance(certificate, Certificate) else float("nan"),
        *(made["device"], made["versions"]),
        one.drawn.training_set.key,
    )


def rows_of(one: Round) -> pd.DataFrame:
    """The rows of a round with their scores, to export.

    Returns:
        Columns `row`, `influence`, `loss`, `label`, `given_label` and `removed`.
    """
    removed = np.zeros(len(one.drawn.labels), dtype=bool)
    removed[one.removed] = True
    return pd.DataFrame(
        {
            "row": one.drawn.training_set.rows,
            "influence": one.found.influence,
            "loss": one.found.loss,
            "label": one.drawn.labels,
            "given_label": one.drawn.given,
            "removed": removed,
        }
    )
