"""R² between models beside the most that it can be."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts import style

ROW = 26


def ceiling(table: pd.DataFrame) -> style.Figure:
    """R² of every pair of models as a bar, and its ceiling as a tick with its interval.

    Args:
        table: `Analysis.ceiling` of one group of subsets.
    """
    data = table.dropna(subset=["r_squared", "ceiling"])
    data = data.assign(
        pair=data["model_a"] + " · " + data["model_b"], most=data["ceiling_high"].clip(upper=1.0)
    )
    data = data.sort_values("r_squared", ascending=False, kind="stable")
    scale = alt.Scale(domain=[0, 1])
    base = alt.Chart(data).encode(
        y=alt.Y("pair:N", title=None, sort=list(data["pair"])).axis(
            labelLimit=190, labelFontSize=11, labelFlush=False, labelOverlap=False
        ),
        tooltip=[
            alt.Tooltip("pair:N", title="models"),
            alt.Tooltip("r_squared:Q", title="R²", format=".3f"),
            alt.Tooltip("ceiling:Q", title="at most", format=".3f"),
            alt.Tooltip("ceiling_low:Q", title="95 % CI from", format=".3f"),
            alt.Tooltip("ceiling_high:Q", title="to", format=".3f"),
            alt.Tooltip("corrected:Q", title="corrected R²", format=".3f"),
            alt.Tooltip("corrected_low:Q", title="95 % CI from", format=".3f"),
            alt.Tooltip("corrected_high:Q", title="to", format=".3f"),
        ],
    )
    bars = base.mark_bar(color=style.BLUE, cornerRadiusEnd=2, height=12).encode(
        x=alt.X("r_squared:Q", title="R² (bar) and the most that it can be (tick)").scale(scale)
    )
    reach = base.mark_rule(color=style.VERMILION, strokeWidth=1.5).encode(
        x="ceiling_low:Q", x2="most:Q"
    )
    most = base.mark_tick(color=style.VERMILION, thickness=3, size=16).encode(x="ceiling:Q")
    return style.sized(alt.layer(bars, reach, most), ROW * max(len(data), 2))
