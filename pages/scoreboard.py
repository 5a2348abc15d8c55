"""Which detector to trust: known faults put into a copy of one's own data."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.charts import scoreboard as charts
from core.quality import SCORES
from core.quality.perturb import SEVERITIES
from core.studies.scoreboard import KINDS, ScoreboardSpec
from pages.shared import export, jobs_panel, layout, loaders, people, picker, shell
from pages.shared.text import plain

TITLES = {kind: text.capitalize() for kind, text in KINDS.items()}
DRAWN = ("F1", "Precision", "Recall", "False alarms")


def compose() -> None:
    """Widgets, and the button that starts it."""
    with st.container(border=True):
        listing = picker.listing(ScoreboardSpec.help("dataset"), layout.WIDGET)
        if not picker.is_here(listing):
            return
        with st.container(horizontal=True, vertical_alignment="bottom"):
            severity = st.segmented_control(
                "Severity",
                SEVERITIES,
                default="medium",
                required=True,
                key="severity",
                bind="query-params",
                help=ScoreboardSpec.help("severity"),
            )
            percent = st.number_input(
                "Faulty, %",
                1,
                60,
                12,
                key="percent",
                bind="query-params",
                width=layout.WIDGET // 2,
                help=ScoreboardSpec.help("percent"),
            )
            seed = st.number_input(
                "Seed",
                0,
                key="seed",
                bind="query-params",
                width=layout.WIDGET // 2,
                help=ScoreboardSpec.help("seed"),
            )
    st.caption(
        "Faults are put into a copy in memory, of 5,000 images at most; your files stay as they "
        "are. It took 11 seconds for 5,000 colour images of 32 × 32 pixels on one core."
    )
    if people.button(
        "Judge the detectors",
        icon=":material/play_arrow:",
        help="Queue it. It runs on when you close this page, and the table is remembered.",
    ):
        name = f"scoreboard-{listing.name}"
        spec = ScoreboardSpec(listing.name, name, int(percent), severity or "medium", int(seed))
        jobs_panel.submit("scoreboard", spec)


def show(key: str, moment: float) -> None:
    """What it says, in words, as heat maps and as tables."""
    found = loaders.report(key, moment)
    st.markdown("\n".join(f"- {plain(text)}" for text in found.sentences))
    table = found.tables["scoreboard"]
    if table.empty:
        return
    draw(table)
    st.subheader("What the default reaches", anchor=False)
    st.dataframe(found.tables["default"].round(4), hide_index=True)
    copies = table[table["faults"] == "copies"]
    st.subheader("Near-duplicates", anchor=False)
    st.caption(
        "Copies with brightness and contrast changed by up to 40 %; `clean_flagged` is the share "
        "of untouched images that are in a pair."
    )
    st.dataframe(copies.drop(columns=["faults", "issue"]).round(4), hide_index=True)
    export.table(table, "scoreboard", "All pairs of score and threshold as CSV")


def draw(table: pd.DataFrame) -> None:
    """The heat map of one kind of faults and one measure."""
    st.subheader("Every score under every threshold", anchor=False)
    kinds = {text: kind for kind, text in TITLES.items() if (table["faults"] == kind).any()}
    with st.container(horizontal=True):
        kind = st.segmented_control(
            "In each image",
            list(kinds),
            default=next(iter(kinds)),
            required=True,
            key="faults",
            bind="query-params",
            help="How many different faults are put into an image.",
        )
        drawn = st.segmented_control(
            "Shown",
            DRAWN,
            default=DRAWN[0],
            required=True,
            key="measure",
            bind="query-params",
            help="F1 weighs precision and recall alike; false alarms are the share of untouched "
            "images that are flagged.",
        )
    rows = table[(table["faults"] == kinds[kind or next(iter(kinds))]) & (table["issue"] != "any")]
    titles = [SCORES[name].title for name in rows["score"]]
    measure = dict(zip(DRAWN, charts.MEASURES, strict=True))[drawn or DRAWN[0]]
    rows = rows.assign(detector=titles).sort_values(["issue", "score"], kind="stable")
    st.caption("In per cent.")
    figure = charts.heatmap(rows, measure)
    st.altair_chart(figure, alt=f"{drawn} of every score under every threshold")
    export.chart(figure, rows, f"scoreboard-{measure}")


with shell.page("scoreboard"):
    job = jobs_panel.choose(
        "scoreboard", "New scoreboard", "Judge the detectors anew, or read what was found."
    )
    if job is None:
        compose()
    else:
        jobs_panel.read(job, show)
