"""Images and texts in Parquet as the Hugging Face hub stores them.

An image column of structs {bytes, path} or a column of texts, a label column of numbers or text,
class names in the schema metadata under `huggingface`, files named `train-….parquet`,
`test-….parquet`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from core.datasets import places, splits
from core.datasets.assemble import Rows, assemble
from core.datasets.base import PLURAL, Kind
from core.datasets.source import Content, Files, Progress, Source, text
from core.datasets.stack import stack
from core.datasets.words import assemble_texts
from core.errors import InputError

IMAGE_COLUMNS = ("img", "image")
TEXT_COLUMNS = ("text", "sentence", "content", "review", "document")
LABEL_COLUMNS = ("label", "labels", "fine_label")
SPLIT = re.compile(rf"({'|'.join(splits.NAMES)})(?![a-z0-9])", re.IGNORECASE)
BATCH = 256
MOST_ROWS = 10_000_000  # A file of a few bytes can say that one value comes a milliard times.
SHOWN = 10

Label = int | str | None


@dataclass(frozen=True)
class Columns:
    """The two columns that are read, and the class names where the file declares them."""

    content: str
    kind: Kind
    label: str
    classes: tuple[str, ...] | None


def source(path: Path, name: str) -> Source:
    """The source that reads a Parquet file or a folder of them."""
    known = _glance(path)
    kind = known.kind if known else "image"
    what = PLURAL[kind].capitalize()
    return Source(
        name=name,
        title=text(path.stem if path.is_file() else path.name),
        summary=f"{what} in Parquet files as the Hugging Face hub stores them.",
        licence="Not known: see where the files come from.",
        version=1,
        files=partial(find, path),
        read=read,
        kind=kind,
    )


def paths(path: Path) -> list[Path]:
    """The Parquet files that a path means: itself, those in it, or those in its `data/`."""
    if path.is_file():
        return [path] if path.suffix == ".parquet" else []
    return sorted(path.glob("*.parquet")) or sorted((path / "data").glob("*.parquet"))


def holds(path: Path) -> bool:
    """Whether there are Parquet files of which the first has images or texts, and labels."""
    return _glance(path) is not None


def _glance(path: Path) -> Columns | None:
    found = [file for file in paths(path) if places.allowed(file)]
    try:
        return columns(found[0]) if found else None
    except InputError:  # `read` says what is wrong with it.
        return None


def find(path: Path) -> Files:
    """The Parquet files that a path means.

    Raises:
        InputError: There is none that may be read.
    """
    root = path if path.is_dir() else path.parent
    inside = tuple(file for file in paths(path) if places.allowed(file))
    if not inside:
        raise InputError(f"{path} has no Parquet files in the folders that may be read.")
    why = "a link that leads out of the folders that may be read"
    outside = [file for file in paths(path) if file not in inside]
    return Files(root, inside, tuple((text(str(file.relative_to(root))), why) for file in outside))


def read(files: Files, progress: Progress) -> Content:
    """Decode the images, or weigh the words, of Parquet files.

    Raises:
        InputError: A file is damaged, lacks a column or does not fit the others.
    """
    named = [_split_of(path) for path in files.paths]
    choice = splits.choose(named if len(named) > 1 else [""], files.root)
    used = [files.paths[row] for row in choice.used]
    first, *others = [columns(path) for path in used]
    for path, other in zip(used[1:], others, strict=True):
        if other != first:
            raise InputError(
                f"{path} must have the columns and class names of {used[0].name}, {first}; "
                f"got {other}."
            )
    values = [_values(path, first.label) for path in used]
    names = [
        [f"{files.relative(path)}:{row}" for row in range(len(part))]
        for path, part in zip(used, values, strict=True)
    ]
    all_names = list(chain.from_iterable(names))
    labels, classes, unlabelled = _labels(list(chain.from_iterable(values)), all_names, first)
    rows = Rows(
        all_names,
        labels,
        np.repeat(np.array(choice.is_test, dtype=bool), [len(part) for part in values]),
        classes,
        (*files.left_out, *unlabelled),
        (*files.notes, *choice.notes),
        PLURAL[first.kind],
    )
    if first.kind == "text":
        texts = [_listed(path, _column(path, first.content)) for path in used]
        return assemble_texts(list(chain.from_iterable(texts)), rows, progress)
    images = partial(_images, used, names, first.content)
    return assemble(stack(images, len(all_names), progress), rows)


def columns(path: Path) -> Columns:
    """Which columns of a file hold the images and the labels.

    Raises:
        InputError: There are no such columns, or the file is damaged.
    """
    with _readable(path):  # Names are decoded when they are asked for.
        return _columns(path, pq.read_schema(path))


def _columns(path: Path, schema: Any) -> Columns:
    features = _features(path, schema)
    images = [field.name for field in schema if _is_image(field.type)]
    texts = [field.name for field in schema if _is_text(field.type)]
    labels = [name for name in schema.names if features.get(name, {}).get("_type") == "ClassLabel"]
    image = _first(IMAGE_COLUMNS, images) or _first(images, images)
    content = image or _first(TEXT_COLUMNS, texts)
    label = _first(LABEL_COLUMNS, schema.names) or _first(labels, labels)
    if content is None or label is None:
        got = ", ".join(f"{field.name}: {field.type}" for field in list(schema)[:SHOWN])
        raise InputError(
            f"{path} must have a column of images (a struct with a field bytes) or of texts "
            f"(called {', '.join(TEXT_COLUMNS)}), and one of "
            f"labels (called {', '.join(LABEL_COLUMNS)}); got {got[:500] or 'no columns'}."
        )
    for name in (content, label):
        if schema.names.count(name) > 1:
            raise InputError(f"{path} must have each column once; got {name} several times.")
    kind: Kind = "image" if image else "text"
    declared = features.get(label, {}).get("names")
    if declared is None:
        return Columns(content, kind, label, None)
    if not isinstance(declared, list) or not all(isinstance(name, str) for name in declared):
        raise InputError(f"{path} must declare its class names as a list of texts.")
    return Columns(content, kind, label, tuple(declared))


def _first(wanted: Sequence[str], there: Sequence[str]) -> str | None:
    return next((name for name in wanted if name in there), None)


def _is_image(kind: Any) -> bool:
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    inner = kind.field("bytes").type
    return bool(pa.types.is_binary(inner) or pa.types.is_large_binary(inner))


def _is_text(kind: Any) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _features(path: Path, schema: Any) -> dict[str, dict[str, Any]]:
    """The hub's description of each column; nothing where there is none."""
    written = (schema.metadata or {}).get(b"huggingface")
    if written is None:
        return {}
    try:
        features = json.loads(written)["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{path} has `huggingface` metadata that are not as the hub writes them; write the "
            "file again with the datasets library, or without them."
        ) from error


def _split_of(path: Path) -> str:
    match = SPLIT.match(path.name)
    return splits.NAMES[match[1].casefold()] if match else ""


def _column(path: Path, column: str) -> Any:
    with _readable(path), pq.ParquetFile(path) as file:
        if file.metadata.num_rows > MOST_ROWS:
            raise ValueError(f"{file.metadata.num_rows:,} rows; at most {MOST_ROWS:,} are read")
        found = file.read(columns=[column]).column(column)
        if len(found) != file.metadata.num_rows:
            raise ValueError(f"{column} has {len(found)} of {file.metadata.num_rows} rows")
        return found


def _values(path: Path, column: str) -> list[Label]:
    values = _column(path, column)
    if pa.types.is_dictionary(values.type):
        values = values.cast(values.type.value_type)
    if not (pa.types.is_integer(values.type) or _is_text(values.type)):
        raise InputError(f"{path} must have whole numbers or texts as labels; got {values.type}.")
    return _listed(path, values)


def _listed(path: Path, values: Any) -> list[Any]:
    """Values as Python has them: here a text is decoded, and may turn out to be none."""
    with _readable(path):
        found: list[Any] = values.to_pylist()
    return found


def _labels(
    values: list[Label], names: Sequence[str], found: Columns
) -> tuple[npt.NDArray[np.int64], list[str], list[tuple[str, str]]]:
    """Class numbers, class names, and the rows whose label cannot be used."""
    kinds = {type(value) for value in values} - {type(None)}
    if len(kinds) > 1:
        raise InputError("Labels must be numbers in all Parquet files or texts in all; got both.")
    if found.classes is not None and kinds == {int}:
        classes = list(found.classes)
        numbers: dict[Label, int] = {number: number for number in range(len(classes))}
    else:
        known = sorted({value for value in values if value is not None})
        classes = [str(value) for value in known]
        numbers = {value: number for number, value in enumerate(known)}
    labels = np.array([numbers.get(value, -1) for value in values], dtype=np.int64)
    unusable = [
        (names[row], "no label" if values[row] is None else f"{values[row]} is not a class number")
        for row in np.flatnonzero(labels < 0).tolist()
    ]
    return labels, classes, unusable


def _images(
    used: Sequence[Path], names: Sequence[Sequence[str]], column: str
) -> Iterator[tuple[str, bytes]]:
    for path, of_file in zip(used, names, strict=True):
        with _readable(path), pq.ParquetFile(path, pre_buffer=False) as file:
            batches = file.iter_batches(BATCH, columns=[column])
            data = (item for batch in batches for item in _bytes(batch.column(0)))
            yield from zip(of_file, data, strict=True)


def _bytes(images: Any) -> list[bytes]:
    """The encoded images, empty where the file only has a path."""
    return [item or b"" for item in pc.struct_field(images, "bytes").to_pylist()]


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        raise InputError(f"{path} is not a Parquet file that can be read: {error}.") from error
