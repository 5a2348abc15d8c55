"""How far one rater agrees with itself, and so how far two can agree at all.

A score is what is rated and chance: x = t + e. Rated again, only the chance is new, and the
correlation of the two ratings over subjects is the reliability r_xx = var(t) / var(x). Chance
that is independent between two raters lowers their correlation to ρ·√(r_xx·r_yy), where ρ is that
of what they rate; so their R² is at most r_xx·r_yy, and R² / (r_xx·r_yy) estimates ρ².

References:
    Spearman, The proof and measurement of association between two things, American Journal of
    Psychology 15 (1904).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from core.stats.spread import Floats


def chance_variance(scores: Floats) -> Floats:
    """Variance (ddof = 1) of each subject's repeated scores.

    Args:
        scores: Shape (subjects, raters, runs), NaN for a run that there is not.

    Returns:
        Shape (subjects, raters), NaN with fewer than two runs.
    """
    present = np.isfinite(scores)
    runs = present.sum(axis=2)
    known = np.where(present, scores, 0.0)
    mean = known.sum(axis=2) / np.maximum(runs, 1)
    squares = (np.where(present, scores - mean[:, :, None], 0.0) ** 2).sum(axis=2)
    return np.where(runs > 1, squares / np.maximum(runs - 1, 1), np.nan)


def reliability(
    scores: Floats, chance: Floats, strata: npt.NDArray[np.integer], counts: Floats
) -> Floats:
    """Reliability of each rater: 1 − variance of chance / variance of all scores.

    Chance may differ between strata, of which the subjects that are rated again need not be a
    fair sample: its variance is averaged within each and weighted by the stratum's size.

    Args:
        scores: One score of every subject by every rater, shape (subjects, raters), finite.
        chance: From `chance_variance`, NaN for subjects that were rated once.
        strata: Stratum of each subject, shape (subjects,).
        counts: How often each subject counts, shape (resamples, subjects).

    Returns:
        Shape (resamples, raters), at most 1; below 0 where scores vary less than chance does.
        NaN where a stratum has no subject that was rated again, or scores do not vary.
    """
    n = counts.sum(axis=1, keepdims=True)
    centred = scores - scores.mean(axis=0)
    mean = counts @ centred / n
    total = (counts @ centred**2 - n * mean**2) / (n - 1)
    noise = np.zeros_like(total)
    for stratum in np.unique(strata):
        inside = strata == stratum
        again = np.isfinite(chance) & inside[:, None]
        known = counts @ again
        summed = counts @ np.where(again, chance, 0.0)
        weight = counts[:, inside].sum(axis=1, keepdims=True) / n
        average = np.divide(summed, known, out=np.full_like(summed, np.nan), where=known > 0)
        noise += np.where(weight > 0, weight * average, 0.0)
    varying = total > np.finfo(np.float64).eps * (centred**2).mean(axis=0)
    share: Floats = np.divide(noise, total, out=np.full_like(total, np.nan), where=varying)
    return 1 - share
