"""Beyond accuracy: which predictions a fault moves, and how training went epoch by epoch.

References:
    Four-aspects paper, section III: differences of confusion, accuracy under label errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.details import Detail

CLEAN = "clean"
Labels = npt.NDArray[np.integer[Any]]
Found = Mapping[str, Detail]


def moved(scores: pd.DataFrame, found: Found, truth: Labels) -> pd.DataFrame:
    """How many test rows get another label than from the clean model of the same repeat.

    Args:
        scores: As `faults.Results.scores`.
        found: Details by unit key; units without are left out.
        truth: Class number of every test row.

    Returns:
        One row a damaged set and model: `model`, `line`, `of_class`, `level`, `repeat`, `moved`
        (test rows with another label), `broken` (right before, wrong now), `mended` (wrong
        before, right now), `share` of the test rows that moved.
    """
    clean = _clean(scores)
    rows = []
    for row in scores[scores["fault"] != CLEAN].to_dict("records"):
        before, now = found.get(clean.get((row["model"], row["repeat"]), "")), found.get(row["key"])
        if before is None or now is None:
            continue
        differs = before.predictions != now.predictions
        rows.append(
            {
                **{n: row[n] for n in ("model", "line", "of_class", "level", "repeat")},
                "moved": int(differs.sum()),
                "broken": int((differs & (before.predictions == truth)).sum()),
                "mended": int((differs & (now.predictions == truth)).sum()),
                "share": float(differs.mean()),
            }
        )
    columns = ["model", "line", "of_class", "level", "repeat", "moved", "broken", "mended", "share"]
    return pd.DataFrame(rows, columns=columns)


def confusion_difference(
    scores: pd.DataFrame, found: Found, truth: Labels, classes: tuple[str, ...]
) -> pd.DataFrame:
    """Confusion matrix of some damaged sets minus that of their clean sets, mean over them.

    Args:
        scores: The damaged sets to average, and the clean ones of their repeats, of one model.
        found: Details by unit key.
        truth: Class number of every test row.
        classes: Class names.

    Returns:
        One row a cell: `true`, `predicted`, `difference` in test rows; none without details.
    """
    clean, size = _clean(scores), len(classes)
    differences = []
    for row in scores[scores["fault"] != CLEAN].to_dict("records"):
        before, now = found.get(clean.get((row["model"], row["repeat"]), "")), found.get(row["key"])
        if before is not None and now is not None:
            after, first = (
                np.bincount(truth * size + one.predictions, minlength=size**2)
                for one in (now, before)
            )
            differences.append(after - first)
    columns = ["true", "predicted", "difference"]
    if not differences:
        return pd.DataFrame(columns=columns)
    mean = np.mean(differences, axis=0)
    cells = [
        (t, p, mean[i * size + j]) for i, t in enumerate(classes) for j, p in enumerate(classes)
    ]
    return pd.DataFrame(cells, columns=columns)


def by_epoch(scores: pd.DataFrame, found: Found) -> pd.DataFrame:
    """Training and test accuracy after every epoch, mean over repeats.

    A repeat that has ended keeps its last accuracy while others train on.

    Args:
        scores: Sets of one model and line, and its clean sets.
        found: Details by unit key; units without a history are left out.

    Returns:
        Columns `level` (NaN for the clean sets), `epoch` (from 1), `split`, `accuracy`.
    """
    parts = []
    for level, part in scores.groupby("level", sort=True, dropna=False):
        runs = [found[key].history for key in part["key"] if key in found]
        histories = [run for run in runs if run is not None and len(run)]
        if not histories:
            continue
        last = max(map(len, histories))
        whole = [np.pad(run, ((0, last - len(run)), (0, 0)), mode="edge") for run in histories]
        mean = np.mean(whole, axis=0)
        for column, split in enumerate(("train", "test")):
            parts.append(
                pd.DataFrame(
                    {
                        "level": level,
                        "epoch": np.arange(1, last + 1),
                        "split": split,
                        "accuracy": mean[:, column],
                    }
                )
            )
    columns = ["level", "epoch", "split", "accuracy"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _clean(scores: pd.DataFrame) -> dict[tuple[str, int], str]:
    """Unit key of the clean set by (model, repeat)."""
    clean = scores[scores["fault"] == CLEAN]
    pairs = zip(clean["model"], clean["repeat"], strict=True)
    return dict(zip(pairs, clean["key"], strict=True))
