"""Heat maps of how alike models judge subsets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import pandas as pd

from core.charts import style

CELL = 34
LABEL = 130  # a model with an option, such as resnet18:pretrained=0
# With more models than this, figures no longer fit their cells.
FIGURES_FIT = 12


def r_squared(
    table: pd.DataFrame, group: str, models: Sequence[str], own: pd.DataFrame | None = None
) -> style.Figure:
    """R² of every pair of models; its 95 % interval in the tooltip.

    Args:
        table: `Analysis.r_squared`.
        group: Which subsets: `all`, `selected` or `random`.
        models: Order of the models.
        own: `Analysis.reliability` of these subsets, for the R² of each model with itself on the
            diagonal; None leaves it empty.

    References:
        X-Factor, figure 6.
    """
    tooltip = [
        alt.Tooltip("r_squared:Q", title="R²", format=".3f"),
        alt.Tooltip("ci_low:Q", title="95 % CI from", format=".3f"),
        alt.Tooltip("ci_high:Q", title="to", format=".3f"),
        alt.Tooltip("r:Q", title="Pearson's r", format="+.3f"),
        alt.Tooltip("n:Q", title="subsets", format=","),
    ]
    data = _both_ways(table[table["group"] == group])
    if own is not None:
        columns = {"own": "r_squared", "own_low": "ci_low", "own_high": "ci_high"}
        alone = own[own["per_class"] == "all"].rename(
            columns={**columns, "reliability": "r", "subsets": "n"}
        )
        alone = alone.assign(model_a=alone["model"], model_b=alone["model"])
        data = pd.concat([data, alone[list(data)]], ignore_index=True)
    return _pairs(data, "r_squared", "R²", 0.0, models, tooltip)


def spearman(table: pd.DataFrame, name: str | None, models: Sequence[str]) -> style.Figure:
    """Spearman's ρ of every pair of models for one class, or its mean over classes.

    Args:
        table: `Analysis.spearman`.
        name: Name of the class; None for the mean over classes.
        models: Order of the models.

    References:
        X-Factor, figure 7.
    """
    if name is None:
        grouped = table.groupby(["model_a", "model_b"], sort=False)
        data = grouped.agg(rho=("rho", "mean"), n=("n", "max")).reset_index()
    else:
        data = table[table["class"] == name]
    tooltip = [
        alt.Tooltip("rho:Q", title="mean ρ" if name is None else "ρ", format="+.3f"),
        alt.Tooltip("n:Q", title="subsets", format=","),
    ]
    low = min(0.0, table["rho"].min())
    return _pairs(_both_ways(data), "rho", "Spearman's ρ", low, models, tooltip)


def spearman_by_class(table: pd.DataFrame) -> style.Figure:
    """Spearman's ρ of all pairs and classes at a glance; pairs that agree most at the top.

    Args:
        table: `Analysis.spearman`.

    References:
        X-Factor, figure 7.
    """
    data = table.dropna(subset="rho")
    data = data.assign(pair=data["model_a"] + " · " + data["model_b"])
    pairs = list(data.groupby("pair")["rho"].mean().sort_values(ascending=False).index)
    low = min(0.0, data["rho"].min()) if len(data) else 0.0
    shades = style.viridis(low, 1.0)
    cells = (
        alt.Chart(data)
        .mark_rect()
        .encode(
            x=alt.X("class:N", title="class", sort=None).axis(labelAngle=0, orient="top"),
            y=alt.Y("pair:N", title=None, sort=pairs).axis(
                labelLimit=180, labelFontSize=11, labelFlush=False, labelOverlap=False
            ),
            color=alt.Color("rho:Q").scale(shades).legend(style.gradient("Spearman's ρ")),
            tooltip=[
                alt.Tooltip("pair:N", title="models"),
                "class:N",
                alt.Tooltip("rho:Q", title="ρ", format="+.3f"),
                alt.Tooltip("n:Q", title="subsets", format=","),
            ],
        )
    )
    return style.sized(cells, max(15 * len(pairs), 60))


def _both_ways(table: pd.DataFrame) -> pd.DataFrame:
    """Every pair of models in both orders."""
    swapped = table.rename(columns={"model_a": "model_b", "model_b": "model_a"})
    return pd.concat([table, swapped], ignore_index=True)


def _pairs(
    data: pd.DataFrame,
    field: str,
    title: str,
    low: float,
    models: Sequence[str],
    tooltip: list[alt.Tooltip],
) -> style.Figure:
    """A matrix of models with its figures; a dash where there is none."""
    order = list(models)
    plain: dict[str, Any] = {
        "grid": False,
        "labelFlush": False,
        "labelOverlap": False,
        "labelLimit": LABEL,
    }
    base = alt.Chart(data).encode(
        x=alt.X("model_a:N", title=None, sort=order).axis(labelAngle=-45, **plain),
        y=alt.Y("model_b:N", title=None, sort=order).axis(**plain),
        tooltip=["model_a:N", "model_b:N", *tooltip],
    )
    colour = alt.Color(f"{field}:Q").scale(style.viridis(low, 1.0)).legend(style.gradient(title))
    known = f"isValid(datum[{field!r}])"
    cells = base.transform_filter(known).mark_rect().encode(color=colour)
    missing = base.transform_filter(f"!{known}").mark_text(text="–", color=style.MUTED)
    layers = [cells, missing]
    if len(order) <= FIGURES_FIT:
        figures = base.transform_filter(known).mark_text(fontSize=11)
        layers.append(
            figures.encode(
                text=alt.Text(f"{field}:Q", format=".2f"), color=style.text_over(field, low, 1.0)
            )
        )
    return style.sized(alt.layer(*layers), CELL * max(len(order), 2))
