"""Intervals of shares."""

from __future__ import annotations

import math

from scipy.stats import norm


def wilson(share: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval of a share, from 0 to 1; it does not collapse at 0 or 1.

    Args:
        share: Share of successes, or the mean of shares that n independent things each have; of
            the latter the interval is too wide rather than too narrow.
        n: Independent things, at least one.
        level: Coverage.
    """
    z2 = float(norm.ppf(0.5 + level / 2)) ** 2
    centre = (share + z2 / (2 * n)) / (1 + z2 / n)
    reach = math.sqrt(z2 * (share * (1 - share) / n + z2 / (4 * n * n))) / (1 + z2 / n)
    return max(0.0, centre - reach), min(1.0, centre + reach)
