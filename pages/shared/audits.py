"""What the pages on image quality and on duplicates share: scans, sheets, commands."""

from __future__ import annotations

import io
import shlex
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.datasets.base import Dataset
from core.quality import (
    Duplicates,
    Vectors,
    feature_vectors,
    find_duplicates,
    find_leaks,
)
from core.quality.audit import Progress
from core.quality.folders import folder_scan
from core.quality.remembered import remembered_scan, remembered_vectors, scan_key
from pages.shared import gallery, loaders
from pages.shared.detectors import Choice
from pages.shared.images import Images
from pages.shared.text import plain


@st.cache_resource(max_entries=6, show_spinner=False)
def _held(key: str) -> list[pd.DataFrame]:
    """A place for a scan; Streamlit would replay a progress bar drawn in here."""
    return []


def scan(dataset: Dataset, split: str = "train") -> pd.DataFrame:
    """The scores of a split, with a progress bar the first time; look, do not change."""
    total = len(dataset.train if split == "train" else dataset.test)

    def read(tell: Progress) -> pd.DataFrame:
        return remembered_scan(loaders.store(), dataset, split, tell, _warn)

    return _shown(scan_key(dataset, split), total, read)


def scan_folder(folder: Path) -> pd.DataFrame:
    """The scores of the files in a folder, as `scan`; with new files after `forget_folder`."""
    again = st.session_state.pop(f"again-{folder}", False)

    def read(tell: Progress) -> pd.DataFrame:
        return folder_scan(loaders.store(), folder, again, tell, _warn)

    return _shown(str(folder), None, read)


def forget_folder(folder: Path) -> None:
    """Look for new and changed files when the folder is asked for next."""
    _held.clear(str(folder))
    st.session_state[f"again-{folder}"] = True


def _shown(key: str, total: int | None, read: Callable[[Progress], pd.DataFrame]) -> pd.DataFrame:
    held = _held(key)
    if not held:
        bar = st.progress(0.0, text="Scoring the images …")

        def tell(done: int) -> None:
            of = f" of {total:,}" if total else ""
            bar.progress(done / total if total else 0.0, text=f"Scored {done:,}{of} images")

        held.append(read(tell))
        bar.empty()
    return held[0]


def _warn(sentence: str) -> None:
    st.toast(plain(sentence), icon=":material/warning:")


@st.cache_resource(max_entries=20, show_spinner="Comparing images …")
def _duplicates(
    version: str, choice: Choice, linkage: str, flips: bool, _images: Images
) -> Duplicates:
    source = _images.dataset or _images.folder
    assert source is not None
    return find_duplicates(
        source, _images.table, choice.radius, linkage, flips, choice.confirm, choice.detector,
        _vectors(version, _images) if choice.detector in ("vectors", "both") else None,
    )  # fmt: skip


@st.cache_resource(
    max_entries=4,
    show_spinner="A small network learns from these images: one to two minutes, the first time …",
)
def _vectors(version: str, _images: Images) -> Vectors:
    if _images.dataset is not None:
        return remembered_vectors(loaders.store(), _images.dataset, _images.table, report=_warn)
    assert _images.folder is not None
    return feature_vectors(_images.folder, _images.table)


def duplicates(images: Images, choice: Choice, linkage: str, flips: bool) -> Duplicates:
    """`find_duplicates` of the training split or a folder, remembered while the server runs.

    Raises:
        InputError: The radius is so large that everything hangs together.
    """
    return _duplicates(images.version, choice, linkage, flips, images)


@st.cache_resource(max_entries=6, show_spinner="Comparing the splits …")
def _leaks(name: str, fingerprint: str, choice: Choice) -> pd.DataFrame:
    dataset = loaders.dataset(name)
    tables = scan(dataset), scan(dataset, "test")
    return find_leaks(dataset, choice.radius, choice.confirm, tables, choice.detector)


def leaks(dataset: Dataset, choice: Choice) -> pd.DataFrame:
    """`find_leaks`, remembered while the server runs."""
    scan(dataset)
    scan(dataset, "test")
    return _leaks(dataset.name, dataset.fingerprint, choice)


def pixels(dataset: Dataset, split: str, rows: npt.NDArray[np.integer]) -> npt.NDArray[np.uint8]:
    """Images of a split by row number, in grey levels 0 to 255."""
    images = dataset.train.x if split == "train" else dataset.test.x
    return gallery.stretched(images[rows], dataset.peak)


def turned_to(count: int, key: str) -> int:
    """The page of a gallery that is looked at, from 1; no widget where there is only one."""
    return st.pagination(count, key=key, bind="query-params") if count > 1 else 1


def parquet(
    table: pd.DataFrame | Callable[[], pd.DataFrame], stem: str, label: str = "Parquet"
) -> None:
    """A button that saves a table, or what makes it, as Parquet."""

    def data() -> bytes:
        file = io.BytesIO()
        whole = table() if callable(table) else table
        whole.to_parquet(file, index=False)
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
    line = f"python -m core quality {shlex.join(words)}"
    st.code(line, language="bash", wrap_lines=True)


def metrics(shown: Sequence[tuple[str, str, str]]) -> None:
    """Numbers side by side: title, value and help text of each."""
    with st.container(horizontal=True, gap="medium"):
        for title, value, help in shown:
            st.metric(title, value, help=help, width="content")
