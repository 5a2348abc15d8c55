"""Pairs by distance with the cuts, and one cluster as a tree."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
from scipy.cluster import hierarchy

from core.charts import quality as charts
from core.quality import Duplicates
from core.quality.clusters import tree
from pages.shared import export, layout
from pages.shared.images import Images

MOST_LEAVES = 40


def pairs(default: Duplicates | None, used: Duplicates, unit: str, stem: str) -> None:
    """Pairs by distance with the cuts."""
    st.subheader("Pairs by distance", anchor=False)
    st.caption("Copies stand on the left; pictures alike by chance make the wall on the right.")
    shown = default or used
    table = charts.pair_table(shown.curve, shown.step)
    figure = charts.pairs(table, default.radius if default else None, used.radius, unit, used.step)
    st.altair_chart(figure, alt="Number of pairs at each distance, with the cut")
    export.chart(figure, table, f"{stem}-distances")


def one_cluster(
    images: Images, members: pd.DataFrame, order: list[int], found: Duplicates, linkage: str,
    unit: str, stem: str,
) -> None:  # fmt: skip
    """The dendrogram of a cluster that the user chooses.

    Args:
        images: What is looked through.
        members: Columns `image`, `row`, `cluster`.
        order: Numbers of the clusters as they are offered.
        found: Where the members are from.
        linkage: How it is built.
        unit: What distances are measured in.
        stem: Begins the names of files.
    """
    st.subheader("Inside one cluster", anchor=False)
    chosen = st.selectbox(
        "Cluster",
        [str(number) for number in order],
        key="cluster",
        bind="query-params",
        width=layout.WIDGET,
        help="Its number stands above its images.",
    )
    inside = members[members["cluster"] == int(chosen)]
    if len(inside) > MOST_LEAVES:
        st.caption(f"The first {MOST_LEAVES} of {len(inside)} images.")
        inside = inside.head(MOST_LEAVES)
    readable = np.flatnonzero(images.table["phash"].notna())
    places = np.searchsorted(readable, inside["row"].to_numpy())
    corners, leaves = branches(tree(found.space.between(places), linkage))
    named = pd.DataFrame(
        {
            "place": 5 + 10 * np.arange(len(leaves)),  # SciPy sets leaves at 5, 15, 25, …
            "image": inside["image"].to_numpy()[leaves].astype(str),
        }
    )
    figure = charts.tree(corners, named, found.radius, unit)
    st.altair_chart(figure, alt=f"Dendrogram of cluster {chosen}")
    export.chart(figure, corners, f"{stem}-cluster-{chosen}")


def branches(linkage: npt.NDArray[np.float64]) -> tuple[pd.DataFrame, list[int]]:
    """The corners of a tree's joins, as `charts.tree` takes them, and the order of its leaves."""
    drawn = hierarchy.dendrogram(linkage, no_plot=True)
    x, y = np.array(drawn["icoord"]), np.array(drawn["dcoord"])
    table = pd.DataFrame(
        {
            "branch": np.repeat(np.arange(len(x)), 4),
            "point": np.tile(np.arange(4), len(x)),
            "place": x.ravel(),
            "height": y.ravel(),
        }
    )
    return table, list(drawn["leaves"])
