"""Pairs of an X-Factor study's subsets to put together, by their rank."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.errors import InputError
from core.studies.union_spec import text_of
from core.studies.xfactor_analysis.scores import left_out

KINDS = ("best with best", "best with worst", "worst with worst", "at random")


def ranked(z_scores: pd.DataFrame, per_class: int) -> list[str]:
    """Subsets of one size from the best to the worst, by mean Z over models.

    Naive Bayes is left out where there is another model; subsets that a model has not scored are.

    Args:
        z_scores: `Analysis.z_scores`.
        per_class: The size.
    """
    out = left_out(z_scores["model"])
    table = z_scores if out.all() else z_scores[~out]
    table = table[(table["per_class"] == per_class) & table["z"].notna()]
    by_subset = table.groupby("subset")["z"].agg(["mean", "size"]).reset_index()
    whole = by_subset[by_subset["size"] == table["model"].nunique()]
    return whole.sort_values(["mean", "subset"])["subset"].tolist()


def pairs(order: Sequence[str], kinds: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """`count` pairs of each kind as texts of a spec; no subset is in two of them.

    Args:
        order: Subsets from the best to the worst.
        kinds: Of `KINDS`.
        count: Pairs of each kind.
        seed: Of those at random, which come of what the other kinds leave.

    Raises:
        InputError: There are too few subsets.
    """
    need = 2 * count * len(kinds)
    if len(order) < need:
        raise InputError(
            f"{count} pairs of {len(kinds)} kinds take {need} subsets; this size has {len(order)}. "
            f"Take at most {len(order) // (2 * max(1, len(kinds)))} of each."
        )
    best, worst = iter(order), iter(reversed(order))
    ends = {KINDS[0]: (best, best), KINDS[1]: (best, worst), KINDS[2]: (worst, worst)}
    found = [
        (kind, next(ends[kind][0]), next(ends[kind][1]))
        for _ in range(count)
        for kind in kinds
        if kind in ends
    ]
    if KINDS[3] in kinds:
        used = {name for _, *two in found for name in two}
        left = np.array([name for name in order if name not in used])
        drawn = np.random.default_rng(seed).permutation(left)[: 2 * count].tolist()
        found += [(KINDS[3], a, b) for a, b in zip(drawn[::2], drawn[1::2], strict=True)]
    return [f"{kind}: {text_of(a, b)}" for kind, a, b in found]
