"""Which strategies improve on random subsets: mean Z, and how often the best random one is beaten.

Without any effect a selected subset is one more random one, and the best of R + 1 is as likely to
be any of them: it beats the best of R with probability 1/(R + 1). That is expected over studies;
within one the same best random subset stands against all, so shares of a size and model move
together.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from core import stats
from core.stats.proportion import wilson
from core.studies.xfactor_analysis.scores import WITHOUT, left_out

ALL = "all models"
COLUMNS = [
    *("strategy", "direction", "per_class", "model", "subsets", "random"),
    *("share", "share_low", "share_high", "chance", "z_mean", "z_low", "z_high"),
]


def better(table: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """Selected subsets against random ones of the same size and model.

    Args:
        table: From `scores.prepare`.
        resamples: Bootstrap resamples of subsets, for the intervals of the mean Z.
        seed: Seed of the resamples.

    Returns:
        One row a (strategy, direction, size, model), and one over the models together (without
        naive Bayes where there is one): `subsets`; `random`, how many random ones they stand
        against, the fewest of the models'; `share` of (subset, model) pairs with a lower error
        than the best of those, its 95 % Wilson interval over subsets, and `chance`, 1/(random +
        1); `z_mean` and its 95 % bootstrap interval, NaN for one subset.
    """
    random = table[table["group"] == "random"]
    if len(random) == len(table):
        return pd.DataFrame(columns=COLUMNS)
    best = random.groupby(["model", "per_class"])["error"].agg(best="min", random="size")
    chosen = table[table["group"] == "selected"].join(best, on=["model", "per_class"], how="inner")
    chosen = chosen.assign(beats=chosen["error"] < chosen["best"])
    rows = []
    for key, kind in chosen.groupby(["strategy", "direction", "per_class"], sort=False):
        for model, part in _models(kind):
            by_subset = part.groupby("subset")[["beats", "z"]].mean()
            n, share = len(by_subset), float(by_subset["beats"].mean())
            least = int(part["random"].min())
            z = by_subset["z"].dropna().to_numpy(dtype=np.float64)
            shares = (share, *wilson(share, n), 1 / (least + 1))
            rows.append((*key, model, n, least, *shares, *_mean(z, resamples, seed)))
    return pd.DataFrame(rows, columns=COLUMNS)


def _models(kind: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """The scores of each model, and of those that means are taken over if there are several."""
    for model, part in kind.groupby("model", sort=False):
        yield str(model), part
    out = left_out(kind["model"])
    kept = kind[~out]
    if len(set(kept["model"])) > 1:
        yield (WITHOUT if out.any() else ALL), kept


def _mean(z: stats.spread.Floats, resamples: int, seed: int) -> tuple[float, float, float]:
    """Mean and its 95 % bootstrap interval."""
    if len(z) < 2:
        return (float(z[0]) if len(z) else np.nan), np.nan, np.nan
    means = stats.bootstrap_counts(len(z), resamples, seed) @ z / len(z)
    low, high = np.percentile(means, [2.5, 97.5])
    return float(z.mean()), float(low), float(high)
