"""Scans and feature vectors of data sets in the store: nobody waits for the same one twice."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pandas as pd

from core.datasets.base import Dataset
from core.quality.audit import VERSION, Progress, labelled, scan
from core.quality.scores import INTEGERS
from core.specs import content_key
from core.store import Blob, Store

if TYPE_CHECKING:
    from core.quality.vectors import Vectors

ADDED = ("row", "label", "unreadable", "reason")


def scan_key(dataset: Dataset, split: str) -> str:
    """Content key of the scan of a split."""
    values = {"dataset": dataset.fingerprint, "peak": dataset.peak, "split": split}
    return content_key("quality-scan", values | {"version": VERSION})


def remembered_scan(
    store: Store,
    dataset: Dataset,
    split: str = "train",
    progress: Progress | None = None,
    report: Callable[[str], None] = print,
) -> pd.DataFrame:
    """`scan` of a data set, read from the store where it is there, else computed and stored.

    Args:
        store: The cache folder.
        dataset: The data set.
        split: `train` or `test`.
        progress: Called with the number of images done so far while it is computed.
        report: Told, in one sentence, when a damaged file had to be computed again.

    Raises:
        InputError: no such split.
    """

    def compute() -> Blob:
        # Digests are texts of one length, which NumPy stores without pickling, and a data set
        # has no unreadable images, so no integer is missing.
        types: dict[object, str] = {"digest": "str", **dict.fromkeys(INTEGERS, "uint64")}
        table = scan(dataset, split, progress=progress).drop(columns=list(ADDED))
        arrays = {
            str(name): values.to_numpy(types.get(name, "float64")) for name, values in table.items()
        }
        return Blob(arrays, {})

    blob = store.remember(scan_key(dataset, split), compute, report)
    table = pd.DataFrame(blob.arrays).astype(dict.fromkeys(INTEGERS, "UInt64"))
    return labelled(table, dataset, split)


def remembered_vectors(
    store: Store,
    dataset: Dataset,
    table: pd.DataFrame,
    network: str = "own",
    progress: Progress | None = None,
    report: Callable[[str], None] = print,
) -> Vectors:
    """`feature_vectors` of a training split, read from the store where they are there.

    Args:
        store: The cache folder.
        dataset: The data set.
        table: Its scan.
        network: Name of an entry of `NETWORKS`.
        progress: Called with the number of images done so far while they are computed.
        report: Told, in one sentence, when a damaged file had to be computed again.

    Raises:
        UnknownName: no such network.
        InputError: the network's weights cannot be had.
    """
    from core.quality import vectors

    def compute() -> Blob:
        found = vectors.feature_vectors(dataset, table, network, progress)
        return Blob({"array": found.array}, {"reason": found.reason})

    values = {"dataset": dataset.fingerprint, "peak": dataset.peak, "network": network}
    key = content_key("feature-vectors", values | {"version": vectors.VERSION})
    blob = store.remember(key, compute, report)
    return vectors.Vectors(blob.arrays["array"], str(blob.meta["reason"]))
