"""Data sets: what there is, and how to load one.

To add a source, write a file that makes a `Source` and list it in `SOURCES`.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from core import settings
from core.datasets import cache, csv_table, folder, parquet, places
from core.datasets.adult import ADULT
from core.datasets.base import Dataset, Kind, Split, check_kind
from core.datasets.cifar10 import CIFAR10
from core.datasets.digits import DIGITS
from core.datasets.fashion_mnist import FASHION_MNIST
from core.datasets.imdb import IMDB
from core.datasets.mnist import MNIST
from core.datasets.sklearn_tables import BREAST_CANCER, WINE
from core.datasets.source import Listing, Progress, Source, State, silent
from core.errors import DatasetUnavailable, InputError, UnknownName
from core.registry import Registry

__all__ = [
    "SOURCES",
    "Dataset",
    "Kind",
    "Listing",
    "Progress",
    "Split",
    "catalogue",
    "check_kind",
    "load",
]

SOURCES = Registry[Source](
    "data set",
    DIGITS,
    MNIST,
    FASHION_MNIST,
    CIFAR10,
    IMDB,
    ADULT,
    BREAST_CANCER,
    WINE,
)


def catalogue() -> list[Listing]:
    """Every data set that `load` can give now, found without decoding anything.

    Returns:
        The registered sources, then the image folders, Parquet sets and CSV tables found in the
        folders that may be read.
    """
    listings, taken = [], set()
    for source in SOURCES.values():
        files = source.files()
        state: State = "download" if files is None else "on disk" if source.fetch else "ready"
        listings.append(_listing(source, state))
        if files is not None:
            taken.add(files.root)
    for path in _candidates():
        if path not in taken and (made := _recognise(path)):
            listings.append(_listing(made, "on disk"))
            taken.add(path)
    return listings


def load(name: str, progress: Progress | None = None) -> Dataset:
    """A data set by name, downloaded and decoded when that has not been done yet.

    Args:
        name: A name from `catalogue`, or the path of an image folder, a CSV file, a Parquet file
            or a folder of them inside the folders that may be read.
        progress: Told (done, total, what) while something takes long; may raise to stop it.

    Raises:
        UnknownName: There is no such data set; the message lists those there are.
        DatasetUnavailable: It has to be downloaded and that failed; says which file to put where.
        InputError: Its files cannot be used.
    """
    tell = progress or silent
    source = _source(name)
    files = source.files()
    if files is None and source.fetch is not None:
        source.fetch(tell)
        files = source.files()
    if files is None:
        raise DatasetUnavailable(f"{source.title} is not in {settings.data_root()}.")
    return cache.read(source, files, tell)


def _listing(source: Source, state: State) -> Listing:
    return Listing(source.name, source.title, source.summary, state, source.kind)


def _source(name: str) -> Source:
    if name.casefold() in SOURCES:
        return SOURCES[name.casefold()]
    path = places.find(name) if name else None
    if path is None:
        raise UnknownName("data set", name, [listing.name for listing in catalogue()])
    return _open(path)


def _open(path: Path) -> Source:
    name = places.name_of(path)
    if name.casefold() in SOURCES:
        name = str(path)
    if csv_table.is_csv(path):
        return csv_table.source(path, name)
    return parquet.source(path, name) if parquet.paths(path) else folder.source(path, name)


def _recognise(path: Path) -> Source | None:
    holds = parquet.holds(path) or csv_table.holds(path) or (path.is_dir() and folder.holds(path))
    return _open(path) if holds else None


def _candidates() -> Iterator[Path]:
    """Where data sets may be: a folder the operator listed, or what lies in such a folder."""
    root = settings.data_root()
    for allowed in settings.allowed_folders():
        if allowed != root and _recognise(allowed):
            yield allowed
        elif allowed.is_dir():
            inside = (path for path in _inside(allowed) if not path.name.startswith("."))
            yield from sorted(path.resolve() for path in inside if places.allowed(path))


def _inside(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError as error:
        raise InputError(
            f"{folder} cannot be listed ({error.strerror}): let this program read it, or take it "
            "out of XFACTOR_DATA and XFACTOR_FOLDERS."
        ) from error
