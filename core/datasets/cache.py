"""Decoded arrays, kept in the store until the files they came from change."""

from __future__ import annotations

import warnings
from typing import Any

from core.datasets.base import Dataset, Split, fingerprint
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
    arrays: dict[str, Any] = {
        "x_train": train.x,
        "y_train": train.y,
        "x_test": test.x,
        "y_test": test.y,
    }
    return Blob(arrays, meta)


def _unpack(source: Source, files: Files, blob: Blob) -> Dataset:
    arrays: dict[str, Any] = blob.arrays
    meta = blob.meta
    return Dataset(
        name=source.name,
        title=source.title,
        train=Split(arrays["x_train"], arrays["y_train"]),
        test=Split(arrays["x_test"], arrays["y_test"]),
        classes=tuple(meta["classes"]),
        fingerprint=meta["fingerprint"],
        source=f"{source.title}, read from {files.root}",
        licence=source.licence,
        notes=tuple(meta["notes"]),
        left_out=tuple((name, why) for name, why in meta["left_out"]),
        peak=meta["peak"],
    )
