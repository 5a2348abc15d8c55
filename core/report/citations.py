"""The papers that each kind of study follows."""

from __future__ import annotations

XFACTOR = (
    "J. Couch, M. Li, R. Arnaout, R. Arnaout. X-Factor: Quality Is a Dataset-Intrinsic Property."
)
FOUR_ASPECTS = (
    "T. He, S. Yu, Z. Wang, J. Li, Z. Chen. From Data Quality to Model Quality: an Exploratory "
    "Study on Deep Learning."
)
IMAGE_QUALITY = (
    "A Data-Centric Perspective on the Influence of Image Data Quality in Machine Learning Models. "
    "arXiv:2509.24420."
)
DATA_GRADIENT = (
    "K. Kamene. The Data Gradient: Quantifying Dataset Influence in End-to-End Machine Learning "
    "Systems. doi:10.70389/pjcs.100014."
)

LCR = (
    "R. Reeve, T. Leinster, C. Cobbold, J. Thompson, N. Brummitt, S. Mitchell, L. Matthews. How to "
    "partition diversity. arXiv:1404.6520."
)
VENDI = (
    "D. Friedman, A. Dieng. The Vendi Score: A Diversity Evaluation Metric for Machine Learning. "
    "arXiv:2210.02410."
)

CITATIONS: dict[str, tuple[str, ...]] = {
    "xfactor": (XFACTOR,),
    "faults": (FOUR_ASPECTS, IMAGE_QUALITY, XFACTOR),
    "removal": (IMAGE_QUALITY,),
    "scoreboard": (IMAGE_QUALITY,),
    "refinement": (DATA_GRADIENT,),
    "influence": (DATA_GRADIENT,),
    "leave-one-out": (DATA_GRADIENT,),
    "union": (XFACTOR,),
    "diversity": (XFACTOR, LCR, VENDI),
}
