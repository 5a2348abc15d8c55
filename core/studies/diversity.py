"""The diversity study: does a number that needs no model say how good a subset is?

Measures of diversity, distance and separability of every subset of an X-Factor study, beside the
mean Z-score over its models. Nothing is trained here; what has no score yet is not compared.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import pandas as pd

from core import datasets, diversity, settings
from core.datasets.base import Dataset
from core.registry import Registry
from core.specs import content_key
from core.store import Store
from core.studies import xfactor
from core.studies.base import Preset, Report, Study
from core.studies.training import settled
from core.studies.xfactor_measures import Chunk, chunks, measure, measured, table
from core.studies.xfactor_spec import XFactorSpec
from core.studies.xfactor_subsets import Subsets, plan, recipes

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from core.jobs import Context, Job


@dataclass(frozen=True)
class DiversitySpec(XFactorSpec):
    """The X-Factor study whose subsets are measured: the same settings, under another name.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "diversity"

    @classmethod
    def of(cls, spec: XFactorSpec) -> DiversitySpec:
        """The measuring of a study, named after it."""
        return cls.from_dict({**spec.to_dict(), "name": f"{spec.name}-diversity"})


def prepare(spec: DiversitySpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: As the X-Factor study's.
    """
    key, facts = xfactor.prepare(spec)
    return content_key("diversity", {"xfactor": key, "version": diversity.VERSION}), facts


def run(spec: DiversitySpec, context: Context) -> str:
    """Measure every subset; what is measured is stored chunk by chunk."""
    from core import cluster

    dataset = datasets.load(spec.dataset)
    resolved, notes = settled(spec.parsed_models(), context)
    context.note({"models": [model.label for model in resolved], "notes": notes})
    groups = plan(spec)
    with cluster.connect(context.scheduler) as client:
        xfactor.select(client, dataset, groups, context)
        subsets = Subsets(groups, dataset.fingerprint, context.store)
        planned = list(chunks(recipes(groups), subsets))
        left = [
            chunk
            for chunk in planned
            if measured(chunk, dataset.fingerprint, context.store, context.say) is None
        ]
        progress = _Progress(context, len(subsets), left)
        scale = diversity.typical_distance(dataset)

        def finished(task: tuple[Chunk, float], found: dict[str, npt.NDArray[np.float64]]) -> None:
            key = task[0].key(dataset.fingerprint)
            context.store.put_blob(key, found, {"scale": scale})
            progress.done(task[0])

        def failed(task: tuple[Chunk, float], error: BaseException) -> list[tuple[Chunk, float]]:
            raise error

        tasks = ((chunk, scale) for chunk in left)
        cluster.run(client, dataset, measure, tasks, finished, failed, context.should_stop)
    return f"{len(subsets):,} subsets measured."


class _Progress:
    """Tells how many subsets are measured and how long the rest will take."""

    def __init__(self, context: Context, total: int, left: list[Chunk]) -> None:
        self._context, self._total = context, total
        self._left = sum(len(chunk.subsets) for chunk in left)
        self._cost = sum(chunk.cost for chunk in left)
        self._spent, self._began = 0, time.monotonic()
        self._tell(None)

    def done(self, chunk: Chunk) -> None:
        """Note that a chunk is stored."""
        self._left -= len(chunk.subsets)
        self._cost -= chunk.cost
        self._spent += chunk.cost
        self._tell((time.monotonic() - self._began) * self._cost / self._spent)

    def _tell(self, seconds: float | None) -> None:
        self._context.report("Measuring subsets", self._total - self._left, self._total, seconds)


def estimate(spec: XFactorSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Subsets, seconds of all processes that measuring them takes, and that these are rough.

    Fitted on MNIST, one core of an AMD EPYC 9004 at 2.6 GHz.
    """
    sizes = recipes(plan(spec))["per_class"] * len(dataset.classes)
    images = sizes.clip(upper=diversity.MOST_IMAGES) / 1000
    seconds = float((0.004 + 0.09 * images**2 + 0.14 * images**3).sum())
    return len(sizes), settings.machine_seconds(seconds, gpu=False), False


def measures(found: xfactor.Results, store: Store) -> pd.DataFrame:
    """Recipe and measures of the subsets of a study that have been measured."""
    return table(found.recipes, found.rows, found.fingerprint, store, lambda _: None)


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a subset that has been measured."""
    return measures(xfactor.results(job, store), store)


def report(job: Job, store: Store) -> Report:
    """Measures, how they go with the Z-scores, and what that says."""
    from core.studies.xfactor_analysis import analyse
    from core.studies.xfactor_analysis.measures import quality, sentences

    found = xfactor.results(job, store)
    subsets = measures(found, store)
    if subsets.empty:
        return Report({"measures": subsets}, ("No subset has been measured yet.",))
    if found.scores.empty:
        return Report(
            {"measures": subsets},
            (
                f"{len(subsets):,} subsets measured, none scored: run the same settings as an "
                "X-Factor study, and the measures are set beside its Z-scores.",
            ),
        )
    z_scores = analyse(found.scores, models=found.spec.models).z_scores
    result = quality(subsets, z_scores)
    return Report(result.tables(), (*sentences(result), *result.notes))


def headline(job: Job, store: Store) -> str:
    """Which measure goes most closely with how well models do."""
    return report(job, store).sentences[0]


DIVERSITY = Study(
    "diversity",
    "Diversity",
    "What is quality? Diversity, distances and separability of subsets beside how models do.",
    "study",
    DiversitySpec,
    Registry[Preset]("preset"),
    prepare,
    run,
    scores,
    report,
    headline,
    estimate,
)
