"""The widget that most pages begin with: which data set?"""

from __future__ import annotations

from typing import Literal

import streamlit as st

from core.datasets import Kind, Listing
from core.datasets.base import PLURAL, Dataset
from core.errors import InputError
from pages.shared import loaders, shell
from pages.shared.text import plain

STATES = {
    "ready": "ships with the program",
    "on disk": "on this machine",
    "download": "to be downloaded",
}


IMAGES: frozenset[Kind] = frozenset({"image"})
EVERYTHING: frozenset[Kind] = frozenset({"image", "text", "table"})


def listing(
    help: str,
    width: int | Literal["stretch"] = "stretch",
    kinds: frozenset[Kind] = IMAGES,
) -> Listing:
    """Let the user choose a data set; the choice stands in the address.

    Args:
        help: What the choice does on this page.
        width: Of the widget in pixels.
        kinds: Which data sets the page can use; others are not offered.
    """
    found = offered(kinds)
    say_if_not_offered(kinds)
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


def offered(kinds: frozenset[Kind] = IMAGES) -> dict[str, Listing]:
    """The data sets of these kinds, by name."""
    return {name: one for name, one in loaders.catalogue().items() if one.kind in kinds}


def say_if_not_offered(kinds: frozenset[Kind] = IMAGES) -> None:
    """Tell whoever followed a link to a data set that the page cannot use why it is not shown."""
    asked = loaders.catalogue().get(st.query_params.get("dataset", ""))
    if asked is not None and asked.kind not in kinds:
        st.info(
            f"{plain(asked.title)} is a data set of {PLURAL[asked.kind]}; this page is for "
            f"{' and '.join(PLURAL[kind] for kind in PLURAL if kind in kinds)}.",
            icon=":material/info:",
        )


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


def of_study(name: str, fingerprint: str) -> Dataset | None:
    """The data set that a study ran on; None, and why, where it is not here as it was then.

    Args:
        name: As the study names it.
        fingerprint: The data set's when the study ran.
    """
    listing = loaders.catalogue().get(name)
    if listing is not None and not is_here(listing):
        return None
    try:
        dataset = loaders.dataset(name)
    except InputError as error:
        st.info(
            f"The study's data set cannot be opened here: {plain(str(error))}",
            icon=":material/folder_off:",
        )
        return None
    if dataset.fingerprint != fingerprint:
        st.warning(
            f"{plain(dataset.title)} here is not what the study ran on: it has changed, or was "
            "another one on the machine where the study ran.",
            icon=":material/sync_problem:",
        )
        return None
    return dataset
