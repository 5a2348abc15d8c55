"""Audit of images: arrays, data sets and folders of any size to one table."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.base import Dataset, check_kind
from core.datasets.source import text
from core.errors import InputError
from core.quality.files import Picture, image_files, read
from core.quality.scores import score_chunk, score_images, with_odd_size

VERSION = 3
COMPARED = ("odd_size_score", "exact_duplicates_score", "near_duplicates_score")
BLOCK_FILES = 1024
BLOCK_IMAGES = 2000
BLOCK_VALUES = 48 << 20

Progress = Callable[[int], None]


def scan(
    source: npt.NDArray[np.uint8] | Dataset | Path | str,
    split: str = "train",
    previous: pd.DataFrame | None = None,
    progress: Progress | None = None,
) -> pd.DataFrame:
    """Every score and hash of every image, one row an image.

    Args:
        source: uint8 images of shape (n, height, width[, channels]), a data set, or a folder.
        split: `train` or `test`, for a data set.
        previous: An earlier table of the same folder; files whose size and time of change are
            the same as then are not read again.
        progress: Called with the number of images done so far, for a data set or a folder.

    Returns:
        `row` (and `label` for a data set), or `path`, `bytes`, `modified` (ns) and `mode` for a
        folder; `unreadable` and `reason`; then the columns of `score_images`, NaN and missing
        where unreadable.

    Raises:
        InputError: images of a wrong type or shape, no such split, no such folder, or a folder
            without image files.
    """
    if isinstance(source, np.ndarray):
        return _numbered(score_images(source))
    progress = progress or (lambda done: None)
    if isinstance(source, Dataset):
        return _scan_split(source, split, progress)
    return _scan_folder(Path(source), previous, progress)


def pixels(dataset: Dataset, split: str) -> npt.NDArray[np.uint8]:
    """Images of a split with white at 255, whatever value the data set has for it.

    Raises:
        InputError: no such split, or a data set of something else than images.
    """
    if split not in ("train", "test"):
        raise InputError(f"A split must be train or test; got {split!r}.")
    check_kind(dataset, {"image"}, "Image quality")
    x = np.asarray(dataset.train.x if split == "train" else dataset.test.x)
    if dataset.peak == 255:
        return x
    return np.asarray(np.rint(x * (255 / dataset.peak)).clip(0, 255), dtype=np.uint8)


def _scan_split(dataset: Dataset, split: str, progress: Progress) -> pd.DataFrame:
    images, parts = pixels(dataset, split), []
    # All images of a data set have one size, so blocks do not change the score for odd sizes.
    for first in range(0, max(len(images), 1), BLOCK_IMAGES):
        parts.append(score_images(images[first : first + BLOCK_IMAGES]))
        progress(min(first + BLOCK_IMAGES, len(images)))
    return labelled(pd.concat(parts, ignore_index=True), dataset, split)


def labelled(table: pd.DataFrame, dataset: Dataset, split: str) -> pd.DataFrame:
    """The scores of a split, in order, as the table that `scan` gives."""
    labels = dataset.train.y if split == "train" else dataset.test.y
    table = _numbered(table)
    table.insert(1, "label", np.array(dataset.classes)[labels])
    return table


def _numbered(table: pd.DataFrame) -> pd.DataFrame:
    table.insert(0, "row", np.arange(len(table)))
    table.insert(1, "unreadable", False)
    table.insert(2, "reason", "")
    return table


def _scan_folder(root: Path, previous: pd.DataFrame | None, progress: Progress) -> pd.DataFrame:
    known = _known(previous)
    parts, done = [], 0
    files = image_files(root)
    while block := list(islice(files, BLOCK_FILES)):
        stats = pd.DataFrame([_stat(root, path) for path in block])
        place = known.index.get_indexer(pd.Index(stats["path"]))
        same = place >= 0
        for name in ("bytes", "modified"):
            same &= known[name].to_numpy()[place] == stats[name].to_numpy() if len(known) else False
        if same.any():
            parts.append(known.iloc[place[same]].reset_index())
        if not same.all():
            parts.append(_scan_files(root, stats[~same]))
        done += len(block)
        progress(done)
    if not done:
        raise InputError(f"{root} holds no image files; give a folder with some.")
    table = pd.concat(parts, ignore_index=True).sort_values("path", ignore_index=True)
    table = with_odd_size(table)
    table.attrs["version"] = VERSION
    return table


def _known(previous: pd.DataFrame | None) -> pd.DataFrame:
    """What an earlier scan found, by path, where it was of the same version as this code."""
    if previous is None or previous.attrs.get("version") != VERSION:
        return pd.DataFrame({"path": [], "bytes": [], "modified": []}).set_index("path")
    # What compares an image with all others is found again.
    compared = [name for name in map(str, previous) if name.startswith("is_") or name in COMPARED]
    return previous.drop(columns=compared).set_index("path")


def _stat(root: Path, path: Path) -> dict[str, object]:
    try:
        stat = path.stat()
        size, modified = stat.st_size, stat.st_mtime_ns
    except OSError:  # a link to nowhere; `read` says so
        size = modified = -1
    # A name that is no UTF-8 is listed with its bytes in hex, and `read` finds no such file.
    return {"path": text(path.relative_to(root).as_posix()), "bytes": size, "modified": modified}


def _scan_files(root: Path, files: pd.DataFrame) -> pd.DataFrame:
    """Files decoded until they fill a block, and scored shape by shape."""
    notes: list[tuple[str, bool, str]] = []
    scored = [NOTHING]
    pending: dict[tuple[int, ...], list[tuple[int, Picture]]] = {}
    held = 0
    for number, name in zip(files.index, files["path"], strict=True):
        picture = read(root / name)
        if isinstance(picture, str):
            notes.append(("", True, picture))
            continue
        notes.append((picture.mode, False, ""))
        pending.setdefault(picture.pixels.shape, []).append((number, picture))
        held += picture.pixels.size
        if held >= BLOCK_VALUES:
            scored += map(_score, pending.values())
            pending, held = {}, 0
    scored += map(_score, pending.values())
    about = pd.DataFrame(notes, columns=["mode", "unreadable", "reason"], index=files.index)
    return files.join(about).join(pd.concat(scored))


def _score(group: list[tuple[int, Picture]]) -> pd.DataFrame:
    scores = score_chunk(np.stack([picture.pixels for _, picture in group]))
    scores["grayscale_score"] = [float(picture.mode != "L") for _, picture in group]
    return scores.set_index(pd.Index([number for number, _ in group]))


NOTHING = score_chunk(np.zeros((1, 1, 1, 3), dtype=np.uint8)).iloc[:0]
