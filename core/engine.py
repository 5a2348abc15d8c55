"""Trains every model on every training set, once, on many processes, and stores the scores.

Units that have a score are never run again; the others travel in tasks of a few seconds, and a
finished task is stored at once. What a unit gives depends on the training set and the model
alone, so tasks may be cut, moved and repeated freely.
"""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from core import settings
from core.corruption.prepared import Tests, with_tests
from core.datasets.base import Dataset
from core.details import Detail, add_details
from core.models import Fit, Model
from core.store import Score, Store
from core.units import Clock, Task, Unit, Work, pending

if TYPE_CHECKING:
    from distributed import Client

MOST_TEST_VALUES = 1 << 28

Report = Callable[[str, int, int, float | None], None]
"""Told of progress: (what runs now, units done, units in all, seconds left if known)."""


def worker_device() -> str:
    """`"cpu"`, or the GPU that belongs to this worker."""
    if settings.device() == "cpu":
        return "cpu"
    import torch
    from distributed import get_worker

    from core.cluster import CPU

    worker = get_worker()
    if CPU in worker.state.total_resources:
        return "cpu"
    name = str(worker.name)
    return f"cuda:{int(name) % torch.cuda.device_count() if name.isdecimal() else 0}"


def device_label(device: str) -> str:
    """What is stored of the device that something ran on."""
    if device == "cpu":
        return "cpu"
    import torch

    return f"cuda ({torch.cuda.get_device_name(device)})"


@cache
def versions() -> str:
    """The libraries that matter to results, as stored with them."""
    names = ("numpy", "scikit-learn", "torch", "torchvision")
    return ", ".join(f"{name} {importlib.metadata.version(name)}" for name in names)


def fit(dataset: Dataset, units: Sequence[Unit], device: str) -> list[Score]:
    """Train and test units of one model and one size, in this process.

    Args:
        dataset: The data set that the training sets are of.
        units: Units that share model and size. Those that differ in the damage of the test
            images alone are trained once.
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
    found: dict[str, tuple[Score, Detail | None]] = {}
    for tests, bundles in _bundles(units, len(dataset.test) * dataset.row_values).items():
        tested = with_tests(dataset, tests)
        for first in range(0, len(bundles), step):
            some = bundles[first : first + step]
            fits = model.fit_many(
                tested,
                [bundle[0].training_set.training for bundle in some],
                [bundle[0].seed for bundle in some],
                device,
                # With several test sets an accuracy by epoch would be that of all of them.
                history=len(tests) == 1 and any(unit.detailed for one in some for unit in one),
            )
            for bundle, whole in zip(some, fits, strict=True):
                for unit, result in zip(bundle, _by_test(whole, len(tests)), strict=True):
                    kept = Detail(unit.key, result.predictions, result.history)
                    score = score_of(dataset, unit, result, device)
                    found[unit.key] = score, kept if unit.detailed else None
    return [found[unit.key] for unit in units]


def _bundles(units: Sequence[Unit], test_values: int) -> dict[Tests, list[list[Unit]]]:
    """Units that need one training, by the test sets that each such bundle is tested on.

    Args:
        units: Of one model.
        test_values: Numbers in the test split; bounds how many damaged copies are held at once.
    """
    together = max(1, MOST_TEST_VALUES // test_values)
    by_training: dict[tuple[str, int], list[Unit]] = {}
    for unit in units:
        by_training.setdefault((unit.training_set.training.key, unit.replicate), []).append(unit)
    found: dict[Tests, list[list[Unit]]] = {}
    for same in by_training.values():
        for first in range(0, len(same), together):
            bundle = same[first : first + together]
            tests = tuple(unit.training_set.test_damage for unit in bundle)
            found.setdefault(tests, []).append(bundle)
    return found


def _by_test(whole: Fit, tests: int) -> list[Fit]:
    """What a training gave on each test set; the time is shared."""
    return [
        replace(whole, predictions=predictions, seconds=whole.seconds / tests)
        for predictions in np.split(whole.predictions, tests)
    ]


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
        device=device_label(device),
        weights=result.weights,
        seed=unit.seed,
        versions=versions(),
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
    """Units without a score, seconds of all processes, and whether these were measured."""
    work = pending(units, store)
    expected = _seconds(dataset, work, store)
    counts = work.counts()
    seconds = sum(
        settings.machine_seconds(count * expected[kind.cost][0], kind.model.family.gpu)
        for kind, count in counts.items()
    )
    measured = all(expected[kind.cost][1] for kind in counts)
    return len(work), seconds, measured


def _seconds(
    dataset: Dataset, work: Work, store: Store
) -> dict[tuple[str, int], tuple[float, bool]]:
    sizes, models = {kind.size for kind in work.kinds}, {kind.model for kind in work.kinds}
    return seconds_per_unit(dataset, sizes, models, store)


def score(
    client: Client,
    dataset: Dataset,
    units: Sequence[Unit],
    store: Store,
    report: Report,
    say: Callable[[str], None],
    should_stop: Callable[[], bool],
) -> int:
    """Train and store every unit that has no score yet; gives how many failed.

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

    work = pending(units, store)
    expected = _seconds(dataset, work, store)
    clock = Clock(work.counts(), {cost: seconds for cost, (seconds, _) in expected.items()})
    failures, apart = 0, cluster.apart(client)

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
        label, size = task.kind.cost
        say(f"{label} on {size} images: {reason}")
        store.add_failures([(task.units[0].key, label, reason)])
        clock.done(task, 0.0)
        tell()
        return []

    def tell() -> None:
        done = work.total - clock.units_left - failures
        left = [clock.seconds_left(gpu) / cluster.slots(client, gpu) for gpu in (True, False)]
        report("Training", done, work.total, max(left) if apart else sum(left))

    def tasks(gpu: bool | None) -> Iterator[Task]:
        return work.tasks(clock.expected, "cuda" if gpu else settings.device(), gpu)

    tell()
    # Workers that have a GPU and those that have none each go through the study at their speed.
    others, on_gpu = (tasks(False), tasks(True)) if apart else (tasks(None), ())
    cluster.run(client, dataset, _fit_task, others, finished, failed, should_stop, on_gpu)
    return failures
