"""Tables → numbers: columns of numbers standardised, other columns one-hot.

Statistics and categories are those of the training split. Sums are exact (`math.fsum`), so that
the features, and with them the fingerprint, are the same on every machine.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.assemble import Rows, divide
from core.datasets.base import Split
from core.datasets.source import Content
from core.errors import InputError

MOST_FEATURES = 10_000
LARGEST_BYTES = 4 << 30
LARGEST_NUMBER = 1e150  # The square of a larger one overflows.
SHOWN = 8
MISSING = "?"

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Encoded:
    """Features of two splits.

    Args:
        train: float64, shape (n_train, features).
        test: float64, shape (n_test, features).
        features: Name of each column; `column=category` for those of categories.
        notes: What was done.
    """

    train: Floats
    test: Floats
    features: tuple[str, ...]
    notes: tuple[str, ...]


def assemble_table(table: pd.DataFrame, rows: Rows) -> Content:
    """Split a table and encode it.

    Args:
        table: The columns without the label, n rows; missing categories are `?`.
        rows: What is known of them.

    Raises:
        InputError: As `divide` and `encode`.
    """
    parts = divide(rows, np.ones(len(table), dtype=bool), ())
    train, test = (
        table.iloc[numbers].reset_index(drop=True) for numbers in (parts.train, parts.test)
    )
    encoded = encode(train, test)
    return Content(
        Split(encoded.train, parts.y_train, train),
        Split(encoded.test, parts.y_test, test),
        parts.classes,
        notes=(*parts.notes, *encoded.notes),
        left_out=parts.left_out,
        peak=1,
        features=encoded.features,
    )


def encode(train: pd.DataFrame, test: pd.DataFrame) -> Encoded:
    """Standardise the columns of numbers and spread the others into one column a category.

    Args:
        train: Columns of numbers or of texts.
        test: The same columns.

    Raises:
        InputError: A number is missing or infinite, or there would be too many columns.
    """
    _check(train, test)
    columns: list[tuple[Floats, Floats]] = []
    features: list[str] = []
    notes = ["Features: numbers are standardised by mean and deviation of the training split."]
    spread: list[str] = []
    new = 0
    for name in train.columns:
        if pd.api.types.is_numeric_dtype(train[name].dtype):
            columns.append(_standardised(train[name].to_numpy(float), test[name].to_numpy(float)))
            features.append(str(name))
            continue
        spread.append(str(name))
        categories = sorted(set(train[name]))
        columns += [(_indicator(train[name], c), _indicator(test[name], c)) for c in categories]
        features += [f"{name}={category}" for category in categories]
        new += int((~test[name].isin(categories)).sum())
    if spread:
        more = f" and {len(spread) - SHOWN:,} more" if len(spread) > SHOWN else ""
        notes.append(
            f"Categories of the training split have a column of 0 and 1 each: those of "
            f"{', '.join(spread[:SHOWN])}{more}."
        )
    if new:
        notes.append(f"{new:,} test values are of categories that training lacks: all columns 0.")
    x_train, x_test = (np.column_stack(part) for part in zip(*columns, strict=True))
    return Encoded(
        np.ascontiguousarray(x_train), np.ascontiguousarray(x_test), tuple(features), tuple(notes)
    )


def _check(train: pd.DataFrame, test: pd.DataFrame) -> None:
    width = 0
    for name in train.columns:
        if pd.api.types.is_numeric_dtype(train[name].dtype):
            width += 1
            values = np.concatenate([train[name].to_numpy(float), test[name].to_numpy(float)])
            bad = int((~(np.abs(values) < LARGEST_NUMBER)).sum())
            if bad:
                raise InputError(
                    f"The column {name} must hold finite numbers; {bad:,} of {len(values):,} are "
                    f"missing, infinite or over {LARGEST_NUMBER:g}: fill them in or leave those "
                    "rows out."
                )
        else:
            width += train[name].nunique()
    if not width:
        raise InputError("A table needs a column besides the label; got none.")
    rows = len(train) + len(test)
    if width > MOST_FEATURES or rows * width * 8 > LARGEST_BYTES:
        raise InputError(
            f"The table would have {width:,} features in {rows:,} rows; at most "
            f"{MOST_FEATURES:,} features and {LARGEST_BYTES >> 30} GiB are used: leave out "
            "columns such as names and numbers of rows."
        )


def _standardised(train: Floats, test: Floats) -> tuple[Floats, Floats]:
    """(x − mean) / deviation of the training split; a constant column becomes 0."""
    mean = math.fsum(train) / len(train)
    deviation = math.sqrt(math.fsum((train - mean) ** 2) / len(train)) or 1.0
    return (train - mean) / deviation, (test - mean) / deviation


def _indicator(column: pd.Series[str], category: str) -> Floats:
    return (column == category).to_numpy().astype(np.float64)
