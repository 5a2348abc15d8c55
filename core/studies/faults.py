"""The study of faults: what each kind of damage to the data costs each model.

Each repeat starts from training rows of its own and from the clean set made of them; every fault
at every level is a training set beside it. `faults_analysis` reads the scores.

References:
    Four-aspects paper, sections II and III; Image-quality paper, perturbations.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import datasets, engine
from core.corruption.fault import touched
from core.corruption.faults import FAULTS
from core.datasets.base import Dataset
from core.details import Detail, details
from core.errors import InputError
from core.models import Model
from core.specs import TrainingSet, content_key, seed_from
from core.store import Store
from core.studies.base import Report, Study
from core.studies.faults_spec import PRESETS, FaultsSpec, Line
from core.studies.scored import scored
from core.studies.training import drawn_rows, settled, train
from core.units import Unit, unit_key

if TYPE_CHECKING:
    from core.jobs import Context, Job

CLEAN = "clean"
SET_COLUMNS = ("training_set", "line", "fault", "of_class", "level", "repeat", "rows", "touched")
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Planned:
    """One training set of the study and what it is.

    Args:
        line: Canonical text of the fault with its choices, `each` in place of the class.
        fault: Its name, or `clean`.
        of_class: Class number where there is a line for each class, else -1.
        level: NaN for the clean set.
        repeat: Which repeat.
        touched: Share of the rows that are missing, relabelled or damaged.
        training_set: The rows, labels and damage.
    """

    line: str
    fault: str
    of_class: int
    level: float
    repeat: int
    touched: float
    training_set: TrainingSet


def plan(spec: FaultsSpec, dataset: Dataset) -> list[Planned]:
    """The training sets, repeat by repeat: the clean one, then every fault at every level.

    Of one repeat, all levels of a fault share their seed, so that a curve shows the level.

    Raises:
        InputError: A fault does not go with the data set, or a level with the fault.
    """
    total = len(dataset.train)
    if spec.images > total:
        raise InputError(f"images is {spec.images}; {dataset.name} has {total} training rows.")
    planned = []
    for repeat in range(spec.repeats):
        rows = drawn_rows(np.arange(total, dtype=np.int32), spec.images, spec.seed, repeat)
        clean = TrainingSet(dataset.fingerprint, rows)
        planned.append(Planned(CLEAN, CLEAN, -1, float("nan"), repeat, 0.0, clean))
        for line in spec.lines():
            planned += _levels(spec, dataset, line, rows, repeat)
    return planned


def _levels(
    spec: FaultsSpec, dataset: Dataset, line: Line, rows: Rows, repeat: int
) -> Iterable[Planned]:
    for one in line.expanded(dataset):
        of_class = int(dict(one.choices)["label"]) if one != line else -1
        seed = seed_from("fault", spec.seed, one.label, repeat)
        for level in one.levels:
            made = FAULTS[one.fault].plan(
                dataset, level, seed=seed, where=one.where, rows=rows, **dict(one.choices)
            )
            share = touched(dataset, made, rows.size)
            yield Planned(line.label, one.fault, of_class, level, repeat, share, made)


def units(spec: FaultsSpec, planned: list[Planned], chosen: list[Model]) -> list[Unit]:
    """Every (training set, model), each repeat under a seed of its own."""
    return [
        Unit(one.training_set, model, one.repeat, detailed=bool(spec.details))
        for one in planned
        for model in chosen
    ]


def prepare(spec: FaultsSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: The data set is not to be had, or a fault or a model does not go with it.
    """
    dataset = datasets.load(spec.dataset)
    check_models(spec, dataset)
    plan(replace(spec, repeats=1), dataset)
    content = {name: value for name, value in spec.to_dict().items() if name != "name"}
    key = content_key("faults", {**content, "dataset": dataset.fingerprint})
    labels = [model.label for model in spec.parsed_models()]
    facts = {"fingerprint": dataset.fingerprint, "classes": list(dataset.classes)}
    return key, {**facts, "models": labels, "notes": [], "sets": []}


def check_models(spec: FaultsSpec, dataset: Dataset) -> None:
    """Raise an InputError unless every model goes with the data set; `plan` checks the faults."""
    for model in spec.parsed_models():
        model.check(dataset)


def run(spec: FaultsSpec, context: Context) -> str:
    """Train every model on every training set."""
    from core import cluster

    dataset = datasets.load(spec.dataset)
    resolved, notes = settled(spec.parsed_models(), context)
    planned = plan(spec, dataset)
    context.note(
        {
            "models": [model.label for model in resolved],
            "notes": notes,
            "sets": [
                [
                    *(one.training_set.key, one.line, one.fault, one.of_class),
                    *(None if np.isnan(one.level) else one.level, one.repeat),
                    *(int(one.training_set.rows.size), one.touched),
                ]
                for one in planned
            ],
        }
    )
    truth = {"y": dataset.test.y}
    context.store.put_blob(truth_key(dataset.fingerprint), truth)
    with cluster.connect(context.scheduler) as client:
        return train(client, dataset, units(spec, planned, resolved), context)


def truth_key(fingerprint: str) -> str:
    """Key of the true class numbers of a data set's test rows."""
    return content_key("truth", {"dataset": fingerprint})


def estimate(spec: FaultsSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Units not trained yet, seconds of all processes, and whether these were measured.

    Raises:
        InputError: A fault or a model does not go with the data set.
    """
    check_models(spec, dataset)
    planned = units(spec, plan(spec, dataset), spec.parsed_models())
    return engine.cost(dataset, planned, store)


@dataclass(frozen=True, eq=False)
class Results:
    """What a study has found so far.

    Args:
        spec: What was asked for.
        classes: Class names.
        scores: One row a trained model: `key` of the unit, `line`, `fault`, `of_class` (class
            number, -1 for none), `level` (NaN for the clean set), `repeat`, `rows`, `touched`,
            then the columns of `scored`.
        failures: One row a model that could not be trained.
        notes: What the reader must know, such as that pretrained weights could not be had.
    """

    spec: FaultsSpec
    classes: tuple[str, ...]
    scores: pd.DataFrame
    failures: pd.DataFrame
    notes: tuple[str, ...]


def results(job: Job, store: Store) -> Results:
    """Scores of a study, complete or not; needs the store alone, not the data set."""
    spec, classes = FaultsSpec.from_dict(job.spec), tuple(job.facts["classes"])
    sets = pd.DataFrame(job.facts["sets"], columns=list(SET_COLUMNS)).astype({"level": float})
    asked = [model.label for model in spec.parsed_models()]
    ran = [Model.parse(text).key for text in job.facts["models"]]
    table = pd.concat(
        [
            sets.assign(
                model=label,
                unit=[
                    unit_key(training_set, model, repeat)
                    for training_set, repeat in zip(
                        sets["training_set"], sets["repeat"], strict=True
                    )
                ],
            )
            for label, model in zip(asked, ran, strict=True)
        ],
        ignore_index=True,
    )
    # Where a level changes nothing, the clean set's unit stands for it too.
    table = table.drop(columns="training_set").assign(key=table["unit"])
    scores, failures = scored(table, classes, store)
    return Results(spec, classes, scores, failures, tuple(job.facts["notes"]))


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a trained model."""
    return results(job, store).scores


def details_of(job: Job, store: Store) -> tuple[dict[str, Detail], npt.NDArray[np.int64]]:
    """Predictions and histories by unit key, and the true class of every test row.

    Empty where the study kept none.
    """
    blob = store.blob(truth_key(job.facts["fingerprint"]))
    if blob is None:
        return {}, np.empty(0, dtype=np.int64)
    keys = results(job, store).scores["key"].unique().tolist()
    return details(store, keys), blob.arrays["y"]


def report(job: Job, store: Store) -> Report:
    """Every figure's table and what they say."""
    from core.studies.faults_analysis import analyse, readings
    from core.studies.faults_details import moved
    from core.studies.faults_published import beside_papers

    found = results(job, store)
    analysis = analyse(found.scores, found.classes)
    tables = {"scores": found.scores, **analysis.tables()}
    tables["papers"] = beside_papers(analysis.curves)
    kept, truth = details_of(job, store)
    if kept:
        tables["moved"] = moved(found.scores, kept, truth)
    return Report(tables, (*readings(analysis), *found.notes))


def headline(job: Job, store: Store) -> str:
    """What hurts most."""
    from core.studies.faults_analysis import analyse, readings

    found = results(job, store)
    return readings(analyse(found.scores, found.classes))[0]


FAULTS_STUDY = Study(
    "faults",
    "Faults",
    "What does each kind of damage to the data cost each model?",
    "faults",
    FaultsSpec,
    PRESETS,
    prepare,
    run,
    scores,
    report,
    headline,
    estimate,
)
