"""Dataset Contribution Score: how much of the influence in a training set is helpful."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError


@dataclass(frozen=True)
class DatasetContribution:
    """The score of one training set and model, and what it is made of.

    Args:
        dcs: Σ max(−I, 0) / Σ |I|, from 0 (all influence is harmful) to 1 (all is helpful);
            nan where every score is 0.
        raw: −Σ I / n, the same balance before it is normalised: what the rows together take off
            the validation loss per unit of weight; it grows with the scale of the loss.
        helpful: Σ max(−I, 0) / n.
        harmful: Σ max(I, 0) / n.
    """

    dcs: float
    raw: float
    helpful: float
    harmful: float


def dataset_contribution(influence: npt.ArrayLike) -> DatasetContribution:
    """Dataset Contribution Score of uncapped influence scores.

    At a minimum of the training loss the gradients add up to −n·l2·θ, so that without a penalty
    helpful and harmful influence balance and the score is near 0.5 whatever the rows. Compare it
    between rounds and arms, not with 1.

    Args:
        influence: Scores I, shape (n,), positive = harmful.

    Raises:
        InputError: no scores, or scores that are not finite.

    References:
        Kamene, The Data Gradient, contribution (ii), which names the score; the share of
        absolute influence that is helpful is this package's definition of it.
    """
    scores = np.asarray(influence, dtype=np.float64)
    if scores.ndim != 1 or not scores.size or not np.isfinite(scores).all():
        raise InputError(
            f"The score needs finite influence of shape (n,) with n ≥ 1; got shape {scores.shape}"
            f" with {int((~np.isfinite(scores)).sum())} values that are not finite."
        )
    helpful = float(np.maximum(-scores, 0).mean())
    harmful = float(np.maximum(scores, 0).mean())
    total = helpful + harmful
    share = helpful / total if total else float("nan")
    return DatasetContribution(share, helpful - harmful, helpful, harmful)
