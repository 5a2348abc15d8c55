"""The spot check of influence: rows left out one at a time, predicted against true change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core import datasets
from core.datasets.base import Dataset
from core.errors import InputError
from core.influence.draw import Draw
from core.influence.trainable import check_trainable
from core.models import Model
from core.registry import Registry
from core.stats.tracking import Correlation, correlate
from core.store import Store
from core.studies import influence_scores
from core.studies.assess import Assessment, Clock, Question, assess_all, quiet, recalled, remembered
from core.studies.assess_cost import cost
from core.studies.base import Preset, Report, Study
from core.studies.influence_spec import LeaveOneOutSpec

if TYPE_CHECKING:
    from core.jobs import Context, Job

COLUMNS = ("row", "predicted", "true", "sd", "label", "given_label")


def questions(spec: LeaveOneOutSpec, drawn: Draw, model: Model) -> list[list[Question]]:
    """For each repetition, the model on all rows and then without each row in turn.

    Raises:
        InputError: A row is not one that is trained on.
    """
    places = {row: place for place, row in enumerate(drawn.training_set.rows.tolist())}
    absent = [row for row in spec.rows if row not in places]
    if absent:
        raise InputError(
            f"Row {absent[0]} is not among the {len(places):,} rows that the model is trained on; "
            "choose rows of the draw."
        )
    draws = [drawn, *(drawn.without(np.array([places[row]])) for row in spec.rows)]
    return [[Question(one, model, seed) for one in draws] for seed in spec.fit_seeds()]


def prepare(spec: LeaveOneOutSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: As the influence study's, or a row is not one that is trained on.
    """
    found = influence_scores.prepare(spec)
    questions(spec, spec.sample.draw(datasets.load(spec.dataset)), spec.parsed_model())
    return found


def estimate(spec: LeaveOneOutSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Models not trained yet, seconds of all processes, and whether these were measured.

    Raises:
        InputError: As `prepare`.
    """
    model = spec.parsed_model()
    check_trainable(model, dataset)
    asked = [one for some in questions(spec, spec.sample.draw(dataset), model) for one in some]
    left = sum(Assessment.stored(store, one.key, quiet) is None for one in asked)
    return cost(left, dataset, model, spec.train, store)


def run(spec: LeaveOneOutSpec, context: Context) -> str:
    """Train on all rows and without each in turn; every model's loss stored at once."""
    from core import cluster

    dataset, store = datasets.load(spec.dataset), context.store
    drawn = remembered(store, dataset, spec.sample, context.say)
    asked = [one for some in questions(spec, drawn, spec.parsed_model()) for one in some]
    left = [one for one in asked if Assessment.stored(store, one.key, context.say) is None]
    with cluster.connect(context.scheduler) as client:
        clock = Clock(client, context, len(asked))
        clock.set(len(asked) - len(left))
        failed = assess_all(client, dataset, left, context, clock.tick)
    lost = f"; {len(failed):,} could not be." if failed else "."
    return f"{len(asked) - len(failed):,} models trained{lost}"


@dataclass(frozen=True, eq=False)
class Check:
    """How well influence predicted what leaving rows out does.

    Args:
        spec: What was asked for.
        table: One row a row that was left out in all repetitions: `row`, `predicted` and `true`
            change of the validation loss without it (means over repetitions), `sd` of the true
            one (NaN for one repetition), `label`, `given_label`.
        correlation: Of predicted and true change.
        classes: Class names.
        runs: One row a trained model: `model`, `seconds`, `device`, `versions`.
    """

    spec: LeaveOneOutSpec
    table: pd.DataFrame
    correlation: Correlation
    classes: tuple[str, ...]
    runs: pd.DataFrame


def results(job: Job, store: Store) -> Check:
    """The spot check, complete or not; needs the store alone."""
    spec = LeaveOneOutSpec.from_dict(job.spec)
    drawn = recalled(store, job.facts["fingerprint"], spec.sample, quiet)
    rows: list[tuple[Any, ...]] = []
    found: list[list[Assessment | None]] = []
    if drawn is not None:
        asked = questions(spec, drawn, Model.parse(job.facts["model"]))
        found = [[Assessment.stored(store, one.key, quiet) for one in some] for some in asked]
        rows = _rows(spec, drawn, found)
    table = pd.DataFrame(rows, columns=list(COLUMNS))
    correlation = correlate(table["predicted"], table["true"])
    runs = pd.DataFrame([one.made() for some in found for one in some if one is not None])
    return Check(spec, table, correlation, tuple(job.facts["classes"]), runs)


def _rows(
    spec: LeaveOneOutSpec, drawn: Draw, found: list[list[Assessment | None]]
) -> list[tuple[Any, ...]]:
    """One row a row that was left out; of each repetition, the model on all rows comes first."""
    rows = []
    for number, row in enumerate(spec.rows, start=1):
        place = int(np.searchsorted(drawn.training_set.rows, row))
        pairs = [
            (predicted(before, place), after.validation_loss - before.validation_loss)
            for before, after in ((some[0], some[number]) for some in found)
            if before is not None and after is not None
        ]
        if len(pairs) < spec.repeats:
            continue
        foreseen, true = np.array(pairs).T
        sd = float(true.std(ddof=1)) if len(true) > 1 else float("nan")
        means = float(foreseen.mean()), float(true.mean())
        rows.append((row, *means, sd, int(drawn.labels[place]), int(drawn.given[place])))
    return rows


def predicted(found: Assessment, place: int) -> float:
    """Change of the validation loss without a row, as influence has it: −(I_i − mean I)/(n − 1).

    Training averages over the n − 1 rows that are left, so that each of them weighs n/(n − 1):
    ΔL ≈ Σ_j Δw_j I_j / n with Δw_i = −1 and Δw_j = 1/(n − 1) for the others. With a penalty the
    mean is not 0, and −I_i/n alone would be off by it for all rows alike.
    """
    scores = found.influence
    return -float(scores[place] - scores.mean()) / (len(scores) - 1)


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a row that was left out."""
    return results(job, store).table


def report(job: Job, store: Store) -> Report:
    """Predicted and true changes, and how they agree."""
    found = results(job, store)
    return Report({"leave-one-out": found.table, "runs": found.runs}, (sentence(found),))


def sentence(check: Check) -> str:
    """How well influence predicted the true changes."""
    found = check.correlation
    if not np.isfinite(found.pearson):
        return "Predicted and true changes can be compared from three rows on."
    return (
        f"Over {found.points} rows left out one at a time, influence and the true change of the "
        f"validation loss correlate with Pearson {found.pearson:.3f} (95 % CI "
        f"{found.pearson_low:.3f} to {found.pearson_high:.3f}) and Spearman {found.spearman:.3f} "
        f"({found.spearman_low:.3f} to {found.spearman_high:.3f})."
    )


def headline(job: Job, store: Store) -> str:
    """How well influence predicted the true changes."""
    return sentence(results(job, store))


LEAVE_ONE_OUT = Study(
    "leave-one-out",
    "Leave one out",
    "Does influence predict what leaving a row out does? Some rows left out and trained again.",
    "influence",
    LeaveOneOutSpec,
    Registry[Preset]("preset"),
    prepare,
    run,
    scores,
    report,
    headline,
    estimate,
)
