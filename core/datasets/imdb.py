"""IMDB: film reviews, 25,000 + 25,000, half of them favourable.

Read from Parquet files where the data root has `imdb/`, else from the archive of its authors.
"""

from __future__ import annotations

import gzip
import re
import tarfile
import zlib
from dataclasses import replace

import numpy as np

from core import settings
from core.datasets import download, parquet
from core.datasets.assemble import Rows
from core.datasets.source import Content, Files, Progress, Source
from core.datasets.words import assemble_texts
from core.errors import InputError

URL = "https://ai.stanford.edu/~amaas/data/sentiment/aclImdb_v1.tar.gz"
MD5 = "7c2ac02c03563afcf9b574c7e56c153a"
ARCHIVE = "aclImdb_v1.tar.gz"
MEMBER = re.compile(r"aclImdb/(train|test)/(neg|pos)/\d+_\d+\.txt")
REVIEWS = 50_000
LONGEST = 1 << 20
STEP = 1_000


def _files() -> Files | None:
    root = settings.data_root()
    folder = root / "imdb"
    if parquet.holds(folder):
        found = parquet.find(folder)
        labelled = tuple(path for path in found.paths if not path.name.startswith("unsupervised"))
        return replace(found, paths=labelled)
    archive = root / ARCHIVE
    return Files(root, (archive,)) if archive.is_file() else None


def _fetch(progress: Progress) -> None:
    root = settings.data_root()
    advice = f"put {URL} into {root}, or IMDB as Parquet files into {root / 'imdb'}"
    download.fetch([URL], MD5, root / ARCHIVE, advice, progress)


def _read(files: Files, progress: Progress) -> Content:
    if files.paths[0].name == ARCHIVE:
        return _read_archive(files, progress)
    return parquet.read(files, progress)


def _read_archive(files: Files, progress: Progress) -> Content:
    """Read the labelled reviews by their names; nothing is unpacked to disk."""
    path = files.paths[0]
    reviews: dict[str, str] = {}
    try:
        # tarfile's own "r|gz" ends in a TypeError on a header that is cut short.
        with gzip.open(path) as packed, tarfile.open(fileobj=packed, mode="r|") as archive:
            for member in archive:
                if not MEMBER.fullmatch(member.name) or not member.isfile():
                    continue
                if len(reviews) % STEP == 0:
                    progress(len(reviews), REVIEWS, f"Reading {ARCHIVE}")
                reviews[member.name] = _text(archive, member)
    except (tarfile.TarError, zlib.error, OSError, EOFError, ValueError) as error:
        raise InputError(f"{path} cannot be read ({error}): download {URL} again.") from error
    names = sorted(reviews)
    parts = [name.split("/") for name in names]
    rows = Rows(
        names=names,
        labels=np.array([part[2] == "pos" for part in parts], dtype=np.int64),
        is_test=np.array([part[1] == "test" for part in parts], dtype=bool),
        classes=("neg", "pos"),
        left_out=(),
        notes=(),
        what="texts",
    )
    return assemble_texts([reviews[name] for name in names], rows, progress)


def _text(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member) if member.size <= LONGEST else None
    if file is None:
        raise ValueError(f"{member.name} must be a file of at most {LONGEST} bytes")
    return file.read().decode("utf-8")


IMDB = Source(
    name="imdb",
    title="IMDB",
    summary="Film reviews, 25,000 for training and 25,000 for testing, favourable or not.",
    licence="No licence is stated; its authors ask to cite Maas et al. (2011), and the reviews "
    "were collected from the web.",
    version=2,
    files=_files,
    fetch=_fetch,
    read=_read,
    kind="text",
)
