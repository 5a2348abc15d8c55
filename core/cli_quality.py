"""The commands on image quality: `python -m core quality --help`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core.errors import InputError
from core.output import check_table_name, load, write

if TYPE_CHECKING:
    from core.datasets import Dataset
    from core.quality import Vectors

MOST_COMPARED = 100_000
SOURCE_HELP = "a folder of image files, or the name of a data set as `datasets` lists it"


def add_commands(quality: argparse.ArgumentParser) -> None:
    """Add the subcommands of `quality`."""
    commands = quality.add_subparsers(metavar="COMMAND", required=True)

    command = commands.add_parser("scan", help="score every image and flag the faulty ones")
    command.add_argument("source", metavar="FOLDER|DATASET", help=SOURCE_HELP)
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        help="file: .parquet or .csv; of a folder whose scan is in the .parquet file already, only "
        "new and changed files are read; near-duplicates are flagged among up to 100,000 images, "
        "equal ones among any number",
    )
    command.add_argument("--split", default="train", help="of a data set: train (default) or test")
    command.add_argument(
        "--threshold",
        default="default",
        help="where to cut: default, cleanvision for its own flags, or a name in the README",
    )
    command.set_defaults(run=_scan)

    command = commands.add_parser("duplicates", help="find pairs and clusters of near-duplicates")
    command.add_argument("source", metavar="FOLDER|DATASET", help=SOURCE_HELP)
    command.add_argument("--out", type=Path, required=True, help="file: a, b, distance, cluster")
    _add_detector(command)
    command.add_argument(
        "--linkage", default="single", help="single (default), complete or average"
    )
    command.add_argument("--flips", action="store_true", help="mirror images are equal too")
    command.set_defaults(run=_duplicates)

    command = commands.add_parser("leaks", help="find test images that are in the training split")
    command.add_argument("dataset", metavar="DATASET", help="name, as `datasets` lists it")
    command.add_argument(
        "--out", type=Path, required=True, help="file: train, test, distance, exact, similarity"
    )
    _add_detector(command)
    command.set_defaults(run=_leaks)

    command = commands.add_parser(
        "scoreboard", help="put known faults into a copy and say how well they are found"
    )
    command.add_argument("dataset", metavar="DATASET", help="name, as `datasets` lists it")
    command.add_argument("--out", type=Path, required=True, help="file: one row a detector")
    command.add_argument(
        "--share", type=float, default=0.12, help="share of the images to change (default 0.12)"
    )
    command.add_argument("--severity", default="medium", help="mild, medium (default) or strong")
    command.add_argument("--seed", type=int, default=0, help="seed of the faults (default 0)")
    command.set_defaults(run=_scoreboard)


def _add_detector(command: argparse.ArgumentParser) -> None:
    """The options of a search for near-duplicates."""
    command.add_argument(
        "--detector",
        default="hash",
        help="hash (default, fast), vectors (slower; finds crops, shifts and noise too), both, or "
        "fastdup where `make fastdup` was run",
    )
    command.add_argument(
        "--network",
        default="own",
        help="of vectors: own (default, learns from the images) or imagenet",
    )
    command.add_argument(
        "--radius",
        type=float,
        help="largest distance: 0 to 15 bits for hash, else 0 to 1, which is 1 - cosine "
        "(default: by the data)",
    )
    command.add_argument(
        "--hash-only",
        "--no-confirm",
        action="store_true",
        help="do not look at the pixels of the pairs found",
    )


def _scan(options: argparse.Namespace) -> int:
    from core.quality import judge

    check_table_name(options.out)
    source = _source(options.source)
    table = _scanned(source, options.split, options.out)
    flagged, decisions = judge(table, options.threshold)
    flagged, sentence = _with_duplicates(flagged, source, options.split)
    write(flagged, options.out)
    unreadable = int(table["unreadable"].sum())
    if unreadable:
        print(f"unreadable: {unreadable:,} files; the column reason says why")
    for decision in decisions:
        print(f"{decision.score}: {decision.reason}")
    print(f"duplicates: {sentence}")
    return 0


def _with_duplicates(
    table: pd.DataFrame, source: Dataset | Path, split: str
) -> tuple[pd.DataFrame, str]:
    """The scan with CleanVision's columns for duplicates, and a sentence on them."""
    from core.quality import find_duplicates, flag_duplicates
    from core.quality.audit import pixels

    if len(table) > MOST_COMPARED:
        return flag_duplicates(table, None), (
            f"only equal images are flagged among more than {MOST_COMPARED:,}; "
            "`quality duplicates` looks for near ones too"
        )
    images = source if isinstance(source, Path) else pixels(source, split)
    found = find_duplicates(images, table)
    flagged = flag_duplicates(table, found)
    exact, near = (flagged[f"is_{kind}_duplicates_issue"].sum() for kind in ("exact", "near"))
    return flagged, f"{exact:,} images are there twice or more, {near:,} nearly so. {found.reason}"


def _duplicates(options: argparse.Namespace) -> int:
    from core.quality import find_duplicates

    check_table_name(options.out)
    source = _source(options.source)
    table = _scanned(source, "train")
    found = find_duplicates(
        source,
        table,
        radius=options.radius,
        linkage=options.linkage,
        flips=options.flips,
        confirm=not options.hash_only,
        detector=options.detector,
        vectors=_vectors(source, table, options),
    )
    write(found.pairs[["a", "b", "distance", "cluster"]], options.out)
    clusters = found.members["cluster"].nunique()
    print(f"{clusters:,} clusters of {len(found.members):,} images. {found.reason}")
    return 0


def _leaks(options: argparse.Namespace) -> int:
    from core.quality import find_leaks

    check_table_name(options.out)
    dataset = load(options.dataset)
    found = find_leaks(
        dataset,
        radius=options.radius,
        confirm=not options.hash_only,
        tables=(_scanned(dataset, "train"), _scanned(dataset, "test")),
        detector=options.detector,
        network=options.network,
    )
    write(found, options.out)
    count, total = found["test"].nunique(), len(dataset.test)
    print(
        f"{count:,} of {total:,} test images ({count / total:.2%}) are in the training split too."
    )
    return 0


def _vectors(
    source: Dataset | Path, table: pd.DataFrame, options: argparse.Namespace
) -> Vectors | None:
    """Feature vectors where the detector uses them; of a data set remembered by the store."""
    from core.quality import feature_vectors
    from core.quality.remembered import remembered_vectors
    from core.store import Store

    if options.detector not in ("vectors", "both"):
        return None
    with _progress("vectors") as progress:
        if isinstance(source, Path):
            return feature_vectors(source, table, options.network, progress)
        return remembered_vectors(Store(), source, table, options.network, progress, _report)


def _scoreboard(options: argparse.Namespace) -> int:
    from core.quality import scoreboard

    check_table_name(options.out)
    dataset = load(options.dataset)
    write(scoreboard(dataset, options.share, options.severity, options.seed), options.out)
    return 0


def _source(text: str) -> Dataset | Path:
    """A data set where one has that name, else the folder."""
    from core import datasets

    known = {listing.name for listing in datasets.catalogue()}
    if text not in known and Path(text).is_dir():
        return Path(text)
    return load(text)


def _scanned(source: Dataset | Path, split: str, out: Path | None = None) -> pd.DataFrame:
    """The scores of a data set, remembered by the store, or of a folder."""
    from core.quality import scan
    from core.quality.remembered import remembered_scan
    from core.store import Store

    with _progress("scan") as progress:
        if not isinstance(source, Path):
            return remembered_scan(Store(), source, split, progress, report=_report)
        table = scan(source, previous=_previous(source, out), progress=progress)
    table.attrs["folder"] = str(source.resolve())
    return table


def _previous(folder: Path, out: Path | None) -> pd.DataFrame | None:
    """An earlier scan of the same folder in the file that will be written."""
    if out is None or out.suffix != ".parquet" or not out.is_file():
        return None
    try:
        table = pd.read_parquet(out)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{out} is there but no Parquet file; delete it or give another --out ({error})."
        ) from error
    return table if table.attrs.get("folder") == str(folder.resolve()) else None


@contextmanager
def _progress(what: str) -> Iterator[Callable[[int], None]]:
    from tqdm import tqdm

    with tqdm(desc=what, unit="image", delay=1.0, disable=None) as bar:

        def progress(done: int) -> None:
            bar.update(done - bar.n)

        yield progress


def _report(sentence: str) -> None:
    print(sentence, file=sys.stderr)
