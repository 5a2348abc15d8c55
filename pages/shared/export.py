"""Buttons that save what is shown; nothing is rendered until one is clicked."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from core.charts.export import FORMATS

if TYPE_CHECKING:
    import altair as alt

MIME = {"png": "image/png", "svg": "image/svg+xml", "pdf": "application/pdf"}
CHART_HELP = "Save the chart on white, for a paper or a slide."


def table(frame: pd.DataFrame | Callable[[], pd.DataFrame], stem: str, label: str = "CSV") -> None:
    """A button that saves a table as CSV.

    Args:
        frame: The table, or what makes it; its index is left out.
        stem: File name without its ending, which also tells the button from others.
        label: What the button says.
    """

    def data() -> bytes:
        whole = frame() if callable(frame) else frame
        return whole.to_csv(index=False).encode()

    st.download_button(
        label,
        data=data,
        file_name=f"{stem}.csv",
        mime="text/csv",
        key=f"csv-{stem}",
        help="Save the numbers behind this.",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )


def lines(rows: Iterable[object], stem: str, label: str) -> None:
    """A button that saves row numbers or paths, one a line.

    Args:
        rows: What to list.
        stem: As for `table`.
        label: What the button says.
    """
    st.download_button(
        label,
        data=lambda: "".join(f"{row}\n" for row in rows),
        file_name=f"{stem}.txt",
        mime="text/plain",
        key=f"lines-{stem}",
        help="Save one row number or path a line, for other programs.",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )


def chart(figure: alt.TopLevelMixin, frame: pd.DataFrame, stem: str) -> None:
    """Buttons that save a chart as CSV, PNG, SVG and PDF.

    Args:
        figure: The chart.
        frame: The numbers behind it.
        stem: File name without its ending, which also tells the buttons from others.
    """
    with st.container(horizontal=True, horizontal_alignment="right"):
        table(frame, stem)
        for kind, render in FORMATS.items():
            st.download_button(
                kind.upper(),
                data=partial(render, figure),
                file_name=f"{stem}.{kind}",
                mime=MIME[kind],
                key=f"{kind}-{stem}",
                help=CHART_HELP,
                on_click="ignore",
                type="tertiary",
                icon=":material/download:",
            )
