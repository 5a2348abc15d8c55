"""Studies run in the process of a test, one task after another, without Dask."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from core import cluster, jobs
from core.datasets.base import Dataset
from core.errors import JobCancelled, XFactorError
from core.jobs import Context
from core.store import Store


class Client:
    """As much of a Dask client as the engine asks for."""

    def nthreads(self) -> dict[str, int]:
        """One worker of one thread."""
        return {"here": 1}

    def scheduler_info(self) -> dict[str, Any]:
        """The worker, which has no resource of its own."""
        return {"workers": {"here": {"resources": {}}}}


@contextmanager
def _connect(address: str | None) -> Iterator[Client]:
    yield Client()


def _run(
    client: Client,
    dataset: Dataset,
    function: Callable[[Dataset, Any], Any],
    tasks: Iterable[Any],
    finished: Callable[[Any, Any], None],
    failed: Callable[[Any, BaseException], Iterable[Any]],
    should_stop: Callable[[], bool],
    gpu_tasks: Iterable[Any] = (),
) -> None:
    for task in chain(gpu_tasks, tasks):
        if should_stop():
            raise JobCancelled("Stopped on request; what was finished is kept.")
        try:
            result = function(dataset, task)
        except XFactorError as error:
            if list(failed(task, error)):
                raise NotImplementedError("tasks in place of one that failed") from error
        else:
            finished(task, result)


@contextmanager
def serial(root: Path) -> Iterator[None]:
    """Studies run here and now, on the CPU, in this cache folder; those submitted wait."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cluster, "connect", _connect)
        patch.setattr(cluster, "run", _run)
        patch.setattr(jobs, "ensure_runner", lambda store: None)
        patch.setattr("core.studies.assess.worker_device", lambda: "cpu")
        patch.setenv("XFACTOR_DEVICE", "cpu")
        patch.setenv("XFACTOR_CACHE", str(root))
        yield


class Runs(Context):
    """The context of a test: stops after a number of answers and remembers what it was told."""

    def __init__(self, root: Path, most: int | None = None) -> None:
        self.said: list[str] = []
        self.told: list[tuple[str, int, int]] = []
        self.most = most

        def report(phase: str, done: int, total: int, left: float | None) -> None:
            self.told.append((phase, done, total))

        super().__init__(
            Store(root), None, report, self.said.append, lambda facts: None, self._stop
        )

    def _stop(self) -> bool:
        return self.most is not None and bool(self.told) and self.told[-1][1] >= self.most
