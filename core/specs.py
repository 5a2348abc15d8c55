"""The frozen values that decide everything, and the content keys they are remembered by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from core.errors import InputError

KEY_LENGTH = 32


def content_key(kind: str, fields: Mapping[str, Any]) -> str:
    """Key of a value: 32 hex digits of the SHA-256 of its canonical JSON.

    Args:
        kind: What the value is, so that two kinds with the same fields differ.
        fields: JSON-ready values; the order does not matter.
    """
    text = json.dumps({"kind": kind, **fields}, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:KEY_LENGTH]


def seed_from(*parts: object) -> int:
    """A 63-bit seed that depends on the parts alone, never on order, batch or worker."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


@dataclass(frozen=True)
class Selection:
    """The recipe of one class-balanced subset (X-Factor paper, section 2.3).

    `per_class + excess` images are drawn from each class at random by `seed`; the strategy
    discards `excess` of them. The draw does not depend on the strategy or the direction.
    """

    strategy: str
    direction: str
    per_class: int
    excess: int
    seed: int

    def __post_init__(self) -> None:
        for name, least in (("per_class", 1), ("excess", 0), ("seed", 0)):
            value = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < least:
                raise InputError(f"{name} must be a whole number from {least} up; got {value!r}.")


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What a model is trained on: a data set and the training rows kept.

    Args:
        dataset: Fingerprint of the data set.
        rows: Training row numbers; kept sorted, without repeats, as a read-only int32 array.
    """

    dataset: str
    rows: npt.NDArray[np.int32]

    def __post_init__(self) -> None:
        rows = np.unique(np.asarray(self.rows, dtype=np.int32))
        if rows.size != np.size(self.rows):
            raise InputError("A training set must not hold a row twice.")
        rows.setflags(write=False)
        object.__setattr__(self, "rows", rows)

    @cached_property
    def key(self) -> str:
        """Content key: equal for equal data and rows, however they were chosen."""
        digest = hashlib.sha256(self.rows.astype("<i4").tobytes()).hexdigest()
        return content_key("training-set", {"dataset": self.dataset, "rows": digest})
