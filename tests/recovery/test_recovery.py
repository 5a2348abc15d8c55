"""A study that is killed at any moment goes on and ends with the table of one that was not."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

from core import jobs
from core.settings import PROJECT
from core.store import Store

SPEC = """
dataset = "digits"
per_class = [10]
random = 8
strategies = ["own_mean"]
excess = [6, 20]
repeats = 3
models = ["rf", "gnb", "mlp-1", "mlp-2"]
seed = 3
"""


def until(condition: Callable[[], object], seconds: float = 90) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.05)


def command(cache: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "core", *arguments],
        cwd=PROJECT,
        env=os.environ | {"XFACTOR_CACHE": str(cache), "XFACTOR_WORKERS": "2"},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )


def runners(cache: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        try:
            if process.cmdline()[1:] == ["-m", "core", "runner"] and (
                process.environ().get("XFACTOR_CACHE") == str(cache)
            ):
                found.append(process)
        except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
            continue
    return found


def table(cache: Path, name: str, tmp_path: Path) -> pd.DataFrame:
    out = tmp_path / f"{name}-{cache.name}.parquet"
    done = command(cache, "study", "export", name, "--out", str(out))
    assert done.returncode == 0, done.stderr
    frame = pd.read_parquet(out).drop(columns="seconds")
    return frame.sort_values(["subset", "model"], ignore_index=True)


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "check.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def cache(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "interrupted"
    yield folder
    for process in runners(folder):
        process.kill()


def test_killed_runner_worker_and_asker_change_nothing(
    spec: Path, cache: Path, tmp_path: Path
) -> None:
    whole = tmp_path / "whole"
    done = command(whole, "study", "run", str(spec), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "r_squared.csv").is_file()

    # Whoever asks for the study dies with all of its process group; the study does not.
    asker = subprocess.Popen(
        [sys.executable, "-m", "core", "study", "run", str(spec)],
        cwd=PROJECT,
        env=os.environ | {"XFACTOR_CACHE": str(cache), "XFACTOR_WORKERS": "2"},
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    until(lambda: runners(cache))
    os.killpg(asker.pid, signal.SIGKILL)
    asker.wait()
    store = Store(cache)

    def progress() -> int:
        job = jobs.find(store, "check")
        return job.done if job.phase == "Training" else 0

    until(lambda: progress() > 0)
    (runner,) = runners(cache)
    workers = [p for p in runner.children(recursive=True) if "spawn_main" in " ".join(p.cmdline())]
    assert len(workers) == 2
    workers[0].kill()
    before = progress()
    until(lambda: progress() > before)

    (runner,) = runners(cache)
    family = runner.children(recursive=True)
    runner.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive, "workers outlived their runner"
    assert not jobs.runner_alive(store)
    job = jobs.find(store, "check")
    assert job.state == "running"
    assert 0 < job.done < job.total

    done = command(cache, "study", "run", str(spec))
    assert done.returncode == 0, done.stderr
    assert any("Taken up again" in text for _, text in jobs.log(store, job.key))
    pd.testing.assert_frame_equal(table(whole, "check", tmp_path), table(cache, "check", tmp_path))

    # The same spec is the same job: nothing runs again.
    again = command(cache, "study", "run", str(spec))
    assert again.returncode == 0
    assert len(jobs.all_jobs(store)) == 1


def test_cancel_keeps_what_is_done_and_resume_goes_on(spec: Path, cache: Path) -> None:
    assert command(cache, "study", "run", str(spec), "--detach").returncode == 0
    store = Store(cache)
    until(lambda: jobs.find(store, "check").phase == "Training")
    until(lambda: jobs.find(store, "check").done > 5)
    asked = time.monotonic()
    jobs.cancel(store, jobs.find(store, "check").key)
    until(lambda: jobs.find(store, "check").state == "cancelled", seconds=20)
    assert time.monotonic() - asked < 10
    kept = jobs.find(store, "check").done
    assert kept > 5
    until(lambda: not runners(cache))
    assert command(cache, "study", "run", str(spec)).returncode == 0
    job = jobs.find(store, "check")
    assert (job.state, job.done) == ("done", job.total)


def test_two_runners_started_at_once_do_not_meet(spec: Path, cache: Path) -> None:
    assert command(cache, "study", "run", str(spec), "--detach").returncode == 0
    second = command(cache, "runner")
    assert second.returncode == 0
    assert second.stderr == ""
    store = Store(cache)
    assert len([text for _, text in jobs.log(store, jobs.find(store, "check").key)]) <= 1


@pytest.fixture
def scheduler(tmp_path: Path) -> Iterator[str]:
    """Address of a Dask scheduler with one worker, both processes of their own."""
    file = tmp_path / "scheduler.json"
    options = ["--scheduler-file", str(file), "--no-dashboard"]
    with (tmp_path / "dask.log").open("wb") as log:
        processes = [
            subprocess.Popen(
                [sys.executable, "-m", *module, *options], cwd=PROJECT, stdout=log, stderr=log
            )
            for module in (
                ("distributed.cli.dask_scheduler", "--port", "0"),
                ("distributed.cli.dask_worker", "--nthreads", "1"),
            )
        ]
        until(lambda: file.exists() and file.stat().st_size)
        yield json.loads(file.read_text())["address"]
        for process in reversed(processes):
            process.terminate()
            process.wait()


def test_a_scheduler_elsewhere_does_the_same_work(
    spec: Path, cache: Path, scheduler: str, tmp_path: Path
) -> None:
    spec.write_text(SPEC.replace("[6, 20]", "[6]").replace('"rf", "gnb", ', '"gnb", '))
    arguments = ("study", "run", str(spec))
    assert command(cache, *arguments, "--scheduler", scheduler).returncode == 0
    here = tmp_path / "here"
    assert command(here, *arguments).returncode == 0
    pd.testing.assert_frame_equal(table(here, "check", tmp_path), table(cache, "check", tmp_path))
