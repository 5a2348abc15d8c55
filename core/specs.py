"""The frozen values that decide everything, and the content keys they are remembered by."""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import MISSING, dataclass, field, fields
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from core.errors import InputError, UnknownName

KEY_LENGTH = 32


def content_key(kind: str, values: Mapping[str, Any]) -> str:
    """Key of a value: 32 hex digits of the SHA-256 of its canonical JSON.

    Args:
        kind: What the value is, so that two kinds with the same content differ.
        values: JSON-ready content; the order does not matter.
    """
    text = json.dumps({"kind": kind, **values}, sort_keys=True, separators=(",", ":"))
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
        check_whole("per_class", self.per_class, 1)
        check_whole("excess", self.excess, 0)
        check_whole("seed", self.seed, 0)


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


def setting(default: Any = MISSING, *, help: str) -> Any:
    """A field of a `Spec` with the sentence that widgets and the command line show."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Spec:
    """What a person asks of a study: made from TOML, checked, shown and written back.

    Fields are texts, whole numbers and tuples of them, each with its help text.
    """

    @classmethod
    def help(cls, name: str) -> str:
        """The help text of a setting."""
        return str(next(item.metadata["help"] for item in fields(cls) if item.name == name))

    def to_dict(self) -> dict[str, Any]:
        """JSON- and TOML-ready values of all settings."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {k: list(v) if isinstance(v, tuple) else v for k, v in values.items()}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """The spec with these settings; the others have their defaults.

        Raises:
            InputError: A setting is unknown or missing, or a value cannot be used.
        """
        for name in values:
            check_known("setting", name, [item.name for item in fields(cls)])
        for item in fields(cls):
            if item.default is MISSING and item.name not in values:
                raise InputError(f"The setting {item.name} is missing: {item.metadata['help']}")
        return cls(**{k: tuple(v) if isinstance(v, list) else v for k, v in values.items()})

    @classmethod
    def from_toml(cls, path: Path) -> Self:
        """The spec in a TOML file; without a name in it, it is called like the file.

        Raises:
            InputError: The file cannot be read, or its content cannot be used.
        """
        try:
            values = tomllib.loads(path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(f"{path} cannot be read as a study: {error}.") from error
        return cls.from_dict({"name": path.stem, **values})

    def to_toml(self) -> str:
        """The spec as a TOML file that gives the same study."""
        # JSON writes texts, whole numbers and lists of them as TOML does, but for DEL.
        lines = (f"{name} = {json.dumps(value)}\n" for name, value in self.to_dict().items())
        return "".join(lines).replace("\x7f", "\\u007f")


def check_whole(name: str, value: object, least: int) -> None:
    """Raise an InputError unless the value is a whole number from `least` up."""
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise InputError(f"{name} must be a whole number from {least} up; got {value!r}.")


def check_text(name: str, value: object) -> None:
    """Raise an InputError unless the value is a text that is not empty."""
    if not isinstance(value, str) or not value:
        raise InputError(f"{name} must be a text; got {value!r}.")


def check_list(name: str, values: object) -> None:
    """Raise an InputError unless the value is a tuple without repeats."""
    if not isinstance(values, tuple):
        raise InputError(f"{name} must be a list, such as {name} = [...]; got {values!r}.")
    for value in values:
        if values.count(value) > 1:
            raise InputError(f"{name} lists {value!r} twice.")


def check_known(kind: str, value: object, known: Collection[str]) -> None:
    """Raise an UnknownName unless the value is one of those known."""
    if value not in known:
        raise UnknownName(kind, value, known)
