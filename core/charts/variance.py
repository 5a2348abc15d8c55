"""Share of the error's variance that size and model explain."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts import style

ROW = 40


def variance(table: pd.DataFrame) -> style.Figure:
    """Explained share for all models, without naive Bayes, and for each model by size.

    Args:
        table: `Analysis.variance`.

    References:
        X-Factor, section 3.
    """
    data = table.dropna(subset="explained")
    scopes = style.in_order(data["scope"])
    groups = ["random", "selected"]
    base = alt.Chart(data).encode(
        y=alt.Y("scope:N", title=None, sort=scopes).axis(labelLimit=160, grid=False),
        yOffset=alt.YOffset("group:N", sort=groups),
        tooltip=[
            alt.Tooltip("scope:N", title="models"),
            alt.Tooltip("group:N", title="subsets"),
            alt.Tooltip("explained:Q", format=".1%"),
            alt.Tooltip("residual:Q", format=".1%"),
            alt.Tooltip("cells:Q", title="(model, size) cells", format=","),
            alt.Tooltip("n:Q", title="scores", format=","),
        ],
    )
    share = alt.X("explained:Q", title="variance explained by size and model")
    share = share.scale(domain=[0, 1.1]).axis(format="%", values=[0, 0.25, 0.5, 0.75, 1])
    bars = base.mark_bar(cornerRadiusEnd=2).encode(
        x=share,
        color=alt.Color("group:N", title=None)
        .scale(domain=groups, range=[style.MUTED, style.BLUE])
        .legend(orient="top"),
    )
    figures = base.mark_text(align="left", dx=4, color=style.MUTED, fontSize=10).encode(
        x=share, text=alt.Text("explained:Q", format=".1%")
    )
    return style.sized(bars + figures, ROW * max(len(scopes), 1))
