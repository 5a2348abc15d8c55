"""What a training run gives back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass(frozen=True, eq=False)
class Fit:
    """What one training run gave.

    Args:
        predictions: Predicted class number of every test image, int64, shape (n_test,).
        train_accuracy: Share of the training set that the final model classifies right.
        epochs: Passes over the training set; 0 for models that have none.
        seconds: Wall time of this run; its share, by epochs, where several were trained together.
        weights: What a network started from, `"random"` or `"ImageNet"`; `""` for the others.
        history: Training and test accuracy after each epoch, float64, shape (epochs, 2); None
            where it was not asked for, and for models without epochs.
    """

    predictions: npt.NDArray[np.int64]
    train_accuracy: float
    epochs: int
    seconds: float
    weights: str = ""
    history: npt.NDArray[np.float64] | None = None
