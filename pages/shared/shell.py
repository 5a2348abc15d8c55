"""What surrounds every page: the page list, the sidebar, and the guard that pages begin with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

import streamlit as st
from streamlit.navigation.page import Page

from core import jobs, settings
from core.errors import XFactorError
from pages.shared import loaders, people
from pages.shared.text import plain

STARTED = "shell_started"
# Drawn here, because Streamlit fetches icons of the kind ":material/…:" for a browser tab from the
# network.
TAB_ICON = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16">'
    '<rect width="16" height="16" rx="3" fill="#0b6e69"/>'
    '<path d="M4.5 4l7 8M11.5 4l-7 8" stroke="#fff" stroke-width="2" stroke-linecap="round"/></svg>'
)


@dataclass(frozen=True)
class Entry:
    """One page: its file in `pages/` and how it is announced.

    One that is shown by itself has no place in the sidebar and no sidebar.
    """

    name: str
    title: str
    icon: str
    summary: str
    heading: str = ""
    by_itself: bool = False

    @property
    def path(self) -> str:
        """The file, as Streamlit names it."""
        return f"pages/{self.name}.py"

    @property
    def address(self) -> str:
        """What stands behind the `/` in the browser; the home page has nothing there."""
        return "" if self.name == "home" else self.name


PAGES = (
    Entry(
        "home",
        "Home",
        ":material/home:",
        "Find out how good a data set is, why, and what it costs your models.",
        heading="X-Factor Lab",
    ),
    Entry(
        "datasets",
        "Data sets",
        ":material/photo_library:",
        "What each data set holds: classes, samples, mean images, source and licence.",
    ),
    Entry(
        "explorer",
        "Subset explorer",
        ":material/filter_alt:",
        "See which images a selection strategy keeps and which it discards.",
    ),
    Entry(
        "study",
        "X-Factor study",
        ":material/science:",
        "Train many models on many subsets and ask whether quality belongs to the data.",
    ),
    Entry(
        "quality",
        "Image quality",
        ":material/image_search:",
        "Find dark, light, blurry and empty images, and see why each cut is where it is.",
    ),
    Entry(
        "duplicates",
        "Duplicates",
        ":material/content_copy:",
        "Find images that show the same thing, and test images that are in the training split.",
    ),
    Entry(
        "faults",
        "Faults",
        ":material/broken_image:",
        "Damage the data on purpose and see what each kind of damage costs each model.",
    ),
    Entry(
        "influence",
        "Influence",
        ":material/balance:",
        "Find the rows that harm a model and the labels that look wrong, and refine the data.",
    ),
    Entry(
        "comparison",
        "Train and compare",
        ":material/compare_arrows:",
        "Leave rows out and see what models make of it, beside as many random rows left out.",
    ),
    Entry(
        "scoreboard",
        "Detector scoreboard",
        ":material/scoreboard:",
        "Put known faults into a copy of your data and see which score and threshold find them.",
    ),
    Entry(
        "curation",
        "Curation",
        ":material/sell:",
        "Combine what people tagged into a training set: look at it, train on it, take it along.",
    ),
    Entry("jobs", "Jobs", ":material/list_alt:", "The queue: progress, log, cancel and resume."),
    Entry(
        "presentation",
        "Presentation",
        ":material/slideshow:",
        "A finished study as slides: its figures, each with the sentence that it shows.",
        by_itself=True,
    ),
)


def entry(name: str) -> Entry:
    """The page with a name."""
    return next(entry for entry in PAGES if entry.name == name)


def navigation(position: Literal["sidebar", "hidden"] = "sidebar") -> Page:
    """Register the pages with Streamlit; returns the one that the address asks for."""
    st.set_page_config(page_title="X-Factor Lab", page_icon=TAB_ICON, layout="wide")
    return st.navigation(
        [
            st.Page(
                page.path,
                title=page.title,
                icon=page.icon,
                url_path=page.address,
                default=not page.address,
                visibility="hidden" if page.by_itself else "visible",
            )
            for page in PAGES
        ],
        position=position,
    )


def run() -> None:
    """Draw the whole app; `app.py` is this call."""
    st.session_state[STARTED] = True
    page = navigation()
    with sentences():  # A list of people that cannot be read lets nobody through.
        if not people.may_look():
            navigation("hidden")
            people.sign_in()
        elif entry(page.url_path or "home").by_itself:
            navigation("hidden")
            page.run()
        else:
            sidebar()
            page.run()


def guard() -> None:
    """Begin again through `app.py` where a deep link has passed it by; every page begins so.

    On a fresh server a deep link runs the page's file without `app.py`, because Streamlit's old
    multipage mechanism sees the folder `pages/`. Registering the pages turns that mechanism off
    for the life of the server, and the rerun then goes through `app.py`.
    """
    if STARTED not in st.session_state:
        navigation()
        st.rerun()


@contextmanager
def page(name: str) -> Iterator[None]:
    """What every page's body stands in: guard, title and errors said in one sentence.

    Args:
        name: The page's file name without `.py`.
    """
    guard()
    st.title(entry(name).heading or entry(name).title, anchor=False)
    st.caption(entry(name).summary)
    with sentences():
        yield


@contextmanager
def sentences() -> Iterator[None]:
    """Errors raised on purpose are shown as their one sentence; fragments need their own."""
    try:
        yield
    except XFactorError as error:
        st.error(plain(str(error)), icon=":material/error:")


def link(name: str, label: str, **params: str) -> None:
    """A link to another page, with the state it should open in.

    Args:
        name: The page's file name without `.py`.
        label: What the link says.
        params: What stands behind `?` in the address.
    """
    page = entry(name)
    st.page_link(page.path, label=label, icon=page.icon, query_params=params or None)


@st.cache_resource(show_spinner=False)
def device() -> str:
    """The device that models are trained on, asked once: it imports torch."""
    return settings.device()


def sidebar() -> None:
    """Name the data root, the device and whether jobs run."""
    with st.sidebar, sentences():
        active = [job for job in jobs.all_jobs(loaders.store()) if job.active]
        running = sum(job.state == "running" for job in active)
        st.caption(
            f"Jobs: **{running}** running, **{len(active) - running}** waiting"
            if active
            else "No job is running"
        )
        st.caption(f"Models train on **{device()}**")
        st.caption(f"Data in {plain(str(settings.data_root()))}")
        people.panel()
        for path in loaders.store().set_aside():
            st.warning(
                f"The store was damaged and is kept as {plain(path.name)} in "
                f"{plain(str(path.parent))}: what is shown began after that. Move the file away "
                "when it is no longer needed."
            )
