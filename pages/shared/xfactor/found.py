"""What the tabs of results draw, and how they draw it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.charts.style import Figure
from core.studies.xfactor import Results
from core.studies.xfactor_analysis import Analysis
from pages.shared import layout, loaders
from pages.shared.shown import draw, table
from pages.shared.text import plain


@dataclass(frozen=True, eq=False)
class Found:
    """What the tabs draw: the results of the job `key` at a Unix time, and their analysis."""

    key: str
    moment: float
    results: Results
    analysis: Analysis


def say(found: Found, *topics: str) -> None:
    """What the analysis says on some topics, or on all, a sentence each."""
    facts = loaders.readings(found.key, found.moment)
    chosen = [fact.text for fact in facts if not topics or fact.topic in topics]
    st.markdown("\n".join(f"- {plain(text)}" for text in chosen))


def side_by_side(
    figure: Figure, numbers: pd.DataFrame, stem: str, alt: str, beside: pd.DataFrame, title: str
) -> None:
    """A chart, and a table in the panel next to it.

    Args:
        figure: The chart.
        numbers: What it draws.
        stem: File name of its exports without their ending.
        alt: What the chart shows, for those who cannot see it.
        beside: The table.
        title: Its heading, of which its file name is made.
    """
    with layout.panels():
        with layout.panel():
            draw(figure, numbers, stem, alt)
        with layout.panel():
            st.subheader(title, anchor=False)
            table(beside, title.lower().replace(" ", "-"))
