"""A table in a CSV file with a header: one column is the label, the others are features."""

from __future__ import annotations

import csv
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets import places
from core.datasets.assemble import Rows
from core.datasets.source import Content, Files, Progress, Source, text
from core.datasets.table import MISSING, assemble_table
from core.errors import InputError

LABEL_COLUMNS = ("label", "target", "class")
LONGEST_HEADER = 1 << 18
LARGEST_BYTES = 1 << 30
MOST_COLUMNS = 10_000
MOST_CLASSES = 1_000


def source(path: Path, name: str) -> Source:
    """The source that reads a CSV file."""
    return Source(
        name=name,
        title=text(path.stem),
        summary="Table in a CSV file with a header.",
        licence="Not known: see where the file comes from.",
        version=1,
        files=partial(find, path),
        read=read,
        kind="table",
    )


def is_csv(path: Path) -> bool:
    """Whether a path is that of a CSV file."""
    return path.suffix.lower() == ".csv" and path.is_file()


def holds(path: Path) -> bool:
    """Whether a path is a CSV file with a column that is called as labels are."""
    if not is_csv(path) or not places.allowed(path):
        return False
    try:
        return _label_of(header(path)) is not None
    except InputError:  # `read` says what is wrong with it.
        return False


def find(path: Path) -> Files:
    """The file itself."""
    return Files(path.parent, (path,))


def header(path: Path) -> list[str]:
    """The names of the columns, from the first line.

    Raises:
        InputError: It cannot be read, a name is missing or there twice, or there are too many.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            line = file.readline(LONGEST_HEADER)
        names = next(csv.reader([line]), [])
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path} is not a CSV file in UTF-8 that can be read: {error}.") from error
    if not 2 <= len(names) <= MOST_COLUMNS or (line and line[-1] not in "\r\n"):
        came = f"over {LONGEST_HEADER:,} characters" if len(line) == LONGEST_HEADER else len(names)
        raise InputError(
            f"{path} must begin with a line of 2 to {MOST_COLUMNS:,} names of columns, apart by "
            f"commas, and have rows below it; got {came}."
        )
    if len(set(names)) < len(names) or not all(name.strip() for name in names):
        raise InputError(f"{path} must have another name for each column, and none left empty.")
    return names


def read(files: Files, progress: Progress) -> Content:
    """Read a table; its label is the column so called, else the last one.

    Raises:
        InputError: The file or its columns cannot be used.
    """
    path = files.paths[0]
    names = header(path)
    label = _label_of(names) or names[-1]
    if path.stat().st_size > LARGEST_BYTES:
        raise InputError(
            f"{path} has over {LARGEST_BYTES >> 20:,} MiB, more than is read: leave out rows."
        )
    progress(0, 1, f"Reading {path.name}")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # Rows longer than the header.
            table = pd.read_csv(path, encoding="utf-8-sig", low_memory=False, index_col=False)
    except (OSError, ValueError, pd.errors.ParserWarning) as error:
        raise InputError(f"{path} cannot be read as CSV: {error}.") from error
    progress(1, 1, f"Reading {path.name}")
    if list(table) != names:  # A name within quotes may go on in the next line.
        raise InputError(f"{path} must have the names of all its columns in its first line.")
    rows_names = [f"{files.relative(path)}:{row}" for row in range(len(table))]
    labels, classes = _classes(table.pop(label), label, path)
    table, notes = _categories(table)
    rows = Rows(
        names=rows_names,
        labels=labels,
        is_test=np.zeros(len(table), dtype=bool),
        classes=classes,
        left_out=tuple((rows_names[row], "no label") for row in np.flatnonzero(labels < 0)),
        notes=(f"The label is the column {label}.", *notes),
        what="rows",
    )
    return assemble_table(table, rows)


def _label_of(names: list[str]) -> str | None:
    by_name = {name.strip().casefold(): name for name in reversed(names)}
    return next((by_name[name] for name in LABEL_COLUMNS if name in by_name), None)


def _classes(
    column: pd.Series[Any], name: str, path: Path
) -> tuple[npt.NDArray[np.int64], list[str]]:
    """Class numbers, -1 where there is no label, and class names in order."""
    numbers, known = pd.factorize(column, sort=True)
    if len(known) > MOST_CLASSES:
        raise InputError(
            f"{path} must have at most {MOST_CLASSES:,} classes in its label column; "
            f"{name} has {len(known):,} different values: "
            "call the column of class names label, target or class."
        )
    whole = pd.api.types.is_float_dtype(known.dtype) and (known % 1 == 0).all()
    return numbers.astype(np.int64), [str(int(value) if whole else value) for value in known]


def _categories(table: pd.DataFrame) -> tuple[pd.DataFrame, tuple[str, ...]]:
    """Columns that are not of numbers as texts, `?` where nothing is written."""
    other = [str(name) for name in table if not _is_number(table[name])]
    missing = int(table[other].isna().to_numpy().sum())
    texts = {name: table[name].map(str, na_action="ignore").fillna(MISSING) for name in other}
    note = f"{missing:,} missing categories are a category of their own, {MISSING}."
    return table.assign(**texts), (note,) if missing else ()


def _is_number(column: pd.Series[Any]) -> bool:
    kind = column.dtype
    return pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
