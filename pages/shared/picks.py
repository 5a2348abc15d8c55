"""A gallery in which images are looked through, selected, tagged and saved."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.curation import Place, Row
from pages.shared import audits, export, sheet, shell, tags
from pages.shared.images import Images

SIZES = (100, 500)
Positions = npt.NDArray[np.intp]
Values = npt.NDArray[np.float64]


@st.cache_resource(max_entries=40, show_spinner="Making the sheet …")
def _sheet(name: str, place: Place, rows: tuple[Row, ...], _images: Images) -> sheet.Sheet:
    return sheet.made(_images.pixels(_images.positions(list(rows))))


@st.fragment
def show(images: Images, groups: Mapping[str, Positions], values: Values | None, stem: str) -> None:
    """The gallery: which group, which page of it, what to do with what is selected.

    Args:
        images: What it is about.
        groups: Places in the table by the name of the group, in the order to be shown.
        values: A number that stands below each image, by its place in the table; or none.
        stem: Begins the names of files that are saved.
    """
    with shell.sentences():
        key = f"{images.place.dataset}-{images.place.split}"
        table = tags.given(images)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            group, size = _group_widgets(list(groups))
            positions = groups[group]
            page = _page_widgets(-(-len(positions) // size))
        if not len(positions):
            st.caption(f"No image is in the group “{group}”.")
        else:
            shown = positions[(page - 1) * size : page * size]
            _draw(images, table, shown, values, key, group)
            with st.container(horizontal=True, vertical_alignment="center"):
                _select_widgets(images, shown, positions, key)
                tags.buttons(images, table, key)
                _save(images, key, stem)
        tags.listing(images, table)


def _group_widgets(groups: list[str]) -> tuple[str, int]:
    group = st.segmented_control(
        "Images",
        groups,
        default=groups[0],
        required=True,
        key="group",
        bind="query-params",
        help="Which images are shown. The selection stays when you change it.",
    )
    size = st.segmented_control(
        "A page",
        SIZES,
        default=SIZES[0],
        required=True,
        key="size",
        bind="query-params",
        help="How many images are shown at once.",
    )
    return group or groups[0], size or SIZES[0]


def _turn(step: int, count: int) -> None:
    st.session_state["sheet_page"] = min(max(st.session_state["sheet_page"] + step, 1), count)


def _page_widgets(count: int) -> int:
    """The page that is looked at, from 1; `N` and `P` turn it."""
    if count <= 1:
        return 1
    if st.session_state.get("sheet_page", 1) > count:
        st.session_state["sheet_page"] = count
    page = st.pagination(count, key="sheet_page", bind="query-params")
    for label, step, icon in (("Previous", -1, "arrow_back"), ("Next", 1, "arrow_forward")):
        st.button(
            label,
            key=f"turn{step}",
            icon=f":material/{icon}:",
            shortcut=label[0],
            type="tertiary",
            disabled=not 1 <= page + step <= count,
            help=f"The {label.lower()} page; the key {label[0]} does the same.",
            on_click=_turn,
            args=(step, count),
        )
    return page


def _draw(
    images: Images,
    table: pd.DataFrame,
    shown: Positions,
    values: Values | None,
    key: str,
    group: str,
) -> None:
    rows: list[Row] = list(images.rows[shown])
    sheet.show(
        key,
        _sheet(images.name, images.place, tuple(rows), images),
        rows,
        [""] * len(shown) if values is None else [f"{value:.2f}" for value in values[shown]],
        tags.texts(table, rows),
        f"{group} images",
    )


def _select_widgets(images: Images, shown: Positions, positions: Positions, key: str) -> None:
    chosen = sheet.selection(key).rows
    st.markdown(f"**{len(chosen):,}** selected")
    for label, some, shortcut, help in (
        ("Page", shown, "A", "Add the images of this page to the selection."),
        (f"All {len(positions):,}", positions, None, "Add the images of all pages."),
    ):
        rows = list(dict.fromkeys([*chosen, *images.rows[some]]))
        st.button(
            label,
            key=f"select-{label.split()[0]}",
            icon=":material/select_all:",
            shortcut=shortcut,
            disabled=len(rows) == len(chosen),
            help=help,
            on_click=sheet.select,
            args=(key, rows),
        )
    st.button(
        "None",
        icon=":material/deselect:",
        disabled=not chosen,
        help="Select no image.",
        on_click=sheet.select,
        args=(key, []),
    )


def _save(images: Images, key: str, stem: str) -> None:
    """Buttons that save what is selected."""
    chosen = images.positions(sheet.selection(key).rows)
    with st.popover(
        "Save",
        icon=":material/download:",
        disabled=not len(chosen),
        help="Save the selected images' rows with all scores and tags.",
    ):
        some = images.table.iloc[chosen]
        export.table(lambda: tags.with_tags(images, some), f"{stem}-selected", "Selected as CSV")
        audits.parquet(
            lambda: tags.with_tags(images, some), f"{stem}-selected", "Selected as Parquet"
        )
        export.lines(images.rows[chosen], f"{stem}-selected", "Selected as a list")
