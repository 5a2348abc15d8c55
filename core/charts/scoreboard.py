"""How well every score finds faults under every threshold, as a heat map."""

from __future__ import annotations

from typing import Any

import altair as alt
import pandas as pd

from core.charts import style

CELL = 30
MEASURES = {
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "clean_flagged": "share of untouched images flagged",
}


def heatmap(table: pd.DataFrame, measure: str) -> style.Figure:
    """Scores down, grouped by issue, thresholds across; the figures are per cent.

    Args:
        table: Rows of one kind of faults with columns `issue`, `score`, `detector` (its title),
            `threshold` and those of `MEASURES`.
        measure: Which of them is drawn.
    """
    table = table.assign(percent=(100 * table[measure]).round())
    plain: dict[str, Any] = {"grid": False, "labelFlush": False, "labelOverlap": False}
    base = alt.Chart(table).encode(
        x=alt.X("threshold:N", title=None, sort=style.in_order(table["threshold"])).axis(
            labelAngle=-45, orient="top", **plain
        ),
        y=alt.Y("score:N", title=None, sort=style.in_order(table["score"])).axis(
            labelLimit=170, **plain
        ),
        tooltip=[
            "issue:N",
            alt.Tooltip("detector:N", title="score"),
            "threshold:N",
            *(
                alt.Tooltip(f"{name}:Q", title=text, format=".3f")
                for name, text in MEASURES.items()
            ),
        ],
    )
    colour = alt.Color(f"{measure}:Q").scale(style.viridis(0, 1))
    cells = base.mark_rect().encode(color=colour.legend(style.gradient(MEASURES[measure])))
    figures = base.mark_text(fontSize=11).encode(
        text=alt.Text("percent:Q", format=".0f"), color=style.text_over(measure, 0, 1)
    )
    return style.sized(alt.layer(cells, figures), CELL * table["score"].nunique())
