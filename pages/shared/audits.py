"""What the pages on image quality and on duplicates share: scans, sheets, commands."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.datasets.base import Dataset
from core.quality import Duplicates, find_duplicates, find_leaks
from core.quality.remembered import remembered_scan, scan_key
from pages.shared import gallery, loaders
from pages.shared.text import plain

SHEET = 64


@st.cache_resource(max_entries=6, show_spinner=False)
def _held(key: str) -> list[pd.DataFrame]:
    """A place for a scan; Streamlit would replay a progress bar drawn in here."""
    return []


def scan(dataset: Dataset, split: str = "train") -> pd.DataFrame:
    """The scores of a split, with a progress bar the first time; look, do not change."""
    held = _held(scan_key(dataset, split))
    if not held:
        total = len(dataset.train if split == "train" else dataset.test)
        bar = st.progress(0.0, text="Scoring the images …")

        def tell(done: int) -> None:
            bar.progress(done / total, text=f"Scored {done:,} of {total:,} images")

        def warn(sentence: str) -> None:
            st.toast(plain(sentence), icon=":material/warning:")

        held.append(remembered_scan(loaders.store(), dataset, split, tell, warn))
        bar.empty()
    return held[0]


@st.cache_resource(max_entries=20, show_spinner="Comparing images …")
def _duplicates(
    name: str, fingerprint: str, radius: int | None, linkage: str, flips: bool, confirm: bool
) -> Duplicates:
    dataset = loaders.dataset(name)
    return find_duplicates(dataset, scan(dataset), radius, linkage, flips, confirm)


def duplicates(
    dataset: Dataset, radius: int | None, linkage: str, flips: bool, confirm: bool
) -> Duplicates:
    """`find_duplicates` of the training split, remembered while the server runs.

    Raises:
        InputError: The radius is so large that everything hangs together.
    """
    scan(dataset)
    return _duplicates(dataset.name, dataset.fingerprint, radius, linkage, flips, confirm)


@st.cache_resource(max_entries=6, show_spinner="Comparing the splits …")
def _leaks(name: str, fingerprint: str, radius: int | None, confirm: bool) -> pd.DataFrame:
    dataset = loaders.dataset(name)
    return find_leaks(dataset, radius, confirm, (scan(dataset), scan(dataset, "test")))


def leaks(dataset: Dataset, radius: int | None, confirm: bool) -> pd.DataFrame:
    """`find_leaks`, remembered while the server runs."""
    scan(dataset)
    scan(dataset, "test")
    return _leaks(dataset.name, dataset.fingerprint, radius, confirm)


def pixels(dataset: Dataset, split: str, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """Images of a split by row number, in grey levels 0 to 255."""
    images = dataset.train.x if split == "train" else dataset.test.x
    return gallery.stretched(images[rows], dataset.peak)


def turned_to(count: int, key: str) -> int:
    """The page of a gallery that is looked at, from 1; no widget where there is only one."""
    return st.pagination(count, key=key, bind="query-params") if count > 1 else 1


def parquet(table: pd.DataFrame, stem: str, label: str = "Parquet") -> None:
    """A button that saves a table as Parquet."""

    def data() -> bytes:
        file = io.BytesIO()
        table.to_parquet(file, index=False)
        return file.getvalue()

    st.download_button(
        label,
        data=data,
        file_name=f"{stem}.parquet",
        mime="application/vnd.apache.parquet",
        key=f"parquet-{stem}",
        help="Save the numbers behind this with their types.",
        on_click="ignore",
        type="tertiary",
        icon=":material/download:",
    )


def command(*words: str) -> None:
    """The command that does the same."""
    st.code(" ".join(("python -m core quality", *words)), language="bash", wrap_lines=True)


def metrics(shown: Sequence[tuple[str, str, str]]) -> None:
    """Numbers side by side: title, value and help text of each."""
    with st.container(horizontal=True, gap="medium"):
        for title, value, help in shown:
            st.metric(title, value, help=help, width="content")
