"""Folders of image files without labels: which there are, and their scans kept in the store."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd

from core import settings
from core.datasets import places
from core.errors import InputError
from core.quality.audit import Progress, scan
from core.quality.files import EXTENSIONS
from core.specs import content_key
from core.store import Blob, Store

MOST_FOLDERS = 50
ABOUT_FILES = ("path", "bytes", "modified", "mode", "unreadable", "reason")
OUTSIDE = "a link that leads out of the folders that may be read"


def image_folders() -> list[str]:
    """Names of folders with image files at any depth, each with a `/` behind it.

    The folders that may be read and those directly in them, without hidden ones; a folder whose
    first 50 sub-folders hold no image is passed over.
    """
    root = settings.data_root()
    found = dict.fromkeys(path for path in settings.allowed_folders() if path != root)
    for folder in settings.allowed_folders():
        found.update(dict.fromkeys(_subfolders(folder)))
    return [f"{places.name_of(path)}/" for path in found if _holds_images(path)]


def open_folder(name: str) -> Path:
    """The folder with a name that `image_folders` gives.

    Raises:
        InputError: There is none, or it is outside the folders that may be read.
    """
    path = places.find(name.rstrip("/"))
    if path is None or not path.is_dir():
        raise InputError(f"There is no folder {name} any more; choose another one.")
    return path


def folder_scan(
    store: Store,
    folder: Path,
    again: bool = False,
    progress: Progress | None = None,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """`scan` of a folder as it was remembered; links that lead out of it are never scored.

    Args:
        store: The cache folder.
        folder: Inside the folders that may be read.
        again: Whether to look for new and changed files; only those are read.
        progress: Called with the number of files done so far.
        report: Told, in one sentence, when a damaged file had to be computed again.

    Raises:
        InputError: The folder holds no image files or cannot be read.
    """
    key = content_key("folder-scan", {"path": folder.as_posix()})
    found: list[pd.DataFrame] = []

    def compute() -> Blob:
        found.append(_confined(folder, scan(folder, previous=None, progress=progress)))
        return _packed(found[0])

    blob = store.remember(key, compute, report)
    table = found[0] if found else _unpacked(blob)
    if again and not found:
        table = _confined(folder, scan(folder, previous=table, progress=progress))
        store.put_blob(key, _packed(table).arrays)
    return table


def _packed(table: pd.DataFrame) -> Blob:
    file = io.BytesIO()
    table.to_parquet(file)
    return Blob({"parquet": np.frombuffer(file.getvalue(), dtype=np.uint8)}, {})


def _unpacked(blob: Blob) -> pd.DataFrame:
    return pd.read_parquet(io.BytesIO(blob.arrays["parquet"].tobytes()))


def _confined(folder: Path, table: pd.DataFrame) -> pd.DataFrame:
    """The table with files that are links to elsewhere made unreadable."""
    paths = [folder / name for name in table["path"]]
    outside = [path.is_symlink() and not places.allowed(path) for path in paths]
    if any(outside):
        table.loc[outside, "unreadable"] = True
        table.loc[outside, "reason"] = OUTSIDE
        for name in set(table.columns) - set(ABOUT_FILES):
            table.loc[outside, name] = None
    return table


def _subfolders(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            inside = [Path(entry.path) for entry in entries if entry.is_dir()]
    except OSError:  # What cannot be opened holds nothing for us.
        return []
    visible = [path for path in inside if not path.name.startswith(".")]
    return sorted(path.resolve() for path in visible if places.allowed(path))


def _holds_images(folder: Path) -> bool:
    walk = os.walk(folder)  # does not follow links
    return any(
        Path(name).suffix.lower() in EXTENSIONS
        for _, _, names in islice(walk, MOST_FOLDERS)
        for name in names
    )
