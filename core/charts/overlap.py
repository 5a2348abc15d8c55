"""Images that subsets share."""

from __future__ import annotations

import json
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from core.charts import style

KEYS = ["strategy", "direction", "excess"]
# Points: the side of a cell where there is room, and of the matrix where there is not.
CELL, MOST = 34, 520


def overlap(table: pd.DataFrame) -> style.Figure:
    """Images that subsets of one size share, by strategy, direction and excess.

    The lower half of a symmetric matrix; the axes name where each strategy and direction begins.
    The colours end where the highest 2 % of the cells begin, so that the rest can be told apart.
    With too many kinds of subset for one chart, all excesses of a strategy are taken together.

    Args:
        table: The rows of one size of `Analysis.overlap`, or what `overlap_by_group` gives.

    References:
        X-Factor, figure 5.
    """
    kinds = _kinds(table)
    if len(kinds) * (len(kinds) + 1) / 2 > style.MOST_ROWS:
        table = _without_excess(table)
        kinds = _kinds(table)
    data = _lower_half(table, kinds)
    top = float(data["percent"].quantile(0.98)) if len(data) else 0.0
    starts = kinds[~kinds.duplicated(["strategy", "direction"])]
    names = {
        str(place): _name(strategy, direction)
        for place, strategy, direction in zip(
            starts.index, starts["strategy"], starts["direction"], strict=True
        )
    }
    axis: dict[str, Any] = {
        "values": [int(place) for place in names],
        "labelExpr": f"({json.dumps(names)})[datum.value]",
        "labelLimit": 130,
        "labelOverlap": False,
        "ticks": True,
        "grid": False,
    }
    shades = style.viridis(0.0, top or 1.0)
    cells = (
        alt.Chart(data)
        # A border of a cell's own colour covers the seams that fractions of a pixel leave.
        .mark_rect(strokeWidth=0.6, stroke=alt.expr("scale('color', datum.percent)"))
        .encode(
            x=alt.X("place_b:O", title=None).axis(**axis, labelAngle=-90),
            y=alt.Y("place_a:O", title=None).axis(**axis),
            color=alt.Color("percent:Q").scale(shades).legend(style.gradient("images shared (%)")),
            tooltip=[
                alt.Tooltip("kind_a:N", title="subsets"),
                alt.Tooltip("kind_b:N", title="and"),
                alt.Tooltip("percent:Q", title="images shared (%)", format=".2f"),
                alt.Tooltip("percent_max:Q", title="at most (%)", format=".2f"),
                alt.Tooltip("pairs:Q", title="pairs", format=","),
            ],
        )
    )
    return style.sized(cells, min(CELL, max(MOST // max(len(kinds), 1), 1)) * max(len(kinds), 1))


def _kinds(table: pd.DataFrame) -> pd.DataFrame:
    """Strategy, direction and excess of every kind of subset, in order, random last."""
    sides = [table[[f"{key}_{side}" for key in KEYS]].set_axis(KEYS, axis=1) for side in "ab"]
    kinds = pd.concat(sides).drop_duplicates()
    order = sorted(style.in_order(kinds["strategy"]), key="random".__eq__)
    rank = kinds["strategy"].map(order.index)
    kinds = kinds.assign(rank=rank).sort_values(["rank", "direction", "excess"], ignore_index=True)
    return kinds.drop(columns="rank")


def _without_excess(table: pd.DataFrame) -> pd.DataFrame:
    """The table with the subsets of all excesses taken together."""
    sums = table.assign(shared=table["percent"] * table["pairs"], excess_a=0, excess_b=0)
    grouped = sums.groupby([f"{key}_{side}" for side in "ab" for key in KEYS], sort=False)
    found = grouped.agg({"shared": "sum", "percent_max": "max", "pairs": "sum"}).reset_index()
    return found.assign(percent=found["shared"] / found["pairs"])


def _lower_half(table: pd.DataFrame, kinds: pd.DataFrame) -> pd.DataFrame:
    """Cells on and below the diagonal, with the place and the name of both kinds."""
    places = {row: place for place, row in enumerate(kinds.itertuples(index=False, name=None))}
    data = table[["percent", "percent_max", "pairs"]].round(3)
    for side in "ab":
        keys = table[[f"{key}_{side}" for key in KEYS]].itertuples(index=False, name=None)
        place = np.array([places[row] for row in keys], dtype=np.int64)
        names = np.array([_name(*row) for row in places], dtype=object)
        data = data.assign(**{f"place_{side}": place, f"kind_{side}": names[place]})
    return data[data["place_a"] >= data["place_b"]]


def _name(strategy: str, direction: str, excess: int = 0) -> str:
    parts = [strategy, direction.replace("-", "−"), f"excess {excess}" if excess else ""]
    return " ".join(part for part in parts if part)
