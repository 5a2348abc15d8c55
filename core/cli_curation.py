"""The command that turns tags into data sets: `python -m core tags --help`."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from core.errors import InputError
from core.output import load, write

if TYPE_CHECKING:
    from core.curation import Place, Row
    from core.datasets import Dataset


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the arguments of `tags`."""
    command.add_argument(
        "source",
        metavar="FOLDER|DATASET",
        help="a folder of image files, or the name of a data set as `datasets` lists it",
    )
    command.add_argument(
        "--split", default="train", choices=("train", "test"), help="of a data set"
    )
    for flag, text in (
        ("--any", "at least one of these tags"),
        ("--all", "each of these tags"),
        ("--none", "none of these tags"),
    ):
        command.add_argument(
            flag, nargs="+", default=[], metavar="TAG", dest=f"{flag[2:]}_of", help=text
        )
    command.add_argument("--others", action="store_true", help="all other rows instead")
    command.add_argument(
        "--link", action="store_true", help="of a folder: symbolic links instead of copies"
    )
    command.add_argument(
        "--out",
        type=Path,
        required=True,
        help=".csv: rows with tags; .txt: rows; .parquet: images and labels as the Hugging Face "
        "hub stores them; else a new folder of images. No original is changed or deleted",
    )
    command.set_defaults(run=_tags)


def _tags(options: argparse.Namespace) -> int:
    from core import curation
    from core.store import Store

    source = _source(options.source)
    place = _place(source, options.split)
    everything = _rows(source, options.split)
    table = curation.tags(Store(), place)
    conditions = {name: getattr(options, name) for name in ("any_of", "all_of", "none_of")}
    rows = curation.combine(table, **conditions, rows=everything)
    if options.others:
        chosen = set(rows)
        rows = [row for row in everything if row not in chosen]
    print(f"{len(rows):,} of {len(everything):,} rows", file=sys.stderr)
    if options.out.suffix == ".csv":
        write(_listed(source, options.split, rows, table), options.out)
        return 0
    try:
        if options.out.suffix == ".txt":
            options.out.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
        else:
            _write_images(source, options.split, rows, options.out, options.link)
    except OSError as error:
        raise InputError(f"{options.out} cannot be written: {error}.") from error
    return 0


def _source(text: str) -> Dataset | Path:
    from core import datasets

    known = {listing.name for listing in datasets.catalogue()}
    if text not in known and Path(text).is_dir():
        return Path(text).resolve()
    return load(text)


def _place(source: Dataset | Path, split: str) -> Place:
    from core.curation import Place

    return Place.of_folder(source) if isinstance(source, Path) else Place(source.fingerprint, split)


def _rows(source: Dataset | Path, split: str) -> list[Row]:
    """Every row of a split, or every image file of a folder."""
    if isinstance(source, Path):
        from core.quality.files import image_files

        return [path.relative_to(source).as_posix() for path in image_files(source)]
    return list(range(len(source.train if split == "train" else source.test)))


def _listed(
    source: Dataset | Path, split: str, rows: list[Row], table: pd.DataFrame
) -> pd.DataFrame:
    """Rows with their class, of a data set, and their tags."""
    listed = pd.DataFrame({"row": rows})
    if not isinstance(source, Path):
        labels = (source.train if split == "train" else source.test).y
        listed["label"] = [source.classes[labels[int(row)]] for row in rows]
    names = table.groupby("row")["tag"].agg(", ".join)
    return listed.assign(tags=listed["row"].map(names).fillna(""))


def _write_images(
    source: Dataset | Path, split: str, rows: list[Row], out: Path, link: bool
) -> None:
    from core.curation import export

    if isinstance(source, Path):
        if out.suffix == ".parquet":
            raise InputError("A folder has no labels, which Parquet needs; give a folder as --out.")
        paths = [str(row) for row in rows]
        if link:
            count = export.link_folder(source, paths, out)
        else:
            count = export.write_folder(export.files(source, paths), out)
    elif link:
        raise InputError("--link is for folders of files; a data set's images are written.")
    elif out.suffix == ".parquet":
        numbers = [int(row) for row in rows]
        export.write_parquet(source, split, numbers, out)
        count = len(rows)
    else:
        count = export.write_folder(
            export.image_folder(source, split, [int(row) for row in rows]), out
        )
    print(f"wrote {out} ({count:,} images)", file=sys.stderr)
