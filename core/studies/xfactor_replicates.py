"""Which subsets of an X-Factor study are trained again under other seeds.

What a model makes of a subset is part the subset, part the chance of its training. Training the
same subset again tells the two apart, and so how far models can agree at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.studies.xfactor_spec import XFactorSpec
from core.units import Unit


def places(spec: XFactorSpec, recipes: pd.DataFrame) -> npt.NDArray[np.intp]:
    """Places of the subsets that are trained again.

    Of each size as many random as selected ones as far as there are, each kind spread evenly
    over the plan and so over strategies, directions and excess.

    Args:
        spec: How many of each size.
        recipes: One row a subset, in the order of the plan, with `per_class` and `strategy`.

    Returns:
        Ascending row numbers of `recipes`.
    """
    if not spec.replicates:
        return np.empty(0, dtype=np.intp)
    random = recipes["strategy"].to_numpy() == "random"
    sizes = recipes["per_class"].to_numpy()
    found = []
    for size in spec.per_class:
        kinds = [np.flatnonzero((sizes == size) & (random == kind)) for kind in (True, False)]
        few, many = sorted(kinds, key=len)
        half = min(spec.replicate_subsets // 2, len(few))
        found += [_spread(few, half), _spread(many, spec.replicate_subsets - half)]
    return np.sort(np.concatenate(found))


def _spread(among: npt.NDArray[np.intp], count: int) -> npt.NDArray[np.intp]:
    """So many of the places, as evenly as whole numbers allow; all where there are no more."""
    if count >= len(among):
        return among
    return among[np.arange(count) * len(among) // max(count, 1)]


def again(
    spec: XFactorSpec, units: Sequence[Unit], recipes: pd.DataFrame
) -> list[tuple[int, Unit]]:
    """Units that repeat others under other seeds; models that draw nothing are left out.

    Args:
        spec: How often, and for how many subsets.
        units: Every (subset, model), subset by subset in the order of `recipes`.
        recipes: One row a subset.

    Returns:
        Each with the place of the unit that it repeats.
    """
    width = len(spec.models)
    return [
        (place, replace(units[place], replicate=replicate))
        for subset in places(spec, recipes)
        for replicate in range(1, spec.replicates + 1)
        for place in range(subset * width, (subset + 1) * width)
        if not units[place].model.family.deterministic
    ]
