"""The refinement study: remove harmful rows, train again, round after round.

For each seed, rows are drawn from the training split and every arm removes as many of them in
each round: those with the most harmful influence, random ones, or those with the highest loss.
A round is a training set, so it can be opened, exported or trained on any model family. All
decisions rest on validation rows; the test split is only measured on.

References:
    Kamene, The Data Gradient, doi:10.70389/pjcs.100014.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from core import datasets
from core.datasets.base import Dataset
from core.influence.draw import Draw, Sample, check_sizes, share_of
from core.influence.trainable import check_trainable
from core.models import Model
from core.specs import content_key, seed_from
from core.store import Store
from core.studies.assess import Assessment, Clock, Question, assess_all, quiet, recalled, remembered
from core.studies.assess_cost import cost
from core.studies.base import Report, Study
from core.studies.refinement_rounds import Places, Round, rounds_table
from core.studies.refinement_spec import GUIDED, PRESETS, RefinementSpec

if TYPE_CHECKING:
    from core.jobs import Context, Job


@dataclass(frozen=True, eq=False)
class Progress:
    """How far a study is: rounds done, and questions that can be asked now, by key."""

    rounds: list[Round] = field(default_factory=list)
    open: dict[str, Question] = field(default_factory=dict)

    @property
    def done(self) -> int:
        """Models trained: round 0 is one model for all arms."""
        return sum(one.number > 0 or one.arm == GUIDED for one in self.rounds)


Answer = Callable[[str], Assessment | None]


def follow(
    spec: RefinementSpec, model: Model, draws: Sequence[Draw | None], answer: Answer
) -> Progress:
    """Go through all rounds as far as their questions are answered.

    Args:
        spec: The study.
        model: Its model.
        draws: One for each seed; None for one that cannot be read.
        answer: The stored assessment under a key, or None.
    """
    progress = Progress()
    for repeat, drawn in enumerate(draws):
        if drawn is None:
            continue
        counts: list[int] = []  # rows that influence removed, round by round
        for arm in spec.arms:
            start = Question(drawn, model, seed_from("refinement-fit", spec.seed, repeat))
            _follow_arm(spec, start, repeat, arm, counts, answer, progress)
    return progress


def _follow_arm(
    spec: RefinementSpec,
    question: Question,
    repeat: int,
    arm: str,
    counts: list[int],
    answer: Answer,
    progress: Progress,
) -> None:
    for number in range(spec.rounds + 1):
        found = answer(question.key)
        if found is None:
            progress.open[question.key] = question
            return
        last = number == spec.rounds
        if not last and arm != GUIDED and len(counts) <= number:
            return  # The arm that sets the number is not that far.
        drawn = question.drawn
        places = np.empty(0, dtype=np.intp)
        if not last:
            most = share_of(spec.share, len(found.influence)) if arm == GUIDED else counts[number]
            seed = seed_from("removal", spec.seed, repeat, number)
            places = choose(arm, drawn, found, most, seed)
        progress.rounds.append(Round(repeat, arm, number, drawn, found, places))
        if not last and arm == GUIDED:
            counts.append(len(places))
        question = replace(question, drawn=drawn.without(places))


def choose(arm: str, drawn: Draw, found: Assessment, most: int, seed: int) -> Places:
    """Rows to remove, by place, sorted; the last row of a class stays, whatever its score.

    Args:
        arm: What chooses: influence takes harmful rows only, loss those with the highest.
        drawn: The rows there are.
        found: What is known of them.
        most: Rows to remove at most.
        seed: Decides random removal.
    """
    if arm == "random":
        order = np.random.default_rng(seed).permutation(len(found.loss))
    else:
        score = found.influence if arm == GUIDED else found.loss
        order = np.argsort(-score, kind="stable")
    _, last = np.unique(drawn.given[order][::-1], return_index=True)
    places = np.delete(order, len(order) - 1 - last)[:most]
    if arm == GUIDED:
        places = places[found.influence[places] > 0]
    return np.sort(places)


def prepare(spec: RefinementSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: The data set is not to be had or too small, or the model is not one that
            influence can look into.
    """
    dataset = datasets.load(spec.dataset)
    model = spec.parsed_model()
    check_trainable(model, dataset)
    check_sizes(dataset, spec.train, spec.validation)
    content = {name: value for name, value in spec.to_dict().items() if name != "name"}
    content |= {"dataset": dataset.fingerprint, "model": model.key}
    facts = {
        "fingerprint": dataset.fingerprint,
        "classes": list(dataset.classes),
        "model": model.label,
        "test_rows": len(dataset.test),
    }
    return content_key("refinement", content), facts


def samples(spec: RefinementSpec) -> list[Sample]:
    """The recipe of each seed's draw; more seeds keep the draws there were."""
    return [
        Sample(spec.train, spec.validation, spec.flip, seed_from("refinement", spec.seed, repeat))
        for repeat in range(spec.seeds)
    ]


def run(spec: RefinementSpec, context: Context) -> str:
    """Go through all rounds, every answer stored on the way."""
    from core import cluster

    dataset, model = datasets.load(spec.dataset), spec.parsed_model()
    draws = [remembered(context.store, dataset, one, context.say) for one in samples(spec)]
    failed: set[str] = set()
    with cluster.connect(context.scheduler) as client:
        clock = Clock(client, context, spec.total)
        while True:
            progress = follow(spec, model, draws, lambda key: _answer(key, context))
            clock.set(progress.done)
            waiting = [one for key, one in progress.open.items() if key not in failed]
            if not waiting:
                break
            failed |= assess_all(client, dataset, waiting, context, clock.tick)
    lost = spec.total - progress.done
    return f"{progress.done:,} models trained and their rows scored" + (
        f"; {lost:,} could not be." if lost else "."
    )


def _answer(key: str, context: Context) -> Assessment | None:
    return Assessment.stored(context.store, key, context.say)


def estimate(spec: RefinementSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Models not trained yet, seconds of all processes, and whether these were measured.

    Raises:
        InputError: Influence cannot look into the model, or it does not go with the data set.
    """
    model = spec.parsed_model()
    check_trainable(model, dataset)
    draws = [recalled(store, dataset.fingerprint, one, quiet) for one in samples(spec)]
    known = follow(spec, model, draws, lambda key: Assessment.stored(store, key, quiet)).done
    return cost(spec.total - known, dataset, model, spec.train, store)


@dataclass(frozen=True, eq=False)
class Results:
    """What a study has found so far.

    Args:
        spec: What was asked for.
        fingerprint: Fingerprint of its data set.
        classes: Class names.
        rounds: Every round that is done, by seed and arm, in order.
        table: One row a round; see `rounds_table`.
        notes: What the reader must know, such as what could not be trained, and why.
    """

    spec: RefinementSpec
    fingerprint: str
    classes: tuple[str, ...]
    rounds: list[Round]
    table: pd.DataFrame
    notes: tuple[str, ...]

    @property
    def runs(self) -> pd.DataFrame:
        """One row a trained model (arms share the first round's): see `Assessment.made`."""
        models = [one.found for one in self.rounds if one.number > 0 or one.arm == GUIDED]
        return pd.DataFrame([model.made() for model in models])


def results(job: Job, store: Store) -> Results:
    """Rounds of a study, complete or not; needs the store alone, not the data set."""
    spec = RefinementSpec.from_dict(job.spec)
    fingerprint, classes = job.facts["fingerprint"], tuple(job.facts["classes"])
    notes: list[str] = []
    draws = [recalled(store, fingerprint, one, notes.append) for one in samples(spec)]
    model = Model.parse(job.facts["model"])
    progress = follow(spec, model, draws, lambda key: Assessment.stored(store, key, notes.append))
    failures = store.failures(list(progress.open))["reason"].unique()
    notes += [f"A round could not be trained: {reason}" for reason in failures]
    table = rounds_table(progress.rounds)
    return Results(spec, fingerprint, classes, progress.rounds, table, tuple(notes))


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a round: see `rounds_table`."""
    return results(job, store).table


def report(job: Job, store: Store) -> Report:
    """Curves, comparisons and what they say."""
    from core.studies.refinement_analysis import analyse

    found = results(job, store)
    analysis = analyse(found.table, found.spec)
    tables = {"rounds": found.table, **analysis.tables(), "runs": found.runs}
    return Report(tables, (*analysis.sentences(), *found.notes))


def headline(job: Job, store: Store) -> str:
    """What removal by influence gained."""
    return report(job, store).sentences[0]


REFINEMENT = Study(
    "refinement",
    "Refinement",
    "Does removing rows with harmful influence help? Rounds of removing and training again, "
    "beside random removal.",
    "influence",
    RefinementSpec,
    PRESETS,
    prepare,
    run,
    scores,
    report,
    headline,
    estimate,
)
