"""What a selection did to one class, and how the classes of a data set are filled."""

from __future__ import annotations

import altair as alt
import numpy as np
import numpy.typing as npt
import pandas as pd

from core.charts import style

HEIGHT = 300
BINS = 40
FATES = ("kept", "discarded", "not drawn")
COLOURS = (style.BLUE, style.VERMILION, style.MUTED)
SHAPES = ("circle", "cross", "circle")


def _fate(*fates: str) -> alt.Color:
    colours = [COLOURS[FATES.index(fate)] for fate in fates]
    scale = alt.Scale(domain=list(fates), range=colours)
    return alt.Color("fate:N", title=None, scale=scale, legend=alt.Legend(orient="top"))


def cut(distances: npt.NDArray[np.float64], kept: npt.NDArray[np.bool_]) -> float | None:
    """The distance that separates the images kept from those discarded, if one does.

    Args:
        distances: What each image was judged by.
        kept: Whether it is kept.
    """
    if kept.all() or not kept.any():
        return None
    low, high = sorted((distances[kept], distances[~kept]), key=np.median)
    return float(low.max() + high.min()) / 2 if low.max() <= high.min() else None


def histogram_table(
    distances: npt.NDArray[np.float64], kept: npt.NDArray[np.bool_]
) -> pd.DataFrame:
    """Images kept and discarded by distance: columns `low`, `high`, `fate`, `images`."""
    edges = np.histogram_bin_edges(distances[np.isfinite(distances)], BINS)
    parts = [
        pd.DataFrame(
            {
                "low": edges[:-1],
                "high": edges[1:],
                "fate": fate,
                "images": np.histogram(distances[chosen], edges)[0],
            }
        )
        for fate, chosen in (("kept", kept), ("discarded", ~kept))
    ]
    return pd.concat(parts, ignore_index=True)


def histogram(table: pd.DataFrame, cut: float | None) -> style.Figure:
    """Stacked bars of `histogram_table`, with a line at the cut."""
    bars = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("low:Q", title="RMSD, grey levels").bin("binned"),
            x2="high:Q",
            y=alt.Y("images:Q", title="images"),
            color=_fate("kept", "discarded"),
            tooltip=[
                alt.Tooltip("fate:N"),
                alt.Tooltip("low:Q", title="from", format=".2f"),
                alt.Tooltip("high:Q", title="to", format=".2f"),
                alt.Tooltip("images:Q"),
            ],
        )
    )
    layers: list[alt.Chart] = [bars]
    if cut is not None:
        line = pd.DataFrame({"cut": [cut]})
        layers.append(
            alt.Chart(line)
            .mark_rule(strokeDash=[6, 3], size=2, color=style.MUTED)
            .encode(x="cut:Q", tooltip=[alt.Tooltip("cut:Q", format=".2f")])
        )
    return style.sized(alt.layer(*layers), HEIGHT)


def class_map(table: pd.DataFrame, shares: tuple[float, float]) -> style.Figure:
    """Images of a class on a plane.

    Args:
        table: Columns `x`, `y`, `row` and `fate`, one of `FATES`; later rows are drawn on top.
        shares: Share of the class's variance that each axis shows.
    """
    sizes, opacities = [38, 26, 12], [0.95, 0.75, 0.35]
    chart: style.Figure = (
        alt.Chart(table)
        .mark_point(filled=True)
        .encode(
            x=alt.X("x:Q", title=f"component 1 ({shares[0]:.0%} of variance)"),
            y=alt.Y("y:Q", title=f"component 2 ({shares[1]:.0%})"),
            color=_fate(*FATES),
            shape=alt.Shape("fate:N", title=None).scale(domain=FATES, range=SHAPES),
            size=alt.Size("fate:N", title=None).scale(domain=FATES, range=sizes),
            opacity=alt.Opacity("fate:N", title=None).scale(domain=FATES, range=opacities),
            tooltip=["row:Q", "fate:N"],
        )
        # A thousand nodes of SVG would take longer than choosing the images.
        .properties(usermeta={"embedOptions": {"renderer": "canvas"}})
    )
    return style.sized(chart, HEIGHT)


def class_counts(table: pd.DataFrame, what: str = "images") -> style.Figure:
    """Images, or other rows, by class and split.

    Args:
        table: Columns `class`, `split` (train or test) and one called `what`, classes in order.
        what: What is counted.
    """
    splits = ["train", "test"]
    chart: style.Figure = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X(f"{what}:Q", title=what),
            y=alt.Y("class:N", title=None, sort=None),
            yOffset=alt.YOffset("split:N", sort=splits),
            color=alt.Color("split:N", title=None, sort=splits)
            .scale(domain=splits, range=[style.BLUE, style.MUTED])
            .legend(orient="top"),
            tooltip=["class:N", "split:N", f"{what}:Q"],
        )
        .properties(width="container", height=alt.Step(10))
    )
    return chart
