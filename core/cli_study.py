"""The commands on studies: `python -m core study --help`."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from core import cli_away, cli_share
from core.errors import InputError
from core.output import Bar, load, write

if TYPE_CHECKING:
    from core.jobs import Job
    from core.store import Store
    from core.studies import Study, StudySpec


def add_commands(study: argparse.ArgumentParser) -> None:
    """Add the subcommands of `study`."""
    commands = study.add_subparsers(metavar="COMMAND", required=True)
    command = commands.add_parser(
        "run", help="run a study, or go on with it; what is finished is kept"
    )
    command.add_argument("spec", nargs="?", type=Path, help="TOML file that describes the study")
    command.add_argument("--preset", help="a preset instead of a file, as the README lists them")
    command.add_argument("--dataset", help="data set for the preset")
    add_running(command)
    command.set_defaults(run=_run)
    command = commands.add_parser("export", help="write one row a trained model")
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.add_argument("--out", type=Path, required=True, help="file: .parquet or .csv")
    command.set_defaults(run=_study_export)
    command = commands.add_parser("analyse", help="write a CSV for every figure")
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.add_argument("--out", type=Path, required=True, help="folder to write to")
    command.set_defaults(run=_study_analyse)
    command = commands.add_parser(
        "combine", help="write a study that puts subsets of an X-Factor study together"
    )
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.add_argument("--per-class", type=int, required=True, help="size of the subsets")
    command.add_argument("--pairs", type=int, default=10, help="pairs of each kind (default 10)")
    command.add_argument("--out", type=Path, required=True, help="TOML file for `study run`")
    command.set_defaults(run=_combine)
    cli_share.add_commands(commands)
    cli_away.add_commands(commands)


def add_running(command: argparse.ArgumentParser) -> None:
    """Add the options that `run_study` reads."""
    command.add_argument("--out", type=Path, help="folder for scores and a CSV of every figure")
    command.add_argument("--scheduler", help="address of a Dask scheduler, such as tcp://host:8786")
    command.add_argument(
        "--detach", action="store_true", help="put it in the queue and return at once"
    )


def _run(options: argparse.Namespace) -> int:
    from core import studies

    if (options.spec is None) == (options.preset is None):
        raise InputError("Name a TOML file or a preset, one of the two.")
    if options.preset is None:
        return run_study(*studies.from_toml(options.spec), options)
    study = studies.of_preset(options.preset)
    dataset = options.dataset or study.presets[options.preset].dataset
    if not dataset:
        raise InputError("A preset needs --dataset; `python -m core datasets` lists them.")
    return run_study(study, study.from_preset(options.preset, dataset), options)


def run_study(study: Study, spec: StudySpec, options: argparse.Namespace) -> int:
    """Queue a study, watch it to its end and write what it found; gives the exit code."""
    from core import jobs, settings
    from core.store import Store

    load(spec.dataset)  # Shows a download or a long decoding; the study finds it done.
    store = Store()
    job = jobs.submit(store, study.name, spec, options.scheduler or settings.scheduler())
    print(f"study {spec.name!r}, key {job.key}", file=sys.stderr)
    if options.detach:
        return 0
    job = watch(store, job)
    print(f"{job.state}: {job.message}")
    if job.state == "done" and options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        _export(store, job, options.out / "scores.parquet")
        _analyse(store, job, options.out)
    return 0 if job.state == "done" and job.done == job.total else 1


def watch(store: Store, job: Job) -> Job:
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
    from core.store import Store

    store = Store()
    _export(store, jobs.find(store, options.study), options.out)
    return 0


def _study_analyse(options: argparse.Namespace) -> int:
    from core import jobs
    from core.store import Store

    store = Store()
    _analyse(store, jobs.find(store, options.study), options.out)
    return 0


def _combine(options: argparse.Namespace) -> int:
    from core import jobs
    from core.specs import check_whole
    from core.store import Store
    from core.studies import union_choice, xfactor
    from core.studies.union_spec import UnionSpec
    from core.studies.xfactor_analysis import analyse

    check_whole("--pairs", options.pairs, 1)
    store = Store()
    job = jobs.find(store, options.study)
    if job.study != xfactor.XFACTOR.name:
        raise InputError(f"{job.name!r} is a study of another kind; name an X-Factor study.")
    found = xfactor.results(job, store)
    z_scores = analyse(found.scores, resamples=1).z_scores
    order = union_choice.ranked(z_scores, options.per_class)
    spec = UnionSpec(
        dataset=found.spec.dataset,
        name=options.out.stem,
        pairs=tuple(union_choice.pairs(order, union_choice.KINDS, options.pairs, found.spec.seed)),
        random=max(2, found.spec.random),
        models=found.spec.models,
        seed=found.spec.seed,
    )
    options.out.write_text(spec.to_toml(), encoding="utf-8")
    print(f"wrote {options.out} ({len(spec.pairs)} pairs)")
    return 0


def _export(store: Store, job: Job, path: Path) -> None:
    from core import jobs
    from core.studies import STUDIES

    with jobs.reading(store, job) as reader:
        write(STUDIES[job.study].scores(job, reader), path)


def _analyse(store: Store, job: Job, folder: Path) -> None:
    from core import jobs
    from core.studies import STUDIES

    with jobs.reading(store, job) as reader:
        report = STUDIES[job.study].report(job, reader)
    for name, table in report.tables.items():
        write(table, folder / f"{name}.csv")
    for sentence in report.sentences:
        print(sentence)
