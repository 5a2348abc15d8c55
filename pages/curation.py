"""From tags to training sets: combine them, look at the result, train on it, take it along."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.curation import Row, combine
from core.curation.export import Entry, files, image_folder, write_parquet, write_zip
from pages.shared import audits, export, leave_out, picks, shell, source, tags
from pages.shared.images import Images
from pages.shared.text import plain

CONDITIONS = {
    "any_of": ("Any of", "or", "At least one of these tags."),
    "all_of": ("All of", "and", "Each of these tags."),
    "none_of": ("None of", "or", "Leaves out images with any of these tags."),
}
WORDS = {"any_of": "tagged {}", "all_of": "tagged {}", "none_of": "not tagged {}"}


def condition_widgets(table: pd.DataFrame) -> dict[str, list[str]]:
    """Which tags a row must have or must not have."""
    names = sorted(table["tag"].unique())
    with st.container(horizontal=True, gap="medium"):
        return {
            key: st.pills(
                title,
                names,
                format_func=plain,
                selection_mode="multi",
                key=key,
                bind="query-params",
                help=help,
            )
            for key, (title, _, help) in CONDITIONS.items()
        }


def in_words(conditions: dict[str, list[str]]) -> str:
    """The conditions as half a sentence, such as `tagged remove or review, not tagged keep`."""
    parts = [
        WORDS[key].format(f" {CONDITIONS[key][1]} ".join(chosen))
        for key, chosen in conditions.items()
        if chosen
    ]
    return ", ".join(parts)


def combined(images: Images, table: pd.DataFrame) -> tuple[npt.NDArray[np.intp], str]:
    """Places in the table of the rows that the user asks for, and which those are, in words."""
    conditions = condition_widgets(table)
    others = st.toggle(
        "All others instead",
        key="others",
        bind="query-params",
        help="The rows that do not fulfil the conditions: what stays when these go.",
    )
    found = images.positions(combine(table, **conditions, rows=list(images.rows)))
    found = np.sort(found)
    if others:
        found = np.setdiff1d(np.arange(len(images.table)), found)
    words = in_words(conditions) or "whatever their tags"
    words = f"all but those {words}" if others else words
    st.markdown(f"**{len(found):,}** of {len(images.table):,} images: {plain(words)}.")
    return found, words


def archive(entries: Iterator[Entry]) -> bytes:
    """A ZIP file of some files."""
    file = io.BytesIO()
    write_zip(entries, file)
    return file.getvalue()


def hub_parquet(images: Images, rows: list[Row]) -> bytes:
    """Rows of a data set as a Parquet file of images and labels."""
    assert images.dataset is not None
    file = io.BytesIO()
    write_parquet(images.dataset, images.place.split, [int(row) for row in rows], file)
    return file.getvalue()


def packed(images: Images, rows: list[Row]) -> bytes:
    """Rows of a data set as an image folder, or files of a folder, in a ZIP file."""
    if images.dataset is not None:
        return archive(image_folder(images.dataset, images.place.split, [int(row) for row in rows]))
    assert images.folder is not None
    return archive(files(images.folder, [str(row) for row in rows]))


def button(label: str, name: str, data: Callable[[], bytes], help: str) -> None:
    """A button that saves a file, made when it is pressed."""
    st.download_button(
        label,
        data=data,
        file_name=name,
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
        help=help,
    )


def take_along(images: Images, found: npt.NDArray[np.intp]) -> None:
    """The rows as tables, lists and data sets."""
    st.subheader("Take it with you", anchor=False)
    stem, rows = f"{images.stem}-curated", list(images.rows[found])
    some = images.table.iloc[found]
    with st.container(horizontal=True):
        export.table(lambda: tags.with_tags(images, some), stem, "Rows with scores and tags as CSV")
        audits.parquet(lambda: tags.with_tags(images, some), stem)
        export.lines(rows, stem, "As a list")
        button(
            "Images as ZIP",
            f"{stem}.zip",
            lambda: packed(images, rows),
            "An image folder, split/class/file, or the files as they are in the folder.",
        )
        if images.dataset is not None:
            button(
                "Hugging Face Parquet",
                f"{stem}-images.parquet",
                lambda: hub_parquet(images, rows),
                "Images and labels as the hub stores them; this program opens it too.",
            )
    st.caption("No original is changed or deleted.")


def body() -> None:
    """The data set, the conditions, and what can be done with the rows."""
    with st.container(border=True, horizontal=True):
        name = source.choose("Whose tags are combined.")
        split = source.split(name)
    if not source.is_here(name):
        return
    images = source.images(name, split)
    table = tags.given(images)
    if table.empty:
        st.info(
            "Nobody has tagged an image of this yet. Select images on the page on image quality "
            "or on duplicates and press Keep, Remove or Review.",
            icon=":material/sell:",
        )
        shell.link("quality", "Tag images", dataset=name)
        return
    found, words = combined(images, table)
    rest = np.setdiff1d(np.arange(len(images.table)), found)
    picks.show(images, {"Chosen": found, "The others": rest}, None, f"{images.stem}-curated")
    leave_out.show(images, {words: list(images.rows[found])})
    take_along(images, found)


with shell.page("curation"):
    body()
