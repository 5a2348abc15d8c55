"""MNIST: handwritten digits, 60,000 + 10,000 of 28 × 28."""

from __future__ import annotations

from functools import partial

from core.datasets import idx
from core.datasets.source import Source

MNIST = Source(
    name="mnist",
    title="MNIST",
    summary="Handwritten digits, 60,000 for training and 10,000 for testing, 28 × 28 grey.",
    licence="Copyright Yann LeCun and Corinna Cortes, under CC BY-SA 3.0.",
    version=1,
    files=partial(idx.find, "MNIST"),
    fetch=partial(idx.fetch, "MNIST"),
    read=partial(idx.read, tuple("0123456789")),
)
