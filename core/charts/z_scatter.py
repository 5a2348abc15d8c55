"""Z-scores of two models against each other, one point a subset."""

from __future__ import annotations

import altair as alt
import pandas as pd

from core.charts import style

SUBSET = ["subset", "per_class", "strategy", "direction", "excess", "repeat"]


def z_scatter(z_scores: pd.DataFrame, model_a: str, model_b: str) -> style.Figure:
    """Every subset's Z-score by two models; a click picks the subset.

    The selection `picked` holds the `subset` of the point that was clicked; a click in the legend
    leaves one strategy in sight. Shift and the wheel zoom, dragging moves, a double click resets.
    Of more than 5,000 subsets, evenly spaced ones are drawn, and the title of the x axis says how
    many.

    Args:
        z_scores: `Analysis.z_scores`.
        model_a: Model on the x axis.
        model_b: Model on the y axis.

    References:
        X-Factor, figure 4.
    """
    data = pair_table(z_scores, model_a, model_b)
    count = len(data)
    data = data.iloc[:: -(-count // style.MOST_ROWS)] if count > style.MOST_ROWS else data
    some = f", {len(data):,} of {count:,} subsets" if len(data) < count else ""
    points = _points(data, f"Z by {model_a}{some}", f"Z by {model_b}")
    reach = [data[["z_a", "z_b"]].min().max(), data[["z_a", "z_b"]].max().min()]
    equal = pd.DataFrame({"z": reach if len(data) else [0.0, 0.0]})
    diagonal = (
        alt.Chart(equal)
        .mark_line(color=style.MUTED, strokeDash=[4, 4], strokeWidth=1)
        .encode(x="z:Q", y="z:Q")
    )
    return style.sized(diagonal + points, 420)


def pair_table(z_scores: pd.DataFrame, model_a: str, model_b: str) -> pd.DataFrame:
    """Subsets that both models scored: what they are, `z_a`, `z_b`, `error_a`, `error_b`."""
    known = z_scores.dropna(subset="z")
    columns = [*SUBSET, "z", "error"]
    of_b = known.loc[known["model"] == model_b, ["subset", "z", "error"]]
    table = known.loc[known["model"] == model_a, columns].merge(
        of_b, on="subset", suffixes=("_a", "_b")
    )
    chosen = (table["strategy"] != "random").astype(int)
    # Random subsets lie close together: drawn last, they stay in sight.
    table = table.assign(chosen=chosen).sort_values("chosen", ascending=False, kind="stable")
    return table.drop(columns="chosen").reset_index(drop=True)


def _points(data: pd.DataFrame, title_a: str, title_b: str) -> alt.Chart:
    data = data.assign(kind=data["direction"].map(style.KINDS)).round(
        {"z_a": 3, "z_b": 3, "error_a": 5, "error_b": 5}
    )
    picked = alt.selection_point(fields=["subset"], name="picked", on="click")
    alone = alt.selection_point(fields=["strategy"], bind="legend", name="strategy")
    zoom = alt.selection_interval(
        bind="scales", name="zoom", zoom="wheel![event.shiftKey]", translate=True
    )
    points: alt.Chart = (
        alt.Chart(data)
        .mark_point(filled=True, strokeWidth=0)
        .encode(
            x=alt.X("z_a:Q", title=title_a).axis(tickCount=8),
            y=alt.Y("z_b:Q", title=title_b).axis(tickCount=8),
            **style.strategy_and_kind(data),
            size=alt.when(picked, empty=False)
            .then(alt.value(260))
            .when("datum.strategy == 'random'")
            .then(alt.value(16))
            .otherwise(alt.value(52)),
            opacity=alt.when(picked & alone)
            .then(alt.value(0.8))
            .when(alone)
            .then(alt.value(0.25))
            .otherwise(alt.value(0.04)),
            tooltip=[
                "strategy:N",
                alt.Tooltip("kind:N", title="direction"),
                alt.Tooltip("per_class:Q", title="images per class", format=","),
                alt.Tooltip("excess:Q", title="excess per class", format=","),
                "repeat:Q",
                alt.Tooltip("z_a:Q", title=title_a.split(",")[0], format="+.2f"),
                alt.Tooltip("z_b:Q", title=title_b, format="+.2f"),
                alt.Tooltip("error_a:Q", title="error on x", format=".2%"),
                alt.Tooltip("error_b:Q", title="error on y", format=".2%"),
                "subset:N",
            ],
        )
        .add_params(picked, alone, zoom)
    )
    return points
