"""The same work as in the app, from the command line: `python -m core --help`."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core import cli_curation, cli_quality
from core.errors import InputError, XFactorError
from core.output import Bar, load, write

if TYPE_CHECKING:
    from core.jobs import Job
    from core.store import Store

# Modules that compute are imported by the command that needs them: `--help` answers at once,
# and the runner is at its lock before anybody starts a second one.


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives the exit code: 0, 1 for a failure, 2 for bad input."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.run(options)
        return code
    except XFactorError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1
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

    study = commands.add_parser("study", help="run studies and read their results")
    study_commands = study.add_subparsers(metavar="COMMAND", required=True)
    command = study_commands.add_parser(
        "run", help="run a study, or go on with it; what is finished is kept"
    )
    command.add_argument("spec", nargs="?", type=Path, help="TOML file that describes the study")
    command.add_argument("--preset", help="a preset instead of a file, as the README lists them")
    command.add_argument("--dataset", help="data set for the preset")
    command.add_argument("--out", type=Path, help="folder for scores and a CSV of every figure")
    command.add_argument("--scheduler", help="address of a Dask scheduler, such as tcp://host:8786")
    command.add_argument(
        "--detach", action="store_true", help="put it in the queue and return at once"
    )
    command.set_defaults(run=_study_run)
    command = study_commands.add_parser("export", help="write one row a trained model")
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.add_argument("--out", type=Path, required=True, help="file: .parquet or .csv")
    command.set_defaults(run=_study_export)
    command = study_commands.add_parser("analyse", help="write a CSV for every figure")
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.add_argument("--out", type=Path, required=True, help="folder to write to")
    command.set_defaults(run=_study_analyse)

    command = commands.add_parser("quality", help="find faulty and duplicate images")
    cli_quality.add_commands(command)

    command = commands.add_parser("tags", help="write what people tagged as a list or a data set")
    cli_curation.add_arguments(command)

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


def _study_run(options: argparse.Namespace) -> int:
    from core import jobs, settings, studies

    if (options.spec is None) == (options.preset is None):
        raise InputError("Name a TOML file or a preset, one of the two.")
    if options.preset:
        study = studies.of_preset(options.preset)
        dataset = options.dataset or study.presets[options.preset].dataset
        if not dataset:
            raise InputError("A preset needs --dataset; `python -m core datasets` lists them.")
        spec = study.from_preset(options.preset, dataset)
    else:
        study, spec = studies.from_toml(options.spec)
    load(spec.dataset)  # Shows a download or a long decoding; the study finds it done.
    store = _store()
    job = jobs.submit(store, study.name, spec, options.scheduler or settings.scheduler())
    print(f"study {spec.name!r}, key {job.key}", file=sys.stderr)
    if options.detach:
        return 0
    job = _watch(store, job)
    print(f"{job.state}: {job.message}")
    if job.state == "done" and options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        _export(store, job, options.out / "scores.parquet")
        _analyse(store, job, options.out)
    return 0 if job.state == "done" and job.done == job.total else 1


def _watch(store: Store, job: Job) -> Job:
    """Show a job's progress until it ends; Ctrl-C stops it."""
    from core import jobs

    stopping = False
    with Bar("unit") as bar:
        while True:
            if job.phase:
                bar(job.done, job.total, job.phase)
            if not job.active:
                return job
            try:
                time.sleep(0.5)
            except KeyboardInterrupt:
                if stopping:
                    raise
                stopping = True
                jobs.cancel(store, job.key)
                print("\nstopping; the same command goes on with it", file=sys.stderr)
            jobs.ensure_runner(store)
            job = jobs.find(store, job.key)


def _study_export(options: argparse.Namespace) -> int:
    from core import jobs

    store = _store()
    _export(store, jobs.find(store, options.study), options.out)
    return 0


def _study_analyse(options: argparse.Namespace) -> int:
    from core import jobs

    store = _store()
    _analyse(store, jobs.find(store, options.study), options.out)
    return 0


def _export(store: Store, job: Job, path: Path) -> None:
    from core.studies import STUDIES

    write(STUDIES[job.study].scores(job, store), path)


def _analyse(store: Store, job: Job, folder: Path) -> None:
    from core.studies import STUDIES

    report = STUDIES[job.study].report(job, store)
    for name, table in report.tables.items():
        write(table, folder / f"{name}.csv")
    for sentence in report.sentences:
        print(sentence)


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


def _runner(options: argparse.Namespace) -> int:
    from core import jobs

    jobs.run_queue(_store())
    return 0
