"""The widget that most pages begin with: which data set?"""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.datasets import Listing
from pages.shared import loaders, shell

STATES = {
    "ready": "ships with the program",
    "on disk": "on this machine",
    "download": "to be downloaded",
}


def listing(help: str, width: int | Literal["stretch"] = "stretch") -> Listing:
    """Let the user choose a data set; the choice stands in the address.

    Args:
        help: What the choice does on this page.
        width: Of the widget in pixels.
    """
    found = loaders.catalogue()
    # Options without a format: what an option is shown as is what stands in the address.
    name = st.selectbox(
        "Data set",
        list(found),
        key="dataset",
        bind="query-params",
        width=width,
        help=help,
    )
    return found[name]


def is_here(listing: Listing) -> bool:
    """Whether a data set can be opened now; says what to do when it cannot."""
    if listing.state != "download":
        return True
    st.info(
        f"{listing.title} is not on this machine yet. Download it on the data sets page.",
        icon=":material/download:",
    )
    shell.link("datasets", f"Download {listing.title}", dataset=listing.name)
    return False
