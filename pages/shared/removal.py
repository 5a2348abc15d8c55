"""Leaving rows out: the panel that starts the study, and what it found."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import streamlit as st

from core.charts.removal import differences
from core.datasets.base import Dataset
from core.models import MODELS
from core.specs import TrainingSet, rows_text
from core.studies import removal
from core.studies.removal import RemovalSpec
from pages.shared import export, jobs_panel, layout, loaders, people, shell, shown
from pages.shared.text import plain

QUICK = 2000
MODEL_CHOICE = ("rf", "mlp-1")


def panel(
    dataset: Dataset, rows: npt.ArrayLike, name: str, begin: TrainingSet | None = None
) -> None:
    """Widgets of a removal study of some training rows, its cost, and the button that starts it.

    Args:
        dataset: The data set that the rows are of.
        rows: Training rows to leave out, in any order; none shows what to do.
        name: What the study is called unless the user calls it something else.
        begin: Rows and labels to begin with; the whole training split when None.
    """
    text = rows_text(rows)
    if not text:
        st.caption("Nothing is flagged here, so there is nothing to leave out.")
        return
    key = f"removal-{name}"
    with st.container(border=True):
        st.markdown(
            "Train on all rows, without these, and without as many random rows of the same "
            "classes. The difference is what the rows cost."
        )
        usable = [name for name, family in MODELS.items() if dataset.kind in family.kinds]
        models = st.pills(
            "Models",
            usable,
            selection_mode="multi",
            default=[name for name in MODEL_CHOICE if name in usable] or usable[:1],
            key=f"{key}-models",
            help=RemovalSpec.help("models"),
        )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            repeats = st.number_input(
                "Repeats", 2, 100, 6, key=f"{key}-repeats", help=RemovalSpec.help("repeats")
            )
            most = len(dataset.train) if begin is None else begin.rows.size
            images = st.number_input(
                "Rows drawn", 0, most, QUICK if most > QUICK else 0, key=f"{key}-images",
                help=RemovalSpec.help("images"),
            )  # fmt: skip
            called = st.text_input(
                "Name", key=f"{key}-name", placeholder=name, max_chars=80, width=layout.WIDGET,
                help=RemovalSpec.help("name"),
            )  # fmt: skip
        if not models:
            st.caption("Choose at least one model.")
            return
        among, labels = _begin(dataset, begin)
        spec = RemovalSpec(
            dataset=dataset.name, remove=text, name=called.strip() or name, among=among,
            labels=labels, models=tuple(models), repeats=int(repeats), images=int(images),
        )  # fmt: skip
        jobs_panel.cost(spec)
        if people.button(
            "Train and compare",
            icon=":material/compare_arrows:",
            key=f"{key}-run",
            help="Queue the study and open its page. It runs on when you close it.",
        ):
            jobs_panel.submit("removal", spec)


def _begin(dataset: Dataset, begin: TrainingSet | None) -> tuple[str, str]:
    """The settings that say which rows and which labels a study begins with."""
    if begin is None:
        return "", ""
    own = dataset.train.y[begin.rows]
    given = own if begin.labels is None else begin.labels
    changed = np.flatnonzero(given != own)
    labels = ",".join(f"{begin.rows[place]}={given[place]}" for place in changed)
    return rows_text(begin.rows), labels


def show(key: str, moment: float) -> None:
    """Differences with their intervals, in words, as a chart and as tables."""
    found = loaders.report(key, moment)
    st.markdown("\n".join(f"- {plain(text)}" for text in found.sentences))
    table = found.tables["differences"]
    if table.empty:
        return
    figure = differences(table.assign(against=table["against"].map(removal.AGAINST)))
    st.altair_chart(figure, alt="Difference in accuracy by model, with 95 % confidence intervals")
    export.chart(figure, table, "removal-differences")
    for title, name in (("Accuracy by arm", "accuracy"), ("Differences", "differences")):
        st.subheader(title, anchor=False)
        shown.table(found.tables[name], f"removal-{name}-table")
    export.table(found.tables["scores"], "removal-scores", "All scores as CSV")
    shell.link("quality", "Flag other rows")
