"""What models gain or lose without some rows, with confidence intervals."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts import style

BAND = 26


def differences(table: pd.DataFrame) -> style.Figure:
    """Mean difference in accuracy with its 95 % interval, by model and what it is compared with.

    Args:
        table: Columns `model`, `against` (in words), `repeats`, `difference`, `low`, `high`,
            `p`, `q`; shares, drawn in percentage points.
    """
    data = table.assign(**{name: 100 * table[name] for name in ("difference", "low", "high")})
    names = style.in_order(data["against"])
    base = alt.Chart(data).encode(
        y=alt.Y("model:N", title=None, sort=style.in_order(data["model"])),
        yOffset=alt.YOffset("against:N", sort=names),
        color=alt.Color("against:N", title="without the rows, against")
        .scale(style.series_colour(names))
        .legend(style.legend(columns=1, symbolStrokeWidth=0)),
        tooltip=[
            "model:N",
            "against:N",
            alt.Tooltip("difference:Q", title="difference (points)", format="+.2f"),
            alt.Tooltip("low:Q", title="95 % CI from", format="+.2f"),
            alt.Tooltip("high:Q", title="95 % CI to", format="+.2f"),
            alt.Tooltip("p:Q", format=".3g"),
            alt.Tooltip("q:Q", format=".3g"),
            "repeats:Q",
        ],
    )
    title = "accuracy without the rows, minus the other arm (percentage points)"
    ranges = base.mark_rule(strokeWidth=2).encode(x=alt.X("low:Q", title=title), x2="high:Q")
    points = base.mark_point(filled=True, size=70).encode(
        x="difference:Q",
        shape=alt.Shape("against:N", title="without the rows, against")
        .scale(style.series_shape(names))
        .legend(style.legend(columns=1, symbolStrokeWidth=0)),
    )
    zero = alt.Chart(pd.DataFrame({"x": [0.0]})).mark_rule(color=style.MUTED, strokeDash=[4, 4])
    height = 2 * BAND * max(1, data["model"].nunique())
    return style.sized(zero.encode(x="x:Q") + ranges + points, height)
