"""The same work as in the app, from the command line: `python -m core --help`."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core import cli_curation, cli_influence, cli_quality, cli_study
from core.errors import XFactorError
from core.output import load, write

if TYPE_CHECKING:
    from core.store import Store

# Modules that compute are imported by the command that needs them: `--help` answers at once,
# and the runner is at its lock before anybody starts a second one.
COURTESY = 5  # How far the runner stands behind the app for the processor.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command.

    Returns:
        0; 1 for a study that ended without all its results; 2 where it could not do what was
        asked, which one sentence on standard error explains.
    """
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except XFactorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except BrokenPipeError:  # Whoever read our output has gone, as `| head` does.
        sys.stderr.close()
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m core",
        description="Find out how good a data set is, why, and what it costs. "
        "Folders and devices are set by environment variables: see the README.",
    )
    commands = parser.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser("datasets", help="list the data sets that can be used")
    command.set_defaults(run=_datasets)

    command = commands.add_parser("select", help="select one class-balanced subset")
    command.add_argument("--dataset", required=True, help="name, as `datasets` lists it")
    command.add_argument("--strategy", required=True, help="name, as the README lists it")
    command.add_argument("--direction", default="", help="+ or -; none for random")
    command.add_argument(
        "--per-class", type=int, required=True, help="images of each class to keep"
    )
    command.add_argument(
        "--excess", type=int, default=0, help="images of each class to draw and discard"
    )
    command.add_argument("--seed", type=int, default=0, help="seed of the draw (default 0)")
    command.add_argument(
        "--out", type=Path, required=True, help="CSV file to write: row, label, kept"
    )
    command.set_defaults(run=_select)

    command = commands.add_parser("study", help="run studies and read their results")
    cli_study.add_commands(command)

    command = commands.add_parser("quality", help="find faulty and duplicate images")
    cli_quality.add_commands(command)

    command = commands.add_parser("tags", help="write what people tagged as a list or a data set")
    cli_curation.add_arguments(command)

    command = commands.add_parser("influence", help="find the rows that harm a model, and refine")
    cli_influence.add_commands(command)

    command = commands.add_parser("jobs", help="list, stop and take up the studies in the queue")
    command.set_defaults(run=_jobs)
    job_commands = command.add_subparsers(metavar="COMMAND")
    for name, action, text in (
        ("cancel", _jobs_cancel, "stop a study; what is finished is kept"),
        ("resume", _jobs_resume, "go on with a study that was stopped or failed"),
        ("log", _jobs_log, "what a study said"),
    ):
        command = job_commands.add_parser(name, help=text)
        command.add_argument("study", help="name or key")
        command.set_defaults(run=action)

    command = commands.add_parser("runner", help="work off the queue; started by the others")
    command.set_defaults(run=_runner)
    return parser


def _store() -> Store:
    from core.store import Store

    return Store()


def _print_table(rows: Sequence[Sequence[object]], header: Sequence[str]) -> None:
    print(pd.DataFrame(rows, columns=list(header)).to_string(index=False))


def _datasets(options: argparse.Namespace) -> int:
    from core import datasets

    listings = datasets.catalogue()
    _print_table([(x.name, x.state, x.summary) for x in listings], ("name", "state", "what it is"))
    return 0


def _select(options: argparse.Namespace) -> int:
    from core import selection
    from core.specs import Selection

    wanted = Selection(
        options.strategy, options.direction, options.per_class, options.excess, options.seed
    )
    write(selection.pool_table(load(options.dataset), wanted), options.out)
    return 0


def _jobs(options: argparse.Namespace) -> int:
    from core import jobs

    store = _store()
    rows = [
        (job.key[:8], job.name, job.state, f"{job.done:,}/{job.total:,}", job.phase or job.message)
        for job in jobs.all_jobs(store)
    ]
    if rows:
        _print_table(rows, ("key", "name", "state", "units", ""))
    else:
        print("No studies yet; start one: python -m core study run --preset quick --dataset digits")
    for path in store.set_aside():
        print(f"The store was damaged; it is kept as {path}.", file=sys.stderr)
    return 0


def _jobs_cancel(options: argparse.Namespace) -> int:
    from core import jobs

    store = _store()
    jobs.cancel(store, jobs.find(store, options.study).key)
    return 0


def _jobs_resume(options: argparse.Namespace) -> int:
    from core import jobs

    store = _store()
    jobs.resume(store, jobs.find(store, options.study).key)
    return 0


def _jobs_log(options: argparse.Namespace) -> int:
    from core import jobs

    store = _store()
    for moment, text in jobs.log(store, jobs.find(store, options.study).key):
        print(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(moment)), text)
    return 0


def _step_back() -> None:
    """Leave the processor to those who look at pages; the runner's workers inherit it."""
    if hasattr(os, "nice"):
        os.nice(COURTESY)
    # Linux may weigh sessions against each other, and niceness only within one.
    group = Path("/proc/self/autogroup")
    if group.exists() and os.getsid(0) == os.getpid():
        with suppress(OSError):  # Some containers cannot write there; it is a courtesy.
            group.write_text(str(COURTESY))


def _runner(options: argparse.Namespace) -> int:
    from core import jobs

    _step_back()
    jobs.run_queue(_store())
    return 0
