"""What faults cost: accuracy against level, losses side by side, accuracy by epoch."""

from __future__ import annotations

import math

import altair as alt
import pandas as pd

from core.charts import style

ROW = 22


def curves(table: pd.DataFrame, line: str, parameter: str) -> style.Figure:
    """Accuracy against the level of one fault for every model, with 95 % bands.

    Args:
        table: `Analysis.curves`.
        line: Which fault, as the column `line` has it.
        parameter: What a level is.

    References:
        Four-aspects paper, figures 5 to 7.
    """
    part = table[table["line"] == line]
    models = style.in_order(part["model"])
    shares = ["accuracy", "low", "high", "clean", "loss"]
    data = part.assign(**{name: 100 * part[name] for name in shares})
    # A line of one level is a point with its interval, on an axis of names.
    base = alt.Chart(data).encode(
        x=alt.X("level:Q", title=parameter).scale(zero=False),
        color=alt.Color("model:N", title=None)
        .scale(style.series_colour(models))
        .legend(style.legend(symbolStrokeWidth=0)),
        tooltip=[
            "model:N",
            alt.Tooltip("level:Q", title=parameter, format="~g"),
            alt.Tooltip("accuracy:Q", title="accuracy (%)", format=".2f"),
            alt.Tooltip("low:Q", title="95 % CI from", format=".2f"),
            alt.Tooltip("high:Q", title="to", format=".2f"),
            alt.Tooltip("loss:Q", title="loss (points)", format=".2f"),
            alt.Tooltip("repeats:Q"),
            alt.Tooltip("at_limit:Q", title="stopped at the limit of epochs"),
        ],
    )
    accuracy = alt.Y("accuracy:Q", title="test accuracy (%)").scale(zero=False)
    band = base.mark_area(opacity=0.18).encode(
        y=alt.Y("low:Q", title="test accuracy (%)").scale(zero=False), y2="high:Q"
    )
    dash = alt.StrokeDash("model:N", legend=None).scale(style.series_dash(models))
    lines = base.mark_line(strokeWidth=1.8).encode(y=accuracy, strokeDash=dash)
    points = base.mark_point(filled=True, size=46).encode(
        y=accuracy,
        shape=alt.Shape("model:N", title=None)
        .scale(style.series_shape(models))
        .legend(style.legend(symbolStrokeWidth=0)),
    )
    return style.sized(band + lines + points)


def losses(table: pd.DataFrame, models: list[str]) -> style.Figure:
    """Loss of accuracy of every fault, the worst on top, with 95 % intervals.

    Args:
        table: `Analysis.ranking`.
        models: Order of the models.
    """
    shares = ["loss", "loss_low", "loss_high"]
    data = table.assign(
        **{name: 100 * table[name] for name in shares}, touched=100 * table["touched"]
    )
    order = (
        table.groupby("line")["loss"].max().sort_values(ascending=False).index.tolist()
        if len(table)
        else []
    )
    base = alt.Chart(data).encode(
        y=alt.Y("line:N", title=None, sort=order).axis(labelLimit=260),
        yOffset=alt.YOffset("model:N", sort=models),
        color=alt.Color("model:N", title=None)
        .scale(style.series_colour(models))
        .legend(style.legend(symbolStrokeWidth=0)),
        tooltip=[
            "model:N",
            alt.Tooltip("line:N", title="fault"),
            alt.Tooltip("level:Q", format="~g"),
            alt.Tooltip("touched:Q", title="rows touched (%)", format=".0f"),
            alt.Tooltip("loss:Q", title="loss (points)", format=".2f"),
            alt.Tooltip("loss_low:Q", title="95 % CI from", format=".2f"),
            alt.Tooltip("loss_high:Q", title="to", format=".2f"),
            "repeats:Q",
        ],
    )
    title = "loss of test accuracy (percentage points)"
    ranges = base.mark_rule(strokeWidth=2).encode(
        x=alt.X("loss_low:Q", title=title), x2="loss_high:Q"
    )
    points = base.mark_point(filled=True, size=60).encode(
        x=alt.X("loss:Q", title=title),
        shape=alt.Shape("model:N", title=None)
        .scale(style.series_shape(models))
        .legend(style.legend(symbolStrokeWidth=0)),
    )
    height = max(4, len(order) * len(models)) * ROW
    return style.sized(ranges + points, height)


def by_class(table: pd.DataFrame, models: list[str]) -> style.Figure:
    """Loss of accuracy by the class that is removed or relabelled.

    Args:
        table: `Analysis.removed` of one line and level.
        models: Order of the models.
    """
    shares = ["loss", "loss_low", "loss_high", "loss_on_class"]
    data = table.assign(**{name: 100 * table[name] for name in shares})
    base = alt.Chart(data).encode(
        x=alt.X("of_class:N", title="class", sort=style.in_order(data["of_class"])),
        xOffset=alt.XOffset("model:N", sort=models),
        color=alt.Color("model:N", title=None)
        .scale(style.series_colour(models))
        .legend(style.legend()),
        tooltip=[
            "model:N",
            alt.Tooltip("of_class:N", title="class"),
            alt.Tooltip("loss:Q", title="loss over all classes (points)", format=".2f"),
            alt.Tooltip("loss_on_class:Q", title="loss on the class (points)", format=".2f"),
            "repeats:Q",
        ],
    )
    title = "loss of test accuracy (percentage points)"
    bars = base.mark_bar().encode(y=alt.Y("loss:Q", title=title))
    ranges = base.mark_rule(color=style.MUTED, strokeWidth=1.5).encode(
        y=alt.Y("loss_low:Q", title=title), y2="loss_high:Q", color=alt.value(style.MUTED)
    )
    return style.sized(bars + ranges)


def epochs(table: pd.DataFrame) -> style.Figure:
    """Training and test accuracy after every epoch, a line a level.

    Args:
        table: Columns `level` (NaN for the clean sets), `epoch`, `split` (train, test),
            `accuracy` (a share).
    """
    levels = sorted(set(table["level"].dropna()))
    names = ["clean", *(f"{level:g}" for level in levels)]
    text = ["clean" if math.isnan(level) else f"{level:g}" for level in table["level"]]
    data = table.assign(accuracy=100 * table["accuracy"], level=text)
    chart = (
        alt.Chart(data)
        .mark_line(strokeWidth=1.6)
        .encode(
            x=alt.X("epoch:Q", title="epoch"),
            y=alt.Y("accuracy:Q", title="accuracy (%)").scale(zero=False),
            color=alt.Color("level:N", title="level", sort=names)
            .scale(style.ordered_colour(names))
            .legend(style.line_legend()),
            strokeDash=alt.StrokeDash("split:N", title=None)
            .scale(alt.Scale(domain=["train", "test"], range=[[2, 2], [1, 0]]))
            .legend(style.line_legend()),
            tooltip=[
                "level:N",
                "split:N",
                "epoch:Q",
                alt.Tooltip("accuracy:Q", title="accuracy (%)", format=".2f"),
            ],
        )
    )
    return style.sized(chart)


def confusion(table: pd.DataFrame, classes: list[str]) -> style.Figure:
    """How many more test rows of each class are given each label than by the clean model.

    Args:
        table: Columns `true`, `predicted` (class names), `difference` (rows).
        classes: Class names in their order.
    """
    most = max(1.0, float(table["difference"].abs().max()))
    base = alt.Chart(table).encode(
        x=alt.X("predicted:N", title="predicted", sort=classes),
        y=alt.Y("true:N", title="true", sort=classes),
        tooltip=[
            "true:N",
            "predicted:N",
            alt.Tooltip("difference:Q", title="rows more", format="+.1f"),
        ],
    )
    cells = base.mark_rect().encode(
        color=alt.Color("difference:Q", title="rows more than the clean model")
        .scale(scheme="blueorange", domain=[-most, most])
        .legend(style.gradient("test rows more than by the clean model"))
    )
    return style.sized(cells, 26 * len(classes))
