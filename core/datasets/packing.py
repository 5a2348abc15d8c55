"""A split as plain arrays and back, so that it can be stored without pickle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse

from core.datasets.base import Split

Arrays = dict[str, npt.NDArray[Any]]
CSR = ("data", "indices", "indptr", "shape")


def pack(name: str, split: Split) -> Arrays:
    """The arrays of a split, under names that end in `name`."""
    arrays: Arrays = {f"y_{name}": split.y}
    if split.kind == "text":
        arrays |= {f"{part}_{name}": np.asarray(getattr(split.x, part)) for part in CSR}
    else:
        arrays[f"x_{name}"] = split.x
    if isinstance(split.shown, pd.DataFrame):
        arrays |= _pack_table(f"shown_{name}", split.shown)
    elif split.shown is not None:
        arrays |= pack_texts(f"shown_{name}", split.shown)
    return arrays


def unpack(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> Split:
    """The split that `pack` gave these arrays for."""
    y, shown = arrays[f"y_{name}"], f"shown_{name}"
    if f"x_{name}" in arrays:
        return Split(arrays[f"x_{name}"], y, _unpack_table(shown, arrays))
    data, indices, indptr, shape = (arrays[f"{part}_{name}"] for part in CSR)
    x = sparse.csr_array((data, indices, indptr), shape=tuple(shape.tolist()))
    return Split(x, y, unpack_texts(shown, arrays) or None)


def pack_texts(name: str, texts: Sequence[str]) -> Arrays:
    """Texts as one run of UTF-8 bytes, and where each of them ends."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([len(text) for text in encoded], dtype=np.int64)
    return {
        f"{name}_utf8": np.frombuffer(b"".join(encoded), np.uint8),
        f"{name}_ends": ends,
    }


def unpack_texts(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> tuple[str, ...]:
    """The texts that `pack_texts` gave these arrays for; none where it gave none."""
    if f"{name}_ends" not in arrays:
        return ()
    joined, ends = arrays[f"{name}_utf8"].tobytes(), arrays[f"{name}_ends"].tolist()
    return tuple(joined[a:b].decode() for a, b in zip([0, *ends], ends, strict=False))


def _pack_table(name: str, table: pd.DataFrame) -> Arrays:
    """Columns of numbers as they are, others as texts."""
    arrays = pack_texts(f"{name}_columns", [str(column) for column in table.columns])
    for number, (_, column) in enumerate(table.items()):
        if pd.api.types.is_numeric_dtype(column.dtype):
            arrays[f"{name}_{number}"] = column.to_numpy()
        else:
            arrays |= pack_texts(f"{name}_{number}", column.astype(str).tolist())
    return arrays


def _unpack_table(name: str, arrays: Mapping[str, npt.NDArray[Any]]) -> pd.DataFrame | None:
    columns = unpack_texts(f"{name}_columns", arrays)
    if not columns:
        return None
    values = [
        arrays[key] if (key := f"{name}_{number}") in arrays else list(unpack_texts(key, arrays))
        for number in range(len(columns))
    ]
    table = pd.DataFrame(dict(enumerate(values)))
    table.columns = pd.Index(columns)
    return table
