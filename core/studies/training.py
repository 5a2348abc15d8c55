"""What studies share on the way to their scores: rows drawn, models settled, units trained."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core import engine, models
from core.datasets.base import Dataset
from core.models import Model
from core.specs import seed_from
from core.units import Unit

if TYPE_CHECKING:
    from distributed import Client

    from core.jobs import Context

Rows = npt.NDArray[np.int32]


def drawn_rows(among: Rows, images: int, seed: int, repeat: int) -> Rows:
    """Rows that a repeat begins with: so many of those given, sorted; all of them for 0."""
    if not images:
        return among
    rng = np.random.default_rng(seed_from("sample", seed, repeat))
    return among[np.sort(rng.choice(among.size, images, replace=False))]


def settled(asked: Sequence[Model], context: Context) -> tuple[list[Model], list[str]]:
    """The models as they can be had here, and what differs, which the log is told too."""
    found, notes = models.resolve(asked)
    for note in notes:
        context.say(note)
    return found, notes


def train(
    client: Client,
    dataset: Dataset,
    units: Sequence[Unit],
    context: Context,
    done: str = "models trained",
) -> str:
    """Train every unit that has no score; says how many are `done` and how many failed."""
    failed = engine.score(
        client, dataset, units, context.store, context.report, context.say, context.should_stop
    )
    return f"{len(units) - failed:,} {done}" + (f", {failed:,} failed." if failed else ".")
