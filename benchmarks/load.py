"""How soon pages answer twenty people at once while a study runs, and how memory grows.

    python -m benchmarks.load [--sessions 20] [--seconds 60] [--views 500]

Starts the app on a cache of its own with a finished study of the digits, and drives it by real web
sockets: every session turns pages, moves sliders, chooses tabs and filters, one act every 2 to 5
seconds, follows the timers of pages that show what runs, and fails where it is shown the choice of
another. Prints wall time until the run of the page is finished, with and without a study that
keeps all worker processes busy, and then the server's memory over page views in fresh sessions.
Server, workers and sessions share the first two cores.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import random
import tempfile
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
import psutil

from core import jobs
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec
from tests import study
from tests.browser.harness import server_of, serving
from tests.load.session import session
from tests.load.visitor import Visitor
from tests.recovery.test_recovery import runners

PACE = (2.0, 5.0)
CORES = 2
BUSY = XFactorSpec("digits", "busy", per_class=(60,), random=4_000, strategies=(), models=("rf",))
PAGES = ("", "explorer", "study", "quality", "jobs", "datasets", "faults", "influence", "curation")
Times = dict[str, list[float]]


async def visit(address: str, number: int, label: str, end: float, times: Times) -> None:
    """One session until the end; the first two acts of each kind are warm-up."""
    async with session(address) as tab:
        pause = random.Random(number)
        await asyncio.sleep(pause.uniform(0, PACE[1]))
        async for kind, seconds in Visitor(tab, number, label).acts():
            times[kind].append(seconds)
            if time.monotonic() > end:
                break
            await asyncio.sleep(pause.uniform(*PACE))
        times["(timer)"] += tab.polls


async def crowd(address: str, sessions: int, seconds: float, label: str) -> Times:
    """Wall seconds of everything that some sessions did at once, by kind."""
    times: Times = defaultdict(list)
    end = time.monotonic() + seconds
    async with asyncio.TaskGroup() as group:
        for number in range(sessions):
            group.create_task(visit(address, number, label, end, times))
    return times


def report(what: str, times: Times, cpu: float, seconds: float) -> None:
    """Print the quantiles of each kind, and of all that people did."""
    acts = [one for kind, some in times.items() if kind[0] != "(" for one in some]
    print(f"\n{what}: {len(acts)} acts, load {os.getloadavg()[0]:.1f} on {CORES} cores")
    print(f"server: {cpu / seconds:.2f} cores, {1000 * cpu / len(acts):.0f} ms of CPU an act")
    print(f"{'':18}{'n':>6}{'p50':>8}{'p95':>8}{'most':>8}  s")
    for kind, some in [*sorted(times.items()), ("all but timers", acts)]:
        p50, p95, most = np.quantile(some, (0.5, 0.95, 1)) if some else (0, 0, 0)
        print(f"{kind:18}{len(some):6}{p50:8.3f}{p95:8.3f}{most:8.3f}", flush=True)


def spent(*processes: psutil.Process) -> float:
    """CPU seconds of some processes that are alive."""
    return sum(sum(one.cpu_times()[:2]) for one in processes)


def workers(cache: Path) -> list[psutil.Process]:
    """The runner of a cache folder, and its worker processes."""
    return [one for runner in runners(cache) for one in (runner, *runner.children(recursive=True))]


def measured(
    what: str, address: str, server: psutil.Process, options: argparse.Namespace, label: str
) -> None:
    """Let the crowd in, and report."""
    before, start = spent(server), time.monotonic()
    times = asyncio.run(crowd(address, options.sessions, options.seconds, label))
    report(what, times, spent(server) - before, time.monotonic() - start)


async def view(address: str, views: int, label: str) -> None:
    """Open pages one after another, in a fresh session each time round."""
    for _ in range(-(-views // len(PAGES))):
        async with session(address) as tab:
            for page in PAGES:
                await tab.open(page, **({"study": label} if page == "study" else {}))


def memory(address: str, server: psutil.Process, views: int, label: str) -> None:
    """Print the server's memory while pages are opened, a fifth of the views at a time."""
    print(f"\n{'page views':18}{'MB':>6}")
    for part in range(6):
        if part:
            asyncio.run(view(address, views // 5, label))
        print(f"{part * (views // 5):<18}{server.memory_info().rss / 1e6:6.0f}", flush=True)


def main() -> None:
    """Measure, print, and leave nothing running."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--views", type=int, default=500)
    options = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:CORES])
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder)
        os.environ["XFACTOR_CACHE"] = folder
        key = study.finished(cache)
        label = f"tiny · {key[:8]}"
        with serving(cache) as address:
            server = server_of(address)
            asyncio.run(view(address, 2 * len(PAGES), label))
            asyncio.run(crowd(address, 2, 10, label))
            measured("Nothing runs", address, server, options, label)
            store = Store(cache)
            job = jobs.submit(store, "xfactor", BUSY)
            while jobs.find(store, job.key).phase != "Training":
                time.sleep(0.5)
            before, start = spent(*workers(cache)), time.monotonic()
            measured("A study runs", address, server, options, label)
            cores = (spent(*workers(cache)) - before) / (time.monotonic() - start)
            jobs.cancel(store, job.key)
            print(f"the study had {cores:.2f} cores meanwhile")
            while runners(cache):
                time.sleep(0.5)
            memory(address, server, options.views, label)


if __name__ == "__main__":
    main()
