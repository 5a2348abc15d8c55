"""Checks of the rows that a model is fitted to: one sentence each."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import sparse

from core.errors import InputError


def check_rows(x: Any, y: npt.ArrayLike, what: str = "training") -> npt.NDArray[np.int64]:
    """The labels as int64, once features and labels have been found usable.

    Args:
        x: Features: array, tensor or CSR matrix, shape (n, …).
        y: Class numbers, shape (n,).
        what: Name of the set, for the message.

    Raises:
        InputError: no rows, lengths that differ, labels that are not class numbers, one class
            only (training), or features that are not finite.
    """
    labels = np.asarray(y)
    if labels.ndim != 1 or not labels.size:
        raise InputError(
            f"The {what} labels must have shape (n,) with n ≥ 1; got {labels.shape}. "
            "Give one label a row."
        )
    if x.shape[0] != labels.size:
        raise InputError(
            f"The {what} set has {x.shape[0]} rows of features but {labels.size} labels; "
            "give one label a row."
        )
    if not np.issubdtype(labels.dtype, np.integer) or labels.min() < 0:
        raise InputError(
            f"The {what} labels must be whole class numbers from 0; got {labels.dtype} from "
            f"{labels.min()}. Number the classes first."
        )
    if what == "training" and labels.min() == labels.max():
        raise InputError(
            f"The training set holds one class only (class {labels[0]}); a model needs at "
            "least two, so add rows of another class."
        )
    bad = _first_row_not_finite(x)
    if bad is not None:
        raise InputError(
            f"Row {bad} of the {what} set holds a value that is NaN or infinite; fill in or "
            "drop missing values first."
        )
    return labels.astype(np.int64)


def _first_row_not_finite(x: Any) -> int | None:
    if sparse.issparse(x):
        bad = np.flatnonzero(~np.isfinite(x.data))
        return int(np.searchsorted(x.indptr, bad[0], side="right")) - 1 if bad.size else None
    values = np.asarray(x)
    if not np.issubdtype(values.dtype, np.floating):
        return None
    rows = np.flatnonzero(~np.isfinite(values.reshape(len(values), -1)).all(1))
    return int(rows[0]) if rows.size else None
