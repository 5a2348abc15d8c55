"""Decoded arrays, kept in the store until the files they came from change."""

from __future__ import annotations

import warnings

from core.datasets.base import Dataset, fingerprint
from core.datasets.packing import pack, pack_texts, unpack, unpack_texts
from core.datasets.source import Content, Files, Progress, Source
from core.errors import InputError
from core.specs import content_key
from core.store import Blob, Store


def read(source: Source, files: Files, progress: Progress) -> Dataset:
    """The data set in these files, decoded once.

    A damaged cache entry is reported as a warning and made again.

    Args:
        source: Reads the files.
        files: What it reads.
        progress: Told how far decoding is; not called when the arrays are cached.
    """

    def compute() -> Blob:
        return _pack(source.read(files, progress))

    def report(sentence: str) -> None:
        warnings.warn(sentence, stacklevel=2)

    return _unpack(source, files, Store().remember(_key(source, files), compute, report))


def _key(source: Source, files: Files) -> str:
    """Key of the decoded arrays: which files, how large, when changed, and read by what."""
    try:
        signature = [
            (files.relative(path), stat.st_size, stat.st_mtime_ns)
            for path in files.paths
            if (stat := path.stat())
        ]
    except OSError as error:
        raise InputError(f"{error.filename} cannot be read: {error.strerror}.") from error
    fields = {
        "source": source.name,
        "version": source.version,
        "files": signature,
        "left_out": files.left_out,
        "notes": files.notes,
    }
    return content_key("dataset", fields)


def _pack(content: Content) -> Blob:
    train, test = content.train, content.test
    meta = {
        "classes": content.classes,
        "fingerprint": fingerprint(train, test, content.classes),
        "notes": content.notes,
        "left_out": content.left_out,
        "peak": content.peak,
    }
    arrays = {**pack("train", train), **pack("test", test)}
    if content.features:
        arrays |= pack_texts("features", content.features)
    return Blob(arrays, meta)


def _unpack(source: Source, files: Files, blob: Blob) -> Dataset:
    arrays = blob.arrays
    meta = blob.meta
    return Dataset(
        name=source.name,
        title=source.title,
        train=unpack("train", arrays),
        test=unpack("test", arrays),
        classes=tuple(meta["classes"]),
        fingerprint=meta["fingerprint"],
        source=f"{source.title}, read from {files.root}",
        licence=source.licence,
        notes=tuple(meta["notes"]),
        left_out=tuple((name, why) for name, why in meta["left_out"]),
        peak=meta["peak"],
        features=unpack_texts("features", arrays),
    )
