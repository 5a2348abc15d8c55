"""Stores that note what the results of a study are read from."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.errors import DamagedBlob
from core.store import Blob, Store


class Reader(Store):
    """A store that notes which of the arrays and scores read from it are damaged or not there.

    What has a reason of a failure instead is not lost; what is of an earlier version of this
    program, of a model or a strategy, is.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store.root)
        self.damaged: list[str] = []
        self._scores: set[str] = set()
        self._arrays: set[str] = set()

    @property
    def lost(self) -> str:
        """What the results rest on and is not to be had, in a sentence; empty if all was there."""
        if self.damaged:
            return self.damaged[0]
        for what, keys in (("scores", self._scores), ("arrays", self._arrays)):
            count = len(keys.difference(self.failures(list(keys))["unit"]))
            if count:
                return f"{count:,} of its {what} are not here, or are of an earlier version."
        return ""

    def blob(self, key: str) -> Blob | None:
        """As `Store.blob`."""
        try:
            found = super().blob(key)
        except DamagedBlob as error:
            self.damaged.append(str(error))
            raise
        if found is None:
            self._arrays.add(key)
        return found

    def scores(self, units: Sequence[str]) -> pd.DataFrame:
        """As `Store.scores`."""
        found = super().scores(units)
        self._scores.update(set(units).difference(found["unit"]))
        return found


class Watched(Reader):
    """A store that notes what is read from it, and holds it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.blobs: dict[str, Blob] = {}
        self.units: dict[str, None] = {}

    def blob(self, key: str) -> Blob | None:
        """As `Store.blob`."""
        found = super().blob(key)
        if found is not None:
            self.blobs[key] = found
        return found

    def scores(self, units: Sequence[str]) -> pd.DataFrame:
        """As `Store.scores`."""
        self.units.update(dict.fromkeys(units))
        return super().scores(units)

    def failures(self, units: Sequence[str]) -> pd.DataFrame:
        """As `Store.failures`."""
        self.units.update(dict.fromkeys(units))
        return super().failures(units)
