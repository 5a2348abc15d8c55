"""The commands of docs/cluster.md, as on several machines: folders of their own, no shared cache.

A worker and then the scheduler are killed on the way; the table is that of a serial run.
"""

from __future__ import annotations

import os
import re
import shlex
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pandas as pd
import psutil
import pytest

from core import cluster, jobs, studies
from core.errors import JobError
from core.settings import PROJECT
from core.store import Store
from tests.core.studies.serial import serial
from tests.recovery.test_recovery import runners, table, until

SPEC = """
study = "xfactor"
dataset = "digits"
name = "check"
per_class = [10]
random = 40
strategies = ["own_mean"]
excess = [6]
repeats = 10
models = ["gnb", "mlp-1", "mlp-2"]
seed = 3
"""
PAGE = (PROJECT / "docs" / "cluster.md").read_text(encoding="utf-8")
Start = Callable[[str, str], subprocess.Popen[bytes]]


def commands() -> list[str]:
    """Of the scheduler, of a worker, of a study."""
    (block,) = (text for text in re.findall(r"```\n(.*?)```", PAGE, re.DOTALL) if "--port" in text)
    return block.splitlines()


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts a command of the page in a folder of its own, as if it were another machine."""
    port, started = free_port(), []

    def run(command: str, name: str) -> subprocess.Popen[bytes]:
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        command = command.replace("first:8786", f"127.0.0.1:{port}").replace("8786", str(port))
        command = command.replace("--nworkers 4", "--nworkers 1 --no-dashboard")
        program, *arguments = shlex.split(command)
        own = {
            "PYTHONPATH": str(PROJECT),
            "XFACTOR_CACHE": str(folder / "cache"),
            "XFACTOR_DATA": str(folder / "data"),
        }
        with (tmp_path / f"{name}.log").open("ab") as log:
            process = subprocess.Popen(
                [Path(sys.executable).with_name(program), *arguments],
                cwd=PROJECT if program == "python" else folder,
                env=os.environ | {"OMP_NUM_THREADS": "1"} | own,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        started.append(process)
        return process

    yield run
    for process in (*started, *runners(tmp_path / "runner" / "cache")):
        kill(process)


def kill(process: subprocess.Popen[bytes] | psutil.Process) -> None:
    """End a process and all that it started, as a power cut would."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def in_series(cache: Path, spec: Path) -> None:
    """Run the study in this process, one unit after another."""
    with serial(cache):
        kind, parsed = studies.from_toml(spec)
        store = Store(cache)
        jobs.submit(store, kind.name, parsed)
        jobs.run_queue(store)


def test_a_worker_and_the_scheduler_are_killed_on_the_way(start: Start, tmp_path: Path) -> None:
    scheduler_command, worker_command, study_command = commands()
    spec = tmp_path / "study.toml"
    spec.write_text(SPEC)
    study_command = study_command.replace("study.toml", str(spec))
    cache = tmp_path / "runner" / "cache"
    scheduler = start(scheduler_command, "scheduler")
    workers = [start(worker_command, f"worker-{number}") for number in range(3)]
    address = f"tcp://{re.findall(r'127.0.0.1:[0-9]+', ' '.join(map(str, workers[0].args)))[0]}"
    until(lambda: cluster.state(address).workers == 3, 240)

    asker = start(study_command, "runner")
    until((cache / "xfactor.sqlite").is_file, 240)
    store = Store(cache)

    def progress() -> int:
        job = jobs.find(store, "check")
        return job.done if job.phase == "Training" else 0

    until(lambda: any(job.name == "check" for job in jobs.all_jobs(store)), 240)
    until(progress, 240)
    kill(workers[0])
    before = progress()
    until(lambda: progress() > before, 240)

    kill(scheduler)
    assert asker.wait(240) == 1
    job = jobs.find(store, "check")
    assert job.state == "failed"
    assert "scheduler has gone" in job.message
    assert 0 < job.done < job.total, "the test is to stop it on the way"
    until(lambda: not runners(cache), 240)
    for worker in workers:
        kill(worker)

    start(scheduler_command, "scheduler")
    start(worker_command, "worker-3")
    until(lambda: cluster.state(address).workers == 1, 240)
    assert start(study_command, "runner").wait(500) == 0, (tmp_path / "runner.log").read_text()
    assert jobs.find(store, "check").state == "done"
    for number in range(4):
        assert not list((tmp_path / f"worker-{number}").rglob("xfactor.sqlite"))
    in_series(tmp_path / "serial", spec)
    pd.testing.assert_frame_equal(
        table(tmp_path / "serial", "check", tmp_path), table(cache, "check", tmp_path)
    )


def test_a_scheduler_that_is_not_there_is_said(tmp_path: Path) -> None:
    address = f"tcp://127.0.0.1:{free_port()}"
    assert cluster.state(address, 0.5) == cluster.State(None)
    with pytest.raises(JobError, match="No Dask scheduler"), cluster.connect(address):
        pass
