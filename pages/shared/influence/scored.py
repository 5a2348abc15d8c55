"""Rows with their scores: the most harmful, helpful and suspicious, and what to do with them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import streamlit as st

from core.charts import influence as charts
from core.datasets.base import Dataset
from core.specs import parse_rows
from core.studies.influence_scores import Scores, sentences
from core.studies.influence_spec import LeaveOneOutSpec
from pages.shared import (
    audits,
    export,
    gallery,
    jobs_panel,
    layout,
    loaders,
    people,
    picker,
    removal,
    shown,
)
from pages.shared.text import plain

PAGE = 48
TEXTS, LONGEST = 8, 500
MOST_CHECKED = 100
CHECKED = {"Spread over all scores": True, "Most extreme": False}


@dataclass(frozen=True)
class View:
    """One order of the rows: what they are sorted by and what that is for."""

    column: str
    ascending: bool
    purpose: str


VIEWS = {
    "Most harmful": View(
        "influence",
        False,
        "Harm: more of such a row would raise the validation loss. Remove these to do better on "
        "rows like the validation rows; their labels may be right.",
    ),
    "Most helpful": View(
        "influence",
        True,
        "Help: more of such a row would lower the validation loss. These are worth keeping, and "
        "worth having more of.",
    ),
    "Most suspicious": View(
        "suspicion",
        False,
        "Suspicion: the model disagrees with the label, or leans on the row to explain it. Look "
        "at these to find wrong labels, whatever harm they do.",
    ),
}


def show(key: str, moment: float) -> None:
    """Draw the scores of a study.

    Args:
        key: Key of the job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    found = loaders.influence(key, moment)
    if found is None:
        st.info("Nothing is scored yet.", icon=":material/hourglass_empty:")
        return
    for note in sentences(found):
        st.markdown(f"- {plain(note)}")
    dataset = picker.of_study(found.spec.dataset, found.fingerprint)
    table = _named(found)
    if dataset is not None:
        _rows(dataset, table)
    if table["suspicion"].notna().any():
        st.subheader("Harm beside suspicion", anchor=False)
        figure = charts.harm_and_suspicion(table)
        st.altair_chart(figure, alt="Influence against label suspicion, one point a row")
        export.chart(figure, table, f"{found.spec.name}-harm-suspicion")
    st.subheader("Take it with you", anchor=False)
    with st.container(horizontal=True):
        export.table(found.table, f"{found.spec.name}-rows", "All scores as CSV")
        audits.parquet(found.table, f"{found.spec.name}-rows", "All scores as Parquet")
    shown.made(found.runs)
    if dataset is not None:
        _leave_out(dataset, found)
        _spot_check(found)


def _named(found: Scores) -> pd.DataFrame:
    """The table with class names beside the class numbers."""
    names = np.array(found.classes)
    table = found.table
    return table.assign(own=names[table["label"]], given=names[table["given_label"]])


def _rows(dataset: Dataset, table: pd.DataFrame) -> None:
    """The rows at one end of an order, page by page."""
    known = [name for name, view in VIEWS.items() if table[view.column].notna().any()]
    chosen = st.segmented_control(
        "Rows", known, default=known[0], required=True, key="rows", bind="query-params",
        help="Harm and suspicion are kept apart: each finds other rows and is for something else.",
    )  # fmt: skip
    view = VIEWS[chosen or known[0]]
    st.caption(view.purpose)
    order = table.sort_values(view.column, ascending=view.ascending, kind="stable")
    size = {"image": PAGE, "table": PAGE, "text": TEXTS}[dataset.kind]
    page = audits.turned_to(-(-len(order) // size), "rows_page")
    some = order.iloc[(page - 1) * size : page * size]
    draw = {"image": _images, "text": _texts, "table": _table}[dataset.kind]
    draw(dataset, some, view.column)


def _images(dataset: Dataset, some: pd.DataFrame, column: str) -> None:
    rows = some["row"].to_numpy()
    with layout.panels():
        with layout.panel():
            st.caption("Below each image its row and the label that it was given.")
            captions = [
                f"{row} {given}" for row, given in zip(some["row"], some["given"], strict=True)
            ]
            numbers = ", ".join(map(str, rows))
            gallery.show(audits.pixels(dataset, "train", rows), captions, f"Rows {numbers}")
        with layout.panel():
            st.dataframe(_scores(some, column), hide_index=True)


def _texts(dataset: Dataset, some: pd.DataFrame, column: str) -> None:
    texts = dataset.train.shown
    assert isinstance(texts, tuple)
    for line in some.to_dict("records"):
        text = " ".join(texts[line["row"]].replace("<br />", " ").split())
        short = text if len(text) <= LONGEST else f"{text[:LONGEST]}…"
        own, given = plain(line["own"]), plain(line["given"])
        wrong = f" (in the data set: {own})" if own != given else ""
        st.markdown(
            f"**{given}**{wrong} · row {line['row']} · {line[column]:+.3g}  \n{plain(short)}"
        )


def _table(dataset: Dataset, some: pd.DataFrame, column: str) -> None:
    shown = dataset.train.shown
    assert isinstance(shown, pd.DataFrame)
    cells = shown.iloc[some["row"].to_numpy()].reset_index(drop=True)
    st.dataframe(pd.concat([_scores(some, column), cells], axis=1), hide_index=True)


def _scores(some: pd.DataFrame, column: str) -> pd.DataFrame:
    """Rows with the score that they are sorted by first, and their labels by name."""
    scores = [column, *(name for name in ("influence", "suspicion") if name != column)]
    names = {"given": "label given", "own": "label in the data set"}
    table = some[["row", *scores, "given", "own"]].reset_index(drop=True).round(4)
    return table.rename(columns=names)


def _leave_out(dataset: Dataset, found: Scores) -> None:
    """Start a comparison of training with and without the most harmful rows."""
    with st.expander(
        "Train without the most harmful rows", icon=":material/compare_arrows:",
        on_change="rerun", key="leave-out",
    ) as box:  # fmt: skip
        if not box.open:
            return
        harmful = found.table[found.table["influence"] > 0]
        count = st.number_input(
            "Rows to leave out", 1, max(1, len(harmful)), min(30, max(1, len(harmful))),
            key="leave_out", help="The most harmful ones, of the data set's whole training split; "
            "labels are the data set's own.", width=layout.WIDGET,
        )  # fmt: skip
        worst = harmful.nlargest(int(count), "influence")["row"].to_numpy()
        removal.panel(dataset, worst, f"without-harmful-{dataset.name}")


def _spot_check(found: Scores) -> None:
    """Choose rows to leave out one at a time, and start that."""
    with st.expander(
        "Check the scores: leave rows out one at a time", icon=":material/rule:",
        on_change="rerun", key="spot-check",
    ) as box:  # fmt: skip
        if not box.open:
            return
        st.caption(
            "Each row is left out, the model is trained again, and the true change of the "
            "validation loss is held against what influence predicts."
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            which = st.selectbox(
                "Which", list(CHECKED), key="check_which", width=layout.WIDGET,
                help="Rows of all ranks give an honest correlation; the most extreme ones, half "
                "harmful and half helpful, look better than the rest.",
            )  # fmt: skip
            count = st.number_input(
                "Rows", 4, MOST_CHECKED, 20, 2, key="check_rows", width=layout.WIDGET // 2,
                help="How many of them.",
            )  # fmt: skip
            network = found.spec.parsed_model().name not in ("logistic", "boosting")
            repeats = st.number_input(
                "Repeats", 1, 50, 5 if network else 1, key="check_repeats",
                width=layout.WIDGET // 2, help=LeaveOneOutSpec.help("repeats"),
            )  # fmt: skip
            own = st.text_input(
                "Or your own rows", key="check_own", placeholder="3, 17, 19", width=layout.WIDGET,
                help="Row numbers, separated by commas, in place of those chosen.",
            )  # fmt: skip
        rows = _typed(own) if own.strip() else _chosen(found.table, int(count), CHECKED[which])
        values = {name: value for name, value in found.spec.to_dict().items() if name != "name"}
        spec = LeaveOneOutSpec.from_dict(
            {**values, "name": f"check-{found.spec.name}"[:80], "rows": rows,
             "repeats": int(repeats)}
        )  # fmt: skip
        jobs_panel.cost(spec)
        if people.button(
            "Leave out and train", icon=":material/play_arrow:",
            help="Queue the check and turn to it. It runs on when you close this page.",
        ):  # fmt: skip
            jobs_panel.submit("leave-one-out", spec)


def _chosen(table: pd.DataFrame, count: int, spread: bool) -> tuple[int, ...]:
    """Rows evenly spaced over the ranks of influence, or from both of their ends."""
    ordered = table.sort_values("influence", kind="stable")["row"].to_numpy()
    if spread:
        places = np.linspace(0, len(ordered) - 1, min(count, len(ordered))).round().astype(int)
    else:
        places = np.r_[: count // 2, -(count - count // 2) : 0]
    return tuple(sorted(set(ordered[places].tolist())))


def _typed(text: str) -> tuple[int, ...]:
    return tuple(parse_rows("Your own rows", text).tolist())
