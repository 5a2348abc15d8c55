"""Stores that note what the results of a study are read from."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from core.errors import DamagedBlob
from core.store import Blob, Store


class Reader(Store):
    """A store that notes which of the arrays read from it are damaged, and which scores lack.

    A unit lacks a score when it has no reason of a failure either: its score was lost, or is one
    of an earlier version of its model.
    """

    def __init__(self, store: Store) -> None:
        super().__init__(store.root)
        self.damaged: list[str] = []
        self.missing: set[str] = set()

    @property
    def lost(self) -> str:
        """What the results rest on and is not to be had, in a sentence; empty if all was there."""
        if self.damaged:
            return self.damaged[0]
        count = len(self.missing)
        return (
            f"{count:,} of its scores are not here, or are of an earlier version of their models."
            if count
            else ""
        )

    def blob(self, key: str) -> Blob | None:
        """As `Store.blob`."""
        try:
            return super().blob(key)
        except DamagedBlob as error:
            self.damaged.append(str(error))
            raise

    def scores(self, units: Sequence[str]) -> pd.DataFrame:
        """As `Store.scores`."""
        found = super().scores(units)
        self.missing.update(set(units).difference(found["unit"]))
        return found

    def failures(self, units: Sequence[str]) -> pd.DataFrame:
        """As `Store.failures`."""
        found = super().failures(units)
        self.missing.difference_update(found["unit"])
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
