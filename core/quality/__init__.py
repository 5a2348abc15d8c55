"""How good each image is, which images are nearly the same, and how far to trust the answer."""

from core.quality.audit import scan
from core.quality.scores import SCORES, score_images

__all__ = ["SCORES", "scan", "score_images"]
