"""What the operator lets studies take: units, hours and disk; see `core.settings`."""

from __future__ import annotations

import shutil

from core import settings
from core.database import full
from core.errors import OverLimit, StoreError
from core.store import Store

# Enough to note how every job ended, and for a batch of scores.
LEAST_FREE = 16 << 20


def limited() -> bool:
    """Whether the operator limits what a study may ask for."""
    return any(settings.most(what) is not None for what in ("UNITS", "HOURS"))


def check_size(units: int, seconds: float) -> None:
    """Refuse a study that is too large.

    Args:
        units: Units that are left to do.
        seconds: Seconds that they are expected to take; 0 where nobody knows.

    Raises:
        OverLimit: The study has more units than one may have, or would run for longer.
    """
    most = settings.most("UNITS")
    if most is not None and units > most:
        raise OverLimit(
            f"The study has {units:,} units left to do; the operator allows {most:,.0f} "
            "(XFACTOR_MOST_UNITS): ask for fewer subsets, repeats, levels or models."
        )
    most = settings.most("HOURS")
    if most is not None and seconds > most * 3600:
        raise OverLimit(
            f"The study would run for about {seconds / 3600:,.3g} h; the operator allows "
            f"{most:,.3g} h (XFACTOR_MOST_HOURS): ask for fewer subsets, repeats, levels or models."
        )


def check_spent(seconds: float) -> None:
    """Raise OverLimit if a study has run for as long as one may."""
    most = settings.most("HOURS")
    if most is not None and seconds > most * 3600:
        raise OverLimit(
            f"It has run for {seconds / 3600:,.3g} h; the operator allows {most:,.3g} h "
            "(XFACTOR_MOST_HOURS). What was finished is kept; with more hours it goes on."
        )


def check_disk(store: Store) -> None:
    """Raise StoreError if the disk is nearly full, or the cache as large as it may be."""
    if shutil.disk_usage(store.root).free < LEAST_FREE:
        raise full(store.root)
    most = settings.most("GB")
    if most is not None and store.bytes() > most * 1e9:
        raise StoreError(
            f"The cache {store.root} holds {store.bytes() / 1e9:,.3g} GB; the operator allows "
            f"{most:,.3g} GB (XFACTOR_MOST_GB). What was finished is kept; with more room studies "
            "go on."
        )
