"""Which parts of a store the results of a study are read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import pandas as pd

from core.details import detailed
from core.errors import DamagedBlob, XFactorError
from core.store import Blob, Store
from core.studies import STUDIES

if TYPE_CHECKING:
    from core.jobs import Job


class Watched(Store):
    """A store that notes what is read from it."""

    def __init__(self, store: Store) -> None:
        super().__init__(store.root)
        self.blobs: dict[str, Blob] = {}
        self.units: dict[str, None] = {}
        self.damaged: list[str] = []

    def blob(self, key: str) -> Blob | None:
        """As `Store.blob`."""
        try:
            found = super().blob(key)
        except DamagedBlob as error:
            self.damaged.append(str(error))
            raise
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


def watched(job: Job, store: Store) -> Watched:
    """What reading all results of a study reads.

    Raises:
        DamagedBlob: An array that they rest on is damaged.
    """
    reader = Watched(store)
    try:
        STUDIES[job.study].report(job, reader)
    except XFactorError:
        if not reader.damaged:
            raise
    if reader.damaged:
        raise DamagedBlob(f"{reader.damaged[0]} Run the study again, then bundle it.")
    return reader


def with_details(store: Store, units: Sequence[str]) -> list[str]:
    """Those of the units whose predictions are kept, in order."""
    kept = detailed(store, units)
    return [unit for unit in units if unit in kept]
