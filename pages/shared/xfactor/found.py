"""What the tabs of results draw, and how they draw it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.charts.style import Figure
from core.studies.xfactor import Results
from core.studies.xfactor_analysis import Analysis
from core.studies.xfactor_analysis.readings import facts
from pages.shared import export
from pages.shared.text import plain


@dataclass(frozen=True, eq=False)
class Found:
    """What the tabs draw: the results of the units `done` of the job `key`, and their analysis."""

    key: str
    done: int
    results: Results
    analysis: Analysis


def say(found: Found, *topics: str) -> None:
    """What the analysis says on some topics, a sentence each."""
    for fact in facts(found.analysis):
        if fact.topic in topics:
            st.markdown(plain(fact.text))


def draw(figure: Figure, table: pd.DataFrame, stem: str, alt: str) -> None:
    """A chart with its exports.

    Args:
        figure: The chart.
        table: The numbers behind it.
        stem: File name of the exports without an ending.
        alt: What the chart shows, for those who cannot see it.
    """
    st.altair_chart(figure, alt=alt, key=f"chart-{stem}")
    export.chart(figure, table, stem)
