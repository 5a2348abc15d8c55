"""Finished studies of several kinds in one cache, one of them on data whose names are hostile."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import jobs
from core.store import Store
from core.studies.faults_spec import FaultsSpec
from core.studies.removal import RemovalSpec
from tests import study
from tests.core.studies.serial import serial

HOSTILE = "</script><script>window.taken=1</script>"
IMAGE = "<img src=x onerror='window.taken=1'>\u202e\"&amp;😀"
FAULTS = FaultsSpec(
    "digits", "damage", faults=("flip-random@0.2,0.4", "keep@0.5"), models=("gnb", "svc"),
    repeats=2, images=300,
)  # fmt: skip
REMOVAL = RemovalSpec("hostile.csv", "0-9", HOSTILE, models=("gnb", "rf"), repeats=2)


@contextmanager
def studies(root: Path) -> Iterator[Store]:
    """A store in `root / "cache"` with the studies `tiny`, `damage` and `REMOVAL.name`, done."""
    rng = np.random.default_rng(0)
    labels = np.repeat([HOSTILE, IMAGE], 60)
    table = pd.DataFrame(rng.normal(size=(120, 3)), columns=["a", "b", "c"]).assign(label=labels)
    table["a"] += np.repeat([0.0, 2.0], 60)
    (root / "data").mkdir(parents=True)
    table.to_csv(root / "data" / "hostile.csv", index=False)
    with serial(root / "cache"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("XFACTOR_DATA", str(root / "data"))
        store = Store(root / "cache")
        jobs.submit(store, "xfactor", study.SPEC)
        jobs.submit(store, "faults", FAULTS)
        jobs.submit(store, "removal", REMOVAL)
        jobs.run_queue(store)
        bad = {job.name: job.message for job in jobs.all_jobs(store) if job.state != "done"}
        assert not bad, bad
        yield store
