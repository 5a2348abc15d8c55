"""Training sets trained on, judged by validation rows and scored row by row, each once.

What several studies ask of the workers: a `Question` is answered by an `Assessment`, which is
stored at once under the question's key.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from core.datasets.base import Dataset
from core.engine import device_label, measure, versions, worker_device
from core.influence import Certificate, DatasetContribution, ReplayCertificate, dataset_contribution
from core.influence.draw import Draw, Sample
from core.influence.rows import harm, judge
from core.influence.trainable import train
from core.models import Model
from core.specs import content_key
from core.store import Blob, Store

if TYPE_CHECKING:
    from distributed import Client

    from core.jobs import Context

VERSION = 1
CERTIFICATES = {"solver": Certificate, "replay": ReplayCertificate}

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Question:
    """A model to train on a draw's training set and to judge by its validation rows.

    Args:
        drawn: The rows.
        model: What is trained.
        seed: Of the run. Questions that are compared share it: they start from the same weights.
    """

    drawn: Draw
    model: Model
    seed: int

    @cached_property
    def key(self) -> str:
        """What its assessment is stored under."""
        rows = self.drawn.validation.astype("<i4").tobytes()
        values = {
            "version": VERSION,
            "training_set": self.drawn.training_set.key,
            "validation": hashlib.sha256(rows).hexdigest(),
            "model": self.model.key,
            "seed": self.seed,
        }
        return content_key("assessment", values)


@dataclass(frozen=True)
class Origin:
    """Where and with what an assessment was made.

    Args:
        dataset: Fingerprint of the data set.
        model: The model's name for people.
        rows: Rows that it was trained on.
        device: What it ran on.
        versions: Library versions that matter to the result.
    """

    dataset: str
    model: str
    rows: int
    device: str
    versions: str


@dataclass(frozen=True, eq=False)
class Assessment:
    """One model trained on one training set, judged by validation rows.

    Args:
        influence: Of every training row, shape (n,), positive = harmful.
        loss: Cross-entropy of every training row under the label it was given, shape (n,).
        certificate: How far the influence can be trusted.
        validation_loss: Mean cross-entropy of the validation rows, L_val.
        validation_accuracy: Share of them classified right.
        accuracy: Share of the test split classified right.
        macro_f1: Mean F1 over classes on the test split.
        train_accuracy: Share of the training labels that the model gives.
        seconds: Time that training and testing took.
        origin: Where it was made; None for those stored before that was noted.
    """

    influence: Floats
    loss: Floats
    certificate: Certificate | ReplayCertificate
    validation_loss: float
    validation_accuracy: float
    accuracy: float
    macro_f1: float
    train_accuracy: float
    seconds: float
    origin: Origin | None = None

    @property
    def contribution(self) -> DatasetContribution:
        """Dataset Contribution Score of the training set."""
        return dataset_contribution(self.influence)

    def store(self, store: Store, key: str) -> None:
        """Keep it under a key."""
        kind = "solver" if isinstance(self.certificate, Certificate) else "replay"
        numbers = {name: value for name, value in vars(self).items() if isinstance(value, float)}
        meta: dict[str, Any] = dict(numbers)
        meta["certificate"] = {"kind": kind, **asdict(self.certificate)}
        if self.origin is not None:
            meta["origin"] = asdict(self.origin)
        store.put_blob(key, {"influence": self.influence, "loss": self.loss}, meta)

    @classmethod
    def stored(cls, store: Store, key: str, report: Callable[[str], None]) -> Assessment | None:
        """The assessment under a key; None if there is none, or a damaged one, which is told."""
        blob = store.whole(key, report)
        if blob is None:
            return None
        values = dict(blob.meta)
        certificate = dict(values.pop("certificate"))
        made = CERTIFICATES[certificate.pop("kind")](**certificate)
        origin = values.pop("origin", None)
        return cls(
            blob.arrays["influence"],
            blob.arrays["loss"],
            made,
            origin=None if origin is None else Origin(**origin),
            **values,
        )

    def made(self) -> dict[str, Any]:
        """How the model was made, for tables of runs: `model`, `seconds`, `device`, `versions`."""
        known = self.origin or Origin("", "", len(self.loss), "", "")
        return {
            "model": known.model,
            "seconds": self.seconds + self.certificate.seconds,
            "device": known.device,
            "versions": known.versions,
        }


def assess(dataset: Dataset, question: Question, device: str) -> Assessment:
    """Train and judge, in this process.

    Args:
        dataset: The data set that the rows are of.
        question: What to train and to judge by.
        device: A torch device; models that cannot use a GPU stay on the CPU.

    Raises:
        InputError: The model cannot be looked into, or rows and labels cannot be used.
        TrainingDiverged: A network's outputs are no longer finite.
    """
    drawn, model = question.drawn, question.model
    device = device if model.family.gpu else "cpu"
    trained = train(dataset, drawn.training_set, model, question.seed, device)
    found = harm(dataset, drawn, trained)
    training, validation = judge(dataset, drawn, trained)
    accuracy, _, macro_f1 = measure(dataset.test.y, trained.fit.predictions, len(dataset.classes))
    return Assessment(
        influence=found.scores,
        loss=training.losses,
        certificate=found.certificate,
        validation_loss=float(validation.losses.mean()),
        validation_accuracy=validation.accuracy,
        accuracy=accuracy,
        macro_f1=macro_f1,
        train_accuracy=trained.fit.train_accuracy,
        seconds=trained.fit.seconds,
        origin=Origin(
            dataset.fingerprint,
            model.label,
            drawn.training_set.rows.size,
            device_label(device),
            versions(),
        ),
    )


def _assess_task(dataset: Dataset, question: Question) -> Assessment:
    return assess(dataset, question, worker_device())


def assess_all(
    client: Client,
    dataset: Dataset,
    questions: Iterable[Question],
    context: Context,
    tell: Callable[[Question, Assessment], None],
) -> set[str]:
    """Answer questions on the workers, store each answer at once.

    Args:
        client: From `cluster.connect`.
        dataset: The data set that the rows are of.
        questions: Those without an answer; each once.
        context: Of the job.
        tell: Told of each answer once it is stored.

    Returns:
        Keys of the questions that have no answer; their reasons are in the store and in the log.

    Raises:
        JobCancelled: Somebody asked for a stop.
    """
    from core import cluster

    failures = set()

    def finished(question: Question, assessment: Assessment) -> None:
        assessment.store(context.store, question.key)
        tell(question, assessment)

    def failed(question: Question, error: BaseException) -> list[Question]:
        reason = str(error) or type(error).__name__
        context.say(f"{question.model.label} on {question.drawn.training_set.rows.size}: {reason}")
        context.store.add_failures([(question.key, question.model.label, reason)])
        failures.add(question.key)
        return []

    apart: dict[bool, list[Question]] = {True: [], False: []}
    for question in questions:
        apart[question.model.family.gpu].append(question)
    cluster.run(
        *(client, dataset, _assess_task, apart[False], finished, failed, context.should_stop),
        gpu_tasks=apart[True],
    )
    return failures


class Clock:
    """Tells a job's progress, with the time left from what each answer has taken."""

    def __init__(self, client: Client, context: Context, total: int) -> None:
        self._client, self._context, self._total = client, context, total
        self._done, self._answers, self._seconds = 0, 0, 0.0
        self._gpu = False

    def set(self, done: int) -> None:
        """So many are done in all."""
        self._done = done
        self._tell()

    def tick(self, question: Question, assessment: Assessment) -> None:
        """One more is done."""
        self._done += 1
        self._answers += 1
        self._gpu = question.model.family.gpu
        self._seconds += assessment.seconds + assessment.certificate.seconds
        self._tell()

    def _tell(self) -> None:
        from core import cluster

        left = None
        if self._answers:
            each = self._seconds / self._answers
            slots = cluster.slots(self._client, self._gpu)
            left = each * (self._total - self._done) / slots
        self._context.report("Training and scoring", self._done, self._total, left)


def remembered(
    store: Store, dataset: Dataset, sample: Sample, report: Callable[[str], None]
) -> Draw:
    """A draw, stored so that results can be read without the data set.

    Raises:
        InputError: The training split has fewer rows.
    """

    def made() -> Blob:
        return Blob(sample.draw(dataset).arrays(), {})

    blob = store.remember(sample.key(dataset.fingerprint), made, report)
    return Draw.from_arrays(dataset.fingerprint, blob.arrays)


def quiet(sentence: str) -> None:
    """What is damaged counts as not there; the run says so."""


def recalled(
    store: Store, fingerprint: str, sample: Sample, report: Callable[[str], None]
) -> Draw | None:
    """A draw that was made before; None if there is none, or a damaged one, which is told."""
    blob = store.whole(sample.key(fingerprint), report)
    return None if blob is None else Draw.from_arrays(fingerprint, blob.arrays)
