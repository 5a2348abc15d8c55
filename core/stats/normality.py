"""Whether Z-scores are normal: Kolmogorov-Smirnov tests, textbook and by simulation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special, stats

from core.stats.spread import ROUNDING, Floats

# How many simulated values `ks_against_normal` holds at once.
CHUNK = 2_000_000


@dataclass(frozen=True)
class KS:
    """A Kolmogorov-Smirnov test against the standard normal distribution.

    Args:
        n: Values pooled.
        statistic: Largest distance between their distribution function and the normal one.
        p: Textbook p: takes mean 0 and sd 1 as known and the values as independent and
            continuous. Conservative here, because both are estimated from the same values.
        p_monte_carlo: Share of simulated studies, this one among them, with a statistic as large.
    """

    n: int
    statistic: float
    p: float
    p_monte_carlo: float


def ks_against_normal(
    cells: Sequence[Floats],
    steps: Sequence[Floats],
    pools: Sequence[npt.NDArray[np.bool_]],
    resamples: int = 1000,
    seed: int = 0,
) -> list[KS]:
    """Test pools of Z-scores against N(0, 1), each cell standardised by its own mean and sd.

    The Monte Carlo p (after Lilliefors) is from studies simulated with normal errors: same
    numbers of subsets, same correlation between models, errors rounded to the same steps, then
    standardised by their own mean and sd as the data were.

    Args:
        cells: For each size, Z-scores of its random subsets, shape (subsets, models).
        steps: For each size, the distance between two possible Z-scores of each model (1 over
            the number of test images, over the sd), shape (models,); 0 for continuous values.
        pools: The tests: masks over all cells flattened and put one after the other.
        resamples: Simulated studies.
        seed: Seed of the simulation.

    Returns:
        One result a pool; n = 0 and NaN for a pool without a Z-score.

    References:
        X-Factor, figure 3. Lilliefors (1967), J. Am. Stat. Assoc. 62, 399-402.
    """
    flat = np.concatenate([cell.ravel() for cell in cells])
    pools = [pool & np.isfinite(flat) for pool in pools]
    observed = [_ks_statistic(special.ndtr(flat[pool])[None])[0] for pool in pools]
    reached = np.zeros(len(pools), dtype=np.int64)
    rng = np.random.default_rng(seed)
    chunk = max(1, CHUNK // max(flat.size, 1))
    for start in range(0, resamples, chunk):
        draws = min(chunk, resamples - start)
        null = [
            _null_z_scores(cell, step, draws, rng).reshape(draws, -1)
            for cell, step in zip(cells, steps, strict=True)
        ]
        uniform = special.ndtr(np.concatenate(null, axis=1))
        for index, pool in enumerate(pools):
            reached[index] += (_ks_statistic(uniform[:, pool]) >= observed[index]).sum()
    return [
        KS(0, np.nan, np.nan, np.nan)
        if not pool.any()
        else KS(
            int(pool.sum()),
            float(statistic),
            float(stats.kstest(flat[pool], "norm").pvalue),
            float((1 + count) / (1 + resamples)),
        )
        for pool, statistic, count in zip(pools, observed, reached, strict=True)
    ]


def _ks_statistic(uniform: Floats) -> Floats:
    """Kolmogorov-Smirnov distance of each row from the uniform distribution on [0, 1]."""
    n = uniform.shape[1]
    if n == 0:
        return np.full(len(uniform), np.nan)
    ordered = np.sort(uniform, axis=1)
    above = (np.arange(1, n + 1) / n - ordered).max(axis=1)
    below = (ordered - np.arange(n) / n).max(axis=1)
    distance: Floats = np.maximum(above, below)
    return distance


def _null_z_scores(z: Floats, step: Floats, draws: int, rng: np.random.Generator) -> Floats:
    """Z-scores that normal errors would have given, shape (draws, subsets, models)."""
    present = np.isfinite(z)
    filled = np.where(present, z, 0.0)
    # A root of the models' covariance that also stands for singular ones.
    _, singular, axes = np.linalg.svd(filled, full_matrices=False)
    root = singular[:, None] * axes / np.sqrt(max(len(z) - 1, 1))
    null = rng.standard_normal((draws, len(z), len(root))) @ root
    # Possible values lie where the observed ones do: a multiple of the step from any of them.
    grid = np.where(step > 0, step, 1.0)
    origin = filled[present.argmax(axis=0), np.arange(z.shape[1])] if len(z) else 0.0
    rounded = np.round((null - origin) / grid) * grid + origin
    null = np.where(present, np.where(step > 0, rounded, null), 0.0)
    n = present.sum(axis=0)
    centred = np.where(present, null - null.sum(axis=1, keepdims=True) / np.maximum(n, 1), 0.0)
    sd = np.sqrt((centred**2).sum(axis=1, keepdims=True) / np.maximum(n - 1, 1))
    # A draw that rounding leaves without spread counts as its mean.
    return np.where(sd > ROUNDING, centred / np.where(sd > ROUNDING, sd, 1.0), 0.0)
