"""The commands that hand studies to others: `python -m core study report --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.errors import InputError


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands of `study` that make something to pass on."""
    command = commands.add_parser("report", help="write one HTML file that needs no network")
    command.add_argument("studies", nargs="+", help="names or keys, as `jobs` lists them")
    command.add_argument("--out", type=Path, required=True, help="file: .html")
    command.set_defaults(run=_report)
    command = commands.add_parser("figures", help="write every figure for print, on white")
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.add_argument("--out", type=Path, required=True, help="folder to write to")
    command.add_argument("--format", default="pdf", help="pdf, svg or png (300 dpi at 18 cm)")
    command.set_defaults(run=_figures)
    command = commands.add_parser("bundle", help="write a study to open on another machine")
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.add_argument("--out", type=Path, required=True, help="file: .zip")
    command.set_defaults(run=_bundle)
    command = commands.add_parser("open", help="take in a study that `bundle` wrote")
    command.add_argument("file", type=Path, help="the bundle")
    command.set_defaults(run=_open)
    command = commands.add_parser("again", help="run an imported study here; its results go")
    command.add_argument("study", help="name or key, as `jobs` lists it")
    command.set_defaults(run=_again)


def _report(options: argparse.Namespace) -> int:
    from core import jobs
    from core.report import report
    from core.store import Store

    if options.out.suffix != ".html":
        raise InputError(f"--out must end in .html; got {options.out.name!r}.")
    store = Store()
    _write(report([jobs.find(store, name) for name in options.studies], store), options.out)
    return 0


def _figures(options: argparse.Namespace) -> int:
    from core import jobs
    from core.charts.export import FORMATS
    from core.figures import figures
    from core.specs import check_known
    from core.store import Store
    from core.studies import STUDIES

    check_known("format", options.format, FORMATS)
    store = Store()
    job = jobs.find(store, options.study)
    drawn = figures(job, STUDIES[job.study].report(job, store))
    if not drawn:
        raise InputError(f"Study {job.name!r} has no numbers to draw yet; let it train first.")
    for figure in drawn:
        content = FORMATS[options.format](figure.chart)
        _write(content, options.out / f"{figure.name}.{options.format}")
    return 0


def _bundle(options: argparse.Namespace) -> int:
    from core import jobs
    from core.bundle import bundled
    from core.store import Store

    if options.out.suffix != ".zip":
        raise InputError(f"--out must end in .zip; got {options.out.name!r}.")
    store = Store()
    _write(bundled(jobs.find(store, options.study), store), options.out)
    return 0


def _open(options: argparse.Namespace) -> int:
    from core.bundle import opened
    from core.store import Store

    try:
        file = options.file.open("rb")
    except OSError as error:
        raise InputError(f"{options.file} cannot be read: {error}.") from error
    with file:
        job = opened(file, Store(), options.file.name)
    print(f"{job.name}, key {job.key}: {job.message}")
    return 0


def _again(options: argparse.Namespace) -> int:
    from core import jobs
    from core.bundle import again
    from core.store import Store

    store = Store()
    job = again(jobs.find(store, options.study), store)
    print(f"study {job.name!r}, key {job.key}: queued; `jobs` shows how far it is")
    return 0


def _write(content: bytes, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}.") from error
    print(f"wrote {path} ({len(content) / 1e6:.1f} MB)", file=sys.stderr)
