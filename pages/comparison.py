"""What leaving rows out costs: compose such a study from row numbers, and read it."""

from __future__ import annotations

import streamlit as st

from core.specs import parse_rows
from core.studies.removal import RemovalSpec
from pages.shared import jobs_panel, loaders, picker, removal, shell


def compose() -> None:
    """A data set, the rows to leave out, and the panel that starts the study."""
    listing = picker.listing(RemovalSpec.help("dataset"), kinds=picker.EVERYTHING)
    if not picker.is_here(listing):
        return
    text = st.text_area(
        "Rows to leave out",
        key="remove",
        placeholder="3,17-19",
        help=RemovalSpec.help("remove"),
    )
    if not text.strip():
        st.info(
            "Name the rows here, or flag them: faulty images and duplicates have their pages.",
            icon=":material/flag:",
        )
        shell.link("quality", "Flag faulty images")
        shell.link("duplicates", "Find duplicates")
        return
    rows = parse_rows("Rows to leave out", text.replace("\n", ","))
    removal.panel(loaders.dataset(listing.name), rows, f"rows-of-{listing.name}")


with shell.page("comparison"):
    job = jobs_panel.choose(
        "removal", "New comparison", "Start a new one, or read one that has run or runs."
    )
    if job is None:
        compose()
    else:
        jobs_panel.read(job, removal.show)
