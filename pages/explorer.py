"""Which images a selection strategy keeps, and which it discards."""

from __future__ import annotations

from functools import partial

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core import selection
from core.charts import explorer as charts
from core.datasets.base import Dataset
from core.selection import STRATEGIES, Strategy, Subset
from core.specs import Selection
from pages.shared import export, gallery, layout, loaders, picker, shell
from pages.shared.text import plain

MOST = 1000
MOST_SEEDS = 99
MOST_PILLS = 20
SHEET = 64
BACKGROUND = 400


def strategy_widgets() -> tuple[Strategy, str]:
    """Strategy and direction."""
    titles = {strategy.title: strategy for strategy in STRATEGIES.values()}
    title = st.selectbox(
        "Strategy",
        list(titles),
        index=1,
        key="strategy",
        bind="query-params",
        width=layout.WIDGET,
        help="How the images to keep are chosen from those drawn.  \n"
        + "  \n".join(f"**{s.title}**: {s.summary}" for s in STRATEGIES.values()),
    )
    strategy = titles[title]
    direction = st.segmented_control(
        "Direction",
        ["+", "-"],
        default="+",
        required=True,
        key="direction",
        bind="query-params",
        disabled=len(strategy.directions) < 2,
        help="\\+ follows the strategy's rule, - its opposite, where it has one. Random has no "
        "direction.",
    )
    return strategy, direction if direction in strategy.directions else strategy.directions[0]


def size_widgets(smallest: int, discards: bool) -> tuple[int, int, int]:
    """Images kept and discarded per class, and the seed.

    Args:
        smallest: Training images of the smallest class: the bound of both sliders.
        discards: Whether the strategy discards images.
    """
    per_class = st.slider(
        "Kept per class, n",
        1,
        min(MOST, smallest),
        min(100, max(1, smallest // 4)),
        key="per_class",
        bind="query-params",
        width=layout.WIDGET,
        help="Images of each class that stay. The arrow keys move by one.",
    )
    excess = st.slider(
        "Discarded per class, m",
        0,
        max(1, min(MOST, smallest - 1)),
        min(300, smallest // 2),
        key="excess",
        bind="query-params",
        disabled=not discards,
        width=layout.WIDGET,
        help="Images of each class drawn besides and then discarded by the strategy: the more, "
        "the stronger the selection. Random subsets discard nothing.",
    )
    seed = st.slider(
        "Seed",
        0,
        MOST_SEEDS,
        0,
        key="seed",
        bind="query-params",
        width=layout.WIDGET,
        help="Which images are drawn. Every strategy draws the same for the same seed.",
    )
    return per_class, excess if discards else 0, seed


def class_widget(classes: tuple[str, ...]) -> int:
    """The class to look at."""
    help = "The selection treats each class by itself; this is the one shown below."
    if len(classes) > MOST_PILLS:
        name = st.selectbox("Class", classes, key="class", bind="query-params", help=help)
    else:
        name = st.pills(
            "Class",
            classes,
            default=classes[0],
            format_func=plain,
            required=True,
            key="class",
            bind="query-params",
            help=help,
        )
    return classes.index(name or classes[0])


def summary(dataset: Dataset, subset: Subset, random: Subset) -> None:
    """What the selection did to the class, in four numbers."""
    per_class, size = subset.selection.per_class, subset.pool.size
    shared = np.isin(subset.rows, random.rows).sum()
    metrics = (
        ("Images kept", f"{per_class * len(dataset.classes):,}", "Over all classes: n from each."),
        ("Kept of those drawn", f"{per_class / size:.0%}", "n / (n + m), in every class."),
        (
            "Overlap with random",
            f"{shared / per_class:.0%}",
            "Share of this class's kept images that the random subset of the same size and seed "
            "keeps too.",
        ),
        (
            "Overlap by chance",
            f"{per_class / size:.0%}",
            "Expected of a blind choice.",
        ),
    )
    with st.container(horizontal=True, gap="medium"):
        for title, value, help in metrics:
            st.metric(title, value, help=help, width="content")


def by_strength(
    chosen: npt.NDArray[np.bool_], distances: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Places of the chosen images, the clearest choices first.

    Args:
        chosen: Which images of the pool.
        distances: What they were judged by; NaN where they were not.
    """
    places = np.flatnonzero(chosen)
    if chosen.all() or not chosen.any() or np.isnan(distances).any():
        return places
    sign = np.sign(distances[chosen].mean() - distances[~chosen].mean())
    return places[np.argsort(-sign * distances[places], kind="stable")]


def sheet(dataset: Dataset, title: str, rows: npt.NDArray[np.int32], key: str, empty: str) -> None:
    """A heading and a page of images."""
    st.subheader(f"{title}: {len(rows)}", anchor=False)
    if not len(rows):
        st.caption(empty)
        return
    page = 1
    if len(rows) > SHEET:
        st.caption(f"{SHEET} at a time, the clearest choices first")
        page = st.pagination(-(-len(rows) // SHEET), key=key, bind="query-params")
    shown = rows[(page - 1) * SHEET : page * SHEET]
    gallery.show(
        gallery.pixels(dataset, shown),
        [str(row) for row in shown],
        f"{title} images, rows {', '.join(map(str, shown))}",
    )


def map_table(
    plane: npt.NDArray[np.float32],
    members: npt.NDArray[np.int32],
    pool: npt.NDArray[np.int32],
    kept: npt.NDArray[np.bool_],
) -> pd.DataFrame:
    """The pool and some other images of the class on the plane, those kept last."""
    others = np.setdiff1d(members, pool)
    others = others[:: max(1, len(others) // BACKGROUND)]
    rows = np.concatenate([others, pool[~kept], pool[kept]])
    fates = np.repeat(["not drawn", "discarded", "kept"], [len(others), (~kept).sum(), kept.sum()])
    x, y = plane[np.searchsorted(members, rows)].T
    return pd.DataFrame({"x": x.round(2), "y": y.round(2), "row": rows, "fate": fates})


def draw_histogram(subset: Subset) -> None:
    """What the images of the class were judged by."""
    kept, distances = subset.kept[0], subset.distances[0]
    st.subheader("What the choice was made by", anchor=False)
    if np.isnan(distances).any():
        st.caption("These images are not judged one by one by a distance.")
        return
    cut, judged = charts.cut(distances, kept), STRATEGIES[subset.selection.strategy].judged
    if cut is not None:
        st.caption(f"{judged} The cut is at {cut:.2f} grey levels.")
    elif kept.all():
        st.caption("Nothing is discarded, so there is no cut.")
    else:
        st.caption(f"{judged} There is no single cut.")
    table = charts.histogram_table(distances, kept)
    figure = charts.histogram(table, cut)
    st.altair_chart(figure, alt="Histogram of distances, kept and discarded images")
    export.chart(figure, table, "distances")


def draw_map(name: str, subset: Subset, label: int) -> None:
    """Where the images stand in their class."""
    st.subheader("Where in the class", anchor=False)
    st.caption("The class on its two main components; of the images not drawn, some.")
    plane, shares = loaders.planes(name)[label]
    members = loaders.geometry(name).rows[label]
    table = map_table(plane, members, subset.pool[0], subset.kept[0])
    figure = charts.class_map(table, shares)
    st.altair_chart(figure, alt="Map of the class with kept and discarded images marked")
    export.chart(figure, table, "class-map")


def command(name: str, recipe: Selection) -> str:
    """The command that gives the same selection."""
    direction = f" --direction {recipe.direction}" if recipe.direction else ""
    return (
        f"python -m core select --dataset {name} --strategy {recipe.strategy}{direction} "
        f"--per-class {recipe.per_class} --excess {recipe.excess} --seed {recipe.seed} "
        "--out rows.csv"
    )


def body() -> None:
    """Widgets, the selection, and what it looks like."""
    with st.container(border=True):
        with st.container(horizontal=True):
            listing = picker.listing(
                "Where the images come from: its training split.", layout.WIDGET
            )
            strategy, direction = strategy_widgets()
        if not picker.is_here(listing):
            return
        dataset = loaders.dataset(listing.name)
        smallest = min(map(len, loaders.geometry(listing.name).rows))
        with st.container(horizontal=True):
            per_class, excess, seed = size_widgets(smallest, strategy.discards)
        label = class_widget(dataset.classes)
    drawn = (per_class, excess, seed, label)
    subset = loaders.class_subset(listing.name, strategy.name, direction, *drawn)
    random = loaders.class_subset(listing.name, "random", "", per_class, 0, seed, label)
    summary(dataset, subset, random)
    pool, kept, distances = subset.pool[0], subset.kept[0], subset.distances[0]
    with layout.panels():
        with layout.panel():
            rows = pool[by_strength(kept, distances)]
            sheet(dataset, "Kept", rows, "kept", "Nothing is kept.")
        with layout.panel():
            rows = pool[by_strength(~kept, distances)]
            sheet(dataset, "Discarded", rows, "discarded", "Nothing is discarded.")
        with layout.panel():
            draw_histogram(subset)
        with layout.panel():
            draw_map(listing.name, subset, label)
    st.subheader("Take it with you", anchor=False)
    table = partial(selection.pool_table, dataset, subset.selection)
    export.table(table, "rows", "All images drawn, of every class, as CSV")
    st.code(command(listing.name, subset.selection), language="bash", wrap_lines=True)


with shell.page("explorer"):
    body()
