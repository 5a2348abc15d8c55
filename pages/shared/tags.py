"""Tags on images: giving them to what is selected, and listing them with who and when."""

from __future__ import annotations

import getpass

import pandas as pd
import streamlit as st

from core import curation
from core.curation import TAGS, Row
from pages.shared import actions, audits, export, layout, loaders, people, sheet
from pages.shared.images import Images
from pages.shared.text import plain

LISTED = 1000
LOOKS = {
    "keep": (":material/check_circle:", "K", "They are good whatever a detector says."),
    "remove": (":material/cancel:", "D", "They should not be trained on. No file is deleted."),
    "review": (":material/help:", "V", "Somebody should look at them again."),
}


def who() -> str:
    """Who sits before the screen: the name they signed in with, else the one they typed."""
    known = people.name()
    return (known or str(st.session_state.get("who") or _account()))[: curation.MOST_LETTERS]


def _account() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # The system's account has no name, as in some containers.
        return "somebody"


def name_widget() -> None:
    """Where people who are not signed in say who they are."""
    if not people.signed_in():
        st.text_input(
            "Your name",
            _account(),
            max_chars=curation.MOST_LETTERS,
            key="who",
            persist_state="session",
            width=layout.WIDGET,
            help="Stands beside the tags that you give and the cuts that you save.",
        )


def given(images: Images) -> pd.DataFrame:
    """Every tag in the place of some images, as `curation.tags` gives them."""
    return curation.tags(loaders.store(), images.place)


def texts(table: pd.DataFrame, rows: list[Row]) -> list[str]:
    """The tags of each of some rows as one text, empty for none; `table` as `given` gives it."""
    some = table[table["row"].isin(rows)]
    found = some.groupby("row")["tag"].agg(", ".join).to_dict()
    return [found.get(row, "") for row in rows]


def _give(images: Images, key: str, name: str) -> None:
    chosen = sheet.selection(key).rows
    with actions.in_passing():
        count = actions.tag(images.place, chosen, name, who())
        st.toast(f"{count:,} of {len(chosen):,} tagged {plain(name)}", icon=":material/sell:")
        sheet.select(key, [])


def _give_own(images: Images, key: str) -> None:
    _give(images, key, str(st.session_state["own_tag"]))


def _take(images: Images, key: str) -> None:
    chosen, name = sheet.selection(key).rows, st.session_state["taken_tag"]
    if name is None:
        return
    with actions.in_passing():
        count = actions.untag(images.place, chosen, name)
        st.toast(f"{plain(name)} taken from {count:,} images", icon=":material/sell:")
        sheet.select(key, [])


def buttons(images: Images, table: pd.DataFrame, key: str) -> None:
    """Buttons that tag what is selected in the sheet with this key; `K`, `D` and `V` do too."""
    nothing = not sheet.selection(key).rows
    for name in TAGS:
        icon, shortcut, help = LOOKS[name]
        people.button(
            name.capitalize(),
            key=f"tag-{name}",
            icon=icon,
            shortcut=shortcut,
            disabled=nothing,
            help=f"Tag the selected images {name}. {help}",
            on_click=_give,
            args=(images, key, name),
        )
    with st.popover("Other", icon=":material/sell:", help="A tag of your own, or take one away."):
        st.text_input(
            "A tag of your own",
            key="own_tag",
            max_chars=curation.MOST_LETTERS,
            help="Any short text, such as: wrong label.",
        )
        people.button(
            "Tag the selected",
            disabled=nothing,
            help="Give the selected images this tag.",
            on_click=_give_own,
            args=(images, key),
        )
        known = table["tag"].unique()
        st.selectbox(
            "Tag to take away",
            sorted(known),
            index=None,
            key="taken_tag",
            placeholder="None" if len(known) else "There are no tags yet",
            help="From the selected images, whoever gave it.",
        )
        people.button(
            "Take it from the selected",
            disabled=nothing,
            help="The images keep their other tags.",
            on_click=_take,
            args=(images, key),
        )
        name_widget()


def _not_kept(images: Images, rows: list[Row], name: str) -> tuple[list[Row], int]:
    """Those of some rows that nobody tagged keep, and how many of them lack a tag."""
    table = given(images)
    kept, has = (set(table.loc[table["tag"] == one, "row"]) for one in ("keep", name))
    rows = [row for row in rows if row not in kept]
    return rows, sum(row not in has for row in rows)


def _give_all(images: Images, rows: list[Row], name: str) -> None:
    rows, _ = _not_kept(images, rows, name)
    with actions.in_passing():
        count = actions.tag(images.place, rows, name, who())
        st.toast(f"{count:,} of {len(rows):,} tagged {plain(name)}", icon=":material/sell:")


def all_button(images: Images, found: list[Row], name: str) -> None:
    """A button that tags rows found by a rule; what somebody tagged keep is left alone."""
    rows, left = _not_kept(images, found, name)
    with st.container(horizontal=True, vertical_alignment="center"):
        people.button(
            f"Tag {left:,} {'image' if left == 1 else 'images'} {name}",
            icon=LOOKS[name][0],
            disabled=not left,
            on_click=_give_all,
            args=(images, found, name),
            help=f"{LOOKS[name][2]} Images tagged keep are left alone.",
        )
        st.caption(f"{len(rows) - left:,} have the tag, {len(found) - len(rows):,} are kept.")


def listing(images: Images, table: pd.DataFrame) -> None:
    """The tags with who gave them and when, the newest first."""
    st.subheader("Tags", anchor=False)
    if table.empty:
        st.caption("No image has a tag yet. Select some above and press Keep, Remove or Review.")
        return
    counts = table["tag"].value_counts(sort=False)
    shown = table.sort_values("created", ascending=False, kind="stable").head(LISTED)
    only = f". The newest {LISTED:,} are listed." if len(table) > LISTED else ""
    listed = " · ".join(f"{plain(str(name))} {count:,}" for name, count in counts.items())
    st.caption(listed + only)
    st.dataframe(
        shown,
        hide_index=True,
        height=240,
        alt="Every tag with its row, who gave it and when",
        column_config={"created": st.column_config.DatetimeColumn("when", format="calendar")},
    )
    with st.container(horizontal=True):
        export.table(table, f"{images.stem}-tags", "Tags as CSV")
        audits.parquet(table, f"{images.stem}-tags", "Tags as Parquet")


def with_tags(images: Images, table: pd.DataFrame) -> pd.DataFrame:
    """A table of images with their tags as its last column."""
    rows = list(images.rows[table.index.to_numpy()])
    return table.assign(tags=texts(given(images), rows))
