"""Similarity-sensitive diversities of Leinster, Cobbold and Reeve, by their authors' package.

Each class is a subcommunity and each image a species that occurs once, so that a diversity is an
effective number of images: n different ones at most, fewer where images resemble each other.

References:
    Reeve et al., How to partition diversity, arXiv:1404.6520; Nguyen et al., arXiv:2401.00102
    (package sentropy). Without similarity all of them are constant for class-balanced subsets of
    one size (alpha and gamma n, beta and rho 1), so they are not measures here.
"""

from __future__ import annotations

from core.diversity.points import Points

MEASURES = ("alpha", "beta", "gamma", "rho")
VIEWPOINTS = (0, 1, 2)


def diversities(points: Points) -> dict[tuple[str, int], float]:
    """Raw metacommunity diversities by measure and viewpoint q."""
    from sentropy import sentropy

    found = sentropy(
        points.members,
        similarity=points.similarity,
        q=list(VIEWPOINTS),
        measure=list(MEASURES),
        level="overall",
    )
    return {(name, q): float(found(q=q, measure=name)) for name in MEASURES for q in VIEWPOINTS}
