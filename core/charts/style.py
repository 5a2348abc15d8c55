"""What all charts share: colours that colour-blind readers can tell apart, scales, number formats.

Nothing here sets a background or the colour of axes: the app's theme does, light or dark. Marks
have at least 3:1 contrast to both, and no two series differ by colour alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any

import altair as alt
import pandas as pd

Figure = alt.Chart | alt.LayerChart | alt.FacetChart

# Of the Okabe-Ito palette, the four that can be seen on white and on near-black.
BLUE, VERMILION, GREEN, PURPLE = "#0072b2", "#d55e00", "#009e73", "#cc79a7"
SAFE = (BLUE, VERMILION, GREEN, PURPLE)
# Further ones, as far from those and each other as those are, for colour-blind readers too.
BROWN, VIOLET, CRIMSON, MAGENTA = "#875a2d", "#9600f0", "#ff004b", "#ff2de1"
# Reads on light and dark alike: reference lines, random subsets, text on the background.
MUTED = "#7b7f84"
DASHES: tuple[list[int], ...] = ([1, 0], [7, 3], [2, 2], [9, 3, 2, 3])
SHAPES = ("circle", "square", "triangle-up", "diamond")
# Small to large: the hues of viridis at a lightness that suits both themes.
ORDERED = ("#7a63d8", "#2f7fc1", "#1a9988", "#6f9a1f", "#b98a00")
# Of a sequence's range 0-1, from where on black text reads better than white.
VIRIDIS_BLACK_FROM = 0.47

PLUS = "cross"
MINUS = "M-1,-0.35H1V0.35H-1Z"
# Of subsets: what the sign of their direction means.
KINDS = {"+": "+ positive", "-": "− negative", "": "random"}
STRATEGIES = {
    "uniqueness": BLUE,
    "global_mean": VERMILION,
    "other_mean": GREEN,
    "own_mean": PURPLE,
    "prototype": BROWN,
    "k_center": VIOLET,
    "herding": CRIMSON,
    "facility_location": MAGENTA,
    "random": MUTED,
}
HEIGHT = 300
WALL, WALL_HEIGHT, LETTERS = 1.6, 520, 16  # on a wall
# altair refuses more rows in a chart, and a browser slows down with them.
MOST_ROWS = 5000
Z_TITLE = "Z-score of the error (higher is worse)"
SIZE_TITLE = "images per class"


def sized(chart: Figure, height: float = HEIGHT) -> Figure:
    """The chart as wide as the place it is put in; its plot, without axes, `height` points high."""
    return chart.properties(
        width="container",
        height=height,
        autosize=alt.AutoSizeParams(type="fit-x", contains="padding"),
    )


def enlarged(chart: Figure) -> Figure:
    """The chart for a wall: higher, with larger letters."""
    larger = chart.copy()
    plot = larger.spec if isinstance(larger, alt.FacetChart) else larger
    if isinstance(plot.height, int | float):
        plot.height = min(WALL_HEIGHT, plot.height * WALL)
    result: Figure = larger.configure(
        axis=alt.AxisConfig(labelFontSize=LETTERS, titleFontSize=LETTERS),
        header=alt.HeaderConfig(labelFontSize=LETTERS, titleFontSize=LETTERS),
        legend=alt.LegendConfig(titleFontSize=LETTERS),
    )
    return result


def in_order(values: Iterable[Any]) -> list[Any]:
    """Distinct values in the order in which they come."""
    return list(dict.fromkeys(values))


def series_colour(names: Sequence[str]) -> alt.Scale:
    """Colours for series such as models: four, then the same four with another dash or shape."""
    return alt.Scale(domain=list(names), range=[SAFE[i % len(SAFE)] for i in range(len(names))])


def series_dash(names: Sequence[str]) -> alt.Scale:
    """Dashes that tell apart the series which share a colour."""
    dashes = [DASHES[i // len(SAFE) % len(DASHES)] for i in range(len(names))]
    return alt.Scale(domain=list(names), range=dashes)


def series_shape(names: Sequence[str]) -> alt.Scale:
    """Point shapes that tell apart the series which share a colour."""
    shapes = [SHAPES[i // len(SAFE) % len(SHAPES)] for i in range(len(names))]
    return alt.Scale(domain=list(names), range=shapes)


def ordered_colour(names: Sequence[str]) -> alt.Scale:
    """Colours for a growing quantity such as the size of a subset."""
    last = max(len(names) - 1, 1)
    colours = [_between(ORDERED, i / last) for i in range(len(names))]
    return alt.Scale(domain=list(names), range=colours)


def ordered_dash(names: Sequence[str]) -> alt.Scale:
    """Dashes beside `ordered_colour`, so that neighbours differ by more than colour."""
    return alt.Scale(domain=list(names), range=[DASHES[i % len(DASHES)] for i in range(len(names))])


def strategy_colour(names: Iterable[str]) -> alt.Scale:
    """The colour of each selection strategy, the same on every chart."""
    found = in_order(names)
    spare = [colour for colour in SAFE if colour not in [STRATEGIES.get(name) for name in found]]
    colours = [STRATEGIES.get(name) or (spare.pop() if spare else MUTED) for name in found]
    return alt.Scale(domain=found, range=colours)


def legend(**options: Any) -> alt.Legend:
    """A legend under the chart in few columns, so that both fit a narrow screen."""
    look = {"orient": "bottom", "columns": 3, "labelFontSize": 12, "symbolOpacity": 1}
    return alt.Legend(**{**look, **options})


def line_legend(**options: Any) -> alt.Legend:
    """A legend whose strokes are long enough to show their dashes."""
    return legend(**{"symbolType": "stroke", "symbolSize": 500, "symbolStrokeWidth": 2, **options})


def shape_legend(**options: Any) -> alt.Legend:
    """A legend of point shapes alone, in a grey that both themes can show."""
    look = {"orient": "top", "symbolFillColor": MUTED, "symbolStrokeWidth": 0}
    return legend(**{**look, **options})


def strategy_and_kind(data: pd.DataFrame) -> dict[str, Any]:
    """Colour and shape of points, one a subset, with columns `strategy` and `kind`, of `KINDS`."""
    strategies = sorted(data["strategy"].unique(), key=lambda name: name == "random")
    kinds = list(KINDS.values())
    return {
        "color": alt.Color("strategy:N", title=None)
        .scale(strategy_colour(strategies))
        .legend(legend(columns=2, symbolType="circle")),
        "shape": alt.Shape("kind:N", title=None)
        .scale(domain=kinds, range=[PLUS, MINUS, "circle"])
        .legend(shape_legend(values=kinds[:2])),
    }


def viridis(low: float, high: float) -> alt.Scale:
    """Colours for a number from `low` to `high`; beyond them, the colour of the nearer end."""
    return alt.Scale(scheme="viridis", domain=[low, high], clamp=True)


def gradient(title: str) -> alt.Legend:
    """The legend of such a scale, under the chart."""
    return alt.Legend(orient="bottom", gradientLength=200, title=title)


def text_over(field: str, low: float, high: float) -> Any:
    """Black or white text, whichever reads better over viridis from `low` to `high`."""
    turn = low + VIRIDIS_BLACK_FROM * (high - low)
    return (
        alt.when(f"datum[{field!r}] >= {turn}")
        .then(alt.value("black"))
        .otherwise(alt.value("white"))
    )


def log_domain(*columns: pd.Series) -> tuple[float, float]:
    """Smallest and largest positive value, with a little room; (0.1, 1) where there is none."""
    values = [float(v) for column in columns for v in column if v > 0 and math.isfinite(v)]
    return (min(values) / 1.15, max(values) * 1.15) if values else (0.1, 1.0)


def _between(colours: Sequence[str], place: float) -> str:
    """The colour at `place`, 0 to 1, of a scale given by evenly spaced colours."""
    position = place * (len(colours) - 1)
    index = min(int(position), len(colours) - 2)
    share = position - index
    low, high = colours[index], colours[index + 1]
    mixed = [
        round((1 - share) * int(low[i : i + 2], 16) + share * int(high[i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    return "#{:02x}{:02x}{:02x}".format(*mixed)
