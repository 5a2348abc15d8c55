"""Z-scores of two models against each other; a click on a point shows that subset's images."""

from __future__ import annotations

import streamlit as st

from core.charts.z_scatter import pair_table, z_scatter
from pages.shared import export, gallery, layout, picker
from pages.shared.xfactor.found import Found

SHEET = 64


def show(found: Found) -> None:
    """The scatter of two models, and the subset chosen on it."""
    models = found.analysis.models
    with st.container(horizontal=True):
        pair = [
            st.selectbox(
                label,
                models,
                index=min(index, len(models) - 1),
                key=key,
                bind="query-params",
                width=layout.WIDGET,
                help="Model whose Z-scores of the error stand on this axis.",
            )
            for index, (label, key) in enumerate((("Across", "across"), ("Upwards", "upwards")))
        ]
    with layout.panels():
        with layout.panel():
            table = pair_table(found.analysis.z_scores, *pair)
            figure = z_scatter(found.analysis.z_scores, *pair)
            st.altair_chart(
                figure,
                alt=f"Z-scores by {pair[0]} and {pair[1]}, one point a subset",
                key="scatter",
                on_select=_picked,
                selection_mode="picked",
            )
            export.chart(figure, table, f"z-{pair[0]}-{pair[1]}")
        with layout.panel():
            _subset(found)


def _picked() -> None:
    """Take the subset of the point that was clicked into the widget and the address."""
    points = st.session_state["scatter"]["selection"].get("picked", [])
    if points:
        st.session_state["subset"] = points[0]["subset"]


def _subset(found: Found) -> None:
    subset = st.selectbox(
        "Subset",
        list(found.results.rows),
        index=None,
        placeholder="Click on a point, or choose",
        key="subset",
        bind="query-params",
        help="The subset whose images are shown: strategy and direction, n, m and repeat.",
    )
    if subset is None:
        st.caption(
            "Click on a point to see the images of that subset, on a strategy in the legend to see "
            "it alone."
        )
        return
    own = found.analysis.z_scores[found.analysis.z_scores["subset"] == subset]
    st.dataframe(own[["model", "error", "z"]], hide_index=True, height="content")
    dataset = picker.of_study(found.results.spec.dataset, found.results.fingerprint)
    if dataset is None:
        return
    rows = found.results.rows[subset]
    name = st.selectbox(
        "Class",
        dataset.classes,
        key="subset_class",
        bind="query-params",
        help="Images of this class are shown.",
    )
    rows = rows[dataset.train.y[rows] == dataset.classes.index(name)]
    shown = rows[:SHEET]
    st.caption(f"{len(shown)} of {len(rows)} images, with their row numbers")
    gallery.show(
        gallery.pixels(dataset, shown),
        [str(row) for row in shown],
        f"Images of class {name} in subset {subset}",
    )
