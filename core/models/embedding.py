"""A network for texts: embeddings of words, their mean, a linear layer."""

from __future__ import annotations

from collections.abc import Sequence

from core.datasets.base import Dataset
from core.models.base import Family, Option, Options
from core.specs import TrainingSet
from core.training.fit import Fit

WIDTH = Option(32, 1, 1024, "Values in the embedding of a word.")


def _fit_many(
    dataset: Dataset,
    training_sets: Sequence[TrainingSet],
    seeds: Sequence[int],
    options: Options,
    device: str,
) -> list[Fit]:
    from core.training.embedding import train_embedding

    return [
        train_embedding(dataset, training_set, seed, options["width"])
        for training_set, seed in zip(training_sets, seeds, strict=True)
    ]


def _seconds(texts: int, words: int, test: int) -> float:
    # A step goes over the embeddings of all words, whatever the batch.
    steps = min(50 * texts, max(75_000, 3 * texts)) / 100 + 50
    return steps * (4e-3 + 3e-6 * words) + 1e-7 * words * (texts + test)


EMBEDDING = Family(
    name="embedding",
    title="Embedding bag",
    summary="Network for texts: the mean of the embeddings of their words, and a linear layer.",
    fit_many=_fit_many,
    version=1,
    options={"width": WIDTH},
    seconds=_seconds,
    gpu=False,
    kinds=frozenset({"text"}),
)
