"""Many processes through Dask: on this machine, or behind a scheduler at any address.

Workers hold each data set once. Tasks are handed out a few ahead of the workers, so that memory
stays bounded and a stop takes effect at once.
"""

from __future__ import annotations

import importlib.metadata
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
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
# Dask resources: where workers have the one or the other, tasks go to those that have theirs.
GPU, CPU = "GPU", "CPU"
START_SECONDS = 300
ASK_SECONDS = 0.5
LOOK_SECONDS = 0.05
# What results depend on; Dask itself sees to its own.
PACKAGES = ("numpy", "scikit-learn", "torch", "torchvision")

# On a worker: each data set, and who wants it held.
_held: dict[str, tuple[Dataset, set[str]]] = {}
# Here: the data sets that a client has sent.
_sent: WeakKeyDictionary[Client, set[str]] = WeakKeyDictionary()
# Here: how many tasks the workers of each resource run at once, and when they were asked.
_slots: WeakKeyDictionary[Client, tuple[float, dict[str, int]]] = WeakKeyDictionary()


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
        JobError: No scheduler answers at the address, or this machine's processes do not start.
    """
    dask.config.set(SETTINGS)
    if address:
        with _client(address, timeout=10) as client:
            _check(client)
            yield client
        return
    workers, on_gpu = settings.workers(), settings.processes(gpu=True)
    shared = on_gpu == workers
    # CUDA alone takes more memory than is the share of one process among many.
    for_gpu = {} if shared else {"resources": {GPU: 1}, "memory_limit": None}
    with (
        LocalCluster(
            n_workers=on_gpu,
            threads_per_worker=1,
            host="127.0.0.1",
            dashboard_address="127.0.0.1:0",
            silence_logs=logging.ERROR,
            local_directory=str(settings.cache_root() / "dask"),
            **for_gpu,
        ) as local,
        Client(local) as client,
    ):
        if not shared:
            others = {"resources": {CPU: 1}, "memory_limit": 1 / workers}
            local.new_spec = {**local.new_spec, "options": {**local.new_spec["options"], **others}}
            local.scale(workers)
            try:
                client.wait_for_workers(workers, timeout=START_SECONDS)
            except TimeoutError as error:
                raise JobError(
                    f"{workers} worker processes did not start within {START_SECONDS} seconds; "
                    "set XFACTOR_WORKERS lower."
                ) from error
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
    """Which task is handed out next, with the resource that it takes.

    When a worker dies, so do the tasks that wait behind the one that it ran, and nothing tells
    which of them it was: each is tried once more while nothing else runs.

    Args:
        tasks: By the resource that they take, or by "".
    """

    def __init__(self, tasks: Mapping[str, Iterable[T]]) -> None:
        self._waiting = {pool: iter(some) for pool, some in tasks.items()}
        self._again: dict[str, list[T]] = {pool: [] for pool in tasks}
        self._accused: list[tuple[str, T]] = []
        self._alone: tuple[str, T] | None = None

    def next(self, flying: Mapping[str, int], slots: Mapping[str, int]) -> tuple[str, T] | None:
        """The next task, None if there is none for now."""
        if self._accused or self._alone is not None:
            if any(flying.values()):
                return None
            self._alone = self._accused.pop()
            return self._alone
        for pool, waiting in self._waiting.items():
            if flying.get(pool, 0) < 2 * max(1, slots[pool]):
                again = self._again[pool]
                task = again.pop() if again else next(waiting, None)
                if task is not None:
                    return pool, task
        return None

    def died(self, turn: tuple[str, T]) -> bool:
        """Note that a task's worker died; gives whether it is tried once more."""
        if turn is self._alone:
            return False
        self._accused.append(turn)
        return True

    def ended(self, turn: tuple[str, T], instead: Iterable[T] = ()) -> None:
        """Note that a task has ended, and tasks to run in its place."""
        self._again[turn[0]] += instead
        if turn is self._alone:
            self._alone = None


def run(
    client: Client,
    dataset: Dataset,
    function: Callable[[Dataset, T], R],
    tasks: Iterable[T],
    finished: Callable[[T, R], None],
    failed: Callable[[T, BaseException], Iterable[T]],
    should_stop: Callable[[], bool],
    gpu_tasks: Iterable[T] = (),
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
        gpu_tasks: Further tasks, for workers that have a GPU where there are such.

    Raises:
        JobCancelled: `should_stop` said so.
        JobError: The scheduler has gone.
    """
    flying: dict[Future, tuple[str, T]] = {}
    ended = as_completed(loop=client.loop)
    asked = 0.0
    try:
        _send(client, dataset)
        turns = _Turns(
            {GPU: gpu_tasks, CPU: tasks} if apart(client) else {"": chain(gpu_tasks, tasks)}
        )
        while True:
            while turn := turns.next(Counter(pool for pool, _ in flying.values()), _pools(client)):
                pool, task = turn
                # A key of its own each: equal tasks must not be taken for one another.
                future = client.submit(
                    *(_call, function, dataset.fingerprint, task),
                    pure=False,
                    resources={pool: 1} if pool else None,
                )
                flying[future] = turn
                ended.add(future)
            if not flying:
                return
            if time.monotonic() - asked > ASK_SECONDS:
                asked = time.monotonic()
                if should_stop():
                    raise JobCancelled("Stopped on request; what was finished is kept.")
            for future in ended.next_batch(block=False):
                turn = flying.pop(future)
                _, task = turn
                if future.status == "finished":
                    finished(task, future.result())
                    turns.ended(turn)
                elif future.status == "error":
                    error = future.exception()
                    if not isinstance(error, KilledWorker):
                        turns.ended(turn, failed(task, error))
                    elif not turns.died(turn):
                        turns.ended(turn, failed(task, JobError(DIED)))
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


def apart(client: Client) -> bool:
    """Whether tasks that use a GPU, and those that do not, have workers of their own."""
    return len(_pools(client)) > 1


def slots(client: Client, gpu: bool) -> int:
    """Tasks that use a GPU, or do not, that run at once; asked for twice a second at most."""
    pools = _pools(client)
    return max(1, pools.get(GPU if gpu else CPU, pools.get("", 0)))


def _pools(client: Client) -> dict[str, int]:
    """Tasks that run at once by the resource that they take, or by "" where all take any worker.

    Which of both it is stays as it was when a client was first asked.
    """
    moment, found = _slots.get(client, (-ASK_SECONDS, {}))
    if time.monotonic() - moment > ASK_SECONDS:
        if "" not in found:
            have = [one["resources"] for one in client.scheduler_info()["workers"].values()]
            sums = {name: int(sum(one.get(name, 0) for one in have)) for name in (GPU, CPU)}
            found = sums if found or all(sums.values()) else {"": 0}
        if "" in found:
            found = {"": sum(client.nthreads().values())}
        _slots[client] = time.monotonic(), found
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
