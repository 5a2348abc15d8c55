"""Many processes through Dask: on this machine, or behind a scheduler at any address.

Workers hold each data set once. Tasks are handed out a few ahead of the workers, so that memory
stays bounded and a stop takes effect at once.
"""

from __future__ import annotations

import importlib.metadata
import logging
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from weakref import WeakKeyDictionary

import dask
from distributed import Client, Future, LocalCluster, WorkerPlugin, as_completed
from distributed.comm import CommClosedError
from distributed.scheduler import KilledWorker

from core import settings
from core.datasets.base import Dataset, without_shown
from core.errors import JobCancelled, JobError

T = TypeVar("T")
R = TypeVar("R")

SETTINGS = {
    # Dask would try again at once, and blame what waits behind a task for what that does.
    "distributed.scheduler.allowed-failures": 0,
    # Dask's default hands freed memory back to the system at once; training takes it again at
    # once, which doubled the processor time of a ResNet. Once that is set, glibc no longer learns
    # which arrays to keep off the system by itself: 32 MiB is as far as it would go.
    "distributed.nanny.pre-spawn-environ.MALLOC_TRIM_THRESHOLD_": 2**30,
    "distributed.nanny.pre-spawn-environ.MALLOC_MMAP_THRESHOLD_": 2**25,
}

DIED = (
    "The worker process died while it ran this, and again when it ran nothing else; the usual "
    "cause is too little memory: set XFACTOR_WORKERS lower, or leave out what needs so much."
)
ASK_SECONDS = 0.5
LOOK_SECONDS = 0.05
# What results depend on; Dask itself sees to its own.
PACKAGES = ("numpy", "scikit-learn", "torch", "torchvision")

# On a worker: each data set, and who wants it held.
_held: dict[str, tuple[Dataset, set[str]]] = {}
# Here: the data sets that a client has sent.
_sent: WeakKeyDictionary[Client, set[str]] = WeakKeyDictionary()
# Here: how many tasks its workers run at once, and when they were asked.
_threads: WeakKeyDictionary[Client, tuple[float, int]] = WeakKeyDictionary()


class HoldDataset(WorkerPlugin):  # type: ignore[misc]
    """Gives every worker the data set, also one that joins or restarts later.

    Args:
        dataset: The data set.
        client: Id of the client that asks; a worker lets go when the last one has left.
    """

    def __init__(self, dataset: Dataset, client: str) -> None:
        self.dataset = dataset
        self.name = f"xfactor-{client}-{dataset.fingerprint}"

    def setup(self, worker: Any) -> None:
        """Called on the worker when it starts or the data set is sent."""
        _held.setdefault(self.dataset.fingerprint, (self.dataset, set()))[1].add(self.name)

    def teardown(self, worker: Any) -> None:
        """Called on the worker when this client no longer needs the data set."""
        _, wanted = _held.get(self.dataset.fingerprint, (None, set()))
        wanted.discard(self.name)
        if not wanted:
            _held.pop(self.dataset.fingerprint, None)


def _call(function: Callable[[Dataset, T], R], fingerprint: str, task: T) -> R:
    return function(_held[fingerprint][0], task)


@contextmanager
def connect(address: str | None) -> Iterator[Client]:
    """A Dask client: of the scheduler at an address, or of processes started on this machine.

    Raises:
        JobError: No scheduler answers at the address.
    """
    dask.config.set(SETTINGS)
    if address:
        with _client(address, timeout=10) as client:
            _check(client)
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


@contextmanager
def _client(address: str, timeout: float) -> Iterator[Client]:
    """A client of a scheduler elsewhere; what it sent is taken back when it leaves."""
    try:
        client = Client(address, timeout=timeout, set_as_default=False)
    except (OSError, ValueError) as error:
        raise JobError(
            f"No Dask scheduler answers at {address} ({error}); "
            "start it, or leave the address out to use this machine."
        ) from error
    with client:
        try:
            yield client
        finally:
            with suppress(OSError):  # A scheduler that goes now needs nothing taken back.
                for name in _sent.pop(client, ()):
                    if client.status == "running":
                        client.unregister_worker_plugin(name)


def _versions() -> dict[str, str]:
    return {name: importlib.metadata.version(name) for name in PACKAGES}


def _check(client: Client) -> None:
    """Raise JobError unless the workers have this code and the versions that results depend on."""
    here = _versions()
    for worker, found in client.run(_versions, on_error="return").items():
        if isinstance(found, BaseException):
            raise JobError(
                f"The worker {worker} cannot run this program ({type(found).__name__}: {found}); "
                "start it in the project's folder with the project's Python."
            )
        for name in PACKAGES:
            if found[name] != here[name]:
                raise JobError(
                    f"The worker {worker} has {name} {found[name]}, here it is {here[name]}, and "
                    "scores depend on it; install the same version."
                )


@dataclass(frozen=True)
class State:
    """What a scheduler answers.

    Args:
        workers: Worker processes; None where no scheduler answers.
        threads: Tasks that they run at once.
    """

    workers: int | None
    threads: int = 0


def state(address: str, timeout: float = 2.0) -> State:
    """How many workers a scheduler has, if it answers within so many seconds."""
    try:
        with _client(address, timeout) as client:
            threads = client.nthreads()
    except (JobError, OSError):
        return State(None)
    return State(len(threads), sum(threads.values()))


class _Turns(Generic[T]):
    """Which task is handed out next.

    When a worker dies, so do the tasks that wait behind the one that it ran, and nothing tells
    which of them it was: each is tried once more while nothing else runs.
    """

    def __init__(self, tasks: Iterable[T]) -> None:
        self._waiting = iter(tasks)
        self._again: list[T] = []
        self._accused: list[T] = []
        self._alone: T | None = None

    def next(self, flying: int, threads: int) -> T | None:
        """The next task, None if there is none for now."""
        if self._accused or self._alone is not None:
            if not flying:
                self._alone = self._accused.pop()
                return self._alone
        elif flying < 2 * threads:
            return self._again.pop() if self._again else next(self._waiting, None)
        return None

    def died(self, task: T) -> bool:
        """Note that a task's worker died; gives whether it is tried once more."""
        if task is self._alone:
            return False
        self._accused.append(task)
        return True

    def ended(self, task: T, instead: Iterable[T] = ()) -> None:
        """Note that a task has ended, and tasks to run in its place."""
        self._again += instead
        if task is self._alone:
            self._alone = None


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
        dataset: Sent to each worker once, however often this is called with it.
        function: Module-level function.
        tasks: Taken one by one, so they may be made as they are needed.
        finished: Called here with each task and its result, in the order they end.
        failed: Called here with a task that raised, or whose worker died twice, the second time
            while it ran nothing else; gives tasks to run in its place, or none.
        should_stop: Asked about twice a second.

    Raises:
        JobCancelled: `should_stop` said so.
        JobError: The scheduler has gone.
    """
    turns = _Turns(tasks)
    flying: dict[Future, T] = {}
    ended = as_completed(loop=client.loop)
    asked = 0.0
    try:
        _send(client, dataset)
        while True:
            while (task := turns.next(len(flying), threads(client))) is not None:
                # A key of its own each: equal tasks must not be taken for one another.
                future = client.submit(_call, function, dataset.fingerprint, task, pure=False)
                flying[future] = task
                ended.add(future)
            if not flying:
                return
            if time.monotonic() - asked > ASK_SECONDS:
                asked = time.monotonic()
                if should_stop():
                    raise JobCancelled("Stopped on request; what was finished is kept.")
            for future in ended.next_batch(block=False):
                task = flying.pop(future)
                if future.status == "finished":
                    finished(task, future.result())
                    turns.ended(task)
                elif future.status == "error":
                    error = future.exception()
                    if not isinstance(error, KilledWorker):
                        turns.ended(task, failed(task, error))
                    elif not turns.died(task):
                        turns.ended(task, failed(task, JobError(DIED)))
                else:
                    raise CancelledError
            if not ended.has_ready():
                time.sleep(LOOK_SECONDS)
    except (OSError, CancelledError) as error:
        # The client's state may lag behind; any other OSError is not of its making.
        if client.status == "running" and not isinstance(error, CommClosedError | CancelledError):
            raise
        raise JobError(
            "The Dask scheduler has gone. What was finished is kept: "
            "start the scheduler and its workers again, then take up the study."
        ) from error
    finally:
        with suppress(OSError):  # A scheduler that goes now needs nothing taken back.
            if client.status == "running":
                client.cancel(list(flying))


def threads(client: Client) -> int:
    """Tasks that the workers run at once, at least 1; asked for twice a second at most."""
    moment, found = _threads.get(client, (-ASK_SECONDS, 1))
    if time.monotonic() - moment > ASK_SECONDS:
        found = max(1, sum(client.nthreads().values()))
        _threads[client] = time.monotonic(), found
    return found


def _send(client: Client, dataset: Dataset) -> None:
    """Have every worker hold the data set, those too that join later."""
    holder = HoldDataset(without_shown(dataset), client.id)
    sent = _sent.setdefault(client, set())
    if holder.name in sent:
        return
    try:
        client.register_plugin(holder)
    except OSError as error:
        client.nthreads()  # Raises as well where the scheduler has gone.
        raise JobError(
            f"A worker process died while it took in {dataset.name}; the usual cause is too little "
            "memory: set XFACTOR_WORKERS lower, or take fewer rows."
        ) from error
    sent.add(holder.name)
