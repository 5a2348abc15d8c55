"""The score table made ready: checked, ordered, with groups and Z-scores."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import stats
from core.errors import InputError

CLASS_PREFIX = "class_accuracy_"
SUBSET = ["subset", "per_class", "strategy", "direction", "excess", "repeat"]
# What the paper leaves out of its mean R² and its variance: too inexpressive (section 3).
LEFT_OUT = "gnb"
WITHOUT = f"without {LEFT_OUT}"
# With fewer random subsets than this, a standard deviation is uncertain by more than a fifth.
FEW_RANDOM = 14

Floats = npt.NDArray[np.float64]


def is_left_out(model: str) -> bool:
    """Whether the paper's means leave this model out: naive Bayes, with whatever options."""
    return family(model) == LEFT_OUT


def family(label: str) -> str:
    """Name of the family of a model, given its label."""
    return label.partition(":")[0]


def left_out(models: Iterable[str]) -> npt.NDArray[np.bool_]:
    """`is_left_out` of each model."""
    return np.array([is_left_out(model) for model in models], dtype=np.bool_)


def prepare(scores: pd.DataFrame, models: Sequence[str] | None) -> tuple[pd.DataFrame, list[str]]:
    """The scores in a fixed order, with `group`, `z` and `step`; what is missing, in words.

    `group` is random or selected, `z` the Z-score of the error, `step` the distance between
    two possible Z-scores of the model at that size (0 where errors look continuous).

    Raises:
        InputError: As `analyse`.
    """
    _check(scores)
    table = scores[np.isfinite(scores["error"])]
    if table.empty:
        raise InputError("There is no score to analyse yet; run the study first.")
    order = list(models if models is not None else table["model"].drop_duplicates())
    unknown = sorted(set(table["model"]) - set(order))
    if unknown:
        raise InputError(f"The order of models leaves out {', '.join(unknown)}, which has scores.")
    place = table["model"].map({model: index for index, model in enumerate(order)})
    table = table.assign(
        place=place, group=np.where(table["strategy"] == "random", "random", "selected")
    )
    table = table.sort_values(["place", "per_class", "subset"], ignore_index=True)
    notes = _gaps(table, len(scores) - len(table))
    table, uncertain = _with_z_scores(table.drop(columns="place"))
    return table, notes + uncertain


def _check(scores: pd.DataFrame) -> None:
    missing = [name for name in (*SUBSET, "model", "error") if name not in scores]
    if missing:
        raise InputError(
            f"The score table needs the column {missing[0]!r}; it has only "
            f"{', '.join(map(str, scores))}."
        )
    twice = scores.duplicated(["subset", "model"])
    if twice.any():
        row = scores[twice].iloc[0]
        raise InputError(
            "A model must score a subset once; the score table has subset "
            f"{row['subset']} twice with {row['model']}."
        )


def _gaps(table: pd.DataFrame, failed: int) -> list[str]:
    """What an unfinished study lacks."""
    notes = [f"Scores without an error, left out: {failed}."] if failed else []
    units = table["subset"].nunique() * table["model"].nunique()
    if len(table) < units:
        notes.append(
            f"{units - len(table):,} of {units:,} (subset, model) scores are not there yet; each "
            "pair of models is compared on the subsets that both have scored."
        )
    return notes


def _with_z_scores(table: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The table with `z` and `step`; one sentence for all models and sizes with one reason."""
    z, step = np.full(len(table), np.nan), np.zeros(len(table))
    spacing = _spacing(table["error"].to_numpy(dtype=np.float64))
    reasons: dict[str, dict[str, list[int]]] = {}
    for key, cell in table.groupby(["model", "per_class"], sort=False):
        model, per_class = cast("tuple[str, int]", key)
        random = cell.loc[cell["group"] == "random", "error"].to_numpy(dtype=np.float64)
        z[cell.index] = stats.z_scores(cell["error"].to_numpy(), random)
        defined = bool(np.isfinite(z[cell.index]).all())
        if defined:
            step[cell.index] = spacing / random.std(ddof=1)
        why = _why_uncertain(len(random), defined)
        if why:
            reasons.setdefault(why, {}).setdefault(model, []).append(per_class)
    return table.assign(z=z, step=step), [
        f"{why} This holds for {_places(models)}." for why, models in reasons.items()
    ]


def _places(models: dict[str, list[int]]) -> str:
    """Models and their sizes in words, models with the same sizes together."""
    by_sizes: dict[str, list[str]] = {}
    for model, sizes in models.items():
        by_sizes.setdefault(", ".join(map(str, sorted(sizes))), []).append(model)
    return "; ".join(
        f"{', '.join(names)} at {sizes} images per class" for sizes, names in by_sizes.items()
    )


def _why_uncertain(randoms: int, defined: bool) -> str:
    """Why this many random subsets give no Z-scores, or uncertain ones; empty if neither."""
    if randoms < 2:
        return f"No Z-scores: they need at least 2 random subsets, and there are {randoms}."
    if not defined:
        return f"No Z-scores: all {randoms} random subsets have the same error."
    if randoms < FEW_RANDOM:
        return (
            f"Z-scores rest on {randoms} random subsets, so their unit, the standard deviation, "
            f"is itself uncertain by about {100 / np.sqrt(2 * (randoms - 1)):.0f} %."
        )
    return ""


def _spacing(errors: Floats) -> float:
    """1 over the number of test images if all errors are multiples of it, else 0."""
    gaps = np.diff(np.unique(np.round(errors, 9)))
    if not gaps.size:
        return 0.0
    images = np.round(1 / gaps.min())
    counts = errors * images
    return float(1 / images) if np.allclose(counts, np.round(counts), rtol=0, atol=1e-3) else 0.0
