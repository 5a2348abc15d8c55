"""What each data set holds."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core import settings
from core.charts.explorer import class_counts
from core.datasets import Listing
from core.datasets.base import Dataset
from pages.shared import actions, export, gallery, layout, loaders, people, picker, rows, shell
from pages.shared.text import plain

SAMPLES = 7
MOST_SEEDS = 99
MOST_CLASSES = 50
NOUNS = {"image": "images", "text": "texts", "table": "rows"}


def catalogue() -> None:
    """All data sets that there are."""
    table = pd.DataFrame(
        [
            {
                "name": one.name,
                "title": one.title,
                "kind": NOUNS[one.kind],
                "state": picker.STATES[one.state],
                "what it is": one.summary,
            }
            for one in loaders.catalogue().values()
        ]
    )
    with st.expander(f"All {len(table)} data sets", icon=":material/list:"):
        st.dataframe(table, hide_index=True)
        export.table(table, "data-sets")


def download(listing: Listing) -> None:
    """Offer to fetch a data set, and do it with a progress bar."""
    st.info(f"{listing.summary} It is not on this machine yet.", icon=":material/download:")
    if not people.button(
        f"Download {listing.title}",
        icon=":material/download:",
        help="Fetched once, checked, and kept in the data root.",
    ):
        return
    bar = st.progress(0.0, text="Connecting …")

    def tell(done: int, total: int, what: str) -> None:
        bar.progress(min(1.0, done / total) if total else 0.0, text=plain(what))

    try:
        actions.download(listing.name, tell)
    finally:
        bar.empty()
    loaders.catalogue.clear()
    st.rerun()


def facts(dataset: Dataset) -> None:
    """Sizes, source and licence."""
    what = NOUNS[dataset.kind]
    metrics = (
        (f"Training {what}", f"{len(dataset.train):,}", "Training sets are made of these."),
        (f"Test {what}", f"{len(dataset.test):,}", "A fixed split; models are only tested on it."),
        ("Classes", str(len(dataset.classes)), "Their names stand below."),
        shape(dataset),
    )
    with st.container(horizontal=True, gap="medium"):
        for title, value, help in metrics:
            st.metric(title, value, help=help, width="content")
    st.markdown(f"**Source** {plain(dataset.source)}  \n**Licence** {plain(dataset.licence)}")
    for note in dataset.notes:
        st.caption(plain(note))
    if dataset.left_out:
        table = pd.DataFrame(dataset.left_out, columns=["file or row", "why it was left out"])
        with st.expander(f"{len(table):,} left out", icon=":material/block:"):
            st.dataframe(table, hide_index=True)
            export.table(table, f"{dataset.name}-left-out")


def shape(dataset: Dataset) -> tuple[str, str, str]:
    """Title, value and explanation of how large one row is."""
    if dataset.kind == "image":
        height, width, channels = dataset.image_shape
        colour = "grey" if channels == 1 else "colour"
        return "Image", f"{width} × {height}", f"Width and height in pixels, {colour}."
    features = f"{len(dataset.features):,}"
    if dataset.kind == "text":
        return "Words", features, "Known words: the features that models see."
    return "Features", features, "Numbers that models see of a row, after categories are spread."


def counts(dataset: Dataset) -> None:
    """Rows by class and split; of very many classes, the first are drawn and all are saved."""
    what = NOUNS[dataset.kind]
    table = pd.DataFrame(
        {
            "class": np.tile(dataset.classes, 2),
            "split": np.repeat(["train", "test"], len(dataset.classes)),
            what: np.concatenate(
                [
                    np.bincount(split.y, minlength=len(dataset.classes))
                    for split in (dataset.train, dataset.test)
                ]
            ),
        }
    )
    st.subheader(f"{what.capitalize()} by class", anchor=False)
    figure = class_counts(table[table["class"].isin(dataset.classes[:MOST_CLASSES])], what)
    st.altair_chart(figure, alt=f"Bar chart of {what} by class and split")
    export.chart(figure, table, f"{dataset.name}-classes")


def means(dataset: Dataset) -> None:
    """The mean image of each class."""
    st.subheader("Mean image of each class", anchor=False)
    st.caption("Over the whole training split. The mean strategies measure distances to these.")
    flat = loaders.geometry(dataset.name).means[:MOST_CLASSES]
    names = dataset.classes[:MOST_CLASSES]
    gallery.show(
        gallery.stretched(flat.reshape(-1, *dataset.image_shape), dataset.peak),
        names,
        f"Mean images of {', '.join(names)}",
    )


def samples(dataset: Dataset) -> None:
    """Some training images of each class."""
    st.subheader("Samples", anchor=False)
    seed = st.slider(
        "Another sample",
        0,
        MOST_SEEDS,
        0,
        key="sample",
        bind="query-params",
        help="Each number shows other images, one class a row. The numbers below are rows.",
    )
    rng = np.random.default_rng(seed)
    members = loaders.geometry(dataset.name).rows[:MOST_CLASSES]
    count = min(SAMPLES, *map(len, members))
    drawn = np.concatenate([rng.choice(some, count, replace=False) for some in members])
    gallery.show(
        gallery.pixels(dataset, drawn),
        [str(row) for row in drawn],
        f"{count} training images of each class",
        columns=count,
        titles=dataset.classes[:MOST_CLASSES],
    )


def own_data() -> None:
    """How to bring data of one's own."""
    with st.expander("Bring your own data", icon=":material/add_photo_alternate:"):
        st.markdown(
            "Put a folder or file below the data root, or name further folders in "
            "`XFACTOR_FOLDERS`, and it is listed above by its name. Three layouts are read:\n"
            "- **image folder**: `name/train/class/file.png` and `name/test/class/file.png`, or "
            "`name/class/file.png`, from which a fixed test split is taken;\n"
            "- **Parquet** as the Hugging Face hub stores data sets, with a label column and one "
            "of images or of texts;\n"
            "- **CSV table** with a header, in which the column `label`, `target` or `class` is "
            "the label; columns of numbers are standardised, others are categories."
        )
        folders = "  \n".join(plain(str(path)) for path in settings.allowed_folders())
        st.caption(f"Folders that are read here:  \n{folders}")


def body() -> None:
    """The catalogue and the data set chosen."""
    listing = picker.listing("The data set shown below.", kinds=picker.EVERYTHING)
    catalogue()
    own_data()
    if listing.state == "download":
        download(listing)
        return
    dataset = loaders.dataset(listing.name)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.header(plain(dataset.title), anchor=False)
        st.button(
            "Read again",
            icon=":material/refresh:",
            type="tertiary",
            help="If its files have changed since it was opened here.",
            on_click=loaders.forget,
            args=(listing.name,),
        )
    facts(dataset)
    if len(dataset.classes) > MOST_CLASSES:
        st.caption(f"The first {MOST_CLASSES} of {len(dataset.classes):,} classes are drawn.")
    if dataset.kind == "table":
        counts(dataset)
        rows.column_summary(dataset)
        rows.samples(dataset)
        return
    with layout.panels():
        with layout.panel():
            counts(dataset)
            (means if dataset.kind == "image" else rows.word_summary)(dataset)
        with layout.panel():
            (samples if dataset.kind == "image" else rows.samples)(dataset)


with shell.page("datasets"):
    body()
