"""UCI Adult: census records, 32,561 + 16,281, and whether somebody earns over 50,000 dollars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from core import settings
from core.datasets import download
from core.datasets.assemble import Rows
from core.datasets.source import Content, Files, Progress, Source
from core.datasets.table import MISSING, assemble_table
from core.errors import InputError

URL = "https://archive.ics.uci.edu/ml/machine-learning-databases/adult/"
MD5 = {
    "adult.data": "5d7c39d7b8804f071cdd1f2a7c460872",
    "adult.test": "35238206dfdf7f1fe215bbb874adecdc",
}
LARGEST = 1 << 26
NUMBERS = ("age", "fnlwgt", "education-num", "capital-gain", "capital-loss", "hours-per-week")
COLUMNS = (
    "age",
    "workclass",
    "fnlwgt",
    "education",
    "education-num",
    "marital-status",
    "occupation",
    "relationship",
    "race",
    "sex",
    "capital-gain",
    "capital-loss",
    "hours-per-week",
    "native-country",
)
CLASSES = ("<=50K", ">50K")


def _files() -> Files | None:
    root = settings.data_root() / "adult"
    paths = tuple(root / name for name in MD5)
    return Files(root, paths) if all(path.is_file() for path in paths) else None


def _fetch(progress: Progress) -> None:
    root = settings.data_root() / "adult"
    for name, md5 in MD5.items():
        if not (root / name).is_file():
            advice = f"put {', '.join(MD5)} from {URL} into {root}"
            download.fetch([URL + name], md5, root / name, advice, progress)


def _read(files: Files, progress: Progress) -> Content:
    """Read the two files; the split is the official one."""
    tables = []
    for done, path in enumerate(files.paths):
        progress(done, len(files.paths), f"Reading {path.name}")
        tables.append(_table(path))
    table = pd.concat(tables, ignore_index=True)
    labels = table.pop("label").map({name: number for number, name in enumerate(CLASSES)})
    missing = int((table == MISSING).to_numpy().sum())
    rows = Rows(
        names=[str(row) for row in range(len(table))],
        labels=labels.to_numpy().astype(np.int64),
        is_test=np.repeat([False, True], [len(part) for part in tables]),
        classes=CLASSES,
        left_out=(),
        notes=(f"{missing:,} missing values, written {MISSING}, are a category of their own.",),
        what="rows",
    )
    return assemble_table(table, rows)


def _table(path: Path) -> pd.DataFrame:
    """The rows of a file: no header, values apart by `, `; test labels end in a full stop.

    Raises:
        InputError: A row is not as UCI writes it.
    """
    try:
        if path.stat().st_size > LARGEST:
            raise ValueError(f"over {LARGEST:,} bytes")
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): download it again.") from error
    cells = []
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.startswith("|"):  # The test file begins with a remark.
            continue
        row = [cell.strip() for cell in line.rstrip().removesuffix(".").split(",")]
        if len(row) != len(COLUMNS) + 1 or row[-1] not in CLASSES:
            raise InputError(
                f"{path}, line {number}, must have {len(COLUMNS)} values and then "
                f"{' or '.join(CLASSES)}; got {line[:80]!r}: download the file again."
            )
        cells.append(row)
    table = pd.DataFrame(cells, columns=[*COLUMNS, "label"])
    try:
        return table.astype(dict.fromkeys(NUMBERS, np.int64))
    except ValueError as error:
        raise InputError(f"{path} has a text where a number belongs ({error}).") from error


ADULT = Source(
    name="adult",
    title="Adult",
    summary="Census records of 1994, 32,561 for training and 16,281 for testing: who earns over "
    "50,000 dollars a year?",
    licence="Becker and Kohavi (1996), UCI Machine Learning Repository, under CC BY 4.0.",
    version=1,
    files=_files,
    fetch=_fetch,
    read=_read,
    kind="table",
)
