"""Measures of subsets beside how well models do on them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import altair as alt
import pandas as pd

from core.charts import style

ROW = 17


def ranking(table: pd.DataFrame, titles: Mapping[str, str]) -> style.Figure:
    """Partial correlation of each measure with mean Z and its interval, the strongest on top.

    Args:
        table: `Quality.correlations` of one group of subsets.
        titles: What each measure is called.
    """
    data = table.dropna(subset="partial").sort_values("rank", kind="stable")
    data = data.assign(
        title=data["measure"].map(titles),
        sure=(data["q"] < 0.05).map({True: "significant", False: "not significant"}),
    )
    low, high = _signed(data[["partial_low", "partial_high"]])
    base = alt.Chart(data).encode(
        y=alt.Y("title:N", title=None, sort=list(data["title"])).axis(**_labels()),
        color=alt.Color("sure:N", title=None)
        .scale(domain=["significant", "not significant"], range=[style.BLUE, style.MUTED])
        .legend(style.legend(orient="top", symbolType="circle")),
        tooltip=[
            alt.Tooltip("title:N", title="measure"),
            alt.Tooltip("partial:Q", title="partial on size", format="+.3f"),
            alt.Tooltip("partial_low:Q", title="95 % CI from", format="+.3f"),
            alt.Tooltip("partial_high:Q", title="to", format="+.3f"),
            alt.Tooltip("pearson:Q", title="Pearson's r", format="+.3f"),
            alt.Tooltip("spearman:Q", title="Spearman's ρ", format="+.3f"),
            alt.Tooltip("q:Q", title="q (Benjamini-Hochberg)", format=".2g"),
            alt.Tooltip("subsets:Q", format=","),
        ],
    )
    scale = alt.Scale(domain=[low, high])
    bars = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("partial_low:Q", title="correlation with mean Z (left is better)").scale(scale),
        x2="partial_high:Q",
    )
    points = base.mark_point(filled=True, size=60, opacity=1).encode(x="partial:Q")
    return style.sized(alt.layer(_zero(), bars, points), ROW * max(len(data), 3))


def scatter(subsets: pd.DataFrame, measure: str, title: str) -> style.Figure:
    """Mean Z of every subset against a measure; a click in the legend leaves one strategy in sight.

    Of more than 5,000 subsets, evenly spaced ones are drawn, and the title of the x axis says how
    many.

    Args:
        subsets: `Quality.subsets`, of one size.
        measure: Column that stands across.
        title: What it is called.
    """
    data = subsets[["subset", "strategy", "direction", "excess", "z", measure]]
    data = data.rename(columns={measure: "value"}).dropna()
    count = len(data)
    data = data.iloc[:: -(-count // style.MOST_ROWS)] if count > style.MOST_ROWS else data
    some = f", {len(data):,} of {count:,} subsets" if len(data) < count else ""
    data = data.assign(kind=data["direction"].map(style.KINDS))
    alone = alt.selection_point(fields=["strategy"], bind="legend", name="strategy")
    points = (
        alt.Chart(data)
        .mark_point(filled=True, strokeWidth=0)
        .encode(
            x=alt.X("value:Q", title=f"{title}{some}").scale(zero=False),
            y=alt.Y("z:Q", title="mean Z over models (higher is worse)"),
            **style.strategy_and_kind(data),
            size=alt.when("datum.strategy == 'random'")
            .then(alt.value(20))
            .otherwise(alt.value(52)),
            opacity=alt.when(alone).then(alt.value(0.8)).otherwise(alt.value(0.04)),
            tooltip=[
                "subset:N",
                "strategy:N",
                alt.Tooltip("value:Q", title=title, format=".4~g"),
                alt.Tooltip("z:Q", title="mean Z", format="+.2f"),
            ],
        )
        .add_params(alone)
    )
    return style.sized(points, 360)


def remaining(table: pd.DataFrame, titles: Mapping[str, str]) -> style.Figure:
    """Mean R² between models when a measure is taken out, beside nothing and all of them.

    Args:
        table: `Quality.remaining` of one group of subsets.
        titles: What each measure is called; others stand as they are.
    """
    data = table.dropna(subset="r_squared")
    data = data.assign(title=data["taken_out"].map(lambda name: titles.get(name, name)))
    first, last = data.head(1), data.tail(1)
    between = data.iloc[1:-1].sort_values("r_squared", kind="stable")
    data = pd.concat([first, last, between]).drop_duplicates("title")
    base = alt.Chart(data).encode(
        y=alt.Y("title:N", title=None, sort=list(data["title"])).axis(**_labels()),
        tooltip=[
            alt.Tooltip("title:N", title="taken out besides size"),
            alt.Tooltip("r_squared:Q", title="mean R²", format=".3f"),
            alt.Tooltip("low:Q", title="95 % CI from", format=".3f"),
            alt.Tooltip("high:Q", title="to", format=".3f"),
            alt.Tooltip("pairs:Q", title="model pairs", format=","),
        ],
    )
    scale = alt.Scale(domain=[0, 1])
    bars = base.mark_rule(strokeWidth=2, color=style.VERMILION).encode(
        x=alt.X("low:Q", title="mean R² between models").scale(scale), x2="high:Q"
    )
    points = base.mark_point(filled=True, size=60, opacity=1, color=style.VERMILION).encode(
        x="r_squared:Q"
    )
    return style.sized(alt.layer(bars, points), ROW * max(len(data), 3))


def _labels() -> dict[str, Any]:
    return {"labelLimit": 190, "labelFontSize": 11, "labelOverlap": False, "labelFlush": False}


def _zero() -> alt.Chart:
    rule: alt.Chart = (
        alt.Chart(pd.DataFrame({"at": [0.0]}))
        .mark_rule(color=style.MUTED, strokeDash=[4, 4])
        .encode(x="at:Q")
    )
    return rule


def _signed(ends: pd.DataFrame) -> tuple[float, float]:
    """A domain that holds all ends and zero, within [-1, 1]."""
    if not ends.notna().to_numpy().any():
        return -1.0, 1.0
    return max(-1.0, min(0.0, ends.min().min()) - 0.02), min(1.0, max(0.0, ends.max().max()) + 0.02)
