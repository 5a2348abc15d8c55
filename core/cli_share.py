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


def _report(options: argparse.Namespace) -> int:
    from core import jobs
    from core.report import report
    from core.store import Store

    if options.out.suffix != ".html":
        raise InputError(f"--out must end in .html; got {options.out.name!r}.")
    store = Store()
    _write(report([jobs.find(store, name) for name in options.studies], store), options.out)
    return 0


def _write(content: bytes, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error}.") from error
    print(f"wrote {path} ({len(content) / 1e6:.1f} MB)", file=sys.stderr)
