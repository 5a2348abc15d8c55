"""The handwritten digits inside scikit-learn: 1,797 images of 8 × 8, no download."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from core.datasets.base import Split
from core.datasets.source import Content, Files, Progress, Source
from core.errors import DatasetUnavailable

TRAIN_PER_CLASS = 130


def inside_scikit_learn(name: str) -> Files:
    """A data file that ships with scikit-learn.

    Raises:
        DatasetUnavailable: scikit-learn is not installed.
    """
    # Found without importing scikit-learn, which takes longer than listing every data set.
    spec = find_spec("sklearn")
    if spec is None or spec.origin is None:
        raise DatasetUnavailable(
            f"{name} ships inside scikit-learn, which is not installed: "
            "run pip install -r requirements.txt."
        )
    root = Path(spec.origin).parent / "datasets" / "data"
    return Files(root, (root / name,))


def _read(files: Files, progress: Progress) -> Content:
    """Read the digits; the first 130 of each class in file order are the training split."""
    from sklearn.datasets import load_digits

    digits = load_digits()
    x = digits.images.astype(np.uint8)[..., np.newaxis]
    y = digits.target.astype(np.int64)
    train = np.zeros(len(y), dtype=bool)
    for number in range(10):
        train[np.flatnonzero(y == number)[:TRAIN_PER_CLASS]] = True
    progress(len(y), len(y), "Reading digits")
    return Content(
        Split(x[train], y[train]),
        Split(x[~train], y[~train]),
        tuple(str(number) for number in range(10)),
        notes=(
            f"scikit-learn gives no split: the first {TRAIN_PER_CLASS} images of each class "
            f"in its order are the training split, the other {int((~train).sum())} the test split.",
            "Pixels are whole numbers from 0 to 16, as scikit-learn gives them.",
        ),
        peak=16,
    )


DIGITS = Source(
    name="digits",
    title="Digits (8 × 8)",
    summary="Handwritten digits that ship inside scikit-learn; work without a network.",
    licence="Optical Recognition of Handwritten Digits, UCI, under CC BY 4.0.",
    version=1,
    files=partial(inside_scikit_learn, "digits.csv.gz"),
    read=_read,
)
