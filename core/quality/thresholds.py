"""Ways to choose the cut below which a score is a fault, from the scores of a data set.

All take scores in [0, 1], float64, shape (n,), and give the cut: images scoring under it are
flagged. None of them asks whether there are two kinds of images at all; `core.quality.policy`
does.

References:
    Image-quality paper, automatic thresholds. J. T. Barron, A Generalization of Otsu's Method
    and Minimum Error Thresholding, ECCV 2020. J. Kittler, J. Illingworth, Minimum error
    thresholding, 1986. J. N. Kapur et al., A new method for gray-level picture thresholding using
    the entropy of the histogram, 1985.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import scipy.ndimage

from core.quality.scores import Score
from core.registry import Registry

Floats = npt.NDArray[np.float64]

BINS = 256
EDGES = np.linspace(0, 1, BINS + 1)
CENTRES = (EDGES[1:] + EDGES[:-1]) / 2
TINY = 1e-30
MADS = 3.0
LEAST_BANDWIDTH = 0.025
LI_STARTS = (0.02, 0.1, 0.25, 0.5, 0.75, 0.9)


@dataclass(frozen=True)
class Threshold:
    """One entry of the threshold registry.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        cut: Takes the scores, not all equal, and what they are scores of.
    """

    name: str
    title: str
    summary: str
    cut: Callable[[Floats, Score], float]

    def __call__(self, values: Floats, score: Score) -> float:
        """The cut for these scores; equal scores give that score, so that none is flagged."""
        values = values[~np.isnan(values)]
        if not values.size:
            return 0.0
        if values.min() == values.max() and self.cut is not fixed:
            return float(values[0])
        return float(self.cut(values, score))


def histogram(values: Floats) -> Floats:
    """Counts of the scores in 256 equal bins over [0, 1]."""
    return np.histogram(values, EDGES)[0].astype(np.float64)


def fixed(values: Floats, score: Score) -> float:
    """The score's own cut; 1 for odd sizes where most images have one size, as in CleanVision."""
    if score.name == "odd_size" and np.quantile(values, 0.25) == 1:
        return 1.0
    return score.threshold


def li(values: Floats, score: Score | None = None, start: float | None = None) -> float:
    """Li's minimum cross-entropy threshold, iterated from the mean or from `start`."""
    from skimage.filters import threshold_li

    return float(threshold_li(values, initial_guess=start))


def li_restarts(values: Floats) -> list[tuple[float, float]]:
    """(start, cut) of Li's iteration from several quantiles: more than one cut means that the
    answer depends on where it started.
    """
    values = values[~np.isnan(values)]
    if not values.size or values.min() == values.max():
        return []
    starts = np.unique(np.quantile(values, LI_STARTS))
    inside = starts[(starts > values.min()) & (starts < values.max())]
    return [(float(start), li(values, start=float(start))) for start in inside]


def otsu(values: Floats, score: Score) -> float:
    from skimage.filters import threshold_otsu

    return float(threshold_otsu(values, nbins=BINS))


def yen(values: Floats, score: Score) -> float:
    from skimage.filters import threshold_yen

    return float(threshold_yen(values, nbins=BINS))


def triangle(values: Floats, score: Score) -> float:
    from skimage.filters import threshold_triangle

    return float(threshold_triangle(values, nbins=BINS))


def generalized(
    counts: Floats,
    x: Floats,
    nu: float = 0.0,
    tau: float = 0.0,
    kappa: float = 0.0,
    omega: float = 0.5,
) -> float:
    """Generalized histogram thresholding (Barron 2020, section 3).

    With all parameters 0 it is minimum error thresholding; with `nu` to infinity and `tau` to 0
    it is Otsu's method.

    Args:
        counts: Histogram, shape (bins,).
        x: Bin centres, ascending, shape (bins,).
        nu: Strength of the prior on the variances of the two sides, in samples.
        tau: The standard deviation that the prior expects.
        kappa: Strength of the prior on the share of the lower side, in samples.
        omega: The share that the prior expects.

    Returns:
        The bin centre that ends the lower side; the mean of those that tie.
    """
    w0 = np.maximum(np.cumsum(counts)[:-1], TINY)
    w1 = np.maximum(np.cumsum(counts[::-1])[-2::-1], TINY)
    share = w0 / (w0 + w1)
    score = np.zeros(len(counts) - 1)
    sides = ((w0, share, omega, 1), (w1, 1 - share, 1 - omega, -1))
    for weight, part, prior, step in sides:
        first, second = (np.cumsum((counts * x**power)[::step])[:-1][::step] for power in (1, 2))
        distortion = np.maximum(second - first**2 / weight, 0)
        variance = np.maximum((part * nu * tau**2 + distortion) / (part * nu + weight), TINY)
        score += -distortion / variance - weight * np.log(variance)
        score += 2 * (weight + kappa * prior) * np.log(weight)
    return float(x[:-1][score == score.max()].mean())


def ght(values: Floats, score: Score) -> float:
    """GHT with the variance prior as strong as a tenth of the data, around bumps 0.05 wide."""
    return generalized(histogram(values), CENTRES, nu=0.1 * len(values), tau=0.05)


def minimum_error(values: Floats, score: Score) -> float:
    """Kittler and Illingworth: the split whose two Gaussians are the most probable.

    A side without any spread would win by its infinite likelihood, so each side keeps the
    variance of the width of a bin.
    """
    counts = histogram(values)
    return generalized(counts, CENTRES, nu=1.0, tau=1 / BINS)


def kapur(values: Floats, score: Score) -> float:
    """Kapur, Sahoo and Wong: the split whose two sides have the largest sum of entropies."""
    share = histogram(values) / len(values)
    p = np.cumsum(share)[:-1]
    terms = -share * np.log(np.maximum(share, TINY))
    h = np.cumsum(terms)[:-1]
    low, high = np.maximum(p, TINY), np.maximum(1 - p, TINY)
    total = np.log(low) + h / low + np.log(high) + (terms.sum() - h) / high
    total[(p <= 0) | (p >= 1)] = -np.inf
    return float(EDGES[1:-1][total.argmax()])


def density(values: Floats) -> Floats:
    """Gaussian kernel density of the scores at `CENTRES`, by smoothing their histogram.

    The bandwidth is Silverman's for the narrower half of the scores, so that a small bump beside
    a wide one is not smeared out, and at least 0.025, so that a few images in a tail are no bump.
    """
    low, middle, high = np.quantile(values, [0.25, 0.5, 0.75])
    spread = min(values.std(), 2 * min(middle - low, high - middle) / 1.34)
    bandwidth = max(0.9 * spread * len(values) ** -0.2, LEAST_BANDWIDTH)
    smooth = scipy.ndimage.gaussian_filter1d(
        histogram(values), bandwidth * BINS, mode="reflect", truncate=6.0
    )
    return np.asarray(smooth * BINS / len(values))


def kde_valley(values: Floats, score: Score) -> float:
    """The lowest point between the two highest peaks of the density; 0 where there is one peak."""
    f = density(values)
    padded = np.pad(f, 1, constant_values=-1.0)
    peaks = np.flatnonzero((f > padded[:-2]) & (f >= padded[2:]))
    if len(peaks) < 2:
        return 0.0
    first, second = sorted(peaks[np.argsort(f[peaks])[-2:]])
    return float(EDGES[first + 1 + f[first + 1 : second + 1].argmin()])


def mad(values: Floats, score: Score) -> float:
    """Three scaled median absolute deviations under the median."""
    median = np.median(values)
    return float(median - MADS * 1.4826 * np.median(np.abs(values - median)))


THRESHOLDS: Registry[Threshold] = Registry(
    "threshold",
    Threshold("fixed", "Fixed", "CleanVision's cut, or the default of a score of our own.", fixed),
    Threshold("li", "Li", "Least cross-entropy between the scores and their two means.", li),
    Threshold("otsu", "Otsu", "Least variance within the two sides.", otsu),
    Threshold("ght", "GHT", "Barron's generalization of Otsu and minimum error.", ght),
    Threshold("minimum-error", "Minimum error", "The two most probable Gaussians.", minimum_error),
    Threshold("yen", "Yen", "Largest entropic correlation of the two sides.", yen),
    Threshold("kapur", "Kapur", "Largest sum of the entropies of the two sides.", kapur),
    Threshold("triangle", "Triangle", "Farthest from the line between peak and end.", triangle),
    Threshold(
        "kde-valley", "KDE valley", "Lowest density between the two highest peaks.", kde_valley
    ),
    Threshold("mad", "MAD", "Three median absolute deviations under the median.", mad),
)
