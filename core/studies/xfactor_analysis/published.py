"""The X-Factor paper's own figures (MNIST, 2,500 subsets, 10 models), to put beside a study's."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd

from core.studies.xfactor_analysis import Analysis
from core.studies.xfactor_analysis.readings import mean_r_squared, percent, variance_explained
from core.studies.xfactor_analysis.scores import LEFT_OUT, WITHOUT, family, left_out


@dataclass(frozen=True)
class Published:
    """A figure of the paper.

    Args:
        quantity: What it is.
        value: What the paper has.
        source: Where the paper has it.
        here: The same from an analysis, in the same form; empty where it is not defined.
    """

    quantity: str
    value: str
    source: str
    here: Callable[[Analysis], str]


def beside_paper(analysis: Analysis) -> pd.DataFrame:
    """The paper's figures with this study's: `quantity`, `here`, `paper`, `source`.

    "Without gnb" is all models of a study that has no naive Bayes.
    """
    rows = [(item.quantity, item.here(analysis), item.value, item.source) for item in PAPER]
    return pd.DataFrame(rows, columns=["quantity", "here", "paper", "source"])


def _r_squared(analysis: Analysis) -> str:
    found = mean_r_squared(analysis, "all")
    if not found["pairs"]:
        return ""
    return f"{found['r_squared']:.2f} ({found['ci_low']:.2f}–{found['ci_high']:.2f})"


def _errors(analysis: Analysis, of_left_out: bool, groups: tuple[str, ...]) -> str:
    table = analysis.scaling
    rows = table[(left_out(table["model"]) == of_left_out) & table["group"].isin(groups)]
    if rows.empty:
        return ""
    return f"{percent(rows['min'].min(), unit='')}–{percent(rows['max'].max())}"


def _ks_p(analysis: Analysis) -> str:
    tests = analysis.ks[(analysis.ks["by"] == "all") & (analysis.ks["n"] > 0)]
    return "" if tests.empty else f"{tests['p'].iloc[0]:.2g}"


def _block(label: str) -> str:
    """Which of the two blocks of the paper's heatmap a model is in; empty for the others."""
    name = family(label)
    if name.startswith("mlp-"):
        return "perceptrons"
    return "others" if name in ("rf", "svc", "resnet18", "resnet34") else ""


def _mean_between(analysis: Analysis, *blocks: str) -> str:
    """Mean R² over the pairs of models of which one is in each of two blocks."""
    table = analysis.r_squared[analysis.r_squared["group"] == "all"]
    sides = zip(table["model_a"].map(_block), table["model_b"].map(_block), strict=True)
    inside = [sorted(pair) == sorted(blocks) for pair in sides]
    found = table.loc[inside, "r_squared"].dropna()
    return "" if found.empty else f"{found.mean():.2f}"


PAPER = (
    Published(
        f"Mean R² over model pairs, all subsets, {WITHOUT} (95 % CI)",
        "0.82 (0.80–0.84)",
        "Section 3. The abstract has 0.79, and does not say over which pairs.",
        _r_squared,
    ),
    Published(
        "Block of the heatmap: mean R² among perceptrons, all subsets",
        "very high",
        "Section 4 on figure 6, without a figure.",
        lambda analysis: _mean_between(analysis, "perceptrons", "perceptrons"),
    ),
    Published(
        "The other block: mean R² among rf, svc and ResNets",
        "very high too",
        "Section 4 on figure 6.",
        lambda analysis: _mean_between(analysis, "others", "others"),
    ),
    Published(
        "Mean R² between the two blocks",
        "less",
        "Section 4 on figure 6: blocks of substructure.",
        lambda analysis: _mean_between(analysis, "perceptrons", "others"),
    ),
    Published(
        f"Variance that size and model explain, random subsets, {WITHOUT}",
        "> 98 %",
        "Section 3.",
        lambda analysis: variance_explained(analysis, "random"),
    ),
    Published(
        f"Variance that size and model explain, selected subsets, {WITHOUT}",
        "59–83 %",
        "Section 3; a range whose members it does not name.",
        lambda analysis: variance_explained(analysis, "selected"),
    ),
    Published(
        f"Errors on random subsets, {WITHOUT}",
        "1.5–70 %",
        "Section 3, figure 2a.",
        lambda analysis: _errors(analysis, False, ("random",)),
    ),
    Published(
        f"Errors of {LEFT_OUT}, all subsets",
        "32–83 %",
        "Section 3, figure 2.",
        lambda analysis: _errors(analysis, True, ("random", "selected")),
    ),
    Published(
        "Kolmogorov-Smirnov p of random Z-scores against N(0, 1)",
        "< 10⁻⁵",
        "Figure 3; the text has < 10⁻⁶.",
        _ks_p,
    ),
)
