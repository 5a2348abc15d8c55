"""How far scores lie apart: Z-scores and shares of variance."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

# A spread this small beside the values' own size is rounding, not variance.
ROUNDING = 1e-12


def z_scores(values: npt.ArrayLike, reference: npt.ArrayLike) -> Floats:
    """Values in standard deviations (ddof = 1) from the mean of the reference values.

    Args:
        values: Any shape.
        reference: The values that mean and standard deviation are taken from, shape (n,).

    Returns:
        Shape of `values`; all NaN where `reference` has fewer than two values or no spread.

    References:
        X-Factor, section 2.5: the reference is the random subsets of the same size and model.
    """
    values = np.asarray(values, dtype=np.float64)
    reference = np.asarray(reference, dtype=np.float64)
    if reference.size < 2 or np.ptp(reference) <= ROUNDING * np.abs(reference).max():
        return np.full_like(values, np.nan)
    scores: Floats = (values - reference.mean()) / reference.std(ddof=1)
    return scores


def explained_variance(values: npt.ArrayLike, cells: npt.ArrayLike) -> float:
    """Share of the variance of the values that the means of their cells explain, 0 to 1.

    Args:
        values: Shape (n,).
        cells: Cell of each value, such as its (model, size), shape (n,), any hashable dtype.

    Returns:
        Between-cell over total sum of squares (eta squared); NaN with fewer than two cells or
        no spread.

    References:
        X-Factor, section 3, "model and subset size generally explained > 98 % of performance".
    """
    values = np.asarray(values, dtype=np.float64)
    _, cell = np.unique(np.asarray(cells), return_inverse=True)
    if values.size == 0 or cell.max() == 0 or np.ptp(values) == 0:
        return float("nan")
    centred = values - values.mean()
    count, total = np.bincount(cell), np.bincount(cell, centred)
    return float((total**2 / count).sum() / (centred**2).sum())
