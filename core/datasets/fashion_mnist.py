"""Fashion-MNIST: articles of clothing, 60,000 + 10,000 of 28 × 28."""

from __future__ import annotations

from functools import partial

from core.datasets import idx
from core.datasets.source import Source

CLASSES = (
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
)

FASHION_MNIST = Source(
    name="fashion-mnist",
    title="Fashion-MNIST",
    summary="Articles of clothing, 60,000 for training and 10,000 for testing, 28 × 28 grey.",
    licence="Copyright Zalando SE, under the MIT licence.",
    version=1,
    files=partial(idx.find, "FashionMNIST"),
    fetch=partial(idx.fetch, "FashionMNIST"),
    read=partial(idx.read, CLASSES),
)
