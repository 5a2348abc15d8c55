"""What a study of unions found."""

from __future__ import annotations

import streamlit as st

from core.charts.union import unions
from pages.shared import layout, loaders
from pages.shared.shown import draw, table
from pages.shared.text import plain


def show(key: str, moment: float) -> None:
    """Draw the results of a study of unions.

    Args:
        key: Key of the job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    found = loaders.report(key, moment)
    st.markdown("\n".join(f"- {plain(text)}" for text in found.sentences))
    numbers, slopes = found.tables["unions"], found.tables["slopes"]
    if numbers.empty:
        return
    scopes = slopes["model"].tolist()
    scope = st.selectbox(
        "Model",
        scopes,
        index=len(scopes) - 1,
        key="union_model",
        bind="query-params",
        width=layout.WIDGET,
        help="Whose Z-scores are drawn: one model's, or the mean of those models that means are "
        "taken of.",
    )
    some = numbers[numbers["model"] == scope] if scope in set(numbers["model"]) else numbers
    slope = float(slopes.loc[slopes["model"] == scope, "slope"].iloc[0])
    draw(unions(some, slope), some, "unions", f"Z-scores of unions, observed and expected, {scope}")
    st.caption(
        "Dashed: each image has a worth that does not depend on the others, so that the union "
        "has the mean of both. Solid: the slope that was found. Left and below is better than "
        "random."
    )
    for title, name in (
        ("Slopes", "slopes"),
        ("By kind of pair", "kinds"),
        ("Rules, with nothing fitted", "rules"),
        ("Pairs", "unions"),
    ):
        st.subheader(title, anchor=False)
        table(found.tables[name], f"union-{name}")
