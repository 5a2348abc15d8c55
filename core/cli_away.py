"""The commands that train a study on a machine apart: `python -m core study pack --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from core.errors import InputError


def add_commands(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the subcommands of `study` that carry its units to another machine and back."""
    command = commands.add_parser("pack", help="write what is left of an X-Factor study to a file")
    command.add_argument("study", help="TOML file, or name or key, as `jobs` lists it")
    command.add_argument("--models", nargs="+", default=[], help="only these, such as resnet18")
    command.add_argument("--out", type=Path, required=True, help="the work file to write")
    command.set_defaults(run=_pack)
    command = commands.add_parser("work", help="train what is packed, on any machine")
    command.add_argument("file", type=Path, help="what `pack` wrote")
    command.add_argument("--out", type=Path, required=True, help="scores file; it is gone on with")
    command.add_argument("--minutes", type=float, default=float("inf"), help="begin no more after")
    command.set_defaults(run=_work)
    command = commands.add_parser("merge", help="take scores that `work` wrote into the cache")
    command.add_argument("file", type=Path, help="the scores file")
    command.set_defaults(run=_merge)


def _pack(options: argparse.Namespace) -> int:
    from core import jobs, studies
    from core.bundle.away import packed
    from core.store import Store
    from core.studies.xfactor_spec import XFactorSpec

    store = Store()
    if options.study.endswith(".toml"):
        spec: object = studies.from_toml(Path(options.study))[1]
    else:
        job = jobs.find(store, options.study)
        spec = studies.STUDIES[job.study].spec.from_dict(job.spec)
    if not isinstance(spec, XFactorSpec):
        raise InputError("Only X-Factor studies can be packed.")
    content, units = packed(spec, store, options.models)
    try:
        options.out.write_bytes(content)
    except OSError as error:
        raise InputError(f"{options.out} cannot be written: {error}.") from error
    print(f"wrote {options.out}: {units:,} units, {len(content) / 1e6:.1f} MB")
    return 0


def _work(options: argparse.Namespace) -> int:
    from core.bundle.away import worked

    def say(sentence: str) -> None:
        print(sentence, file=sys.stderr)

    done, left = worked(_read(options.file), options.out, options.minutes, say)
    print(f"{done:,} units scored in {options.out}, {left:,} left")
    return 0


def _merge(options: argparse.Namespace) -> int:
    from core.bundle.away import merged
    from core.store import Store

    new, had = merged(_read(options.file), Store())
    print(f"{new:,} scores taken in, {had:,} were there already")
    return 0


def _read(path: Path) -> bytes:
    from core.bundle.archive import MOST_BYTES

    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError(
                f"{path} has {path.stat().st_size / 1e9:.1f} GB, so it is none that `pack` or "
                f"`work` wrote; at most {MOST_BYTES / 1e9:.1f} GB are read."
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error}.") from error
