"""Which parts of a store the results of a study are read from."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from core.details import detailed
from core.errors import DamagedBlob, XFactorError
from core.store import Store
from core.studies import STUDIES
from core.studies.reading import Watched

if TYPE_CHECKING:
    from core.jobs import Job


def watched(job: Job, store: Store) -> Watched:
    """What reading all results of a study reads.

    Raises:
        DamagedBlob: Arrays or scores that they rest on are damaged or missing.
    """
    reader = Watched(store)
    try:
        STUDIES[job.study].report(job, reader)
    except XFactorError:
        if not reader.damaged:
            raise
    if reader.lost:
        elsewhere = job.imported and reader.damaged
        first = "Open its bundle again" if elsewhere else "Run the study again"
        raise DamagedBlob(f"{reader.lost} {first}, then try once more.")
    return reader


def with_details(store: Store, units: Sequence[str]) -> list[str]:
    """Those of the units whose predictions are kept, in order."""
    kept = detailed(store, units)
    return [unit for unit in units if unit in kept]
