"""Distribution of Z-scores beside the normal distribution."""

from __future__ import annotations

from statistics import NormalDist

import altair as alt
import numpy as np
import pandas as pd

from core.charts import style

# Steps drawn of one curve: less than a pixel of error at the height of the chart.
STEPS = 300
NORMAL = "normal"


def cdf(table: pd.DataFrame, group: str, by: str) -> style.Figure:
    """Empirical distribution functions of Z, with that of N(0, 1).

    Behind selected subsets, the range of the random ones is shaded.

    Args:
        table: `Analysis.cdf`.
        group: Which subsets, `random` or `selected`.
        by: What a curve pools: `per_class`, `model` or `all`.

    References:
        X-Factor, figure 3.
    """
    rows = table[(table["group"] == group) & (table["by"] == by)]
    random = table[table["group"] == "random"]["z"]
    lines = _lines(_curves(rows).replace({"curve": {"all": group}}), ordered=by == "per_class")
    layers = [lines] if group == "random" or random.empty else [_band(random), lines]
    return style.sized(alt.layer(*layers))


def _lines(data: pd.DataFrame, ordered: bool) -> style.Figure:
    """One line a curve, and the normal one; a click in the legend picks a curve."""
    names = [name for name in style.in_order(data["curve"]) if name != NORMAL]
    colour = style.ordered_colour(names) if ordered else style.series_colour(names)
    dash = style.ordered_dash(names) if ordered else style.series_dash(names)
    title = style.SIZE_TITLE if ordered else None
    picked = alt.selection_point(fields=["curve"], bind="legend", name="curve")
    base = alt.Chart(data).encode(
        x=alt.X("z:Q", title=style.Z_TITLE).scale(nice=False).axis(labelFlush=False, tickCount=8),
        y=alt.Y("cdf:Q", title="share of subsets at or below").axis(format="%", tickCount=5),
        color=alt.Color("curve:N", title=title)
        .scale(_with_normal(colour, style.MUTED))
        .legend(style.line_legend()),
        strokeDash=alt.StrokeDash("curve:N", title=title)
        .scale(_with_normal(dash, [2, 4]))
        .legend(style.line_legend()),
        opacity=alt.when(picked).then(alt.value(1)).otherwise(alt.value(0.12)),
        order="cdf:Q",
        tooltip=[
            alt.Tooltip("curve:N", title="curve"),
            alt.Tooltip("z:Q", title="Z", format=".2f"),
            alt.Tooltip("cdf:Q", title="share at or below", format=".1%"),
            alt.Tooltip("n:Q", title="Z-scores", format=","),
        ],
    )
    empirical, normal = f"datum.curve != '{NORMAL}'", f"datum.curve == '{NORMAL}'"
    steps: alt.Chart = base.transform_filter(empirical).mark_line(
        interpolate="step-after", strokeWidth=1.6
    )
    smooth: alt.Chart = base.transform_filter(normal).mark_line(strokeWidth=2)
    return steps.add_params(picked) + smooth


def _curves(rows: pd.DataFrame) -> pd.DataFrame:
    """All curves as drawn, sizes in order, then the normal distribution."""
    names = style.in_order(rows["value"])
    if all(name.isdecimal() for name in names):
        names = sorted(names, key=int)
    parts = [_thinned(rows[rows["value"] == name]).assign(curve=name) for name in names]
    curves = pd.concat([*parts, _normal(rows["z"])], ignore_index=True)
    return curves.reindex(columns=["curve", "z", "cdf", "n"])


def _thinned(curve: pd.DataFrame) -> pd.DataFrame:
    """The curve from 0 to 1 in at most `STEPS` steps, nowhere further off than one of them."""
    curve = curve.sort_values("z")
    index = np.unique(np.searchsorted(curve["cdf"], np.linspace(0, 1, STEPS)))
    start = curve.head(1).assign(cdf=0.0)
    return pd.concat([start, curve.iloc[index]]).round({"z": 4, "cdf": 5})


def _normal(z: pd.Series) -> pd.DataFrame:
    """The normal distribution function over the range of the curves."""
    reach = max(3.5, *z.abs()) if len(z) else 3.5
    grid = np.linspace(max(-reach, -6), min(reach, 6), 121).round(3)
    shares = [NormalDist().cdf(value) for value in grid]
    return pd.DataFrame({"z": grid, "cdf": shares, "curve": NORMAL})


def _with_normal(scale: alt.Scale, look: str | list[int]) -> alt.Scale:
    """The scale with one more series: the normal distribution."""
    known = scale.to_dict()
    return alt.Scale(domain=[*known["domain"], NORMAL], range=[*known["range"], look])


def _band(random: pd.Series) -> alt.Chart:
    """The range of the random subsets' Z-scores."""
    reach = pd.DataFrame({"low": [random.min()], "high": [random.max()]})
    band: alt.Chart = alt.Chart(reach).mark_rect(color=style.MUTED, opacity=0.22)
    return band.encode(
        x="low:Q",
        x2="high:Q",
        tooltip=[
            alt.Tooltip("low:Q", title="random subsets from", format=".2f"),
            alt.Tooltip("high:Q", title="to", format=".2f"),
        ],
    )
