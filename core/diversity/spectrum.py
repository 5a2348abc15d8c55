"""The Vendi score, by its authors' package.

References:
    Friedman and Dieng, The Vendi Score, arXiv:2210.02410 (package vendi-score).
"""

from __future__ import annotations

import warnings

from core.diversity.points import Points


def vendi(points: Points) -> float:
    """Exponential of the entropy of the eigenvalues of similarity/n, in [1, n]."""
    from vendi_score.vendi import score_K

    with warnings.catch_warnings():
        # The package names a SciPy module that goes with SciPy 2; requirements.txt stays below.
        warnings.filterwarnings("ignore", "Please import `csr_matrix`", DeprecationWarning)
        return float(score_K(points.similarity))
