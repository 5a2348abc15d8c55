"""What the command line writes: tables to files, progress to standard error."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

import pandas as pd

from core.errors import InputError

if TYPE_CHECKING:
    from tqdm import tqdm

    from core.datasets import Dataset


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


def load(name: str) -> Dataset:
    """A data set; downloading or decoding it shows a progress bar.

    Raises:
        InputError: As `datasets.load`.
    """
    from core import datasets

    with Bar("", delay=1.0) as bar:
        return datasets.load(name, bar)


class Bar:
    """Shows (done, total, what) as it is called with them; starts anew when `what` changes.

    Args:
        unit: What is counted.
        delay: Seconds in which nothing is shown: what is over by then needs no bar.
    """

    def __init__(self, unit: str, delay: float = 0.0) -> None:
        self._unit = unit
        self._first = time.monotonic() + delay
        self._what = ""
        self._bar: tqdm[None] | None = None

    def __call__(self, done: int, total: int, what: str) -> None:
        """Show how far it is."""
        if time.monotonic() < self._first:
            return
        if self._bar is None or what != self._what:
            from tqdm import tqdm

            self._close()
            self._what = what
            self._bar = tqdm(desc=what, total=total, initial=done, unit=self._unit, disable=None)
        self._bar.n, self._bar.total = done, total
        self._bar.refresh()

    def _close(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._close()
