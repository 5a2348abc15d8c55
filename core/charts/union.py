"""Z-scores of unions of two subsets against what their parts lead one to expect."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from core.charts import style

COLOURS = (*style.SAFE, style.MUTED)
SHAPES = (*style.SHAPES, "cross")


def unions(table: pd.DataFrame, slope: float) -> style.Figure:
    """One point a pair; dashed: the worth of images adds up; solid: the slope that was found.

    Args:
        table: Rows of `Unions.unions` of one model, or of all that means are taken of; their
            means over models are drawn.
        slope: Of `Unions.slopes`; without a line where it is NaN.
    """
    names = ["pair", "kind", "per_class", "shared"]
    data = table.groupby(names, sort=False)[["z_a", "z_b", "z_union", "expected"]].mean()
    data = data.reset_index()
    kinds = style.in_order(data["kind"])
    ends = pd.Series([data["expected"].min(), data["expected"].max()])
    middle, height = data["expected"].mean(), data["z_union"].mean()
    fitted = height + slope * (ends - middle)
    lines = pd.DataFrame({"x": ends, "additive": ends, "found": fitted})
    layers = [_line(lines, "additive", [5, 4])]
    if not math.isnan(slope):
        layers.append(_line(lines, "found", [1, 0]))
    columns = style.legend(columns=2, symbolStrokeWidth=0)
    points = (
        alt.Chart(data)
        .mark_point(filled=True, size=70, opacity=0.85)
        .encode(
            x=alt.X("expected:Q", title="Z-score expected of the union").axis(tickCount=8),
            y=alt.Y("z_union:Q", title="Z-score of the union (higher is worse)"),
            color=alt.Color("kind:N", title=None)
            .scale(domain=kinds, range=[COLOURS[i % 5] for i in range(len(kinds))])
            .legend(columns),
            shape=alt.Shape("kind:N", title=None)
            .scale(domain=kinds, range=[SHAPES[i % 5] for i in range(len(kinds))])
            .legend(columns),
            tooltip=[
                "pair:N",
                "kind:N",
                alt.Tooltip("z_a:Q", title="Z of the first", format="+.2f"),
                alt.Tooltip("z_b:Q", title="Z of the second", format="+.2f"),
                alt.Tooltip("expected:Q", format="+.2f"),
                alt.Tooltip("z_union:Q", title="Z of the union", format="+.2f"),
                alt.Tooltip("per_class:Q", title="images per class", format=","),
                alt.Tooltip("shared:Q", title="images in both", format=","),
            ],
        )
    )
    return style.sized(alt.layer(*layers, points), 380)


def _line(lines: pd.DataFrame, name: str, dash: list[int]) -> alt.Chart:
    chart: alt.Chart = (
        alt.Chart(lines)
        .mark_line(color=style.MUTED, strokeDash=dash, strokeWidth=1.5)
        .encode(x="x:Q", y=f"{name}:Q")
    )
    return chart
