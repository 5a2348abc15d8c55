"""What the scores of a study of faults say: curves, ranking, tolerance, agreement.

A loss is the accuracy of the clean set of the same repeat and model minus that of the damaged
one, so above 0 is damage.

References:
    Four-aspects paper, section III; X-Factor paper, section 2.5, for Z-scores and R².
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import stats
from core.corruption.faults import FAULTS
from core.models import Model
from core.stats.paired import mean_interval
from core.training import PAPER

POINTS = 5.0
SHARE = 0.2
CLEAN = "clean"
PER_CLASS = "class_accuracy_"
Floats = npt.NDArray[np.float64]
Row = dict[Hashable, Any]


@dataclass(frozen=True, eq=False)
class Analysis:
    """The tables of a study of faults; each is one CSV file of that name.

    Args:
        curves: Accuracy by `model`, `line` and `level`, the clean set at its place where the
            fault has one: mean, `low` and `high` (95 % t interval), repeats, `loss` with its
            interval, `clean`, mean `touched`, and how many networks stopped at their limit.
        removed: Loss of accuracy by `model`, `line` and `of_class`, over all test rows and
            on that class alone.
        ranking: Loss by `model` and `line` at the level whose share of damaged rows is the
            nearest to 20 %, the strongest of several; the worst first.
        tolerance: Level at which accuracy has fallen by 5 points, by `model` and `line`.
        z_scores: Every damaged set of the clean sets' size: `z` of its error against them.
        r_squared: R² of the losses for every pair of models, over all damaged sets.
        r_squared_mean: Its mean over pairs.
        limits: Trainings by `model`, and how many of them were `at_limit`: ended by the limit of
            epochs before every training row was learnt.
        notes: What could not be computed, and why.
    """

    curves: pd.DataFrame
    removed: pd.DataFrame
    ranking: pd.DataFrame
    tolerance: pd.DataFrame
    z_scores: pd.DataFrame
    r_squared: pd.DataFrame
    r_squared_mean: pd.DataFrame
    limits: pd.DataFrame
    notes: tuple[str, ...]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by file name, without its ending."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, pd.DataFrame)}


def analyse(scores: pd.DataFrame, classes: Sequence[str], seed: int = 0) -> Analysis:
    """Analyse the scores of a study, finished or still running.

    Args:
        scores: As `faults.Results.scores`.
        classes: Class names, by class number.
        seed: Of the bootstrap.
    """
    table, notes = with_losses(scores)
    pairs, mean, more = agreement(table, seed)
    return Analysis(
        curves=curves(table),
        removed=removed(table, classes),
        ranking=ranking(table),
        tolerance=tolerance(table),
        z_scores=z_scores(table),
        r_squared=pairs,
        r_squared_mean=mean,
        limits=limits(table),
        notes=(*notes, *more),
    )


def with_losses(scores: pd.DataFrame) -> tuple[pd.DataFrame, list[str]]:
    """The scores with `clean`, `loss`, `at_limit` and `clean_at_limit`.

    Repeats whose clean set is not scored are left out.
    """
    most = {name: _most_epochs(name) for name in scores["model"].unique()}
    spent = scores["epochs"].astype(int) >= [most[name] for name in scores["model"]]
    at_limit = spent & (scores["train_accuracy"].astype(float) < 1)
    table = scores.assign(at_limit=at_limit)
    clean = table[table["fault"] == CLEAN].set_index(["model", "repeat"])
    of_repeat = clean.reindex(pd.MultiIndex.from_frame(table[["model", "repeat"]]))
    table["clean"] = of_repeat["accuracy"].to_numpy()
    table["clean_at_limit"] = of_repeat["at_limit"].to_numpy()
    table["loss"] = table["clean"] - table["accuracy"]
    lost = int(table["clean"].isna().sum())
    notes = [f"{lost:,} scores wait for the clean set of their repeat."] if lost else []
    return table[table["clean"].notna()].reset_index(drop=True), notes


def interval(values: npt.ArrayLike) -> tuple[float, float, float]:
    """Mean and the ends of its 95 % t interval; NaN ends for one value."""
    x = np.asarray(values, dtype=np.float64)
    return (float(x.mean()), float("nan"), float("nan")) if x.size < 2 else mean_interval(x)


def curves(table: pd.DataFrame) -> pd.DataFrame:
    """Accuracy by model, line and level, over repeats and, where there are, classes."""
    rows = []
    damaged = table[table["fault"] != CLEAN]
    for (model, line, level), part in damaged.groupby(["model", "line", "level"], sort=False):
        rows.append(_point(part, model=model, line=line, level=level))
    for (model, line), part in damaged.groupby(["model", "line"], sort=False):
        level = FAULTS[part["fault"].iloc[0]].clean
        at = [row["level"] for row in rows if (row["model"], row["line"]) == (model, line)]
        if level is not None and level not in at:
            repeats = part.drop_duplicates("repeat")
            rows.append(
                _point(
                    repeats.assign(
                        accuracy=repeats["clean"], loss=0.0, touched=0.0,
                        at_limit=repeats["clean_at_limit"],
                    ),
                    model=model, line=line, level=level,
                )
            )  # fmt: skip
    columns = [
        *("model", "line", "fault", "level", "repeats", "touched", "accuracy", "low", "high"),
        *("clean", "loss", "loss_low", "loss_high", "at_limit"),
    ]
    found = pd.DataFrame(rows, columns=columns)
    places = {name: place for place, name in enumerate(dict.fromkeys(table["model"]))}
    lines = {name: place for place, name in enumerate(dict.fromkeys(table["line"]))}
    order = found.assign(m=found["model"].map(places), n=found["line"].map(lines))
    return order.sort_values(["n", "m", "level"], ignore_index=True).drop(columns=["m", "n"])


def _point(part: pd.DataFrame, **of: Any) -> dict[str, Any]:
    """One point of a curve; where a repeat has several sets, one for each class, their mean."""
    by_repeat = part.groupby("repeat")[["accuracy", "loss"]].mean()
    accuracy, low, high = interval(by_repeat["accuracy"])
    loss, loss_low, loss_high = interval(by_repeat["loss"])
    return {
        **of, "fault": part["fault"].iloc[0], "repeats": len(by_repeat),
        "touched": part["touched"].mean(), "accuracy": accuracy, "low": low, "high": high,
        "clean": part["clean"].mean(), "loss": loss, "loss_low": loss_low, "loss_high": loss_high,
        "at_limit": int(part["at_limit"].sum()),
    }  # fmt: skip


def limits(table: pd.DataFrame) -> pd.DataFrame:
    """How many trainings of each model ended at the limit of epochs."""
    counts = table.groupby("model", sort=False)["at_limit"].agg(["size", "sum"]).astype(int)
    return counts.reset_index().set_axis(["model", "trainings", "at_limit"], axis=1)


def _most_epochs(model: str) -> int:
    """Epochs after which the training of a model ends in any case."""
    return Model.parse(model).options.get("epochs", PAPER.max_epochs)


def removed(table: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Loss by the class that a fault is about."""
    rows = []
    part = table[table["of_class"] >= 0]
    grouped = part.groupby(["model", "line", "level", "of_class"], sort=False)
    clean = table[table["fault"] == CLEAN].set_index(["model", "repeat"])
    for (model, line, level, _), some in grouped:
        name = classes[int(some["of_class"].iloc[0])]
        column = PER_CLASS + name
        pairs = pd.MultiIndex.from_frame(some[["model", "repeat"]])
        before = clean[column].reindex(pairs).to_numpy()
        loss, low, high = interval(some["loss"])
        rows.append(
            {
                "model": model, "line": line, "level": level, "of_class": name,
                "repeats": len(some), "loss": loss, "loss_low": low, "loss_high": high,
                "loss_on_class": float((before - some[column].to_numpy()).mean()),
            }
        )  # fmt: skip
    columns = ["model", "line", "level", "of_class", "repeats", "loss", "loss_low", "loss_high"]
    return pd.DataFrame(rows, columns=[*columns, "loss_on_class"])


def ranking(table: pd.DataFrame, share: float = SHARE) -> pd.DataFrame:
    """Loss of every line at about the same share of damaged rows, the worst first.

    Args:
        table: With losses.
        share: Of each line the level is taken whose share is nearest to this; of several as
            near the one with the largest loss.
    """
    points = curves(table)
    points = points[(points["touched"] > 0) & points["loss"].notna()]
    if points.empty:
        return points.drop(columns=["fault", "clean", "at_limit"])
    away = (points["touched"] - share).abs().round(6)
    points = points.assign(away=away).sort_values(
        ["model", "line", "away", "loss"], ascending=[True, True, True, False]
    )
    nearest = points.groupby(["model", "line"], sort=False).head(1)
    order = {name: place for place, name in enumerate(dict.fromkeys(table["model"]))}
    nearest = nearest.assign(place=nearest["model"].map(order)).sort_values(
        ["place", "loss"], ascending=[True, False], ignore_index=True
    )
    return nearest.drop(columns=["away", "place", "fault", "clean", "at_limit"])


def tolerance(table: pd.DataFrame, points: float = POINTS) -> pd.DataFrame:
    """Level at which accuracy has fallen by so many percentage points, by interpolation.

    Levels are walked from the one that changes nothing, on both sides of it; each repeat has its
    own crossing, and a side counts as crossed where the mean curve crosses.

    Returns:
        Columns `model`, `line`, `level`, `low`, `high` (95 % t interval over the repeats that
        cross), `repeats`, `crossed`; `level` is NaN where the accuracy never falls so far.
    """
    rows = []
    damaged = table[(table["fault"] != CLEAN) & (table["of_class"] < 0)]
    for (model, line), part in damaged.groupby(["model", "line"], sort=False):
        clean = FAULTS[part["fault"].iloc[0]].clean
        if clean is None:
            continue
        for side in (-1, 1):
            some = part[np.sign(part["level"] - clean) == side]
            if some.empty:
                continue
            found = [
                _crossing(one["level"].to_numpy(), one["loss"].to_numpy(), clean, points / 100)
                for _, one in some.groupby("repeat")
            ]
            crossed = [level for level in found if np.isfinite(level)]
            whole = len(crossed) == len(found)
            level, low, high = interval(crossed) if whole else (float("nan"),) * 3
            rows.append(
                {
                    "model": model, "line": line, "points": points, "level": level, "low": low,
                    "high": high, "repeats": len(found), "crossed": len(crossed),
                }
            )  # fmt: skip
    columns = ["model", "line", "points", "level", "low", "high", "repeats", "crossed"]
    return pd.DataFrame(rows, columns=columns)


def _crossing(levels: Floats, losses: Floats, clean: float, least: float) -> float:
    """Where the loss first reaches `least`, walking away from the clean level."""
    order = np.argsort(np.abs(levels - clean))
    x, y = np.append(clean, levels[order]), np.append(0.0, losses[order])
    reached = np.flatnonzero(y >= least)
    if not reached.size:
        return float("nan")
    place = reached[0]
    share = (least - y[place - 1]) / (y[place] - y[place - 1])
    return float(x[place - 1] + share * (x[place] - x[place - 1]))


def z_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Error of damaged sets in standard deviations of clean random sets of the same size.

    The clean sets of the repeats are those random sets, so only faults that leave the number of
    rows as it is can be compared.
    """
    parts = []
    for model, part in table.groupby("model", sort=False):
        clean = part[part["fault"] == CLEAN]
        same = part[(part["fault"] != CLEAN) & part["rows"].isin(clean["rows"])]
        z = stats.z_scores(same["error"], clean["error"])
        columns = ["line", "level", "of_class", "repeat", "error"]
        parts.append(same[columns].assign(model=model, z=z, clean_sets=len(clean)))
    columns = ["model", "line", "level", "of_class", "repeat", "error", "z", "clean_sets"]
    whole = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return whole[columns]


def agreement(
    table: pd.DataFrame, seed: int, resamples: int = 1000
) -> tuple[pd.DataFrame, pd.DataFrame, list[str]]:
    """R² of the losses for every pair of models over all damaged sets, with bootstrap intervals."""
    damaged = table[table["fault"] != CLEAN]
    wide = damaged.pivot_table(
        index=["line", "of_class", "level", "repeat"], columns="model", values="loss", sort=False
    )
    models = [name for name in dict.fromkeys(table["model"]) if name in wide]
    first, second = np.triu_indices(len(models), 1)
    names = np.array(models, dtype=object)
    pairs = pd.DataFrame({"model_a": names[first], "model_b": names[second]}, dtype=str)
    columns = ["models", "group", "r_squared", "ci_low", "ci_high", "pairs", "sets"]
    if not len(pairs) or len(wide) < 3:
        empty = pairs.iloc[:0].assign(group="", r_squared=0.0, ci_low=0.0, ci_high=0.0, r=0.0, n=0)
        note = "Whether models agree on what hurts needs two models and three damaged sets."
        return empty, pd.DataFrame(columns=columns), [note]
    result = stats.r_squared_pairs(wide[models].to_numpy(np.float64), resamples, seed)
    low, high = result.interval()
    found = pairs.assign(
        group="all", r_squared=result.r_squared, ci_low=low, ci_high=high, r=result.r, n=result.n
    )
    every = np.ones(len(pairs), dtype=np.bool_)
    mean = ("all", "all", *result.mean(every), int(np.isfinite(result.r).sum()), len(wide))
    return found, pd.DataFrame([mean], columns=columns), []


def readings(analysis: Analysis) -> list[str]:
    """One-sentence readings made from the numbers; of what is not defined, none."""
    return [
        *_worst(analysis.ranking),
        *_tolerated(analysis.tolerance),
        *_agreed(analysis.r_squared_mean),
        *_limits(analysis.limits),
        *analysis.notes,
    ] or ["No model has been scored yet."]


def _worst(ranking: pd.DataFrame) -> list[str]:
    sentences = []
    for model, part in ranking.groupby("model", sort=False):
        row: Row = part.iloc[0].to_dict()
        within = (
            f" (95 % CI {100 * row['loss_low']:.1f} to {100 * row['loss_high']:.1f})"
            if np.isfinite(row["loss_low"])
            else ""
        )
        sentences.append(
            f"{model}: of {len(part)} faults {row['line']} hurts most, with "
            f"{100 * row['loss']:.1f} points of accuracy{within} at level {row['level']:g}, where "
            f"it touches {100 * row['touched']:.0f} % of the rows."
        )
    return sentences


def _tolerated(tolerance: pd.DataFrame) -> list[str]:
    return [
        f"{row['model']}: accuracy has fallen by {row['points']:g} points at {row['line']} "
        f"{row['level']:.3g}."
        for row in tolerance.to_dict("records")
        if np.isfinite(row["level"]) and FAULTS[row["line"].split(":")[0]].aspect == "labels"
    ]


def _agreed(mean: pd.DataFrame) -> list[str]:
    return [
        f"Mean R² between models over {row['sets']:,} damaged sets: {row['r_squared']:.2f} "
        f"(95 % CI {row['ci_low']:.2f} to {row['ci_high']:.2f}); the nearer to 1, the more a "
        "fault's cost belongs to the data and not to the model."
        for row in mean.to_dict("records")
        if np.isfinite(row["r_squared"])
    ]


def _limits(limits: pd.DataFrame) -> list[str]:
    return [
        f"{row['model']}: {row['at_limit']:,} of {row['trainings']:,} trainings ended at the limit "
        "of epochs, before every training row was learnt."
        for row in limits.to_dict("records")
        if row["at_limit"]
    ]
