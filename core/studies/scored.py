"""The scores of planned units as one tidy table: what every study's report begins with."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.store import Store

SCORE_COLUMNS = (
    *("model", "accuracy", "error", "train_accuracy", "macro_f1", "epochs", "seconds"),
    *("device", "weights", "seed", "versions"),
)


def scored(
    units: pd.DataFrame, classes: Sequence[str], store: Store
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and failures of units, whatever has been trained so far.

    Args:
        units: One row a unit: `unit`, its key; `model`, what the model was asked for by; and
            what else there is to say of it.
        classes: Class names.
        store: Where the scores are.

    Returns:
        One row a unit that has a score: the other columns given, then `SCORE_COLUMNS` and
        `class_accuracy_<name>` for each class. One row a unit that could not be trained: the
        other columns given, `model` and `reason`.
    """
    given = [name for name in units if name not in ("unit", "model")]
    units = units.astype({"unit": str})
    keys = units["unit"].tolist()
    scores = units.merge(store.scores(keys).drop(columns="model"), on="unit")
    scores["error"] = 1 - scores["accuracy"]
    by_class = pd.DataFrame(
        scores["class_accuracy"].tolist(),
        columns=[f"class_accuracy_{name}" for name in classes],
        dtype=float,
    )
    failures = units.merge(store.failures(keys)[["unit", "reason"]], on="unit")
    return (
        pd.concat([scores[[*given, *SCORE_COLUMNS]], by_class], axis=1),
        failures[[*given, "model", "reason"]],
    )
