"""Trains every model on every training set, once, on many processes, and stores the scores.

A unit is a (training set, model) pair. Units that have a score are never run again; the others
travel in tasks of a few seconds, and a finished task is stored at once. What a unit gives
depends on the training set and the model alone, so tasks may be cut, moved and repeated freely.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core import settings
from core.datasets.base import Dataset
from core.details import Detail, add_details, detailed
from core.models import Fit, Model
from core.specs import Damage, TrainingSet, content_key, seed_from
from core.store import Score, Store

if TYPE_CHECKING:
    from distributed import Client

TASK_SECONDS = 3.0

Report = Callable[[str, int, int, float | None], None]
"""Told of progress: (what runs now, units done, units in all, seconds left if known)."""


@dataclass(frozen=True, eq=False)
class Unit:
    """One training run: a training set and the model trained on it.

    Args:
        training_set: What is trained and tested on.
        model: What is trained.
        replicate: 0, or which repetition of the same run under another seed this is.
        detailed: Whether predictions and accuracies by epoch are stored besides the score; not
            part of the key, for it changes nothing.
    """

    training_set: TrainingSet
    model: Model
    replicate: int = 0
    detailed: bool = False

    @property
    def key(self) -> str:
        """What its score is stored under."""
        return unit_key(self.training_set.key, self.model.key, self.replicate)

    @property
    def seed(self) -> int:
        """Seed of the run: belongs to the unit, never to the order or the batch."""
        repeated = (self.replicate,) if self.replicate else ()
        return seed_from("fit", self.training_set.key, self.model.key, *repeated)


def unit_key(training_set: str, model: str, replicate: int = 0) -> str:
    """Key of a unit by the keys of its training set and its model; replicate 0 is left out."""
    values: dict[str, object] = {"training_set": training_set, "model": model}
    return content_key("unit", values | ({"replicate": replicate} if replicate else {}))


@dataclass(frozen=True, eq=False)
class Task:
    """Units of one model, one size and one test set that travel to a worker together."""

    model: Model
    units: tuple[Unit, ...]

    def split(self) -> list[Task]:
        """The same units one by one."""
        return [Task(self.model, (unit,)) for unit in self.units]


def worker_device() -> str:
    """`"cpu"`, or the GPU that belongs to this worker."""
    if settings.device() == "cpu":
        return "cpu"
    import torch
    from distributed import get_worker

    name = str(get_worker().name)
    return f"cuda:{int(name) % torch.cuda.device_count() if name.isdecimal() else 0}"


def _device_label(device: str) -> str:
    if device == "cpu":
        return "cpu"
    import torch

    return f"cuda ({torch.cuda.get_device_name(device)})"


def _versions() -> str:
    names = ("numpy", "scikit-learn", "torch", "torchvision")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def fit(dataset: Dataset, units: Sequence[Unit], device: str) -> list[Score]:
    """Train and test units of one model, one size and one test set, in this process.

    Args:
        dataset: The data set that the training sets are of.
        units: Units that share model, size and damage of the test images.
        device: `"cpu"`, `"cuda"` or `"cuda:N"`; models that cannot use a GPU stay on the CPU.
    """
    return [score for score, _ in results(dataset, units, device)]


def results(
    dataset: Dataset, units: Sequence[Unit], device: str
) -> list[tuple[Score, Detail | None]]:
    """As `fit`, with the details of units that ask for them."""
    model = units[0].model
    device = device if model.family.gpu else "cpu"
    step = model.batch(units[0].training_set.rows.size, device)
    found: list[tuple[Score, Detail | None]] = []
    for first in range(0, len(units), step):
        some = units[first : first + step]
        fits = model.fit_many(
            dataset,
            [unit.training_set for unit in some],
            [unit.seed for unit in some],
            device,
            history=any(unit.detailed for unit in some),
        )
        for unit, result in zip(some, fits, strict=True):
            detail = Detail(unit.key, result.predictions, result.history) if unit.detailed else None
            found.append((score_of(dataset, unit, result, device), detail))
    return found


def score_of(dataset: Dataset, unit: Unit, result: Fit, device: str) -> Score:
    """What is stored of a unit that was trained on a device."""
    accuracy, class_accuracy, macro_f1 = measure(
        dataset.test.y, result.predictions, len(dataset.classes)
    )
    return Score(
        unit=unit.key,
        training_set=unit.training_set.key,
        model=unit.model.key,
        label=unit.model.label,
        dataset=dataset.fingerprint,
        size=unit.training_set.rows.size,
        accuracy=accuracy,
        macro_f1=macro_f1,
        class_accuracy=tuple(class_accuracy.tolist()),
        train_accuracy=result.train_accuracy,
        epochs=result.epochs,
        seconds=result.seconds,
        device=_device_label(device),
        weights=result.weights,
        seed=unit.seed,
        versions=_versions(),
    )


def measure(
    truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int
) -> tuple[float, npt.NDArray[np.float64], float]:
    """Accuracy, accuracy within each class (NaN for a class not tested) and macro F1."""
    confusion = np.bincount(truth * classes + predicted, minlength=classes**2)
    confusion = confusion.reshape(classes, classes)
    right, actual, guessed = np.diag(confusion), confusion.sum(axis=1), confusion.sum(axis=0)
    within = np.divide(right, actual, out=np.full(classes, np.nan), where=actual > 0)
    occurring = actual + guessed
    f1 = np.divide(2 * right, occurring, out=np.zeros(classes), where=occurring > 0)
    return float(right.sum() / actual.sum()), within, float(f1.mean())


def _fit_task(dataset: Dataset, task: Task) -> list[tuple[Score, Detail | None]]:
    return results(dataset, task.units, worker_device())


def pending(units: Sequence[Unit], store: Store) -> list[Unit]:
    """Units without a score, or without the details they ask for, each key once, in order."""
    by_key: dict[str, Unit] = {}
    for unit in units:
        if unit.detailed or unit.key not in by_key:
            by_key[unit.key] = unit
    done = store.scored(list(by_key))
    asked = {key for key, unit in by_key.items() if unit.detailed}
    if asked:
        done -= asked - detailed(store, list(asked))
    return [unit for key, unit in by_key.items() if key not in done]


def seconds_per_unit(
    dataset: Dataset, sizes: Iterable[int], models: Iterable[Model], store: Store
) -> dict[tuple[str, int], tuple[float, bool]]:
    """Expected seconds of one unit by (model label, size), and whether that was measured.

    Measured: the mean over stored scores on this data set and kind of device. Else the rough
    figure that the model family states for one core.
    """
    here = settings.device()
    measured = {kind: store.mean_seconds(dataset.fingerprint, kind) for kind in {"cpu", here}}
    features = dataset.row_values
    expected = {}
    for model in models:
        for size in set(sizes):
            known = measured[here if model.family.gpu else "cpu"].get((model.label, size))
            rough = model.family.seconds(size, features, len(dataset.test))
            expected[model.label, size] = (rough, False) if known is None else (known, True)
    return expected


def cost(dataset: Dataset, units: Sequence[Unit], store: Store) -> tuple[int, float, bool]:
    """Units that have no score yet, seconds they will take here, whether that was measured."""
    left = pending(units, store)
    sizes = {unit.training_set.rows.size for unit in left}
    expected = seconds_per_unit(dataset, sizes, {unit.model for unit in left}, store)
    costs = [expected[unit.model.label, unit.training_set.rows.size] for unit in left]
    seconds = sum(one for one, _ in costs) / settings.workers()
    return len(left), seconds, all(measured for _, measured in costs)


def score(
    client: Client,
    dataset: Dataset,
    units: Sequence[Unit],
    store: Store,
    report: Report,
    say: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> None:
    """Train and store every unit that has no score yet.

    Units that fail are stored with their reason, do not stop the others and do not count as
    done, so that running the study again tries them again.

    Args:
        client: From `cluster.connect`.
        dataset: The data set that the training sets are of.
        units: All units wanted, in the order to run them in.
        store: Where scores are and go.
        report: Told of progress.
        say: Told, in one sentence, of each failure.
        should_stop: Asked about twice a second.

    Raises:
        JobCancelled: `should_stop` said so.
    """
    from core import cluster

    total = len({unit.key for unit in units})
    left = pending(units, store)
    expected = {
        pair: seconds
        for pair, (seconds, _) in seconds_per_unit(
            dataset,
            {unit.training_set.rows.size for unit in left},
            {unit.model for unit in left},
            store,
        ).items()
    }
    clock = Clock(left, expected)
    failures = 0

    def finished(task: Task, found: list[tuple[Score, Detail | None]]) -> None:
        # Details first: what dies in between is run again, whole.
        add_details(store, [detail for _, detail in found if detail is not None])
        store.add_scores(score for score, _ in found)
        clock.done(task, sum(score.seconds for score, _ in found))
        tell()

    def failed(task: Task, error: BaseException) -> list[Task]:
        if len(task.units) > 1:
            return task.split()
        nonlocal failures
        failures += 1
        reason = f"{type(error).__name__}: {error}"
        say(f"{task.model.label} on {task.units[0].training_set.rows.size} images: {reason}")
        store.add_failures([(task.units[0].key, task.model.label, reason)])
        clock.done(task, 0.0)
        tell()
        return []

    def tell() -> None:
        workers = max(1, len(client.nthreads()))
        done = total - clock.units_left - failures
        report("Training", done, total, clock.seconds_left / workers)

    tell()
    tasks = make_tasks(left, expected, settings.device())
    cluster.run(client, dataset, _fit_task, tasks, finished, failed, should_stop)


class Clock:
    """Seconds left, from what each kind of unit has taken so far."""

    def __init__(self, units: Sequence[Unit], expected: dict[tuple[str, int], float]) -> None:
        self._expected = dict(expected)
        self._left: dict[tuple[str, int], int] = {}
        self._taken: dict[tuple[str, int], tuple[int, float]] = {}
        for unit in units:
            kind = (unit.model.label, unit.training_set.rows.size)
            self._left[kind] = self._left.get(kind, 0) + 1

    def done(self, task: Task, seconds: float) -> None:
        """Note that a task ended after so many worker seconds."""
        kind = (task.model.label, task.units[0].training_set.rows.size)
        self._left[kind] -= len(task.units)
        if seconds:
            count, taken = self._taken.get(kind, (0, 0.0))
            count, taken = count + len(task.units), taken + seconds
            self._taken[kind] = count, taken
            self._expected[kind] = taken / count

    @property
    def units_left(self) -> int:
        """Units not done."""
        return sum(self._left.values())

    @property
    def seconds_left(self) -> float:
        """Worker seconds that the rest will take."""
        return sum(count * self._expected[kind] for kind, count in self._left.items())


def make_tasks(
    units: Sequence[Unit], expected: dict[tuple[str, int], float], device: str
) -> list[Task]:
    """Cut units into tasks of a few seconds each, keeping their order as far as possible.

    Args:
        units: Units to run; those that share model, size, test images and whether they ask for
            details may travel together.
        expected: Seconds of one unit by (model label, size).
        device: What the workers train on.
    """
    groups: dict[tuple[str, int, tuple[Damage, ...], bool], list[tuple[int, Unit]]] = {}
    for place, unit in enumerate(units):
        data = unit.training_set
        kind = (unit.model.label, data.rows.size, data.test_damage, unit.detailed)
        groups.setdefault(kind, []).append((place, unit))
    tasks: list[tuple[int, Task]] = []
    for (label, size, _, _), members in groups.items():
        model = members[0][1].model
        batch = model.batch(size, device)
        step = batch * max(1, int(TASK_SECONDS / max(expected[label, size] * batch, 1e-6)))
        for first in range(0, len(members), step):
            some = members[first : first + step]
            tasks.append((some[0][0], Task(model, tuple(unit for _, unit in some))))
    return [task for _, task in sorted(tasks, key=lambda item: item[0])]
