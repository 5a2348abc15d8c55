"""Checks of rows, labels and losses before anything is computed: one sentence each."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from core.errors import InputError
from core.training.inputs import check_rows

__all__ = ["check_classes", "check_labels", "check_loss", "check_rows"]


def check_classes(train: npt.NDArray[np.int64], val: npt.NDArray[np.int64]) -> None:
    """Every class of the validation set must occur in the training set.

    Raises:
        InputError: naming the classes that do not.
    """
    missing = sorted(set(val.tolist()) - set(train.tolist()))
    if missing:
        raise InputError(
            f"The validation set holds {_names(missing)} that the training set lacks; add such "
            "rows to the training set or leave them out of the validation set."
        )


def check_labels(labels: npt.NDArray[np.int64], logits: Sequence[int]) -> None:
    """A network gives one logit for each class.

    Args:
        labels: Class numbers, shape (n,).
        logits: Shape of the logits of one row.

    Raises:
        InputError: logits of another shape, or a class number beyond them.
    """
    if len(logits) != 2:
        raise InputError(
            f"The network must give logits of shape (rows, classes); got {tuple(logits)} for one "
            "row. Flatten its output."
        )
    if labels.max() >= logits[1]:
        raise InputError(
            f"The labels go up to class {labels.max()} but the network tells {logits[1]} classes "
            "apart; train it on these classes."
        )


def check_loss(loss: float, what: str) -> None:
    """A model that diverged has nothing to say about its rows.

    Raises:
        InputError: the loss is NaN or infinite.
    """
    if not math.isfinite(loss):
        raise InputError(
            f"The model's {what} loss is {loss}: training diverged; train it again with a lower "
            "learning rate or scaled features."
        )


def _names(classes: Sequence[int]) -> str:
    return f"{'class' if len(classes) == 1 else 'classes'} {', '.join(map(str, classes))}"
