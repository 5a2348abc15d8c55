"""The study of unions: is a subset's quality kept when it is put together with another?

Models are trained on two subsets of an X-Factor study, on their union, and on random subsets of
the sizes of both. `union_analysis` reads the scores.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import datasets, engine, selection
from core.datasets.base import Dataset, check_kind
from core.models import Model
from core.registry import Registry
from core.specs import TrainingSet, content_key, seed_from
from core.store import Store
from core.studies import union_analysis
from core.studies.base import Preset, Report, Study
from core.studies.scored import scored
from core.studies.training import settled, train
from core.studies.union_spec import UnionSpec, subset_selection
from core.units import Unit

if TYPE_CHECKING:
    from core.jobs import Context, Job

VERSION = 1
STEPS = 10  # sizes of unions between n and 2n; each has random subsets of its own
SINGLE, AGAIN, UNION, RANDOM = "subset", "subset again", "union", "random"
Rows = npt.NDArray[np.int32]


@dataclass(frozen=True, eq=False)
class Planned:
    """One training set: what it is of, and how many images of each class it has."""

    part: str
    name: str
    per_class: int
    rows: Rows


def united(a: Rows, b: Rows, y: npt.NDArray[np.int64], seed: int) -> tuple[Rows, int]:
    """The largest class-balanced part of a union, and its images per class.

    Images in both are kept; of those in one of the two, as many are drawn at random as every
    class has, rounded down to a tenth of a subset's size.

    Args:
        a: Row numbers of a class-balanced subset.
        b: Those of another of the same size.
        y: Class number of every training row.
        seed: Decides which are drawn.
    """
    both, one = np.intersect1d(a, b), np.setxor1d(a, b)
    classes = np.unique(y[a])
    per_class = a.size // classes.size
    least = min(int((y[both] == k).sum() + (y[one] == k).sum()) for k in classes)
    step = max(1, per_class // STEPS)
    size = per_class + (least - per_class) // step * step
    rng = np.random.default_rng(seed)
    parts = [both]
    for k in classes:
        more = size - int((y[both] == k).sum())
        parts.append(rng.permutation(one[y[one] == k])[:more])
    return np.sort(np.concatenate(parts)).astype(np.int32), size


def plan(spec: UnionSpec, dataset: Dataset) -> tuple[list[Planned], pd.DataFrame]:
    """The training sets, and one row a pair: `pair`, `kind`, `a`, `b`, `shared`, `per_class`.

    `shared` are images that both subsets hold, over all classes.

    Raises:
        NotEnoughImages: A class has too few images.
    """
    recipes = spec.subsets()
    chosen = selection.select_many(dataset, list(recipes.values()))
    rows = {name: subset.rows for name, subset in zip(recipes, chosen, strict=True)}
    n = spec.per_class
    planned = [Planned(part, name, n, rows[name]) for part in (SINGLE, AGAIN) for name in rows]
    pairs = []
    for pair in spec.parsed_pairs():
        a, b = rows[pair.a], rows[pair.b]
        union, size = united(a, b, dataset.train.y, seed_from("union", pair.a, pair.b, spec.seed))
        planned.append(Planned(UNION, pair.name, size, union))
        shared = int(np.intersect1d(a, b).size)
        pairs.append((pair.name, pair.kind, pair.a, pair.b, shared, n, size))
    for size in sorted({n, *(one.per_class for one in planned)}):
        names = [f"random_n{size}_m0_r{repeat}" for repeat in range(spec.random)]
        baseline = [subset_selection(name, spec.seed) for name in names]
        drawn = selection.select_many(dataset, baseline)
        planned += [
            Planned(RANDOM, name, size, subset.rows)
            for name, subset in zip(names, drawn, strict=True)
        ]
    return planned, pd.DataFrame(pairs, columns=union_analysis.PAIRS)


def units(
    planned: list[Planned], models: list[Model], fingerprint: str
) -> list[tuple[Planned, Unit]]:
    """Every (training set, model); subsets trained again are so under another seed.

    A model that has no chance in it gives the same again, so the score it has is read twice.
    """
    return [
        (one, Unit(TrainingSet(fingerprint, one.rows), model, int(repeated)))
        for one in planned
        for model in models
        for repeated in [one.part == AGAIN and not model.family.deterministic]
    ]


def prepare(spec: UnionSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: The data set is not to be had or of something else than images, or a class
            has too few.
    """
    dataset = datasets.load(spec.dataset)
    check_kind(dataset, {"image"}, "A study of unions")
    for model in spec.parsed_models():
        model.check(dataset)
    plan(spec, dataset)
    content = {name: value for name, value in spec.to_dict().items() if name != "name"}
    versions = {"version": VERSION, "selection": selection.VERSION}
    key = content_key("union", {**content, **versions, "dataset": dataset.fingerprint})
    facts = {"fingerprint": dataset.fingerprint, "classes": list(dataset.classes)}
    return key, {**facts, "notes": [], "units": [], "pairs": []}


def run(spec: UnionSpec, context: Context) -> str:
    """Train every model on the subsets, their unions and the random subsets."""
    from core import cluster

    dataset = datasets.load(spec.dataset)
    resolved, notes = settled(spec.parsed_models(), context)
    labels = {
        id(model): asked.label for model, asked in zip(resolved, spec.parsed_models(), strict=True)
    }
    planned, pairs = plan(spec, dataset)
    wanted = units(planned, resolved, dataset.fingerprint)
    rows = [
        [unit.key, labels[id(unit.model)], one.part, one.name, one.per_class]
        for one, unit in wanted
    ]
    context.note({"notes": notes, "units": rows, "pairs": pairs.to_numpy().tolist()})
    with cluster.connect(context.scheduler) as client:
        return train(client, dataset, [unit for _, unit in wanted], context)


def estimate(spec: UnionSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Units not trained yet, seconds of all processes, and whether these were measured.

    Raises:
        NotEnoughImages: A class has too few images.
    """
    planned, _ = plan(spec, dataset)
    wanted = units(planned, spec.parsed_models(), dataset.fingerprint)
    return engine.cost(dataset, [unit for _, unit in wanted], store)


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a (part, name, model) that has been trained; needs the store alone."""
    columns = ["unit", "model", "part", "name", "per_class"]
    table = pd.DataFrame(job.facts["units"], columns=columns)
    return scored(table, job.facts["classes"], store)[0]


def report(job: Job, store: Store) -> Report:
    """Z-scores of unions beside those of their parts, what rule fits, and what that says."""
    pairs = pd.DataFrame(job.facts["pairs"], columns=union_analysis.PAIRS)
    table = scores(job, store)
    found = union_analysis.analyse(table, pairs)
    sentences = (*union_analysis.sentences(found), *job.facts["notes"])
    return Report({"scores": table, **found.tables()}, sentences)


def headline(job: Job, store: Store) -> str:
    """Whether quality adds up."""
    return report(job, store).sentences[0]


UNION_STUDY = Study(
    "union",
    "Unions of subsets",
    "Is quality additive? Models trained on two subsets, on their union, and on random ones.",
    "study",
    UnionSpec,
    Registry[Preset]("preset"),
    prepare,
    run,
    scores,
    report,
    headline,
    estimate,
)
