"""The default cut of a score: automatic where the scores show two kinds of images, else fixed.

An automatic threshold always cuts somewhere, so on clean data it flags what is not there. Here
each score has a fixed cut that next to no clean image is under. It is loosened, as far as is
sensible for that score, only where the density of the scores has a valley: deep against the
lower of the peaks beside it and with enough images on both sides.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.quality.scores import SCORES, Score
from core.quality.thresholds import EDGES, THRESHOLDS, TINY, density, histogram

Floats = npt.NDArray[np.float64]

LEAST_IMAGES = 50
DEPTH = 0.5
LEAST_FAULTS = 10
LEAST_SHARE, MOST_SHARE = 0.01, 0.7
MOST_WITHOUT_GAP = 0.4

# The score each issue is judged by.
JUDGES = {
    "dark": "dark",
    "light": "light_content",
    "blurry": "blurry_content",
    "low_information": "low_information_content",
    "odd_aspect_ratio": "odd_aspect_ratio",
    "odd_size": "odd_size",
    "grayscale": "grayscale_content",
}


@dataclass(frozen=True)
class Decision:
    """Where a score is cut and why.

    Args:
        score: Name of the score.
        method: `gap`, `fixed`, `silent`, or the name of a threshold asked for.
        threshold: Images scoring under it are flagged.
        flagged: How many those are.
        reason: One sentence.
    """

    score: str
    method: str
    threshold: float
    flagged: int
    reason: str


def decide(values: Floats, score: Score) -> Decision:
    """The default cut for one score of a data set.

    Args:
        values: Scores in [0, 1], NaN where unreadable, shape (n,).
        score: Which score it is.
    """
    values = values[~np.isnan(values)]
    fixed = THRESHOLDS["fixed"](values, score)
    gap = valley(values, score)
    if gap is not None:
        cut = max(gap, fixed)
        count = int((values < cut).sum())
        reason = (
            f"A gap at {gap:.2f} sets {_share(count, len(values))} apart from the rest, "
            "so they are flagged."
        )
        return Decision(score.name, "gap", cut, count, reason)
    count = int((values < fixed).sum())
    silent = _why_silent(count, len(values), fixed, score)
    if silent:
        return Decision(score.name, "silent", 0.0, 0, silent)
    found = f"{_share(count, len(values))} under it are flagged" if count else "none is under it"
    reason = f"The scores show no gap, so the fixed cut {fixed:.2f} stands: {found}."
    return Decision(score.name, "fixed", fixed, count, reason)


def _why_silent(count: int, total: int, cut: float, score: Score) -> str:
    """The sentence for scores under the fixed cut that are no faults; empty where they are."""
    under = f"{_share(count, total)} score under {cut:.2f}"
    if count > MOST_SHARE * total:
        return f"{under}: that is how this data set is, so none is flagged."
    if score.loosest is not None and count > MOST_WITHOUT_GAP * total:
        return f"{under} without a gap to the rest, so none is flagged."
    if 0 < count < score.least_share * total:
        least = f"less than {score.least_share:.1%} is taken for variety"
        return f"Only {under}; {least}, so none is flagged."
    return ""


def valley(values: Floats, score: Score) -> float | None:
    """The clearest gap of the density under the loosest cut, or None.

    At each place the density is compared with the lower of the highest peaks to its left and to
    its right; on the flank of a single peak that ratio is 1.
    """
    if score.loosest is None or len(values) < LEAST_IMAGES:
        return None
    f = density(values)
    below = np.concatenate([[0], np.cumsum(histogram(values))[:-1]])
    left, right = np.maximum.accumulate(f), np.maximum.accumulate(f[::-1])[::-1]
    ratio = f / np.maximum(np.minimum(left, right), TINY)
    allowed = EDGES[1:] < score.loosest
    allowed &= below >= max(LEAST_FAULTS, LEAST_SHARE * len(values))
    allowed &= below <= MOST_SHARE * len(values)
    ratio[~allowed] = np.inf
    if ratio.min() > DEPTH:
        return None
    bottom = np.flatnonzero(ratio <= ratio.min() * 1.05)
    return float(EDGES[bottom[len(bottom) // 2]])


def judge(table: pd.DataFrame, method: str = "default") -> tuple[pd.DataFrame, list[Decision]]:
    """Flags for a table of scores, and the decisions behind them.

    Args:
        table: What `scan` gives.
        method: `default`, `cleanvision` for the library's own flags, or the name of a threshold.

    Returns:
        The table with `is_<issue>_issue` columns, and one decision for each issue.

    Raises:
        UnknownName: a method that is none of these.
    """
    names = JUDGES if method == "cleanvision" else JUDGES.values()
    decisions = [
        _cut(table[SCORES[name].column].to_numpy(), SCORES[name], method) for name in names
    ]
    flags = {
        f"is_{issue}_issue": table[SCORES[decision.score].column] < decision.threshold
        for issue, decision in zip(JUDGES, decisions, strict=True)
    }
    return table.assign(**flags), decisions


def _cut(values: Floats, score: Score, method: str) -> Decision:
    if method == "default":
        return decide(values, score)
    entry = THRESHOLDS["fixed" if method == "cleanvision" else method]
    cut = entry(values, score)
    count = int((values < cut).sum())
    reason = f"{entry.title} cuts at {cut:.2f}: {_share(count, len(values))} are flagged."
    return Decision(score.name, method, cut, count, reason)


def _share(count: int, total: int) -> str:
    images = "image" if count == 1 else "images"
    return f"{count:,} {images} ({count / total:.1%})" if total else "0 images"
