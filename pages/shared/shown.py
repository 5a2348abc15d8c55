"""What the results of every study are shown with: charts, tables, tabs, and what is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TypeVar

import pandas as pd
import streamlit as st

from core.charts.style import Figure
from pages.shared import export
from pages.shared.text import plain

F = TypeVar("F")


def draw(figure: Figure, numbers: pd.DataFrame, stem: str, alt: str) -> None:
    """A chart with its exports.

    Args:
        figure: The chart.
        numbers: What it draws.
        stem: File name of the exports without their ending.
        alt: What the chart shows, for those who cannot see it.
    """
    st.altair_chart(figure, alt=alt, key=f"chart-{stem}")
    export.chart(figure, numbers, stem)


def table(frame: pd.DataFrame, stem: str) -> None:
    """A table with its export; what is shown is rounded, what is saved is not.

    Args:
        frame: The table.
        stem: File name of the export without its ending.
    """
    st.dataframe(frame.round(4), hide_index=True)
    export.table(frame, stem)


def made(runs: pd.DataFrame) -> None:
    """What models were trained on and with.

    Args:
        runs: One row a trained model, with `device` and `versions`; empty where not noted.
    """
    if runs.empty:
        return
    devices, versions = (sorted(set(runs[name]) - {""}) for name in ("device", "versions"))
    if devices:
        text = f"{len(runs):,} models, trained on {', '.join(devices)} with {'; '.join(versions)}."
        st.caption(plain(text))


def gaps(notes: Iterable[str], failures: pd.DataFrame, stem: str) -> None:
    """What the reader must know before the results, and the units that failed.

    Args:
        notes: Sentences; those that come twice are said once.
        failures: One row a unit that could not be trained.
        stem: File name of the failures' export without its ending.
    """
    if said := dict.fromkeys(notes):
        st.info("  \n".join(map(plain, said)), icon=":material/info:")
    if not failures.empty:
        with st.expander(f"{len(failures):,} units failed", icon=":material/warning:"):
            table(failures, stem)


def in_tabs(tabs: Mapping[str, Callable[[F], None]], found: F) -> None:
    """One tab a question, of which only the open one is drawn."""
    for tab, content in zip(
        st.tabs(list(tabs), key="tab", bind="query-params"), tabs.values(), strict=True
    ):
        if tab.open:
            with tab:
                content(found)
