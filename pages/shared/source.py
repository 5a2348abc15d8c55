"""The widget that the image pages begin with: a data set, or a folder of files without labels?"""

from __future__ import annotations

import streamlit as st

from core.curation import Place
from core.quality import folders
from pages.shared import audits, layout, loaders, picker
from pages.shared.images import Images

FOLDERS_SECONDS = 30


@st.cache_data(max_entries=1, ttl=FOLDERS_SECONDS, show_spinner=False)
def _folders() -> list[str]:
    return folders.image_folders()


def choose(help: str) -> str:
    """Name of the data set, or of the folder with a `/` behind it."""
    picker.say_if_not_offered()
    return st.selectbox(
        "Data set",
        [*picker.offered(), *_folders()],
        key="dataset",
        bind="query-params",
        width=layout.WIDGET,
        help=f"{help} A name with / is a folder: its image files are taken as they are, at any "
        "depth, without labels.",
    )


def split(name: str) -> str:
    """`train` or `test`; a folder has neither."""
    chosen = st.segmented_control(
        "Split",
        ["train", "test"],
        default="train",
        required=True,
        key="split",
        bind="query-params",
        disabled=name.endswith("/"),
        help="Training images, or the test images that models are measured on. A folder has no "
        "splits.",
    )
    return chosen or "train"


def is_here(name: str) -> bool:
    """Whether it can be opened now; says what to do when it cannot."""
    return name.endswith("/") or picker.is_here(loaders.catalogue()[name])


def images(name: str, split: str = "train") -> Images:
    """A split of a data set, or the files in a folder, scanned.

    Raises:
        InputError: The folder is gone, cannot be read or holds no images.
    """
    if not name.endswith("/"):
        dataset = loaders.dataset(name)
        place = Place(dataset.fingerprint, split)
        return Images(name, place, audits.scan(dataset, split), dataset=dataset)
    folder = folders.open_folder(name)
    table = audits.scan_folder(folder)
    return Images(name, Place.of_folder(folder), table, folder=folder)


def folder_widgets(made: Images) -> None:
    """What a folder holds that is no image, and the button that looks for changed files."""
    assert made.folder is not None
    st.button(
        "Look for changes",
        icon=":material/refresh:",
        help="Scan files that are new or have changed since the last scan; the others are not "
        "read again.",
        on_click=audits.forget_folder,
        args=(made.folder,),
    )
    bad = made.table[made.table["unreadable"]]
    if len(bad):
        with st.expander(f"{len(bad):,} unreadable files", icon=":material/broken_image:"):
            st.dataframe(bad[["path", "reason"]], hide_index=True, alt="Files and why not")
