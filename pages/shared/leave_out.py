"""What leaving rows out costs or gains: from what is flagged or tagged to a removal study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from core import curation
from core.curation import Row
from pages.shared import loaders, removal, shell
from pages.shared.images import Images
from pages.shared.text import plain


def show(images: Images, groups: Mapping[str, Sequence[Row]]) -> None:
    """The panel that starts a removal study, opened by those who want it.

    Args:
        images: What the rows are of.
        groups: Rows to choose from, by what they are called; tags are added to them.
    """
    box = st.expander(
        "Train and compare: what is it worth to leave these out?",
        icon=":material/compare_arrows:",
        on_change="rerun",
        key="leave_out",
    )
    with box:
        if not box.open:
            return
        if images.dataset is None:
            st.caption("A folder has no labels, so no model can be trained on it.")
            return
        if images.place.split != "train":
            st.caption("Models are trained on the training split: choose it above.")
            return
        table = curation.tags(loaders.store(), images.place)
        offered = {**groups}
        for name, part in table.groupby("tag")["row"]:
            offered.setdefault(f"tagged {name}", list(part))
        chosen = st.selectbox(
            "Leave out",
            list(offered),
            key="leave_out_rows",
            bind="query-params",
            help="Rows that are flagged now, or that have a tag.",
        )
        st.caption(f"{len(offered[chosen]):,} rows {plain(chosen)}.")
        with shell.sentences():  # Such as that nothing would be left; the page goes on.
            removal.panel(images.dataset, offered[chosen], f"{images.name}-without-{chosen}"[:80])
