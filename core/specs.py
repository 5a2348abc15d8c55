"""The frozen values that decide everything, and the content keys they are remembered by."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Collection, Mapping
from dataclasses import MISSING, asdict, dataclass, field, fields, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

from core.errors import InputError, UnknownName

KEY_LENGTH = 32
MOST_ROWS = 100_000_000
MOST_REPEATS = 10_000  # so that no plan that is read is too large to list


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


@dataclass(frozen=True)
class Damage:
    """One perturbation of the pixels of some images, as a recipe.

    Args:
        name: Of the perturbation, as `core.corruption` lists it.
        level: How strong, in the perturbation's own unit.
        share: Share of the images that it hits, from 0 to 1.
        seed: Decides which images it hits and what it draws at random.
    """

    name: str
    level: float
    share: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        check_text("The name of a perturbation", self.name)
        check_whole("seed", self.seed, 0)
        if not math.isfinite(self.level):
            raise InputError(f"The level of {self.name} must be a number; got {self.level!r}.")
        if not 0 <= self.share <= 1:
            raise InputError(f"share must be a number from 0 to 1; got {self.share!r}.")
        for name in ("level", "share"):  # 16 and 16.0 are one damage, under one content key.
            object.__setattr__(self, name, float(getattr(self, name)))


@dataclass(frozen=True, eq=False)
class TrainingSet:
    """What a model is trained on and tested on: rows kept, labels changed, pixels changed.

    Args:
        dataset: Fingerprint of the data set.
        rows: Training row numbers; kept sorted, without repeats, as a read-only int32 array.
        labels: Class number of each row, in the order of `rows`, int64; None as they are given.
            Kept in the order of the sorted rows, read-only.
        train_damage: What is done to the training images, one after another.
        test_damage: What is done to the test images, one after another.
    """

    dataset: str
    rows: npt.NDArray[np.int32]
    labels: npt.NDArray[np.int64] | None = None
    train_damage: tuple[Damage, ...] = ()
    test_damage: tuple[Damage, ...] = ()

    def __post_init__(self) -> None:
        rows, order = np.unique(np.asarray(self.rows, dtype=np.int32), return_index=True)
        if rows.size != np.size(self.rows):
            raise InputError("A training set must not hold a row twice.")
        rows.setflags(write=False)
        object.__setattr__(self, "rows", rows)
        if self.labels is not None:
            if np.shape(self.labels) != rows.shape:
                raise InputError(
                    f"A training set of {rows.size} rows needs as many labels; "
                    f"got {np.size(self.labels)}."
                )
            labels = np.asarray(self.labels, dtype=np.int64)[order]
            labels.setflags(write=False)
            object.__setattr__(self, "labels", labels)

    @cached_property
    def training(self) -> TrainingSet:
        """What is trained on, whatever it is tested on: this set without damage to the test."""
        return replace(self, test_damage=()) if self.test_damage else self

    @cached_property
    def key(self) -> str:
        """Content key: equal for equal data, rows and changes, however they were chosen.

        What is not changed is left out.
        """
        digest = hashlib.sha256(self.rows.astype("<i4").tobytes()).hexdigest()
        values: dict[str, Any] = {"dataset": self.dataset, "rows": digest}
        if self.labels is not None:
            values["labels"] = hashlib.sha256(self.labels.astype("<i8").tobytes()).hexdigest()
        for name in ("train_damage", "test_damage"):
            if damages := getattr(self, name):
                values[name] = [asdict(damage) for damage in damages]
        return content_key("training-set", values)


def setting(default: Any = MISSING, *, help: str) -> Any:
    """A field of a `Spec` with the sentence that widgets and the command line show."""
    return field(default=default, metadata={"help": help})


@dataclass(frozen=True)
class Spec:
    """What a person asks of a study: made from TOML, checked, shown and written back.

    Fields are texts, numbers and tuples of them, each with its help text.
    """

    study: ClassVar[str]

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

    def to_toml(self) -> str:
        """The spec as a TOML file that gives the same study."""
        # JSON writes texts, whole numbers and lists of them as TOML does, but for DEL.
        values = {"study": self.study, **self.to_dict()}
        lines = (f"{name} = {json.dumps(value)}\n" for name, value in values.items())
        return "".join(lines).replace("\x7f", "\\u007f")


def parse_rows(name: str, text: str) -> npt.NDArray[np.int32]:
    """Row numbers from a text such as `3,17-19`, sorted, each once.

    Raises:
        InputError: A part is neither a row number nor a range of them.
    """
    rows: list[npt.NDArray[np.int32]] = []
    _check_is_text(name, text)
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        last = last if dash else first
        numbers = all(number.isascii() and number.isdecimal() for number in (first, last))
        if not numbers or not int(first) <= int(last) < 2**31:
            raise InputError(
                f"{name} lists row numbers and ranges of them, such as 3,17-19; got {part!r}."
            )
        if int(last) - int(first) >= MOST_ROWS:
            raise InputError(f"{name}: the range {part} holds more than {MOST_ROWS:,} rows.")
        rows.append(np.arange(int(first), int(last) + 1, dtype=np.int32))
    return np.unique(np.concatenate(rows)) if rows else np.empty(0, dtype=np.int32)


def parse_labels(name: str, text: str) -> dict[int, int]:
    """Class numbers by row number from a text such as `3=7,19=0`.

    Raises:
        InputError: A part is no row number, `=` and class number, or a row comes twice.
    """
    labels: dict[int, int] = {}
    _check_is_text(name, text)
    for part in filter(None, (part.strip() for part in text.split(","))):
        row, _, label = part.partition("=")
        if not all(number.isascii() and number.isdecimal() for number in (row, label)):
            raise InputError(f"{name} lists row=class number, such as 3=7,19=0; got {part!r}.")
        if int(row) in labels:
            raise InputError(f"{name} gives row {int(row)} two labels.")
        labels[int(row)] = int(label)
    return labels


def rows_text(rows: npt.ArrayLike) -> str:
    """Row numbers as the text that `parse_rows` reads."""
    numbers = np.unique(np.asarray(rows, dtype=np.int32))
    runs = np.split(numbers, np.flatnonzero(np.diff(numbers) > 1) + 1) if numbers.size else []
    return ",".join(f"{run[0]}-{run[-1]}" if run.size > 1 else f"{run[0]}" for run in runs)


def check_whole(name: str, value: object, least: int, most: float = math.inf) -> None:
    """Raise an InputError unless the value is a whole number from `least` to `most`."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        end = "up" if most == math.inf else f"to {most:,}"
        raise InputError(f"{name} must be a whole number from {least} {end}; got {value!r}.")


def check_share(name: str, value: object, most: float = 1.0) -> None:
    """Raise an InputError unless the value is a number from 0 to `most`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= most:
        raise InputError(f"{name} must be a number from 0 to {most:g}; got {value!r}.")


def _check_is_text(name: str, value: object) -> None:
    if not isinstance(value, str):
        raise InputError(f"{name} must be a text, in quotes; got {value!r}.")


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
