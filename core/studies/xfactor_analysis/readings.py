"""What an analysis says, in sentences made from its numbers alone."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.studies.xfactor_analysis import Analysis, ceiling
from core.studies.xfactor_analysis.better import ALL
from core.studies.xfactor_analysis.scores import WITHOUT, left_out

LEVEL = 0.05
Row = dict[Hashable, Any]


@dataclass(frozen=True)
class Fact:
    """One reading.

    Args:
        topic: The table of `Analysis` that it reads.
        text: One sentence.
        group: The subsets that it is about, where the topic has a sentence for each group.
    """

    topic: str
    text: str
    group: str = ""


def facts(analysis: Analysis) -> list[Fact]:
    """One-sentence readings; of what is not defined, none."""
    return [
        *_scaling(analysis),
        *_variance(analysis),
        *_normality(analysis),
        *_better_than_random(analysis),
        *_strategies(analysis),
        *_improvements(analysis),
        *_agreement(analysis),
        *_pairs(analysis),
        *_ceiling(analysis),
        *_classes(analysis),
    ]


def mean_r_squared(analysis: Analysis, group: str) -> Row:
    """The row of `r_squared_mean` to read for a group: without naive Bayes where there is one."""
    table = _without(analysis.r_squared_mean, "models")
    return table[table["group"] == group].to_dict("records")[0]


def variance_explained(analysis: Analysis, group: str) -> str:
    """Share of variance that size and model explain, in percent; empty where not defined."""
    table = _without(analysis.variance[analysis.variance["group"] == group], "scope")
    share = table["explained"].head(1).dropna()
    return "" if share.empty else percent(share.iloc[0])


def percent(share: float, unit: str = " %") -> str:
    """A share as text, with one decimal."""
    return f"{100 * share:.1f}{unit}"


def _scaling(analysis: Analysis) -> list[Fact]:
    best, _ = _extremes(analysis.scaling, "min")
    _, worst = _extremes(analysis.scaling, "max")
    found = [
        f"Errors run from {percent(best['min'])} ({best['model']} on a {best['group']} subset with "
        f"{best['per_class']} images per class) to {percent(worst['max'])} ({worst['model']}, "
        f"{worst['group']}, {worst['per_class']})."
    ]
    slopes = analysis.slopes[analysis.slopes["group"] == "random"].dropna(subset="slope")
    if len(slopes) > 1:
        low, high = _extremes(slopes, "slope")
        found.append(
            "On log-log axes the mean error on random subsets changes with size by slopes from "
            f"{_signed(low['slope'])} ({low['model']}) to {_signed(high['slope'])} "
            f"({high['model']})."
        )
    return [Fact("scaling", text) for text in found]


def _variance(analysis: Analysis) -> list[Fact]:
    shares = {group: variance_explained(analysis, group) for group in ("random", "selected")}
    parts = [f"{share} on {group} subsets" for group, share in shares.items() if share]
    if not parts:
        return []
    causes = ["size"] * (len(analysis.scaling["per_class"].unique()) > 1)
    causes += ["model"] * (len(analysis.models) > 1)
    verb = "explain" if len(causes) > 1 else "explains"
    return [
        Fact(
            "variance",
            f"Of the variance of the error{_scope(analysis.variance, 'scope')}, "
            f"{' and '.join(causes)} {verb} {' and '.join(parts)}.",
        )
    ]


def _normality(analysis: Analysis) -> list[Fact]:
    tests = analysis.ks[(analysis.ks["by"] == "all") & (analysis.ks["n"] > 0)]
    return [
        Fact(
            "ks",
            f"The {test['n']:,} Z-scores of random subsets lie at most {test['statistic']:.3f} "
            f"from the normal distribution function; simulated studies with normal errors do so "
            f"with p = {test['p_monte_carlo']:.2g}, so the data "
            f"{'depart' if test['p_monte_carlo'] < LEVEL else 'show no departure'} from normal "
            "at the 5 % level.",
        )
        for test in tests.to_dict("records")
    ]


def _better_than_random(analysis: Analysis) -> list[Fact]:
    z = analysis.z_scores.dropna(subset="z")
    best = z[z["group"] == "random"].groupby(["model", "per_class"])["z"].min().rename("best")
    selected = z[z["group"] == "selected"].join(best, on=["model", "per_class"])
    if selected.empty:
        return []
    low, high = _extremes(selected, "z")
    share = np.mean(selected["z"].to_numpy() < selected["best"].to_numpy())
    return [
        Fact(
            "z_scores",
            f"Z-scores of selected subsets run from {_signed(low['z'])} to {_signed(high['z'])}; "
            f"{percent(float(share))} are lower, so better, than those of the best random subset "
            "of the same size and model.",
        )
    ]


def _strategies(analysis: Analysis) -> list[Fact]:
    z = analysis.z_scores.dropna(subset="z")
    z = z[(z["group"] == "selected") & ~left_out(z["model"])]
    means = z.groupby(["strategy", "direction"])["z"].mean().reset_index()
    if len(means) < 2:
        return []
    low, high = _extremes(means, "z")
    return [
        Fact(
            "strategies",
            f"Mean Z by strategy{_scope(analysis.variance, 'scope')} runs from "
            f"{_signed(low['z'])} ({_choice(low)}) to {_signed(high['z'])} ({_choice(high)}); "
            f"{(means['z'] < 0).sum()} of {len(means)} are below 0, better than random.",
        )
    ]


def _improvements(analysis: Analysis) -> list[Fact]:
    """The kind of subsets that beats the best random one most often, over models together."""
    table = analysis.better[~left_out(analysis.better["model"])]
    counts = table.groupby(["strategy", "direction", "per_class"])["model"].transform("size")
    table = table[(counts == 1) | table["model"].isin([ALL, WITHOUT])]
    if table.empty:
        return []
    row = table.sort_values(["share", "z_mean"], ascending=[False, True], kind="stable").to_dict(
        "records"
    )[0]
    clear = int((table["share_low"] > table["chance"]).sum())
    models = "" if row["model"] in (ALL, WITHOUT) else f" with {row['model']}"
    return [
        Fact(
            "better",
            f"{_choice(row)} beats the best of {row['random']} random subsets in "
            f"{percent(row['share'])} (95 % CI {percent(row['share_low'], '')}–"
            f"{percent(row['share_high'])}) of its {row['subsets']} subsets of {row['per_class']} "
            f"images per class{models}, most of all; without any effect {percent(row['chance'])} "
            f"would. {clear} of {len(table)} kinds of subsets "
            f"{'does' if clear == 1 else 'do'} so clearly more often than by chance.",
        )
    ]


def _agreement(analysis: Analysis) -> list[Fact]:
    found = []
    for group in ("all", "selected", "random"):
        row = mean_r_squared(analysis, group)
        if not row["pairs"]:
            continue
        pairs = "the one model pair" if row["pairs"] == 1 else f"the {row['pairs']} model pairs"
        which = "" if group == "all" else f"{group} "
        chance = f"; unrelated models would have about {1 / (row['subsets'] - 1):.2g} by chance"
        text = (
            f"Mean R² over {pairs}{_scope(analysis.r_squared_mean, 'models')} is "
            f"{row['r_squared']:.2f} (95 % CI {row['ci_low']:.2f}–{row['ci_high']:.2f}) on the "
            f"{row['subsets']:,} {which}subsets{chance if group == 'random' else ''}."
        )
        found.append(Fact("r_squared_mean", text, group))
    return found


def _pairs(analysis: Analysis) -> list[Fact]:
    pairs = analysis.r_squared[analysis.r_squared["group"] == "all"].dropna(subset="r_squared")
    if len(pairs) < 2:
        return []
    low, high = _extremes(pairs, "r_squared")
    found = [
        f"{high['model_a']} and {high['model_b']} agree most (R² {high['r_squared']:.2f}), "
        f"{low['model_a']} and {low['model_b']} least ({low['r_squared']:.2f})."
    ]
    opposed = int((pairs["r"] < 0).sum())
    if opposed:
        found.append(f"Of {len(pairs)} model pairs, {opposed} correlate negatively; R² hides that.")
    return [Fact("r_squared", text) for text in found]


def _ceiling(analysis: Analysis) -> list[Fact]:
    own, mean = analysis.reliability, analysis.ceiling_mean
    if own is None or mean is None:
        return []
    return [
        Fact("ceiling", text, group)
        for group in ("all", "random")
        for text in ceiling.sentences(own, mean, group)
    ]


def _classes(analysis: Analysis) -> list[Fact]:
    table = _without(analysis.spearman_mean[analysis.spearman_mean["pairs"] > 0], "models")
    classes = table[table["class"] != "all classes"]
    if len(classes) < 2:
        return []
    low, high = _extremes(classes, "rho")
    mean = table.loc[table["class"] == "all classes", "rho"].iloc[0]
    return [
        Fact(
            "spearman_mean",
            f"By class, Spearman's ρ between models{_scope(analysis.spearman_mean, 'models')} is "
            f"{mean:.2f} on average, from {low['rho']:.2f} (class {low['class']}) to "
            f"{high['rho']:.2f} (class {high['class']}).",
        )
    ]


def _without(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows that leave naive Bayes out, or all where none do."""
    out = table[column] == WITHOUT
    return table[out] if out.any() else table


def _scope(table: pd.DataFrame, column: str) -> str:
    return f" {WITHOUT}" if (table[column] == WITHOUT).any() else ""


def _extremes(table: pd.DataFrame, column: str) -> tuple[Row, Row]:
    """The rows with the lowest and the highest value of a column."""
    rows = table.sort_values(column, kind="stable").to_dict("records")
    return rows[0], rows[-1]


def _choice(row: Row) -> str:
    return f"{row['strategy']} {row['direction']}".replace("-", "−").strip()


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
