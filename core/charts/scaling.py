"""Test error against the size of the subset, on log-log axes."""

from __future__ import annotations

import math

import altair as alt
import numpy as np
import pandas as pd

from core.charts import style

# Models stand side by side at a size, each this factor further right than the one before.
DODGE = 1.035


def scaling(table: pd.DataFrame, group: str) -> style.Figure:
    """Mean error by size and model, with the range from the best to the worst subset.

    Args:
        table: `Analysis.scaling`.
        group: Which subsets, `random` or `selected`. Both share their axes, for comparison.

    References:
        X-Factor, figure 2.
    """
    models = style.in_order(table["model"])
    data = _percent(table[table["group"] == group], models)
    low, high = style.log_domain(100 * table["min"], 100 * table["max"])
    picked = alt.selection_point(fields=["model"], bind="legend", name="model")
    base = alt.Chart(data).encode(
        x=_size_axis(table["per_class"]),
        color=alt.Color("model:N", title=None)
        .scale(style.series_colour(models))
        .legend(style.legend(symbolStrokeWidth=0)),
        opacity=alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.12)),
        tooltip=[
            "model:N",
            alt.Tooltip("per_class:Q", title="images per class"),
            alt.Tooltip("mean:Q", title="mean error (%)", format=".2f"),
            alt.Tooltip("sd:Q", title="sd (percentage points)", format=".2f"),
            alt.Tooltip("min:Q", title="best (%)", format=".2f"),
            alt.Tooltip("max:Q", title="worst (%)", format=".2f"),
            alt.Tooltip("count:Q", title="subsets", format=","),
        ],
    )
    mean, foot = (
        alt.Y(f"{field}:Q", title="test error (%)")
        .scale(type="log", domain=[low, high], nice=False)
        .axis(format="~g", values=_ticks(low, high))
        for field in ("mean", "low")
    )
    dash = alt.StrokeDash("line:N", legend=None).scale(style.series_dash(models))
    shape = alt.Shape("model:N", title=None).scale(style.series_shape(models))
    lines = base.mark_line(strokeWidth=1.8).encode(y=mean, strokeDash=dash)
    ranges = base.mark_rule(strokeWidth=1.2).encode(y=foot, y2="max:Q")
    points = base.mark_point(filled=True, size=42).encode(
        y=mean, shape=shape.legend(style.legend(symbolStrokeWidth=0))
    )
    return style.sized(ranges + lines + points.add_params(picked))


def _percent(table: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    """Errors in percent, and where to draw them: models apart, zero at the foot of a log axis."""
    shares = ["mean", "sd", "min", "max"]
    data = table.assign(**{name: 100 * table[name] for name in shares})
    place = data["model"].map({model: i - (len(models) - 1) / 2 for i, model in enumerate(models)})
    floor, _ = style.log_domain(data["min"], data["max"])
    return data.assign(
        # A name of its own keeps the dashes out of the legend, which shows the points.
        line=data["model"],
        place=data["per_class"] * DODGE ** place.astype(float),
        low=np.maximum(data["min"], floor),
    )


def _ticks(low: float, high: float) -> list[float]:
    """1, 2, 5 of every power of ten in the range; more of a narrow one."""
    digits = (1, 2, 5) if high / low > 10 else (1, 1.5, 2, 3, 4, 5, 6, 8)
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    steps = [digit * 10.0**power for power in powers for digit in digits]
    return [step for step in steps if low <= step <= high]


def _size_axis(sizes: pd.Series) -> alt.X:
    """A log axis with a tick at each size of the study."""
    low, high = style.log_domain(sizes)
    axis = alt.Axis(values=sorted(set(sizes)), format="~s", grid=False)
    scale = alt.Scale(type="log", domain=[low / 1.15, high * 1.15], nice=False)
    return alt.X("place:Q", title=style.SIZE_TITLE).scale(scale).axis(axis)
