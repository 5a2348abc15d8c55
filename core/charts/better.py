"""Which selection strategies improve on random subsets, by size."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts import style

BAND = 15
SIGNS = {"+": "+", "-": "−"}


def shares(table: pd.DataFrame) -> style.Figure:
    """Share of subsets that beat the best random one, with 95 % intervals; dashed: by chance.

    Args:
        table: Rows of `Analysis.better` of one model, or of all together.
    """
    chance = pd.DataFrame({"chance": sorted(set(table["chance"]))})
    rule = alt.Chart(chance).mark_rule(color=style.MUTED, strokeDash=[4, 4]).encode(x="chance:Q")
    return _dots(table, ("share", "share_low", "share_high"), "beat the best random one", rule, "%")


def means(table: pd.DataFrame) -> style.Figure:
    """Mean Z-score with 95 % intervals; left of the dashed line is better than random.

    Args:
        table: As `shares`.
    """
    zero = alt.Chart(pd.DataFrame({"z": [0.0]}))
    rule = zero.mark_rule(color=style.MUTED, strokeDash=[4, 4]).encode(x="z:Q")
    return _dots(table, ("z_mean", "z_low", "z_high"), "mean Z-score (higher is worse)", rule, "f")


def _dots(
    table: pd.DataFrame, columns: tuple[str, str, str], title: str, rule: alt.Chart, unit: str
) -> style.Figure:
    ways = [
        f"{strategy} {SIGNS[direction]}"
        for strategy, direction in zip(table["strategy"], table["direction"], strict=True)
    ]
    data = table.assign(way=ways, size=table["per_class"].astype(str))
    sizes = [str(size) for size in sorted(set(data["per_class"]))]
    middle, low, high = columns
    form = ".1%" if unit == "%" else "+.2f"
    base = alt.Chart(data).encode(
        y=alt.Y("way:N", title=None, sort=style.in_order(ways)).axis(labelLimit=200),
        yOffset=alt.YOffset("size:N", sort=sizes),
        color=alt.Color("size:N", title=style.SIZE_TITLE, sort=sizes)
        .scale(style.ordered_colour(sizes))
        .legend(style.legend(symbolStrokeWidth=0)),
        tooltip=[
            "strategy:N",
            "direction:N",
            alt.Tooltip("per_class:Q", title="images per class", format=","),
            "model:N",
            alt.Tooltip("subsets:Q", format=","),
            alt.Tooltip(f"{middle}:Q", title=title, format=form),
            alt.Tooltip(f"{low}:Q", title="95 % CI from", format=form),
            alt.Tooltip(f"{high}:Q", title="95 % CI to", format=form),
            alt.Tooltip("chance:Q", title="beat it by chance", format=".1%"),
        ],
    )
    axis = alt.X(f"{low}:Q", title=title).axis(format="%" if unit == "%" else "", tickCount=6)
    ranges = base.mark_rule(strokeWidth=2).encode(x=axis, x2=f"{high}:Q")
    points = base.mark_point(filled=True, size=70).encode(
        x=f"{middle}:Q",
        shape=alt.Shape("size:N", title=style.SIZE_TITLE, sort=sizes)
        .scale(domain=sizes, range=[style.SHAPES[i % 4] for i in range(len(sizes))])
        .legend(style.legend(symbolStrokeWidth=0)),
    )
    height = max(1, len(set(ways))) * (BAND * len(sizes) + 12)
    return style.sized(rule + ranges + points, height)
