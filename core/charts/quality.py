"""Scores with their cuts, pairs of near-duplicates by distance, and a cluster as a tree."""

from __future__ import annotations

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from core.charts import style

Floats = npt.NDArray[np.float64]

HEIGHT = 260
BINS = 64
# Room for the names of thresholds, so that two charts below each other share their x axis.
MARGIN = 104
FATES = ("flagged", "kept")


def score_table(values: Floats, cut: float) -> pd.DataFrame:
    """Images by score, flagged below the cut or kept: columns `low`, `high`, `fate`, `images`.

    Args:
        values: Scores in [0, 1], shape (n,); NaN is left out.
        cut: Where they are cut.
    """
    edges = np.linspace(0, 1, BINS + 1)
    parts = [
        pd.DataFrame(
            {
                "low": edges[:-1],
                "high": edges[1:],
                "fate": fate,
                "images": np.histogram(chosen, edges)[0],
            }
        )
        for fate, chosen in zip(FATES, (values[values < cut], values[values >= cut]), strict=True)
    ]
    table = pd.concat(parts, ignore_index=True)
    return table[table["images"] > 0].reset_index(drop=True)


def scores(table: pd.DataFrame, cuts: pd.DataFrame, title: str) -> style.Figure:
    """Bars of `score_table` on a square-root scale, with a line at every cut.

    Args:
        table: From `score_table`.
        cuts: Columns `threshold`, `cut`, `flagged`, `chosen`; those chosen stand out.
        title: Of the score.
    """
    bars = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=_score_axis("low", title).bin("binned"),
            x2="high:Q",
            y=alt.Y("images:Q", title="images, square-root scale")
            .scale(type="sqrt")
            .axis(minExtent=MARGIN, maxExtent=MARGIN, tickCount=5, format="~s"),
            color=alt.Color("fate:N", title=None, legend=alt.Legend(orient="top")).scale(
                domain=FATES, range=[style.VERMILION, style.BLUE]
            ),
            tooltip=[
                alt.Tooltip("fate:N"),
                alt.Tooltip("low:Q", title="from", format=".3f"),
                alt.Tooltip("high:Q", title="to", format=".3f"),
                alt.Tooltip("images:Q", format=","),
            ],
        )
    )
    rules = (
        alt.Chart(cuts)
        .mark_rule()
        .encode(
            x="cut:Q",
            color=alt.value(style.MUTED),
            strokeDash=alt.condition("datum.chosen", alt.value([1, 0]), alt.value([4, 4])),
            size=alt.condition("datum.chosen", alt.value(3), alt.value(1)),
            tooltip=_cut_tooltip(),
        )
    )
    return style.sized(alt.layer(bars, rules), HEIGHT)


def cuts(table: pd.DataFrame, title: str) -> style.Figure:
    """Where each threshold cuts a score and how many images it would flag.

    Args:
        table: As for `scores`, in the order to be drawn.
        title: Of the score.
    """
    names = list(table["threshold"])
    base = alt.Chart(table).encode(
        y=alt.Y("threshold:N", title="threshold", sort=names).axis(
            minExtent=MARGIN, maxExtent=MARGIN, labelLimit=MARGIN, ticks=False, domain=False
        ),
        tooltip=_cut_tooltip(),
    )
    points = base.mark_point(filled=True, opacity=1).encode(
        x=_score_axis("cut", title),
        color=alt.condition("datum.chosen", alt.value(style.VERMILION), alt.value(style.MUTED)),
        shape=alt.condition("datum.chosen", alt.value("diamond"), alt.value("circle")),
        size=alt.condition("datum.chosen", alt.value(140), alt.value(60)),
    )
    left = base.transform_filter("datum.cut <= 0.8").mark_text(align="left", dx=9)
    right = base.transform_filter("datum.cut > 0.8").mark_text(align="right", dx=-9)
    labels = [
        side.encode(
            x="cut:Q",
            text=alt.Text("flagged:Q", format=","),
            color=alt.value(style.MUTED),
        )
        for side in (left, right)
    ]
    return style.sized(alt.layer(points, *labels), 19 * len(names))


def _score_axis(field: str, title: str) -> alt.X:
    axis = alt.X(f"{field}:Q", title=f"{title}, lower is worse")
    return axis.scale(domain=[0, 1], clamp=True).axis(tickCount=10)


def _cut_tooltip() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("threshold:N"),
        alt.Tooltip("cut:Q", format=".3f"),
        alt.Tooltip("flagged:Q", title="images it flags", format=","),
    ]


def pair_table(curve: npt.NDArray[np.int64], step: float = 1) -> pd.DataFrame:
    """Pairs by distance: columns `distance`, `pairs`.

    Args:
        curve: Number of pairs at each distance from 0 up.
        step: Between two distances.
    """
    return pd.DataFrame({"distance": step * np.arange(len(curve)), "pairs": curve})


def pairs(
    table: pd.DataFrame,
    default: float | None,
    cut: float,
    unit: str = "bits",
    step: float = 1,
) -> style.Figure:
    """Bars of `pair_table`, with lines at the default cut and at the cut in use.

    Args:
        table: From `pair_table`.
        default: The default cut, where there is one.
        cut: The cut in use.
        unit: What distances are measured in.
        step: Between two distances.
    """
    steps = max(16, len(table))
    bars = (
        alt.Chart(table)
        .mark_bar(color=style.BLUE, size=max(2, 240 // (steps + 1)))
        .encode(
            x=alt.X("distance:Q", title=f"distance of two images, {unit}").scale(
                domain=[-step, steps * step], nice=False
            ),
            y=alt.Y("pairs:Q", title="candidate pairs, symlog scale")
            .scale(type="symlog")
            .axis(tickCount=5, format=",.0f"),
            tooltip=["distance:Q", alt.Tooltip("pairs:Q", format=",")],
        )
    )
    lines = {"your cut": cut} if default is None else {"default": default, "your cut": cut}
    if cut == default:
        del lines["your cut"]
    marks = pd.DataFrame(
        {"what": list(lines), "at": [place + step / 2 for place in lines.values()]}
    )
    base = alt.Chart(marks).encode(x="at:Q", tooltip=[alt.Tooltip("what:N")])
    rule = base.mark_rule(size=2, color=style.VERMILION, strokeDash=[6, 3])
    text = base.mark_text(baseline="bottom", dy=-3, y=0, color=style.MUTED)
    names = text.encode(text="what:N")
    return style.sized(alt.layer(bars, rule, names), HEIGHT)


def tree(
    branches: pd.DataFrame, leaves: pd.DataFrame, cut: float, unit: str = "bits"
) -> style.Figure:
    """A dendrogram.

    Args:
        branches: Columns `branch`, `point`, `place`, `height`: corners of each join, in order.
        leaves: Columns `place` and `image`.
        cut: Distance at which the tree is cut.
        unit: What distances are measured in.
    """
    names = alt.Chart(leaves).encode(x=alt.X("place:Q", axis=None))
    lines = (
        alt.Chart(branches)
        .mark_line(color=style.BLUE, size=1.5)
        .encode(
            x=alt.X("place:Q", axis=None),
            y=alt.Y("height:Q", title=f"distance, {unit}").scale(
                domain=[0, 1.1 * max(cut, float(branches["height"].max())) or 1]
            ),
            detail="branch:N",
            order="point:Q",
        )
    )
    rule = (
        alt.Chart(pd.DataFrame({"cut": [cut]}))
        .mark_rule(strokeDash=[6, 3], size=2, color=style.VERMILION)
        .encode(y="cut:Q", tooltip=["cut:Q"])
    )
    text = names.mark_text(angle=270, align="right", baseline="middle", dx=-6, color=style.MUTED)
    labels = text.encode(y=alt.datum(0), text="image:N")
    return style.sized(alt.layer(lines, rule, labels), HEIGHT)
