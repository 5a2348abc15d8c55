"""Many processes through Dask: on this machine, or behind a scheduler at any address.

Workers hold each data set once. Tasks are handed out a few ahead of the workers, so that memory
stays bounded and a stop takes effect at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import dask
from distributed import Client, Future, LocalCluster, WorkerPlugin, wait

from core import settings
from core.datasets.base import Dataset, without_shown
from core.errors import JobCancelled, JobError

T = TypeVar("T")
R = TypeVar("R")

SETTINGS = {
    # A task that kills its worker twice is given up and reported, not tried for ever.
    "distributed.scheduler.allowed-failures": 1,
    # Dask's default hands freed memory back to the system at once; training takes it again at
    # once, which doubled the processor time of a ResNet.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**30,
}

_held: dict[str, Dataset] = {}


class HoldDataset(WorkerPlugin):  # type: ignore[misc]
    """Gives every worker the data set, also one that joins or restarts later."""

    def __init__(self, dataset: Dataset) -> None:
        self.dataset = dataset
        self.name = f"xfactor-{dataset.fingerprint}"

    def setup(self, worker: Any) -> None:
        """Called on the worker when it starts or the data set is sent."""
        _held[self.dataset.fingerprint] = self.dataset

    def teardown(self, worker: Any) -> None:
        """Called on the worker when the data set is no longer needed."""
        _held.pop(self.dataset.fingerprint, None)


def _call(function: Callable[[Dataset, T], R], fingerprint: str, task: T) -> R:
    return function(_held[fingerprint], task)


@contextmanager
def connect(address: str | None) -> Iterator[Client]:
    """A Dask client: of the scheduler at an address, or of processes started on this machine.

    Raises:
        JobError: No scheduler answers at the address.
    """
    dask.config.set(SETTINGS)
    if address:
        try:
            client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise JobError(
                f"No Dask scheduler answers at {address} ({error}); "
                "start it, or leave the address out to use this machine."
            ) from error
        with client:
            yield client
        return
    with (
        LocalCluster(
            n_workers=settings.workers(),
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
            local_directory=str(settings.cache_root() / "dask"),
        ) as local,
        Client(local) as client,
    ):
        yield client


def run(
    client: Client,
    dataset: Dataset,
    function: Callable[[Dataset, T], R],
    tasks: Iterable[T],
    finished: Callable[[T, R], None],
    failed: Callable[[T, BaseException], Iterable[T]],
    should_stop: Callable[[], bool],
) -> None:
    """Call a function of (data set, task) on the workers for every task.

    Args:
        client: From `connect`.
        dataset: Sent to each worker once.
        function: Module-level function.
        tasks: Taken one by one, so they may be made as they are needed.
        finished: Called here with each task and its result, in the order they end.
        failed: Called here with a task that raised or killed its worker; gives tasks to run
            in its place, or none.
        should_stop: Asked about twice a second.

    Raises:
        JobCancelled: `should_stop` said so.
    """
    holder = HoldDataset(without_shown(dataset))
    client.register_plugin(holder)
    waiting = iter(tasks)
    again: list[T] = []
    flying: dict[Future, T] = {}
    try:
        while True:
            while len(flying) < 2 * max(1, len(client.nthreads())):
                try:
                    task = again.pop() if again else next(waiting)
                except StopIteration:
                    break
                # A key of its own each: equal tasks must not be taken for one another.
                future = client.submit(_call, function, dataset.fingerprint, task, pure=False)
                flying[future] = task
            if not flying:
                return
            if should_stop():
                raise JobCancelled("Stopped on request; what was finished is kept.")
            try:
                done = wait(list(flying), timeout=0.5, return_when="FIRST_COMPLETED").done
            except TimeoutError:
                continue
            for future in done:
                task = flying.pop(future)
                if future.status == "finished":
                    finished(task, future.result())
                else:
                    again += failed(task, _why(future))
    finally:
        client.cancel(list(flying))
        client.unregister_worker_plugin(holder.name)


def _why(future: Future) -> BaseException:
    error = future.exception() if future.status == "error" else None
    return error or JobError("the scheduler lost the task")
