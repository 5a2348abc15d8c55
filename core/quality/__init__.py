"""How good each image is, which images are nearly the same, and how far to trust the answer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.quality.audit import scan
from core.quality.detectors import scoreboard
from core.quality.duplicates import (
    DETECTORS,
    Duplicates,
    find_duplicates,
    find_leaks,
    flag_duplicates,
)
from core.quality.policy import JUDGES, Decision, judge
from core.quality.scores import SCORES, score_images
from core.quality.thresholds import THRESHOLDS

if TYPE_CHECKING:
    from core.quality.vectors import NETWORKS, Vectors, feature_vectors

__all__ = [
    "DETECTORS",
    "JUDGES",
    "NETWORKS",
    "SCORES",
    "THRESHOLDS",
    "Decision",
    "Duplicates",
    "Vectors",
    "feature_vectors",
    "find_duplicates",
    "find_leaks",
    "flag_duplicates",
    "judge",
    "scan",
    "score_images",
    "scoreboard",
]


def __getattr__(name: str) -> object:
    """What needs torch is imported when it is asked for."""
    if name not in ("NETWORKS", "Vectors", "feature_vectors"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from core.quality import vectors

    return getattr(vectors, name)
