"""Refinement by round, harm and suspicion, DCS and accuracy, predicted and true change."""

from __future__ import annotations

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd

from core.charts import style

ARMS = {"influence": style.BLUE, "random": style.MUTED, "loss": style.VERMILION}
SHAPES = {"influence": "circle", "random": "square", "loss": "triangle-up"}
DASHES = {"influence": [1, 0], "random": [2, 2], "loss": [7, 3]}
LABELS = ("as given", "made wrong")
HEIGHT = 260


@dataclass(frozen=True)
class Measure:
    """How a metric of a round is drawn: its axis title, and whether it is a share."""

    title: str
    percent: bool = False

    @property
    def format(self) -> str:
        """Of numbers on the axis."""
        return ".1%" if self.percent else ".3~f"


MEASURES = {
    "dcs": Measure("DCS"),
    "accuracy": Measure("test accuracy", True),
    "macro_f1": Measure("macro F1, test"),
    "validation_loss": Measure("validation loss"),
    "validation_accuracy": Measure("validation accuracy", True),
}


def curves(table: pd.DataFrame, metric: str) -> style.Figure:
    """A metric by round and arm: the mean over seeds and the 95 % interval of that mean.

    Args:
        table: `Analysis.curves` of a refinement.
        metric: One of `MEASURES`.
    """
    data = table[table["metric"] == metric]
    measure = MEASURES[metric]
    rounds = sorted(data["round"].unique().tolist())
    base = alt.Chart(data).encode(
        x=alt.X("round:Q", title="round").axis(values=rounds, format="d"),
        color=_arm_colour(data),
        tooltip=[
            "arm:N",
            alt.Tooltip("round:Q"),
            alt.Tooltip("mean:Q", title=measure.title, format=".4f"),
            alt.Tooltip("low:Q", title="95 % CI from", format=".4f"),
            alt.Tooltip("high:Q", title="to", format=".4f"),
            alt.Tooltip("sd:Q", title="sd over seeds", format=".4f"),
            alt.Tooltip("seeds:Q"),
        ],
    )
    y = alt.Y("mean:Q", title=measure.title).scale(zero=False).axis(format=measure.format)
    arms = style.in_order(data["arm"])
    dash = alt.StrokeDash("arm:N", legend=None).scale(
        domain=arms, range=[DASHES[arm] for arm in arms]
    )
    band = base.mark_area(opacity=0.15).encode(
        y=alt.Y("low:Q", title=measure.title).scale(zero=False), y2="high:Q"
    )
    lines = base.mark_line(strokeWidth=1.8).encode(y=y, strokeDash=dash)
    points = base.mark_point(filled=True, size=46, opacity=1).encode(y=y, shape=_arm_shape(data))
    return style.sized(band + lines + points, HEIGHT)


def tracking(table: pd.DataFrame) -> style.Figure:
    """Test accuracy against DCS, a point a round; lines join the rounds of a seed.

    Args:
        table: Rounds of a refinement, `rounds_table`.
    """
    data = table.dropna(subset="dcs").sort_values("round")
    base = alt.Chart(data).encode(
        x=alt.X("dcs:Q", title="DCS").scale(zero=False).axis(tickCount=8),
        y=alt.Y("accuracy:Q", title="test accuracy").scale(zero=False).axis(format=".1%"),
        color=_arm_colour(data),
        tooltip=[
            "arm:N",
            alt.Tooltip("seed:Q"),
            alt.Tooltip("round:Q"),
            alt.Tooltip("dcs:Q", title="DCS", format=".3f"),
            alt.Tooltip("accuracy:Q", title="test accuracy", format=".2%"),
            alt.Tooltip("rows:Q", format=","),
        ],
    )
    lines = base.mark_line(strokeWidth=0.8, opacity=0.45).encode(
        detail=["seed:N", "arm:N"], order="round:Q"
    )
    points = base.mark_point(filled=True, opacity=0.85, size=40).encode(shape=_arm_shape(data))
    return style.sized(lines + points, HEIGHT)


def harm_and_suspicion(table: pd.DataFrame) -> style.Figure:
    """Influence against suspicion, a point a row; rows with a label made wrong stand out.

    Of more than 5,000 rows, evenly spaced ones are drawn, and the title of the x axis says so.

    Args:
        table: Columns `row`, `influence`, `suspicion`, `label`, `given_label`.
    """
    count = len(table)
    data = table.iloc[:: -(-count // style.MOST_ROWS)] if count > style.MOST_ROWS else table
    some = f", {len(data):,} of {count:,} rows" if len(data) < count else ""
    wrong = data["label"] != data["given_label"]
    data = data.assign(kind=np.where(wrong, LABELS[1], LABELS[0])).sort_values("kind")
    points = (
        alt.Chart(data)
        .mark_point(filled=True, strokeWidth=0)
        .encode(
            x=alt.X("suspicion:Q", title=f"label suspicion{some}").scale(domain=[0, 1]),
            y=alt.Y("influence:Q", title="influence (above 0: harmful)"),
            color=alt.Color("kind:N", title="label")
            .scale(domain=LABELS, range=[style.BLUE, style.VERMILION])
            .legend(orient="top"),
            shape=alt.Shape("kind:N", title="label").scale(
                domain=LABELS, range=["circle", "triangle-up"]
            ),
            size=alt.Size("kind:N", legend=None).scale(domain=LABELS, range=[16, 52]),
            opacity=alt.Opacity("kind:N", legend=None).scale(domain=LABELS, range=[0.7, 0.95]),
            tooltip=[
                alt.Tooltip("row:Q", format="d"),
                alt.Tooltip("influence:Q", format="+.3g"),
                alt.Tooltip("suspicion:Q", format=".3f"),
                alt.Tooltip("given:N", title="label given"),
                alt.Tooltip("own:N", title="label in the data set"),
            ],
        )
        .properties(usermeta={"embedOptions": {"renderer": "canvas"}})
    )
    return style.sized(points, HEIGHT)


def spot_check(table: pd.DataFrame) -> style.Figure:
    """True against predicted change of the validation loss, with the line where both are equal.

    Args:
        table: Columns `row`, `predicted`, `true`, `sd`.
    """
    reach = [
        float(min(table["predicted"].min(), table["true"].min())),
        float(max(table["predicted"].max(), table["true"].max())),
    ]
    diagonal = (
        alt.Chart(pd.DataFrame({"change": reach}))
        .mark_line(color=style.MUTED, strokeDash=[4, 4], strokeWidth=1)
        .encode(x="change:Q", y="change:Q")
    )
    points = (
        alt.Chart(table)
        .mark_point(filled=True, size=60, opacity=0.85, color=style.BLUE)
        .encode(
            x=alt.X("predicted:Q", title="predicted change without the row").axis(
                format="~e", tickCount=6
            ),
            y=alt.Y("true:Q", title="true change").axis(format="~e"),
            tooltip=[
                alt.Tooltip("row:Q", format="d"),
                alt.Tooltip("predicted:Q", format="+.3e"),
                alt.Tooltip("true:Q", format="+.3e"),
                alt.Tooltip("sd:Q", title="sd over repeats", format=".1e"),
            ],
        )
    )
    return style.sized(diagonal + points, HEIGHT)


def _arm_colour(data: pd.DataFrame) -> alt.Color:
    arms = style.in_order(data["arm"])
    return (
        alt.Color("arm:N", title=None)
        .scale(domain=arms, range=[ARMS[arm] for arm in arms])
        .legend(style.legend(symbolStrokeWidth=0))
    )


def _arm_shape(data: pd.DataFrame) -> alt.Shape:
    arms = style.in_order(data["arm"])
    return (
        alt.Shape("arm:N", title=None)
        .scale(domain=arms, range=[SHAPES[arm] for arm in arms])
        .legend(style.legend(symbolStrokeWidth=0))
    )
