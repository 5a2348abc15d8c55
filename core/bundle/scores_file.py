"""A scores file: a line that says what it is, then a line a unit, each after its SHA-256."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Sequence
from typing import Any

from core.bundle.members import BadBundle, from_json, from_scores, to_json
from core.datasets.base import Dataset
from core.errors import InputError
from core.store import Score
from core.studies.xfactor_spec import XFactorSpec
from core.units import Unit

VERSION = 1
LONGEST = 1000
MOST_EPOCHS = 1 << 31
SHARES = ("accuracy", "macro_f1", "train_accuracy")


def line(values: dict[str, Any]) -> bytes:
    """Values as a line of the file."""
    text = to_json(values)
    return hashlib.sha256(text).hexdigest().encode() + b" " + text + b"\n"


def read_scores(content: bytes) -> tuple[dict[str, Any], list[Score]]:
    """The header and the scores; a last line that was cut off is left out."""
    lines = content[: content.rfind(b"\n") + 1].splitlines()
    values = []
    for number, line in enumerate(lines, 1):
        digest, _, text = line.partition(b" ")
        if digest != hashlib.sha256(text).hexdigest().encode():
            raise BadBundle(f"Line {number} of the scores file is damaged or was edited.")
        values.append(from_json(f"line {number}", text, dict))
    try:
        header, *rows = values
        if (header["format"], header["version"]) != ("xfactor-scores", VERSION):
            raise ValueError("it is of another version of this program")
        XFactorSpec.from_dict(header["spec"])
        scores = from_scores(rows)
        if not all(isinstance(one.unit, str) for one in scores):
            raise TypeError("a unit is no text")
        return header, scores
    except (KeyError, TypeError, ValueError, AttributeError, InputError) as error:
        raise BadBundle(f"This is no scores file: {error}.") from error


def check(score: Score, unit: Unit | None, dataset: Dataset) -> None:
    """Refuse a score that is not one of a unit of the study, or no score at all."""
    if unit is None:
        raise BadBundle(f"{score.unit!r} is no unit of the study.")
    expected = {
        "training_set": unit.training_set.key,
        "model": unit.model.key,
        "label": unit.model.label,
        "dataset": dataset.fingerprint,
        "size": unit.training_set.rows.size,
        "seed": unit.seed,
    }
    shares: Sequence[Any] = [*(getattr(score, name) for name in SHARES), *score.class_accuracy]
    numbers = all(isinstance(one, float) for one in shares) and isinstance(score.seconds, float)
    if (
        any(getattr(score, name) != value for name, value in expected.items())
        or not numbers
        or len(score.class_accuracy) != len(dataset.classes)
        or not all(0 <= one <= 1 for one in shares[: len(SHARES)])
        or not all(0 <= one <= 1 or math.isnan(one) for one in shares[len(SHARES) :])
        or not (type(score.epochs) is int and 0 <= score.epochs < MOST_EPOCHS)
        or not 0 <= score.seconds < math.inf
        or not all(map(_is_text, (score.device, score.weights, score.versions)))
    ):
        raise BadBundle(f"The score of {score.unit!r} is not one that its unit can have.")


def _is_text(value: object) -> bool:
    """Whether it is a text that a database takes: JSON can name halves of characters."""
    return isinstance(value, str) and value.isprintable() and len(value) <= LONGEST
