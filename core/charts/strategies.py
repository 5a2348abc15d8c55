"""What each selection strategy does to the error as it discards more."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts import style

DIRECTIONS = {"+": "+ positive", "-": "− negative"}


def strategies(table: pd.DataFrame) -> style.Figure:
    """Mean Z-score by strategy and direction against the excess that was discarded.

    A click on a strategy in the legend leaves the others pale.

    Args:
        table: `Analysis.strategies`.
    """
    data = table[table["strategy"] != "random"]
    data = data.assign(way=data["direction"].map(DIRECTIONS))
    names = style.in_order(data["strategy"])
    base = alt.Chart(data).encode(
        x=alt.X("excess:Q", title="excess: images per class discarded")
        .scale(type="log", nice=False, padding=12)
        .axis(values=sorted(set(data["excess"])), format="~s", grid=False),
        y=alt.Y("z_mean:Q", title="mean Z-score (higher is worse)"),
        color=alt.Color("strategy:N", title=None)
        .scale(style.strategy_colour(names))
        .legend(style.legend(columns=2, symbolType="circle", symbolStrokeWidth=0)),
        tooltip=[
            "strategy:N",
            alt.Tooltip("way:N", title="direction"),
            alt.Tooltip("excess:Q", title="excess per class", format=","),
            alt.Tooltip("z_mean:Q", title="mean Z", format="+.2f"),
            alt.Tooltip("z_sd:Q", title="sd of Z", format=".2f"),
            alt.Tooltip("better:Q", title="better than the random mean", format=".0%"),
            alt.Tooltip("count:Q", title="scores", format=","),
        ],
    )
    ways = list(DIRECTIONS.values())
    picked = alt.selection_point(fields=["strategy"], bind="legend", name="strategy")
    seen = alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.12))
    lines = base.mark_line(strokeWidth=1.8).encode(
        opacity=seen,
        strokeDash=alt.StrokeDash("way:N", title=None)
        .scale(domain=ways, range=[[1, 0], [6, 3]])
        .legend(style.shape_legend()),
    )
    points = base.mark_point(filled=True, size=90).encode(
        opacity=seen,
        shape=alt.Shape("way:N", title=None)
        .scale(domain=ways, range=[style.PLUS, style.MINUS])
        .legend(style.shape_legend()),
    )
    zero = alt.Chart(pd.DataFrame({"z": [0]})).mark_rule(color=style.MUTED, strokeDash=[4, 4])
    return style.sized(zero.encode(y="z:Q") + lines + points.add_params(picked))
