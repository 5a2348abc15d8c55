"""Measures of the subsets of an X-Factor study: computed in chunks, read by content key."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import diversity
from core.datasets.base import Dataset
from core.specs import TrainingSet, content_key
from core.store import Store

KIND = ["per_class", "strategy", "direction", "excess"]
# Subsets of a chunk times their images squared: a few seconds of one core.
CHUNK = 4_000_000
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Chunk:
    """Subsets of one kind that are measured and stored together.

    Args:
        subsets: Their ids.
        rows: Row numbers of each, shape (subsets, images).
    """

    subsets: tuple[str, ...]
    rows: Rows

    def key(self, fingerprint: str) -> str:
        """What the measures are stored under: the data and the rows, however they were chosen."""
        digest = hashlib.sha256(self.rows.astype("<i4").tobytes()).hexdigest()
        values = {"dataset": fingerprint, "rows": digest, "subsets": len(self.rows)}
        return content_key("measures", {"version": diversity.VERSION, **values})

    @property
    def cost(self) -> int:
        """Work that it takes, in no unit."""
        images = min(int(self.rows.shape[1]), diversity.MOST_IMAGES)
        return len(self.rows) * (100_000 + images**2)


def chunks(recipes: pd.DataFrame, rows: Mapping[str, Rows]) -> Iterator[Chunk]:
    """The subsets in the order of the plan, in chunks that depend on their kind alone.

    Args:
        recipes: One row a subset.
        rows: Of each subset by its id.
    """
    for _, kind in recipes.groupby(KIND, sort=False):
        names = kind["subset"].tolist()
        images = min(rows[names[0]].size, diversity.MOST_IMAGES)
        step = max(1, CHUNK // images**2)
        for first in range(0, len(names), step):
            some = names[first : first + step]
            yield Chunk(tuple(some), np.stack([rows[name] for name in some]))


def measured(
    chunk: Chunk, fingerprint: str, store: Store, report: Callable[[str], None]
) -> pd.DataFrame | None:
    """The stored measures of a chunk, one row a subset; None where there are none."""
    blob = store.whole(chunk.key(fingerprint), report)
    if blob is None:
        return None
    return pd.DataFrame({"subset": list(chunk.subsets), **blob.arrays})


def table(
    recipes: pd.DataFrame,
    rows: Mapping[str, Rows],
    fingerprint: str,
    store: Store,
    report: Callable[[str], None],
) -> pd.DataFrame:
    """Recipe and measures of every subset that has been measured; no rows where none has."""
    columns = ["subset", *diversity.MEASURES]
    if not len(rows):
        return recipes.iloc[:0].assign(**dict.fromkeys(columns[1:], 0.0))
    parts = [pd.DataFrame(columns=columns).astype(dict.fromkeys(columns[1:], float))]
    for chunk in chunks(recipes, rows):
        found = measured(chunk, fingerprint, store, report)
        if found is not None:
            parts.append(found)
    return recipes.merge(pd.concat(parts[1:] or parts), on="subset")


def measure(dataset: Dataset, task: tuple[Chunk, float]) -> dict[str, npt.NDArray[np.float64]]:
    """Measures of the subsets of a chunk by name, at the scale given with it; for a worker."""
    chunk, scale = task
    found = [
        diversity.measure(
            diversity.of_subset(dataset, TrainingSet(dataset.fingerprint, some), scale)
        )
        for some in chunk.rows
    ]
    return {name: np.array([one[name] for one in found]) for name in diversity.MEASURES}
