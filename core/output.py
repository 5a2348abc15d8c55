"""Tables that the command line writes and prints."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from core.errors import InputError


def check_table_name(path: Path) -> None:
    """Raise an InputError unless the file's ending is one that `write` knows."""
    if path.suffix not in (".csv", ".parquet"):
        raise InputError(f"--out must end in .csv or .parquet; got {path.name!r}.")


def write(table: pd.DataFrame, path: Path) -> None:
    """Write a table as CSV or Parquet by the name of the file.

    Raises:
        InputError: another ending, or the file cannot be written.
    """
    check_table_name(path)
    writers: dict[str, Callable[..., object]] = {
        ".csv": table.to_csv,
        ".parquet": table.to_parquet,
    }
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writers[path.suffix](path, index=False)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}.") from error
    print(f"wrote {path} ({len(table):,} rows)", file=sys.stderr)
