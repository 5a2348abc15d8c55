"""What a refinement found: gains and their statistics, curves, DCS, and every round's rows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.charts import influence as charts
from core.datasets.base import Dataset
from core.studies.refinement import Results
from core.studies.refinement_analysis import METRICS, Analysis
from core.studies.refinement_rounds import Round, rows_of
from pages.shared import audits, export, gallery, layout, loaders, picker, removal, shown
from pages.shared.text import plain

SHOWN = 48

Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Found:
    """A study's results and their analysis."""

    results: Results
    analysis: Analysis

    @property
    def name(self) -> str:
        """Begins the names of files."""
        return self.results.spec.name


def show(key: str, moment: float) -> None:
    """Draw the results of a refinement.

    Args:
        key: Key of the job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    found = Found(*loaders.refinement(key, moment))
    if found.results.table.empty:
        st.info("No round has been scored yet.", icon=":material/hourglass_empty:")
        return
    if found.results.notes:
        st.info("  \n".join(map(plain, found.results.notes)), icon=":material/info:")
    shown.in_tabs(TABS, found)


def _findings(found: Found) -> None:
    for warning in found.analysis.warnings:
        st.warning(plain(warning), icon=":material/trending_down:")
    said = [text for text in found.analysis.sentences() if text not in found.analysis.warnings]
    st.markdown("\n".join(f"- {plain(text)}" for text in said))
    _draw(found, "accuracy")
    st.subheader("Comparisons", anchor=False)
    st.caption(
        "Paired over seeds, the best round by validation loss of each arm. q is p adjusted over "
        "all comparisons (Benjamini-Hochberg); what could not have been significant never is."
    )
    tables = found.analysis.tables()
    shown.table(tables["comparisons"], f"{found.name}-comparisons")
    st.subheader("Best rounds", anchor=False)
    shown.table(tables["best"], f"{found.name}-best")
    shown.made(found.results.runs)


def _draw(found: Found, metric: str) -> None:
    figure = charts.curves(found.analysis.curves, metric)
    title = METRICS[metric]
    st.subheader(title[0].upper() + title[1:], anchor=False)
    st.altair_chart(figure, alt=f"{METRICS[metric]} by round and arm", key=f"curve-{metric}")
    curves = found.analysis.curves
    export.chart(figure, curves[curves["metric"] == metric], f"{found.name}-{metric}")


def _curves(found: Found) -> None:
    st.caption(
        "Mean over seeds; the band is the 95 % interval of that mean. The arms of a seed start "
        "from the same rows, so the paired comparisons tell them apart better than the bands do."
    )
    with layout.panels():
        for metric in METRICS:
            with layout.panel():
                _draw(found, metric)


def _dcs(found: Found) -> None:
    st.caption(
        "DCS, the Dataset Contribution Score, is the share of all influence that is helpful, from "
        "0 to 1. A line joins the rounds of one seed."
    )
    table = found.results.table.drop(columns="training_set")
    figure = charts.tracking(table)
    st.altair_chart(figure, alt="Test accuracy against DCS, one point a round")
    export.chart(figure, table, f"{found.name}-tracking")
    st.subheader("Correlation inside seeds", anchor=False)
    shown.table(found.analysis.tables()["tracking"], f"{found.name}-correlation")


def _rounds(found: Found) -> None:
    """One round: its numbers, the rows that leave after it, and everything to save."""
    rounds = found.results.rounds
    with st.container(horizontal=True):
        repeat = st.selectbox(
            "Seed", sorted({one.repeat for one in rounds}), key="round_seed", bind="query-params",
            width=layout.WIDGET // 2, help="Each seed has rows, labels and weights of its own.",
        )  # fmt: skip
        arm = st.selectbox(
            "Arm", found.results.spec.arms, key="round_arm", bind="query-params",
            width=layout.WIDGET, help="What removes rows.",
        )  # fmt: skip
        chain = [one for one in rounds if (one.repeat, one.arm) == (repeat, arm)]
        number = st.selectbox(
            "Round", [one.number for one in chain], key="round", bind="query-params",
            width=layout.WIDGET // 2, help="0 is the model before anything is removed.",
        )  # fmt: skip
    one = next((some for some in chain if some.number == number), None)
    if one is None:
        st.info("This round has not been trained yet.", icon=":material/hourglass_empty:")
        return
    _numbers(one)
    gone = _gone(chain, one)
    with layout.panels():
        with layout.panel():
            st.subheader(f"Removed after this round: {len(one.removed):,}", anchor=False)
            dataset = picker.of_study(found.results.spec.dataset, found.results.fingerprint)
            if dataset is not None:
                _removed(dataset, one)
        with layout.panel():
            st.subheader("Take it with you", anchor=False)
            _exports(found, one, gone)
    if dataset is not None and gone.size:
        st.subheader("Other models without the rows removed so far", anchor=False)
        st.caption("On the rows and labels that the refinement began with.")
        name = f"{found.name}-{arm}-{repeat}-{number}"[:80]
        removal.panel(dataset, gone, name, begin=chain[0].drawn.training_set)


def _gone(chain: list[Round], one: Round) -> Rows:
    """Row numbers that earlier rounds removed."""
    return np.setdiff1d(chain[0].drawn.training_set.rows, one.drawn.training_set.rows)


def _numbers(one: Round) -> None:
    contribution = one.found.contribution
    audits.metrics(
        (
            ("Rows", f"{len(one.drawn.labels):,}", "Trained on in this round."),
            ("DCS", f"{contribution.dcs:.3f}", "Share of all influence that is helpful."),
            (
                "Validation loss",
                f"{one.found.validation_loss:.4f}",
                "Mean cross-entropy of the validation rows: decisions rest on it.",
            ),
            ("Test accuracy", f"{one.found.accuracy:.2%}", "No decision sees the test split."),
            ("Macro F1", f"{one.found.macro_f1:.3f}", "Mean F1 over classes, test split."),
        )
    )
    st.caption(plain(one.found.certificate.words))


def _removed(dataset: Dataset, one: Round) -> None:
    """The rows that leave, the most harmful or the first ones."""
    rows = rows_of(one)
    gone = rows[rows["removed"]]
    if one.arm in ("influence", "loss"):
        gone = gone.sort_values(one.arm, ascending=False)
    if gone.empty:
        st.caption("None: this is the last round, or no row harms.")
        return
    names = dict(enumerate(dataset.classes))
    if dataset.kind == "image":
        numbers = gone["row"].to_numpy()[:SHOWN]
        captions = [
            f"{row} {names[given]}"
            for row, given in zip(gone["row"], gone["given_label"], strict=True)
        ]
        pixels = audits.pixels(dataset, "train", numbers)
        gallery.show(pixels, captions[:SHOWN], f"Rows {', '.join(map(str, numbers))}")
    listed = gone.drop(columns="removed").replace({"label": names, "given_label": names})
    st.dataframe(listed.round(4), hide_index=True, height=260)


def _exports(found: Found, one: Round, gone: Rows) -> None:
    stem = f"{found.name}-{one.repeat}-{one.arm}-{one.number}"
    rows = rows_of(one)
    scores = rows.drop(columns="removed")
    with st.container(horizontal=True):
        export.table(scores, f"{stem}-kept", "Rows of this round as CSV")
        audits.parquet(scores, f"{stem}-kept", "As Parquet")
        if gone.size:
            export.table(pd.DataFrame({"row": gone}), f"{stem}-removed", "Rows removed before")
        export.table(found.results.table, f"{found.name}-rounds", "All rounds of all seeds as CSV")
        audits.parquet(found.results.table, f"{found.name}-rounds", "As Parquet")
    st.caption("The file of this round's rows is one that `influence score --train-rows` takes.")


TABS: dict[str, Callable[[Found], None]] = {
    "Findings": _findings,
    "Curves": _curves,
    "DCS": _dcs,
    "Rounds": _rounds,
}
