"""The X-Factor study: is quality a property of the data, whatever the model?

Random and selected class-balanced subsets of several sizes, every model trained on each
(X-Factor paper, section 2). `xfactor_analysis` reads the scores.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import datasets, engine, selection, settings
from core.datasets.base import Dataset, check_kind
from core.engine import Unit
from core.errors import DamagedBlob, NotEnoughImages
from core.models import Model
from core.specs import Selection, TrainingSet, content_key, seed_from
from core.store import Store
from core.studies.base import Report, Study
from core.studies.scored import scored
from core.studies.training import settled, train
from core.studies.xfactor_replicates import again, places
from core.studies.xfactor_spec import PRESETS, XFactorSpec

if TYPE_CHECKING:
    from distributed import Client

    from core.jobs import Context, Job

RECIPE_COLUMNS = ("subset", "per_class", "strategy", "direction", "excess", "repeat")
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Group:
    """Subsets that differ in their repeat alone; selected and stored together."""

    strategy: str
    direction: str
    per_class: int
    excess: int
    seeds: tuple[int, ...]

    def selections(self) -> list[Selection]:
        """The recipe of each subset."""
        return [
            Selection(self.strategy, self.direction, self.per_class, self.excess, seed)
            for seed in self.seeds
        ]

    def key(self, fingerprint: str) -> str:
        """What the rows are stored under."""
        values = {"version": selection.VERSION, "dataset": fingerprint, **vars(self)}
        return content_key("selection", {**values, "seeds": list(self.seeds)})


def plan(spec: XFactorSpec) -> list[Group]:
    """The subsets of a study: for each size the random ones, then each strategy's.

    A subset's seed depends on the study's seed and the subset's own recipe, so a study that is
    extended keeps the subsets it had.
    """

    def group(strategy: str, direction: str, per_class: int, excess: int, count: int) -> Group:
        recipe = (spec.seed, strategy, direction, per_class, excess)
        seeds = tuple(seed_from("subset", *recipe, repeat) for repeat in range(count))
        return Group(strategy, direction, per_class, excess, seeds)

    groups = []
    for per_class in spec.per_class:
        if spec.random:
            groups.append(group("random", "", per_class, 0, spec.random))
        groups += [
            group(strategy, direction, per_class, excess, spec.repeats)
            for strategy in spec.strategies
            for direction in spec.directions
            for excess in spec.excess
        ]
    return groups


def recipes(groups: list[Group]) -> pd.DataFrame:
    """One row a subset, with an id that people can read, such as `uniqueness+_n10_m20_r3`."""
    rows = [
        (
            f"{g.strategy}{g.direction}_n{g.per_class}_m{g.excess}_r{repeat}",
            *(g.per_class, g.strategy, g.direction, g.excess, repeat),
        )
        for g in groups
        for repeat in range(len(g.seeds))
    ]
    return pd.DataFrame(rows, columns=list(RECIPE_COLUMNS))


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
    with cluster.connect(context.scheduler) as client:
        rows = _select(client, dataset, plan(spec), context)
        units = _units(dataset.fingerprint, rows, resolved)
        units += [unit for _, unit in again(spec, units, recipes(list(rows)))]
        return train(client, dataset, units, context, "units scored")


def _select_task(dataset: Dataset, group: Group) -> Rows:
    geometry = selection.geometry(dataset)
    return np.stack(
        [selection.select(dataset, one, geometry).rows for one in group.selections()]
    ).astype(np.int32)


def _stored(
    groups: list[Group], fingerprint: str, store: Store, report: Callable[[str], None]
) -> dict[Group, Rows]:
    """Rows of the groups that are stored, shape (subsets, images) each."""
    found = {}
    for group in groups:
        try:
            blob = store.blob(group.key(fingerprint))
        except DamagedBlob as error:
            report(f"{error} It is computed again.")
            continue
        if blob is not None:
            found[group] = blob.arrays["rows"]
    return found


def _select(
    client: Client, dataset: Dataset, groups: list[Group], context: Context
) -> dict[Group, Rows]:
    """Rows of every group, those not stored yet selected on the workers."""
    from core import cluster

    found = _stored(groups, dataset.fingerprint, context.store, context.say)
    total = sum(len(group.seeds) for group in groups)

    def tell() -> None:
        context.report("Selecting subsets", sum(map(len, found.values())), total, None)

    def finished(group: Group, rows: Rows) -> None:
        context.store.put_blob(group.key(dataset.fingerprint), {"rows": rows})
        found[group] = rows
        tell()

    def failed(group: Group, error: BaseException) -> list[Group]:
        raise error

    tell()
    missing = [group for group in groups if group not in found]
    cluster.run(client, dataset, _select_task, missing, finished, failed, context.should_stop)
    return {group: found[group] for group in groups}


def _units(fingerprint: str, rows: dict[Group, Rows], chosen: list[Model]) -> list[Unit]:
    """Every (subset, model) pair, subset by subset."""
    return [
        Unit(training_set, model)
        for matrix in rows.values()
        for training_set in (TrainingSet(fingerprint, one) for one in matrix)
        for model in chosen
    ]


@dataclass(frozen=True)
class Estimate:
    """What a study will cost.

    Args:
        subsets: Subsets in all.
        units: Units in all, those that repeat others under another seed too.
        done: Units that have a score already.
        seconds: Expected training time of the rest on this machine's workers.
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
    left = Counter[tuple[str, int]]()
    for group, size in zip(groups, sizes, strict=True):
        left.update({(model.label, size): len(group.seeds) for model in chosen})
    subsets, table = sum(len(group.seeds) for group in groups), recipes(groups)
    for per_class in table["per_class"].iloc[places(spec, table)]:
        size = per_class * len(dataset.classes)
        repeated = [model.label for model in chosen if not model.family.deterministic]
        left.update({(label, size): spec.replicates for label in repeated})
    units = left.total()
    rows = _stored(groups, dataset.fingerprint, store, lambda _: None)
    stored = _units(dataset.fingerprint, rows, chosen)
    if len(rows) == len(groups):
        stored += [unit for _, unit in again(spec, stored, table)]
    known = {unit.key: unit for unit in stored}
    for key in store.scored(list(known)):
        left[known[key].model.label, known[key].training_set.rows.size] -= 1
    seconds = sum(count * expected[kind][0] for kind, count in left.items())
    measured = all(expected[kind][1] for kind, count in left.items() if count)
    return Estimate(subsets, units, units - left.total(), seconds / settings.workers(), measured)


@dataclass(frozen=True, eq=False)
class Results:
    """What a study has found so far.

    Args:
        spec: What was asked for.
        fingerprint: Fingerprint of its data set.
        classes: Class names.
        recipes: One row a subset: columns `RECIPE_COLUMNS`.
        rows: Row numbers of each subset by its id, int32; empty until all are selected.
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
    rows: dict[str, Rows]
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
    found = _stored(groups, fingerprint, store, notes.append)
    table = recipes(groups)
    rows = {}
    if len(found) == len(groups):
        matrices = (found[group] for group in groups)
        rows = dict(zip(table["subset"], chain.from_iterable(matrices), strict=True))
    # The models that ran, which pretrained weights decide, under the names asked for.
    # Without weights two of them may be one.
    labels = [model.label for model in spec.parsed_models()]
    ran = list(map(Model.parse, job.facts["models"]))
    units = _units(fingerprint, found, ran) if rows else []
    width, subsets, once = len(ran), table["subset"].tolist(), list(enumerate(units))
    planned = pd.DataFrame(
        [
            (unit.key, labels[place % width], subsets[place // width], unit.replicate)
            for place, unit in once + (again(spec, units, table) if rows else [])
        ],
        columns=["unit", "model", "subset", "replicate"],
    )
    scores, failures = scored(planned.merge(table, on="subset"), classes, store)
    first = scores["replicate"] == 0
    return Results(
        spec,
        fingerprint,
        classes,
        table,
        rows,
        scores[first].drop(columns="replicate").reset_index(drop=True),
        scores[~first].reset_index(drop=True),
        failures[["subset", "model", "reason"]],
        tuple(notes),
    )


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a (subset, model) that has been trained."""
    return results(job, store).scores


def report(job: Job, store: Store) -> Report:
    """Every figure's table, the paper's figures beside ours, and what they say."""
    from core.studies.xfactor_analysis import analyse, published, readings

    found = results(job, store)
    analysis = analyse(found.scores, found.rows, models=found.spec.models)
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
)
