"""The influence study: what each training row does to the validation loss, and whose label looks
wrong.

The two are kept apart: a wrong label that no validation row resembles does little harm, and a
harmful row may be labelled right.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import datasets
from core.datasets.base import Dataset
from core.engine import device_label, versions, worker_device
from core.influence import LabelSuspicion
from core.influence.draw import Draw, check_sizes
from core.influence.rows import own_influence, table, unseen_loss
from core.influence.suspicion import FOLDS
from core.influence.trainable import check_trainable, train
from core.models import Model
from core.registry import Registry
from core.specs import TrainingSet, content_key
from core.store import Blob, Store
from core.studies.assess import Assessment, Question, assess_all, quiet, recalled, remembered
from core.studies.assess_cost import cost
from core.studies.base import Preset, Report, Study
from core.studies.influence_spec import InfluenceSpec

if TYPE_CHECKING:
    from core.jobs import Context, Job

VERSION = 1
OWN = "self-influence"
VIEWS = (OWN, *(f"fold {k}" for k in range(FOLDS)))  # of label suspicion, a model each

Floats = npt.NDArray[np.float64]


class Part(NamedTuple):
    """One view of label suspicion: self-influence, or the loss of the rows of one fold."""

    question: Question
    name: str

    @property
    def key(self) -> str:
        """What its scores are stored under."""
        values = {"version": VERSION, "assessment": self.question.key, "part": self.name}
        return content_key("suspicion", values)


def parts(question: Question) -> list[Part]:
    """All views of one training set."""
    return [Part(question, name) for name in VIEWS]


def _part_task(dataset: Dataset, part: Part) -> Blob:
    """Scores of all rows, NaN for those of other folds, and how they were made."""
    begun = time.perf_counter()
    model, seed = part.question.model, part.question.seed
    training_set = part.question.drawn.training_set
    device = worker_device() if model.family.gpu else "cpu"

    def one(some: TrainingSet, seed: int) -> Any:
        return train(dataset, some, model, seed, device)

    if part.name == OWN:
        scores = own_influence(dataset, training_set, one(training_set, seed))
    else:
        scores = unseen_loss(dataset, training_set, one, seed, int(part.name.split()[1]))
    made = {"model": model.label, "seconds": time.perf_counter() - begun}
    made |= {"device": device_label(device), "versions": versions()}
    return Blob({"scores": scores}, made)


def prepare(spec: InfluenceSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, and what reading its results needs.

    Raises:
        InputError: The data set is not to be had or too small, or the model is not one that
            influence can look into.
    """
    dataset, model = datasets.load(spec.dataset), spec.parsed_model()
    check_trainable(model, dataset)
    check_sizes(dataset, spec.train, spec.validation)
    content = {name: value for name, value in spec.to_dict().items() if name != "name"}
    content |= {"dataset": dataset.fingerprint, "model": model.key}
    facts = {"fingerprint": dataset.fingerprint, "classes": list(dataset.classes)}
    return content_key(spec.study, content), {**facts, "model": model.label}


def estimate(spec: InfluenceSpec, dataset: Dataset, store: Store) -> tuple[int, float, bool]:
    """Models not trained yet, seconds of all processes, and whether these were measured.

    Raises:
        InputError: Influence cannot look into the model, or it does not go with the data set.
    """
    model = spec.parsed_model()
    check_trainable(model, dataset)
    left = 1 + len(VIEWS)
    drawn = recalled(store, dataset.fingerprint, spec.sample, quiet)
    if drawn is not None:
        question = Question(drawn, model, spec.fit_seed)
        left -= Assessment.stored(store, question.key, quiet) is not None
        left -= sum(store.whole(part.key, quiet) is not None for part in parts(question))
    return cost(left, dataset, model, spec.train, store)


def run(spec: InfluenceSpec, context: Context) -> str:
    """Train, score and judge labels; every part stored at once."""
    from core import cluster

    dataset, store = datasets.load(spec.dataset), context.store
    drawn = remembered(store, dataset, spec.sample, context.say)
    question = Question(drawn, spec.parsed_model(), spec.fit_seed)
    views = parts(question)
    known = {part.key for part in views if store.whole(part.key, context.say) is not None}
    done, total = len(known), 1 + len(views)

    def tell(*answer: object) -> None:
        nonlocal done
        done += bool(answer)
        context.report("Training and scoring", done, total, None)

    def finished(part: Part, found: Blob) -> None:
        store.put_blob(part.key, found.arrays, found.meta)
        tell(part)

    def failed(part: Part, error: BaseException) -> list[Part]:
        raise error

    tell()
    with cluster.connect(context.scheduler) as client:
        if Assessment.stored(store, question.key, context.say) is not None:
            tell(question)
        elif assess_all(client, dataset, [question], context, tell):
            reasons = store.failures([question.key])["reason"]
            return f"The rows could not be scored: {reasons.iloc[0]}"
        missing = [part for part in views if part.key not in known]
        on_gpu = question.model.family.gpu
        others = [] if on_gpu else missing
        cluster.run(
            *(client, dataset, _part_task, others, finished, failed, context.should_stop),
            gpu_tasks=missing if on_gpu else [],
        )
    return f"{len(drawn.labels):,} rows scored."


@dataclass(frozen=True, eq=False)
class Scores:
    """What is known of the rows of one training set.

    Args:
        spec: What was asked for.
        fingerprint: Fingerprint of its data set.
        classes: Class names.
        drawn: The rows.
        found: How the model did, influence and its certificate.
        table: One row a training row, as `python -m core influence score` writes it; suspicion is
            NaN until all its parts are there.
        runs: One row a trained model: `model`, `seconds`, `device`, `versions`.
    """

    spec: InfluenceSpec
    fingerprint: str
    classes: tuple[str, ...]
    drawn: Draw
    found: Assessment
    table: pd.DataFrame
    runs: pd.DataFrame


def results(job: Job, store: Store) -> Scores | None:
    """The scores of a study, None until influence is known; needs the store alone."""
    spec = InfluenceSpec.from_dict(job.spec)
    fingerprint = job.facts["fingerprint"]
    drawn = recalled(store, fingerprint, spec.sample, quiet)
    if drawn is None:
        return None
    question = Question(drawn, Model.parse(job.facts["model"]), spec.fit_seed)
    found = Assessment.stored(store, question.key, quiet)
    if found is None:
        return None
    own, *folds = (store.whole(part.key, quiet) for part in parts(question))
    known = [view for view in (own, *folds) if view is not None]
    nothing = np.full(len(drawn.labels), np.nan)
    unseen = nothing
    if len(known) == len(VIEWS):
        unseen = np.nansum([view.arrays["scores"] for view in known if view is not own], axis=0)
    suspicion = LabelSuspicion(nothing if own is None else own.arrays["scores"], unseen)
    rows = table(drawn, found.influence, suspicion)
    runs = pd.DataFrame([found.made(), *(view.meta for view in known if view.meta)])
    return Scores(spec, fingerprint, tuple(job.facts["classes"]), drawn, found, rows, runs)


def scores(job: Job, store: Store) -> pd.DataFrame:
    """One row a training row."""
    found = results(job, store)
    return pd.DataFrame() if found is None else found.table


def report(job: Job, store: Store) -> Report:
    """The rows with their scores, and what can be said of them together."""
    found = results(job, store)
    if found is None:
        return Report({}, ("Nothing is scored yet.",))
    return Report({"rows": found.table, "runs": found.runs}, sentences(found))


def sentences(scores: Scores) -> tuple[str, ...]:
    """The certificate and the score of the whole, in words."""
    found = scores.found
    contribution, harmful = found.contribution, int((found.influence > 0).sum())
    balance = (
        f"{harmful:,} of {len(found.influence):,} rows harm: more of them would raise the "
        f"validation loss. DCS {contribution.dcs:.3f}: {contribution.dcs:.0%} of all influence is "
        "helpful."
    )
    fit = (
        f"The model has a validation loss of {found.validation_loss:.4f} and is right on "
        f"{found.validation_accuracy:.1%} of the validation rows."
    )
    return balance, found.certificate.words, fit


def headline(job: Job, store: Store) -> str:
    """How much of the influence is helpful."""
    return report(job, store).sentences[0]


INFLUENCE = Study(
    "influence",
    "Influence",
    "Which training rows harm the validation loss, which help, and whose label looks wrong?",
    "influence",
    InfluenceSpec,
    Registry[Preset]("preset"),
    prepare,
    run,
    scores,
    report,
    headline,
    estimate,
)
