"""One figure of a study, as pages of any kind show it."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from core.charts.style import Figure as Chart


@dataclass(frozen=True, eq=False)
class Figure:
    """A chart, what it shows and the numbers behind it.

    Args:
        name: File name without its ending; no two figures of a study share it.
        title: A few words.
        alt: What is drawn, for those who cannot see it.
        chart: As wide as the place it is put in.
        table: The numbers drawn.
        reading: What they say in a sentence or two, made from them.
    """

    name: str
    title: str
    alt: str
    chart: Chart
    table: pd.DataFrame
    reading: str
