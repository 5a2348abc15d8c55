"""The removal study: what models gain or lose when some training rows are left out.

Whoever flags rows, by a score, as duplicates or by hand, claims that training is better off
without them. Three arms test that: all rows, all but the flagged ones, and all but as many
random rows of the same classes, which takes the effects of size and class balance away.

References:
    Image-quality paper, which trains on its data with and without what the detectors flag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import datasets, engine
from core.datasets.base import Dataset
from core.errors import InputError
from core.models import Model
from core.registry import Registry
from core.specs import (
    MOST_REPEATS,
    Spec,
    TrainingSet,
    check_list,
    check_text,
    check_whole,
    content_key,
    parse_labels,
    parse_rows,
    seed_from,
    setting,
)
from core.stats.paired import Comparison, compare
from core.store import Store
from core.studies.base import Preset, Report, Study
from core.studies.scored import scored
from core.studies.training import drawn_rows, settled, train
from core.units import Unit

if TYPE_CHECKING:
    from core.jobs import Context, Job

ARMS = ("all", "without", "random")
AGAINST = {"all": "all rows", "random": "as many random rows left out"}
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True)
class RemovalSpec(Spec):
    """Which rows are left out of a data set, and which models say what that does.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "removal"

    dataset: str = setting(help="Name of the data set, as the list of data sets has it.")
    remove: str = setting(
        help="Training rows to leave out: row numbers and ranges of them, such as 3,17-19."
    )
    name: str = setting("removal", help="What you call the study.")
    among: str = setting(
        "", help="Training rows to begin with, written as those to leave out; empty for all."
    )
    labels: str = setting(
        "",
        help="Rows trained under another label than their own: row=class number, as in 3=7,19=0.",
    )
    models: tuple[str, ...] = setting(("rf", "mlp-1"), help="Models trained in every arm.")
    repeats: int = setting(
        5, help="Times each arm is trained, each with other seeds; more give narrower intervals."
    )
    images: int = setting(
        0,
        help="Train each repeat on so many rows drawn at random instead of all, which takes less "
        "time and lets the intervals show what the choice of rows does; 0 for all.",
    )
    seed: int = setting(0, help="Seed of all draws.")

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        check_whole("repeats", self.repeats, 2, MOST_REPEATS)
        check_whole("images", self.images, 0)
        check_whole("seed", self.seed, 0)
        check_list("models", self.models)
        if not self.models:
            raise InputError("A study needs at least one model.")
        check_list("models", tuple(model.label for model in self.parsed_models()))
        if not self.removed().size:
            raise InputError("remove names no row; flag or name at least one.")
        parse_rows("among", self.among)
        parse_labels("labels", self.labels)

    def parsed_models(self) -> list[Model]:
        """The models as values, in the order given."""
        return [Model.parse(text) for text in self.models]

    def removed(self) -> Rows:
        """The rows to leave out, sorted."""
        return parse_rows("remove", self.remove)


@dataclass(frozen=True, eq=False)
class Planned:
    """One training set of the study."""

    arm: str
    repeat: int
    training_set: TrainingSet


def plan(spec: RemovalSpec, dataset: Dataset) -> list[Planned]:
    """The training sets, arm by arm within each repeat.

    Raises:
        InputError: A row does not exist, or the rows left out are a whole class or everything.
    """
    removed, among = spec.removed(), parse_rows("among", spec.among)
    if not among.size:
        among = np.arange(len(dataset.train), dtype=np.int32)
    for name, rows in (("remove", removed), ("among", among)):
        _check_row(name, int(rows[-1]), dataset)
    if spec.images > among.size:
        raise InputError(f"images is {spec.images}; there are {among.size} rows to begin with.")
    labels = _labels(spec, dataset)
    own = np.array_equal(labels, dataset.train.y)
    sets = []
    for repeat in range(spec.repeats):
        drawn = drawn_rows(among, spec.images, spec.seed, repeat)
        flagged = drawn[np.isin(drawn, removed)]
        rest = drawn[~np.isin(drawn, removed)]
        _check_rest(labels, drawn, rest, dataset)
        twins = _of_the_same_classes(labels, drawn, flagged, spec.seed, repeat)
        arms = (drawn, rest, drawn[~np.isin(drawn, twins)])
        sets += [
            Planned(
                arm,
                repeat,
                TrainingSet(dataset.fingerprint, rows, labels=None if own else labels[rows]),
            )
            for arm, rows in zip(ARMS, arms, strict=True)
        ]
    return sets


def _check_row(name: str, row: int, dataset: Dataset) -> None:
    if row >= len(dataset.train):
        raise InputError(
            f"{name} names row {row}; the training rows of {dataset.name} go from 0 to "
            f"{len(dataset.train) - 1}."
        )


def _labels(spec: RemovalSpec, dataset: Dataset) -> npt.NDArray[np.int64]:
    """Class number of every training row, as models are told it."""
    labels = dataset.train.y.copy()
    for row, label in parse_labels("labels", spec.labels).items():
        _check_row("labels", row, dataset)
        if label >= len(dataset.classes):
            raise InputError(
                f"labels gives row {row} class {label}; the classes of {dataset.name} go from 0 to "
                f"{len(dataset.classes) - 1}."
            )
        labels[row] = label
    return labels


def _check_rest(labels: npt.NDArray[np.int64], drawn: Rows, rest: Rows, dataset: Dataset) -> None:
    gone = np.setdiff1d(labels[drawn], labels[rest])
    if gone.size:
        raise InputError(
            f"Without these rows class {dataset.classes[gone[0]]!r} of {dataset.name} has none "
            "left to train on; leave out fewer."
        )
    if rest.size == drawn.size:
        raise InputError(
            f"None of the rows to leave out is among the {drawn.size:,} drawn; "
            "train on more images, or on all."
        )


def _of_the_same_classes(
    labels: npt.NDArray[np.int64], drawn: Rows, flagged: Rows, seed: int, repeat: int
) -> Rows:
    """As many random rows of each class as are flagged in it."""
    rng = np.random.default_rng(seed_from("random", seed, repeat))
    classes, counts = np.unique(labels[flagged], return_counts=True)
    chosen = [
        rng.choice(drawn[labels[drawn] == label], count, replace=False)
        for label, count in zip(classes, counts, strict=True)
    ]
    return np.concatenate(chosen)


def units(sets: list[Planned], chosen: list[Model]) -> list[tuple[Planned, Unit]]:
    """Every (training set, model); each repeat under a seed of its own."""
    return [
        (planned, Unit(planned.training_set, model, planned.repeat))
        for planned in sets
        for model in chosen
    ]


def prepare(spec: RemovalSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: The data set is not to be had, or the rows cannot be left out.
    """
    dataset = datasets.load(spec.dataset)
    for model in spec.parsed_models():
        model.check(dataset)
    plan(spec, dataset)
    content = {name: value for name, value in spec.to_dict().items() if name != "name"}
    key = content_key("removal", {**content, "dataset": dataset.fingerprint})
    labels = [model.label for model in spec.parsed_models()]
    facts = {"classes": list(dataset.classes), "rows": len(dataset.train)}
    return key, {**facts, "models": labels, "notes": [], "units": []}


def run(spec: RemovalSpec, context: Context) -> str:
    """Train every model in every arm."""
    from core import cluster

    dataset = datasets.load(spec.dataset)
    resolved, notes = settled(spec.parsed_models(), context)
    planned = units(plan(spec, dataset), resolved)
    labels = [model.label for model in spec.parsed_models()]
    rows = [
        [unit.key, label, one.arm, one.repeat, int(one.training_set.rows.size)]
        for (one, unit), label in zip(planned, labels * (len(planned) // len(labels)), strict=True)
    ]
    context.note({"notes": notes, "units": rows})
    with cluster.connect(context.scheduler) as client:
        return train(client, dataset, [unit for _, unit in planned], context)


def estimate(spec: RemovalSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Units not trained yet, seconds of all processes, and whether these were measured.

    Raises:
        InputError: The rows cannot be left out.
    """
    planned = units(plan(spec, dataset), spec.parsed_models())
    return engine.cost(dataset, [unit for _, unit in planned], store)


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a (arm, repeat, model) that has been trained; needs the store alone."""
    columns = ["unit", "model", "arm", "repeat", "size"]
    table = pd.DataFrame(job.facts["units"], columns=columns).rename(columns={"size": "images"})
    return scored(table, job.facts["classes"], store)[0]


def comparisons(table: pd.DataFrame) -> tuple[pd.DataFrame, list[Comparison]]:
    """Accuracy without the rows against each other arm, paired by repeat.

    Args:
        table: From `scores`.

    Returns:
        One row a (model, against): mean difference in accuracy, its 95 % interval, Cohen's d,
        p, q over all rows, and whether it could be and is significant; and the same as values.
    """
    wide = table.pivot_table(index=["model", "repeat"], columns="arm", values="accuracy")
    differences = {}
    for model in dict.fromkeys(table["model"]):
        for other in AGAINST:
            if {"without", other} <= set(wide.columns):
                pairs = wide.loc[model, ["without", other]].dropna()
                if len(pairs) >= 2:
                    differences[model, other] = pairs["without"] - pairs[other]
    found = compare({f"{m}, against {AGAINST[o]}": d for (m, o), d in differences.items()})
    rows = [
        {
            "model": model, "against": other, "repeats": one.pairs, "difference": one.mean,
            "low": one.low, "high": one.high, "cohens_d": one.effect.d, "p": one.p, "q": one.q,
            "smallest_p": one.smallest_p, "significant": one.significant,
        }
        for (model, other), one in zip(differences, found, strict=True)
    ]  # fmt: skip
    columns = [
        *("model", "against", "repeats", "difference", "low", "high", "cohens_d"),
        *("p", "q", "smallest_p", "significant"),
    ]
    return pd.DataFrame(rows, columns=columns), found


def report(job: Job, store: Store) -> Report:
    """Accuracy by arm, the differences with their intervals, and what they say."""
    table = scores(job, store)
    differences, found = comparisons(table)
    means = (
        table.groupby(["model", "arm"], sort=False)
        .agg(
            repeats=("accuracy", "size"),
            images=("images", "mean"),
            accuracy=("accuracy", "mean"),
            sd=("accuracy", "std"),
            macro_f1=("macro_f1", "mean"),
        )
        .reset_index()
    )
    sentences = [_sentence(one) for one in found]
    if not sentences:
        sentences = ["Nothing to compare yet: each arm needs two repeats that are trained."]
    tables = {"scores": table, "accuracy": means, "differences": differences}
    return Report(tables, (*sentences, *job.facts["notes"]))


def headline(job: Job, store: Store) -> str:
    """What the first model says."""
    return report(job, store).sentences[0]


def _sentence(one: Comparison) -> str:
    if one.low == one.high:
        return (
            f"{one.name}: {100 * one.mean:+.2f} points of accuracy in each of {one.pairs} repeats; "
            "nothing here is left to chance, so there is no interval."
        )
    size = (
        f"{one.name}: {100 * one.mean:+.2f} points of accuracy without the rows "
        f"(95 % CI {100 * one.low:+.2f} to {100 * one.high:+.2f}"
    )
    if not one.attainable:
        return (
            f"{size}); {one.pairs} repeats cannot be significant: the smallest p that they "
            f"allow is {one.smallest_p:.3g}."
        )
    verdict = "significant" if one.significant else "not significant"
    return f"{size}), {verdict} (p = {one.p:.3g}, q = {one.q:.3g})."


REMOVAL = Study(
    "removal",
    "Removal",
    "What do models gain or lose without some rows, beside as many random ones?",
    "comparison",
    RemovalSpec,
    Registry[Preset]("preset"),
    prepare,
    run,
    scores,
    report,
    headline,
    estimate,
)
