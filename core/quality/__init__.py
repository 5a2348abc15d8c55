"""How good each image is, which images are nearly the same, and how far to trust the answer."""

from core.quality.audit import scan
from core.quality.detectors import scoreboard
from core.quality.duplicates import Duplicates, find_duplicates, find_leaks, flag_duplicates
from core.quality.policy import JUDGES, Decision, judge
from core.quality.scores import SCORES, score_images
from core.quality.thresholds import THRESHOLDS

__all__ = [
    "JUDGES",
    "SCORES",
    "THRESHOLDS",
    "Decision",
    "Duplicates",
    "find_duplicates",
    "find_leaks",
    "flag_duplicates",
    "judge",
    "scan",
    "score_images",
    "scoreboard",
]
