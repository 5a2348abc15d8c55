"""Any folder of images laid out as `split/class/file` or `class/file`."""

from __future__ import annotations

import os
import unicodedata
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np

from core.datasets import places, splits
from core.datasets.assemble import Rows, assemble
from core.datasets.source import Content, Files, Progress, Source, text
from core.datasets.stack import stack
from core.errors import InputError

SUFFIXES = (".bmp", ".gif", ".jpeg", ".jpg", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
GLANCE = 20
LAYOUTS = "split/class/file or class/file"

LeftOut = list[tuple[str, str]]


def source(root: Path, name: str) -> Source:
    """The source that reads a folder of images."""
    return Source(
        name=name,
        title=text(root.name),
        summary=f"Folder of images laid out as {LAYOUTS}.",
        licence="Not known: whoever made the folder decides.",
        version=1,
        files=partial(find, root),
        read=read,
    )


def holds(root: Path) -> bool:
    """Whether a glance at the first few entries of a folder finds images in a layout."""
    tops = _glance(root)
    inner = [entry for top in tops if _names_split(top.name) for entry in _glance(top)]
    return any(
        entry.name.lower().endswith(SUFFIXES)
        for folder in (*tops, *inner)
        for entry in _glance(folder)
    )


def _glance(folder: Path | os.DirEntry[str]) -> list[os.DirEntry[str]]:
    try:
        if not places.allowed(Path(folder)) or not Path(folder).is_dir():
            return []
        with os.scandir(folder) as entries:
            return list(islice(filter(_visible, entries), GLANCE))
    except OSError:  # What cannot be opened holds nothing for us; `find` says why.
        return []


def find(root: Path) -> Files:
    """Every file in a class folder, in order of their paths.

    Links are followed only within the folders that may be read; hidden files are passed over.

    Raises:
        InputError: The folder has neither layout.
    """
    left_out: LeftOut = []
    tops = _folders(root, root, left_out)
    split_tops = [top for top in tops if _names_split(top.name) and _folders(top, root, [])]
    classes = tops
    if split_tops:
        classes = [folder for top in split_tops for folder in _folders(top, root, left_out)]
    paths = tuple(path for folder in classes for path in _files(folder, root, left_out))
    if not paths:
        raise InputError(f"{root} has no images laid out as {LAYOUTS}.")
    unused = [text(top.name) for top in tops if split_tops and top not in split_tops]
    notes = (f"Folders beside the splits are not used: {', '.join(unused)}.",) if unused else ()
    return Files(root, paths, tuple(left_out), notes)


def read(files: Files, progress: Progress) -> Content:
    """Decode a folder of images.

    Raises:
        InputError: No image can be read, or the splits do not fit each other.
    """
    parts = [path.relative_to(files.root).parts for path in files.paths]
    split_names = [splits.NAMES[part[0].casefold()] if len(part) == 3 else "" for part in parts]
    choice = splits.choose(split_names, files.root)
    paths = [files.paths[row] for row in choice.used]
    of_class = [unicodedata.normalize("NFC", text(path.parent.name)) for path in paths]
    classes = sorted(set(of_class))
    numbers = {name: number for number, name in enumerate(classes)}
    names = [files.relative(path) for path in paths]
    rows = Rows(
        names,
        np.array([numbers[name] for name in of_class], dtype=np.int64),
        np.array(choice.is_test, dtype=bool),
        classes,
        files.left_out,
        (*files.notes, *choice.notes),
    )
    images = stack(lambda: zip(names, paths, strict=True), len(paths), progress)
    return assemble(images, rows)


def _names_split(name: str) -> bool:
    return name.casefold() in splits.NAMES


def _visible(entry: os.DirEntry[str]) -> bool:
    return not entry.name.startswith(".") and entry.name != "__MACOSX"


def _entries(folder: Path, root: Path, left_out: LeftOut) -> list[os.DirEntry[str]]:
    """Visible entries in order of name, without links that lead out or nowhere."""
    kept = []
    try:
        with os.scandir(folder) as entries:
            for entry in filter(_visible, entries):
                fault = _link_fault(entry)
                if fault:
                    left_out.append((text(os.path.relpath(entry.path, root)), fault))
                else:
                    kept.append(entry)
    except OSError as error:
        left_out.append((text(os.path.relpath(folder, root)), error.strerror or str(error)))
    return sorted(kept, key=lambda entry: entry.name)


def _link_fault(entry: os.DirEntry[str]) -> str:
    if not entry.is_symlink():
        return ""
    if not places.allowed(Path(entry.path)):
        return "a link that leads out of the folders that may be read"
    return "" if Path(entry.path).exists() else "a link to nothing"


def _folders(folder: Path, root: Path, left_out: LeftOut) -> list[Path]:
    return [Path(entry.path) for entry in _entries(folder, root, left_out) if entry.is_dir()]


def _files(folder: Path, root: Path, left_out: LeftOut) -> list[Path]:
    paths = []
    for entry in _entries(folder, root, left_out):
        if entry.is_file():
            paths.append(Path(entry.path))
        else:
            why = "a folder inside a class folder" if entry.is_dir() else "not a regular file"
            left_out.append((text(os.path.relpath(entry.path, root)), why))
    return paths
