"""How good each image is, which images are nearly the same, and how far to trust the answer."""

from core.quality.audit import scan
from core.quality.policy import JUDGES, Decision, judge
from core.quality.scores import SCORES, score_images
from core.quality.thresholds import THRESHOLDS

__all__ = ["JUDGES", "SCORES", "THRESHOLDS", "Decision", "judge", "scan", "score_images"]
