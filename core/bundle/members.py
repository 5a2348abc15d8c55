"""The members of a bundle: their names, and what each holds as bytes."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt

from core.details import Detail
from core.errors import InputError
from core.store import SCORE_COLUMNS, Score

FORMAT = "xfactor-bundle"
VERSION = 1
MANIFEST, JOB, SCORES, FAILURES, NOTES = (
    *("manifest.json", "job.json", "scores.json", "failures.json", "notes.json"),
)
DETAILS = "details.npz"
FIXED = {JOB, SCORES, FAILURES, NOTES, DETAILS}
BLOB = re.compile(r"blobs/([0-9a-f]{32})\.npz")

Arrays = Mapping[str, npt.NDArray[Any]]


class BadBundle(InputError):
    """A file is not a bundle that can be opened; the sentence says why."""


def to_json(value: object) -> bytes:
    """A value as JSON; Python writes floats so that the same ones are read."""
    return json.dumps(value).encode()


def from_json(name: str, content: bytes, kind: type) -> Any:
    """The value in a member.

    Raises:
        BadBundle: It is not JSON of this kind.
    """
    try:
        value = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise BadBundle(f"{name} in the bundle is not JSON: {error}.") from error
    if not isinstance(value, kind):
        raise BadBundle(f"{name} in the bundle holds no {kind.__name__}.")
    return value


def to_npz(arrays: Arrays) -> bytes:
    """Arrays as an uncompressed `.npz` file."""
    file = io.BytesIO()
    np.savez(file, allow_pickle=False, **arrays)
    return file.getvalue()


def from_npz(name: str, content: bytes) -> dict[str, npt.NDArray[Any]]:
    """The arrays in a member, none larger than the member itself.

    Raises:
        BadBundle: It is no `.npz` file, or one that claims more than it holds.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as file:
            members = file.infolist()
            if any(one.compress_type != zipfile.ZIP_STORED for one in members):
                raise BadBundle(f"{name} in the bundle is compressed, which none of ours is.")
            if sum(one.file_size for one in members) > len(content):
                raise BadBundle(f"{name} in the bundle claims to hold more than it has.")
            return {one.filename.removesuffix(".npy"): _array(file.read(one)) for one in members}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, NotImplementedError) as error:
        raise BadBundle(f"{name} in the bundle holds no arrays: {error}.") from error


def _array(content: bytes) -> npt.NDArray[Any]:
    file = io.BytesIO(content)
    version = np.lib.format.read_magic(file)
    if version != (1, 0):
        raise ValueError(f"version {version} of the array format is not known")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(file)
    count = 1
    for length in shape:
        count *= length
    if dtype.hasobject or dtype.names or count * dtype.itemsize != len(content) - file.tell():
        raise ValueError("an array claims another size than it has, or holds objects")
    flat = np.frombuffer(content, dtype, count, file.tell()) if count else np.empty(0, dtype)
    return flat.reshape(shape, order="F" if fortran else "C").copy()


def to_details(details: Iterable[Detail]) -> Arrays:
    """Predictions and histories of units, end to end; a length of -1 stands for no history."""
    found = list(details)
    histories = [one.history for one in found if one.history is not None]
    return {
        "units": np.array([one.unit for one in found], dtype="U32"),
        "predictions": np.concatenate([one.predictions for one in found]),
        "tests": np.array([one.predictions.size for one in found], dtype=np.int64),
        "histories": np.concatenate(histories) if histories else np.empty((0, 2)),
        "epochs": np.array(
            [-1 if one.history is None else len(one.history) for one in found], dtype=np.int64
        ),
    }


def from_details(arrays: Arrays) -> list[Detail]:
    """What `to_details` was given.

    Raises:
        KeyError, ValueError: They do not fit together.
    """
    tests, epochs = arrays["tests"], arrays["epochs"]
    ends, lengths = np.cumsum(tests), np.maximum(epochs, 0)
    last = np.cumsum(lengths)
    whole = ends[-1:].sum() == arrays["predictions"].size and (tests >= 0).all()
    if not whole or last[-1:].sum() != len(arrays["histories"]):
        raise ValueError("predictions and their lengths do not fit together")
    return [
        Detail(
            str(unit),
            arrays["predictions"][ends[n] - tests[n] : ends[n]],
            None if epochs[n] < 0 else arrays["histories"][last[n] - lengths[n] : last[n]],
        )
        for n, unit in enumerate(arrays["units"].tolist())
    ]


def to_scores(scores: Iterable[Score]) -> list[dict[str, Any]]:
    """Scores as JSON-ready rows."""
    return [asdict(score) for score in scores]


def from_scores(rows: list[Any]) -> list[Score]:
    """What `to_scores` was given.

    Raises:
        TypeError, KeyError: A row is not a score.
    """
    return [_score(row) for row in rows]


def _score(row: dict[str, Any]) -> Score:
    values: dict[str, Any] = {name: row[name] for name in SCORE_COLUMNS}
    return Score(**{**values, "class_accuracy": tuple(row["class_accuracy"])})
