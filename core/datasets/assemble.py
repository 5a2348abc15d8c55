"""Rows and their labels → a training and a test split that fit each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.datasets.base import Split
from core.datasets.source import Content
from core.datasets.splits import held_out
from core.datasets.stack import Stack
from core.errors import InputError

SHOWN = 3
LONGEST_NAME = 80


@dataclass(frozen=True, eq=False)
class Rows:
    """What is known of n rows besides what models see of them.

    Args:
        names: A different name for each; a split that is taken here depends on it alone.
        labels: Index into `classes`, or -1 for none that can be used; int64, shape (n,).
        is_test: Which belong to the test split, bool, shape (n,); if none, a fifth is taken.
        classes: Class names; those without a row are dropped.
        left_out: What is left out already, with the reason.
        notes: What has been done already.
        what: What the rows are, for people.
    """

    names: Sequence[str]
    labels: npt.NDArray[np.int64]
    is_test: npt.NDArray[np.bool_]
    classes: Sequence[str]
    left_out: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    what: str = "images"


@dataclass(frozen=True, eq=False)
class Division:
    """Which rows make up the two splits.

    Args:
        train: Row numbers, shape (n_train,).
        test: Row numbers, shape (n_test,).
        y_train: Class numbers of the training rows, int64.
        y_test: Class numbers of the test rows, int64.
        classes: Class names, each with a row.
        notes: What was done.
        left_out: What was left out, with the reason.
    """

    train: npt.NDArray[np.int64]
    test: npt.NDArray[np.int64]
    y_train: npt.NDArray[np.int64]
    y_test: npt.NDArray[np.int64]
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    left_out: tuple[tuple[str, str], ...]


def assemble(stack: Stack, rows: Rows) -> Content:
    """Leave out the images that cannot be used, and split.

    Raises:
        InputError: As `divide`.
    """
    parts = divide(rows, stack.readable, stack.left_out)
    return Content(
        Split(stack.x[parts.train], parts.y_train),
        Split(stack.x[parts.test], parts.y_test),
        parts.classes,
        notes=(*parts.notes, *stack.notes),
        left_out=parts.left_out,
    )


def divide(
    rows: Rows, readable: npt.NDArray[np.bool_], unreadable: Sequence[tuple[str, str]]
) -> Division:
    """Leave out what cannot be used, and split.

    Args:
        rows: What is known of the rows.
        readable: Which can be used, bool, shape (n,).
        unreadable: Name of each of the others and the reason.

    Raises:
        InputError: Fewer than two classes, or a class that only the test split has.
    """
    usable = np.flatnonzero(readable & (rows.labels >= 0))
    numbers, inverse = np.unique(rows.labels[usable], return_inverse=True)
    y = inverse.astype(np.int64)
    classes = tuple(rows.classes[number] for number in numbers.tolist())
    if len(classes) < 2:
        raise InputError(
            f"A data set needs {rows.what} of at least two classes; "
            f"got {len(classes)}: {_few(classes)}."
        )
    notes = list(rows.notes)
    test = rows.is_test[usable]
    if not test.any():
        test = held_out(y, [rows.names[row] for row in usable.tolist()])
        notes.append(
            f"There is no test split: {int(test.sum()):,} {rows.what}, a fifth of each class, are "
            "set aside by the hash of their names, the same ones every time."
        )
        if not test.any():
            raise InputError(
                f"A data set without a test split needs two {rows.what} or more of some class; "
                "every class has one: add some."
            )
    notes += _class_notes(y, test, classes, rows.what)
    left_out = (*rows.left_out, *unreadable)
    if left_out:
        first = "; ".join(f"{_short(name)}: {why}" for name, why in left_out[:SHOWN])
        notes.append(f"{len(left_out):,} left out, such as {first}.")
    return Division(usable[~test], usable[test], y[~test], y[test], classes, tuple(notes), left_out)


def _class_notes(
    y: npt.NDArray[np.int64], test: npt.NDArray[np.bool_], classes: Sequence[str], what: str
) -> list[str]:
    in_train, in_test = set(y[~test].tolist()), set(y[test].tolist())
    if in_test - in_train:
        raise InputError(
            "The test split has classes that the training split lacks "
            f"({_few([classes[number] for number in sorted(in_test - in_train)])}): "
            f"add training {what} of them, or remove them from the test split."
        )
    if in_train - in_test:
        absent = _few([classes[number] for number in sorted(in_train - in_test)])
        return [f"The test split has no {what} of {absent}."]
    return []


def _few(names: Sequence[str]) -> str:
    more = f" and {len(names) - 10:,} more" if len(names) > 10 else ""
    return (", ".join(map(_short, names[:10])) or "none") + more


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[:LONGEST_NAME]}…"
