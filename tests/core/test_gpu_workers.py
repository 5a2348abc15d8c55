"""Where there is a GPU, processes of their own use it, and all other models train beside them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import torch
from distributed import Client, get_worker
from distributed.system import MEMORY_LIMIT

from core import cluster, datasets, engine, settings
from core.datasets.base import Dataset
from core.errors import JobError
from core.models import Model
from core.specs import TrainingSet
from core.store import Store
from core.studies.assess_cost import cost
from core.units import Clock, Unit, pending
from pages.shared import machines

CORES = 3


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that counts one GPU, whatever it has; models train on the CPU all the same."""
    monkeypatch.setenv("XFACTOR_WORKERS", str(CORES))
    monkeypatch.setattr(settings, "gpus", lambda: 1)


@pytest.fixture
def client(gpu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Client]:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path))
    monkeypatch.setenv("XFACTOR_DEVICE", "cpu")
    with cluster.connect(None) as connected:
        yield connected


def _where(dataset: Dataset, task: tuple[str, Path]) -> set[str]:
    """The resources of the worker that runs a task; the first try of one task kills its worker."""
    name, tried = task
    if name == "kills" and not tried.exists():
        tried.touch()
        os._exit(1)
    return set(get_worker().state.total_resources)


def _device() -> str:
    with (
        mock.patch.object(settings, "device", return_value="cuda"),
        mock.patch.object(torch.cuda, "device_count", return_value=1),
    ):
        return engine.worker_device()


def test_each_task_goes_to_a_worker_of_its_kind(client: Client, tmp_path: Path) -> None:
    assert cluster.apart(client)
    assert (cluster.slots(client, gpu=True), cluster.slots(client, gpu=False)) == (1, CORES - 1)
    found: dict[str, set[str]] = {}
    names = [f"task {number}" for number in range(6)]
    networks = ["kills", *(f"network {number}" for number in range(3))]
    cluster.run(
        client,
        datasets.load("digits"),
        _where,
        [(name, tmp_path / "tried") for name in names],
        lambda task, resources: found.update({task[0]: resources}),
        lambda task, error: pytest.fail(f"{task}: {error}"),
        lambda: False,
        gpu_tasks=[(name, tmp_path / "tried") for name in networks],
    )
    limits = {
        name: sorted(
            one["memory_limit"] or 0
            for one in client.scheduler_info()["workers"].values()
            if name in one["resources"]
        )
        for name in ("GPU", "CPU")
    }
    assert limits == {"GPU": [0], "CPU": [MEMORY_LIMIT // CORES] * (CORES - 1)}
    assert (tmp_path / "tried").exists()  # A new worker took the place of the one that died.
    assert {name for name, where in found.items() if where == {"CPU"}} == set(names)
    assert {name for name, where in found.items() if where == {"GPU"}} == set(networks)


def test_processes_that_do_not_start_are_one_sentence(
    gpu: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path))
    monkeypatch.setattr(cluster, "START_SECONDS", 0.001)
    with pytest.raises(JobError, match="3 worker processes did not start"), cluster.connect(None):
        pytest.fail("They cannot have started yet.")


def test_a_worker_without_a_gpu_leaves_it_alone(client: Client) -> None:
    for resource, device in (("CPU", "cpu"), ("GPU", "cuda:0")):
        future = client.submit(_device, resources={resource: 1}, pure=False)
        assert future.result() == device


def test_a_study_gives_what_it_gives_without_a_gpu(client: Client, tmp_path: Path) -> None:
    digits, draw = datasets.load("digits"), np.random.default_rng(0)
    sets = [
        TrainingSet(digits.fingerprint, draw.choice(len(digits.train), 40, replace=False))
        for _ in range(5)
    ]
    units = [Unit(one, Model.parse(name)) for one in sets for name in ("gnb", "mlp-1:width=8")]
    left: list[float | None] = []
    store = Store(tmp_path)
    engine.score(
        *(client, digits, units, store),
        lambda phase, done, total, seconds: left.append(seconds),
        pytest.fail,
        lambda: False,
    )
    found = store.scores([unit.key for unit in units]).set_index("unit")["accuracy"]
    for unit in units:
        assert found[unit.key] == engine.fit(digits, [unit], "cpu")[0].accuracy
    assert left[-1] == 0


def test_what_is_left_counts_each_kind_of_model(gpu: None, tmp_path: Path) -> None:
    digits = datasets.load("digits")
    one = TrainingSet(digits.fingerprint, np.arange(40))
    units = [Unit(one, Model.parse(name)) for name in ("gnb", "svc", "mlp-1")]
    work = pending(units, Store(tmp_path))
    clock = Clock(work.counts(), {("gnb", 40): 1.0, ("svc", 40): 2.0, ("mlp-1", 40): 4.0})
    assert (clock.seconds_left(gpu=True), clock.seconds_left(gpu=False)) == (4, 3)
    every, networks, others = (
        [task.kind.model.name for task in work.tasks(clock.expected, "cpu", gpu)]
        for gpu in (None, True, False)
    )
    assert every == ["gnb", "svc", "mlp-1"]
    assert (networks, others) == (["mlp-1"], ["gnb", "svc"])


@pytest.mark.parametrize(
    ("gpus", "cores", "with_gpu", "without"),
    [(0, 8, 8, 8), (1, 16, 1, 15), (4, 16, 4, 12), (2, 2, 2, 2), (1, 1, 1, 1)],
)
def test_processes_and_their_seconds(
    monkeypatch: pytest.MonkeyPatch, gpus: int, cores: int, with_gpu: int, without: int
) -> None:
    monkeypatch.setattr(settings, "gpus", lambda: gpus)
    monkeypatch.setenv("XFACTOR_WORKERS", str(cores))
    assert settings.processes(gpu=True) == with_gpu
    assert settings.processes(gpu=False) == without
    # So long do 30 networks take, of 2 seconds each, and 30 forests, if neither waits for others.
    for gpu, processes in ((True, with_gpu), (False, without)):
        seconds = settings.machine_seconds(30 * 2.0, gpu)
        assert machines.wait(seconds, 30)[0] == pytest.approx(60 / processes)
    monkeypatch.setenv("XFACTOR_SCHEDULER", "tcp://first:8786")
    assert settings.machine_seconds(60, gpu=True) == settings.machine_seconds(60, gpu=False) == 60


def test_fewer_models_than_processes_do_not_wait_longer_for_a_gpu(
    gpu: None, tmp_path: Path
) -> None:
    digits, store = datasets.load("digits"), Store(tmp_path)
    model = Model.parse("mlp-1")
    alone = model.family.seconds(100, digits.row_values, len(digits.test))
    _, seconds, _ = cost(2, digits, model, 100, store)
    assert machines.wait(seconds, 2)[0] == pytest.approx(2 * alone)
