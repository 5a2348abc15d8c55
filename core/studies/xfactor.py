"""The X-Factor study: is quality a property of the data, whatever the model?

Random and selected class-balanced subsets of several sizes, every model trained on each
(X-Factor paper, section 2). `xfactor_analysis` reads the scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core import datasets, engine, settings
from core.datasets.base import Dataset, check_kind
from core.errors import NotEnoughImages
from core.models import Model
from core.specs import content_key
from core.store import Store
from core.studies.base import Report, Study
from core.studies.scored import scored
from core.studies.training import settled, train
from core.studies.xfactor_replicates import again, places
from core.studies.xfactor_spec import PRESETS, XFactorSpec
from core.studies.xfactor_subsets import (
    Group,
    Rows,
    Subsets,
    Units,
    bunches,
    keep,
    plan,
    recipes,
    selected,
    stored,
)
from core.units import batches, pending

if TYPE_CHECKING:
    from distributed import Client

    from core.jobs import Context, Job


def prepare(spec: XFactorSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: The data set is not to be had or of something else than images, or a class
            has too few.
    """
    dataset = datasets.load(spec.dataset)
    check_kind(dataset, {"image"}, "An X-Factor study")
    for model in spec.parsed_models():
        model.check(dataset)
    check_sizes(spec, dataset)
    key = content_key("xfactor", {**spec.content(), "dataset": dataset.fingerprint})
    facts = {"fingerprint": dataset.fingerprint, "classes": list(dataset.classes)}
    return key, {**facts, "models": [model.label for model in spec.parsed_models()], "notes": []}


def check_sizes(spec: XFactorSpec, dataset: Dataset) -> None:
    """Raise NotEnoughImages if the largest subset does not fit into the smallest class."""
    selecting = bool(spec.strategies and spec.directions)
    need = max(spec.per_class) + (max(spec.excess, default=0) if selecting else 0)
    counts = np.bincount(dataset.train.y, minlength=len(dataset.classes))
    least = int(counts.argmin())
    if counts[least] < need:
        raise NotEnoughImages(
            f"Class {dataset.classes[least]!r} of {dataset.name} has {counts[least]} training "
            f"images; the largest per_class plus the largest excess needs {need}. "
            "Lower one of them."
        )


def run(spec: XFactorSpec, context: Context) -> str:
    """Select the subsets, train every model on each, and store everything on the way."""
    from core import cluster

    dataset = datasets.load(spec.dataset)
    check_sizes(spec, dataset)
    resolved, notes = settled(spec.parsed_models(), context)
    context.note({"models": [model.label for model in resolved], "notes": notes})
    groups = plan(spec)
    with cluster.connect(context.scheduler) as client:
        select(client, dataset, groups, context)
        units = every_unit(spec, groups, resolved, dataset.fingerprint, context.store)
        return train(client, dataset, units, context, "units scored")


def every_unit(
    spec: XFactorSpec,
    groups: Sequence[Group],
    resolved: Sequence[Model],
    fingerprint: str,
    store: Store,
) -> Units:
    """Each model on each subset, and those that repeat some; the rows of all groups are stored."""
    subsets = Subsets(groups, fingerprint, store)
    repeated = again(spec, Units(subsets, resolved), recipes(groups))
    return Units(subsets, resolved, [unit for _, unit in repeated])


def select(client: Client, dataset: Dataset, groups: list[Group], context: Context) -> None:
    """Store the rows of every group, those not stored yet selected on the workers."""
    from core import cluster

    found = set(stored(groups, dataset.fingerprint, context.store, context.say))
    total, done = sum(group.count for group in groups), sum(group.count for group in found)

    def tell() -> None:
        context.report("Selecting subsets", done, total, None)

    def finished(bunch: list[Group], rows: list[Rows]) -> None:
        nonlocal done
        keep(bunch, rows, dataset.fingerprint, context.store)
        done += sum(group.count for group in bunch)
        tell()

    def failed(bunch: list[Group], error: BaseException) -> list[list[Group]]:
        raise error

    tell()
    missing = bunches([group for group in groups if group not in found])
    cluster.run(client, dataset, selected, missing, finished, failed, context.should_stop)


@dataclass(frozen=True)
class Estimate:
    """What a study will cost.

    Args:
        subsets: Subsets in all.
        units: Units in all, those that repeat others under another seed too.
        done: Units that have a score already.
        seconds: Expected training time of the rest, of all processes together; at most.
        measured: Whether all of it rests on times measured on this data set and device.
    """

    subsets: int
    units: int
    done: int
    seconds: float
    measured: bool


def estimate(spec: XFactorSpec, dataset: Dataset, store: Store) -> Estimate:
    """Units and training time of a study before it starts.

    Raises:
        NotEnoughImages: The largest subset does not fit into the smallest class.
    """
    check_sizes(spec, dataset)
    groups, chosen = plan(spec), spec.parsed_models()
    sizes = [group.per_class * len(dataset.classes) for group in groups]
    expected = engine.seconds_per_unit(dataset, sizes, chosen, store)
    table = recipes(groups)
    found = stored(groups, dataset.fingerprint, store, lambda _: None)
    subsets, repeated = Subsets(found, dataset.fingerprint, store), []
    left = Counter[tuple[str, int]]()
    if len(found) == len(groups):
        repeated = [unit for _, unit in again(spec, Units(subsets, chosen), table)]
        total = len(Units(subsets, chosen, repeated))
    else:
        for group, size in zip(groups, sizes, strict=True):
            if group not in set(found):
                left.update({(model.label, size): group.count for model in chosen})
        for per_class in table["per_class"].iloc[places(spec, table)]:
            size = per_class * len(dataset.classes)
            drawing = [model.label for model in chosen if not model.family.deterministic]
            left.update({(label, size): spec.replicates for label in drawing})
        total = len(Units(subsets, chosen)) + left.total()
    for kind, count in pending(Units(subsets, chosen, repeated), store).counts().items():
        left[kind.cost] += count
    on_gpu = {model.label: model.family.gpu for model in chosen}
    seconds = sum(
        settings.machine_seconds(count * expected[kind][0], on_gpu[kind[0]])
        for kind, count in left.items()
    )
    measured = all(expected[kind][1] for kind, count in left.items() if count)
    return Estimate(len(table), total, total - left.total(), seconds, measured)


def left(spec: XFactorSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Of `estimate` what is left to do: units, seconds, and whether these were measured."""
    found = estimate(spec, dataset, store)
    return found.units - found.done, found.seconds, found.measured


@dataclass(frozen=True, eq=False)
class Results:
    """What a study has found so far.

    Args:
        spec: What was asked for.
        fingerprint: Fingerprint of its data set.
        classes: Class names.
        recipes: One row a subset: columns `RECIPE_COLUMNS`.
        rows: Row numbers of each subset by its id, int32, read from the store when they are asked
            for; empty until all are selected.
        scores: One row a (subset, model) that has a score: the recipe's columns, then `model`,
            `accuracy`, `error`, `train_accuracy`, `macro_f1`, `epochs`, `seconds`, `device`,
            `weights`, `seed`, `versions` and `class_accuracy_<name>` for each class.
        replicates: One row a (subset, model) that was trained again: the same columns, and
            `replicate`, from 1 up.
        failures: One row a (subset, model) that could not be trained: `subset`, `model`, `reason`.
        notes: What the reader must know, such as that pretrained weights could not be had.
    """

    spec: XFactorSpec
    fingerprint: str
    classes: tuple[str, ...]
    recipes: pd.DataFrame
    rows: Mapping[str, Rows]
    scores: pd.DataFrame
    replicates: pd.DataFrame
    failures: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def units(self) -> int:
        """Units in all, scored or not."""
        return len(self.recipes) * len(self.spec.models)


def results(job: Job, store: Store) -> Results:
    """Scores of a study, complete or not; needs the store alone, not the data set."""
    spec = XFactorSpec.from_dict(job.spec)
    fingerprint, classes = job.facts["fingerprint"], tuple(job.facts["classes"])
    groups = plan(spec)
    notes = list(job.facts["notes"])
    found = stored(groups, fingerprint, store, notes.append)
    subsets = Subsets(groups if len(found) == len(groups) else [], fingerprint, store)
    table = recipes(groups)
    scores, failures = _read(spec, subsets, table, job, store)
    first = scores["replicate"] == 0
    return Results(
        spec,
        fingerprint,
        classes,
        table,
        subsets,
        scores[first].drop(columns="replicate").reset_index(drop=True),
        scores[~first].reset_index(drop=True),
        failures[["subset", "model", "reason"]],
        tuple(notes),
    )


def _read(
    spec: XFactorSpec, subsets: Subsets, table: pd.DataFrame, job: Job, store: Store
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What `scored` gives of all units, some at a time."""
    # The models that ran, which pretrained weights decide, under the names asked for.
    # Without weights two of them may be one.
    labels = np.array([model.label for model in spec.parsed_models()])
    ran = list(map(Model.parse, job.facts["models"]))
    units = Units(subsets, ran)
    repeated = again(spec, units, table) if len(subsets) else []
    # Of each unit the place of what it is or repeats.
    place = np.append(np.arange(len(units)), [one for one, _ in repeated]).astype(np.int64)
    parts = []
    for start, some in batches(Units(subsets, ran, [unit for _, unit in repeated])):
        subset, model = np.divmod(place[start : start + len(some)], len(ran))
        planned = table.iloc[subset].assign(
            unit=[unit.key for unit in some],
            model=labels[model],
            replicate=[unit.replicate for unit in some],
        )
        parts.append(scored(planned, job.facts["classes"], store))
    scores, failures = zip(*parts, strict=True)
    return pd.concat(scores, ignore_index=True), pd.concat(failures, ignore_index=True)


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a (subset, model) that has been trained."""
    return results(job, store).scores


def report(job: Job, store: Store) -> Report:
    """Every figure's table, the paper's figures beside ours, and what they say."""
    from core.studies.xfactor_analysis import analyse, published, readings

    found = results(job, store)
    analysis = analyse(
        found.scores, found.rows, models=found.spec.models, replicates=found.replicates
    )
    facts = (fact.text for fact in readings.facts(analysis))
    sentences = (*facts, *found.notes, *analysis.notes)
    tables = {**analysis.tables(), "paper": published.beside_paper(analysis)}
    return Report(tables, sentences)


def headline(job: Job, store: Store) -> str:
    """How well models agree on which subsets are good."""
    from core.studies.xfactor_analysis import analyse, readings

    facts = readings.facts(analyse(scores(job, store)))
    return next((fact.text for fact in facts if fact.topic == "r_squared_mean"), "")


XFACTOR = Study(
    "xfactor",
    "X-Factor",
    "Is quality a property of the data? Many subsets of one size, many models, one table.",
    "study",
    XFactorSpec,
    PRESETS,
    prepare,
    run,
    scores,
    report,
    headline,
    left,
)
