"""What a data set of texts or of table rows holds: samples of each class, and a summary."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.datasets.base import Dataset
from core.datasets.summary import column_statistics, sample_rows, telling_words, word_counts
from pages.shared import export
from pages.shared.text import plain

SAMPLES = 3
MOST_SEEDS = 99
MOST_CLASSES = 10
WORDS = 15
LONGEST = 700


def word_summary(dataset: Dataset) -> None:
    """How long the texts of each class are, and which words tell it from the others."""
    st.subheader("Words", anchor=False)
    st.caption(
        "Different known words in a training text, and the words whose mean weight (TF-IDF) in "
        "a class is furthest above that in all texts."
    )
    lengths = word_counts(dataset)
    st.dataframe(lengths.round(), hide_index=True, alt="Words in a text by class")
    export.table(lengths, f"{dataset.name}-lengths")
    words = telling_words(dataset, WORDS)
    for name, some in words.groupby("class", sort=False):
        if name in dataset.classes[:MOST_CLASSES]:
            st.markdown(f"**{plain(str(name))}** {plain(', '.join(some['word']))}")
    export.table(words, f"{dataset.name}-words")


def column_summary(dataset: Dataset) -> None:
    """What each column of a table holds."""
    st.subheader("Columns", anchor=False)
    st.caption("Of the training split, before numbers are standardised and categories spread.")
    statistics = column_statistics(_shown(dataset))
    share = st.column_config.NumberColumn(
        "share of it", format="percent", help="Share of rows with the most common value."
    )
    st.dataframe(
        statistics,
        hide_index=True,
        column_config={"share": share},
        alt="Mean, deviation, least, median, most and most common value of each column",
    )
    export.table(statistics, f"{dataset.name}-columns")


def samples(dataset: Dataset) -> None:
    """Some training rows of each class."""
    st.subheader("Samples", anchor=False)
    seed = st.slider(
        "Another sample",
        0,
        MOST_SEEDS,
        0,
        key="sample",
        bind="query-params",
        help="Each number shows other rows of each class.",
    )
    classes = range(min(len(dataset.classes), MOST_CLASSES))
    if dataset.kind == "table":
        rows = np.concatenate([sample_rows(dataset.train, k, SAMPLES, seed) for k in classes])
        _table(dataset, rows)
        return
    for k in classes:
        _texts(dataset, sample_rows(dataset.train, k, SAMPLES, seed), dataset.classes[k])


def _table(dataset: Dataset, rows: npt.NDArray[np.int64]) -> None:
    """Rows as people wrote them, with their class and number."""
    shown = _shown(dataset).iloc[rows]
    named = [dataset.classes[label] for label in dataset.train.y[rows].tolist()]
    labelled = pd.concat(
        [pd.DataFrame({"row": rows, "class": named}), shown.reset_index(drop=True)], axis=1
    )
    st.dataframe(labelled, hide_index=True, alt="Training rows of each class")
    export.table(labelled, f"{dataset.name}-samples")


def _texts(dataset: Dataset, rows: npt.NDArray[np.int64], title: str) -> None:
    assert isinstance(dataset.train.shown, tuple)
    st.markdown(f"**{plain(title)}**")
    for row in rows.tolist():
        text = dataset.train.shown[row]
        more = f" … ({len(text):,} characters)" if len(text) > LONGEST else ""
        with st.container(border=True):
            st.markdown(plain(text[:LONGEST]) + plain(more))
            st.caption(f"Row {row}")


def _shown(dataset: Dataset) -> pd.DataFrame:
    assert isinstance(dataset.train.shown, pd.DataFrame)
    return dataset.train.shown
