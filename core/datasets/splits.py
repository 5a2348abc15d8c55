"""Which images are for training and which for testing."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError

TEST_SHARE = 0.2
NAMES = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "val",
    "valid": "val",
    "validation": "val",
}


@dataclass(frozen=True)
class Choice:
    """What is read of several splits.

    Args:
        used: Positions of the files that are read, in order.
        is_test: Which of those belong to the test split.
        notes: What was decided.
    """

    used: tuple[int, ...]
    is_test: tuple[bool, ...]
    notes: tuple[str, ...]


def choose(splits: Sequence[str], where: object) -> Choice:
    """Settle which files are the training and which the test split.

    A validation split stands in for a missing test split; beside one it is not used.

    Args:
        splits: For every file `"train"`, `"test"`, `"val"`, or `""` where its name says nothing.
        where: The folder, for the error.

    Raises:
        InputError: Only some files have a split, or there is no training split.
    """
    counts = Counter(splits)
    if set(counts) == {""}:
        return Choice(tuple(range(len(splits))), (False,) * len(splits), ())
    if "" in counts or "train" not in counts:
        raise InputError(
            f"{where} must have a train split, and nothing that belongs to none; got "
            + ", ".join(f"{n:,} file(s) of {split or 'no split'}" for split, n in counts.items())
            + ": name folders or files train, test and val."
        )
    test, notes = "test", []
    if "val" in counts and "test" in counts:
        notes.append(f"The validation split ({counts['val']:,} files) is not used.")
    elif "val" in counts:
        test = "val"
        notes.append("The validation split is the test split, as there is no other.")
    used = tuple(row for row, split in enumerate(splits) if split in ("train", test))
    return Choice(used, tuple(splits[row] == test for row in used), tuple(notes))


def held_out(labels: npt.NDArray[np.integer], names: Sequence[str]) -> npt.NDArray[np.bool_]:
    """A fixed stratified test split: in each class the fifth whose names hash lowest.

    It depends on names only, so that it is the same on every machine and with every library
    version, and adding images moves few of the others across.

    Args:
        labels: Class numbers, shape (n,).
        names: A different name for every row.

    Returns:
        bool, shape (n,). A class of two to seven images gives one, a class of one gives none.
    """
    digests = [hashlib.sha256(name.encode()).digest()[:8] for name in names]
    ranks = np.array([int.from_bytes(digest) for digest in digests], dtype=np.uint64)
    chosen = np.zeros(len(labels), dtype=bool)
    for number in np.unique(labels):
        rows = np.flatnonzero(labels == number)
        wanted = max(round(len(rows) * TEST_SHARE), 1) if len(rows) > 1 else 0
        chosen[rows[np.argsort(ranks[rows], kind="stable")[:wanted]]] = True
    return chosen
