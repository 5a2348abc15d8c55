"""How far a study scales: `python -m benchmarks.cluster`.

1. From one worker to two. The tasks are real: naive Bayes and perceptrons on subsets of the
   digits. Two things decide the speed-up on cores that are free: how evenly the work falls on
   the workers, and how much is left for the one process that hands it out. Both are read from
   CPU clocks, which other programs on the machine do not disturb: the work of all workers over
   that of the busiest. Wall time is printed beside it, and means something on an idle machine.
2. What a task costs the runner and the scheduler, in tasks whose units take no time.
3. By simulation from 2: a million units on more and more workers, when the runner hands out one
   task after another at that cost and each worker works off what it got.
"""

from __future__ import annotations

import heapq
import os
import tempfile
from collections import Counter
from dataclasses import replace
from itertools import islice
from pathlib import Path
from time import perf_counter, process_time

import numpy as np
from distributed import Client, LocalCluster

from core import cluster, datasets, engine
from core.datasets.base import Dataset
from core.models import Model
from core.specs import TrainingSet
from core.store import Score, Store
from core.units import MOST_TRAININGS, TASK_SECONDS, Task, Unit, Work, pending

SUBSETS, IMAGES, EMPTY = 60, 50, 1_000
MILLION = 1_000_000
UNIT_SECONDS = (0.01, 0.1, 1.0, 10.0)
WORKERS = (1, 10, 100, 1_000, 10_000)


def units(dataset: Dataset, models: tuple[str, ...], subsets: int) -> list[Unit]:
    """Every model on random subsets."""
    draw = np.random.default_rng(0)
    sets = [
        TrainingSet(dataset.fingerprint, draw.choice(len(dataset.train), IMAGES, replace=False))
        for _ in range(subsets)
    ]
    return [Unit(one, Model.parse(model)) for one in sets for model in models]


def timed_task(dataset: Dataset, task: Task) -> tuple[int, float]:
    """Which process trained a task, and its CPU seconds."""
    start = process_time()
    engine.fit(dataset, task.units, "cpu")
    return os.getpid(), process_time() - start


def empty_task(dataset: Dataset, task: tuple[Task, Score]) -> list[Score]:
    """Scores of units that were not trained."""
    return [replace(task[1], unit=unit.key) for unit in task[0].units]


def run(client: Client, dataset: Dataset, function, tasks, finished) -> None:  # type: ignore[no-untyped-def]
    """`cluster.run` of tasks that do not fail."""

    def failed(task: object, error: BaseException) -> list[object]:
        raise error

    cluster.run(client, dataset, function, tasks, finished, failed, lambda: False)


def speed_up(dataset: Dataset, store: Store) -> None:
    """Part 1."""
    work = pending(units(dataset, ("gnb", "mlp-1", "mlp-2"), SUBSETS), store)
    print(f"1. {len(work)} units in small tasks")
    print(
        f"{'workers':>8}{'wall s':>8}{'work s':>8}{'busiest s':>11}{'runner s':>10}{'speed-up':>10}"
    )
    for workers in (1, 2):
        taken, wall, ours = trained(dataset, work, workers)
        busiest, total = max(taken.values()), sum(taken.values())
        ratio = total / max(busiest, ours)
        print(
            f"{workers:8}{wall:8.1f}{total:8.1f}{busiest:11.1f}{ours:10.2f}{ratio:9.2f}×",
            flush=True,
        )


def trained(dataset: Dataset, work: Work, workers: int) -> tuple[Counter[int], float, float]:
    """CPU seconds of each worker, wall seconds, and CPU seconds of the runner and scheduler."""
    expected = {kind.cost: TASK_SECONDS / 5 for kind in work.kinds}
    taken: Counter[int] = Counter()

    def finished(task: Task, found: tuple[int, float]) -> None:
        taken.update({found[0]: found[1]})

    with local(workers) as own, Client(own) as client:
        warm = islice(work.tasks(expected, "cpu"), 4 * workers)  # Imports, first threads.
        run(client, dataset, timed_task, warm, finished)
        taken.clear()
        wall, ours = perf_counter(), process_time()
        run(client, dataset, timed_task, work.tasks(expected, "cpu"), finished)
        return taken, perf_counter() - wall, process_time() - ours


def overhead(dataset: Dataset, store: Store) -> float:
    """Part 2; CPU seconds of the runner and the scheduler for one task."""
    (whole,) = units(dataset, ("gnb",), 1)
    score = engine.fit(dataset, [whole], "cpu")[0]
    work = pending(units(dataset, ("logistic",), EMPTY), store)
    expected = {kind.cost: TASK_SECONDS for kind in work.kinds}
    with local(2) as own, Client(own) as client:
        wall, ours = perf_counter(), process_time()
        tasks = ((task, score) for task in work.tasks(expected, "cpu"))
        run(client, dataset, empty_task, tasks, lambda task, found: store.add_scores(found))
        wall, ours = (perf_counter() - wall) / EMPTY, (process_time() - ours) / EMPTY
    print(
        f"2. {EMPTY} empty tasks, scores stored: {1000 * ours:.2f} ms CPU a task in the runner "
        f"and scheduler, so {1 / ours:.0f} tasks/s at most; {1 / wall:.0f}/s by the clock here",
        flush=True,
    )
    return ours


def local(workers: int) -> LocalCluster:
    """Workers on this machine; the scheduler runs in this process."""
    return LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address="127.0.0.1:0")


def finish(tasks: int, seconds: float, workers: int, cost: float) -> float:
    """Seconds until all tasks are done, handed out one after another to who is free first."""
    free = [0.0] * workers
    handed = 0.0
    for _ in range(tasks):
        handed += cost
        heapq.heapreplace(free, max(free[0], handed) + seconds)
    return max(free)


def scaling(cost: float) -> None:
    """Part 3."""
    print(f"3. {MILLION:,} units: hours, and share of the time that workers are busy")
    print(f"{'s a unit':>9}{'s a task':>9}{'workers kept busy':>19}", end="")
    print("".join(f"{f'{workers:,} workers':>18}" for workers in WORKERS))
    for unit in UNIT_SECONDS:
        together = max(1, min(int(TASK_SECONDS / unit), MOST_TRAININGS))
        seconds, tasks = unit * together, MILLION // together
        print(f"{unit:9g}{seconds:9g}{seconds / cost:19,.0f}", end="")
        for workers in WORKERS:
            hours = finish(tasks, seconds, workers, cost) / 3600
            busy = MILLION * unit / 3600 / hours / workers
            print(f"{f'{hours:,.2f} h {busy:4.0%}':>18}", end="")
        print(flush=True)


def main() -> None:
    """Print all three."""
    dataset = datasets.load("digits")
    with tempfile.TemporaryDirectory() as folder:
        store = Store(Path(folder))
        speed_up(dataset, store)
        cost = overhead(dataset, store)
    scaling(cost)


if __name__ == "__main__":
    main()
