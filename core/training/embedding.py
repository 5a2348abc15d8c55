"""A network on bags of words: the mean of the embeddings of a text's words, and a linear layer."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding_bag

from core.corruption import prepared
from core.datasets.base import Dataset
from core.errors import TrainingDiverged
from core.specs import TrainingSet, seed_from
from core.training.fit import Fit
from core.training.network import build
from core.training.pixels import one_thread
from core.training.recipe import Recipe

SPREAD = 0.1  # Standard deviation of initial embeddings; torch's 1 would outshout the data.
ROWS = 75_000  # Rows seen in training: more and texts are learnt by heart.
BATCH, RATE, FEWEST, MOST = 100, 3e-3, 3, 50
CHUNK = 4096


class BagOfWords(nn.Module):
    """Logits of texts given as word numbers.

    Written with `nn.Embedding` and a mean, which torch can differentiate in forward mode;
    training takes `outputs`, which gives the same without padding.

    Args:
        words: In the vocabulary.
        width: Of the embeddings.
        classes: Of the data set.
    """

    def __init__(self, words: int, width: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words + 1, width, padding_idx=0)
        self.output = nn.Linear(width, classes)
        nn.init.normal_(self.embedding.weight, std=SPREAD)
        with torch.no_grad():
            self.embedding.weight[0] = 0

    def forward(self, words: Tensor) -> Tensor:
        """Logits, shape (n, classes), of word numbers from `tokens`, shape (n, longest)."""
        count = (words != 0).sum(1, keepdim=True).clamp(min=1)
        logits: Tensor = self.output(self.embedding(words).sum(1) / count)
        return logits

    def outputs(self, x: Any) -> Tensor:
        """The same logits of a CSR array of shape (n, words), whose values do not matter."""
        words = torch.from_numpy(x.indices.astype(np.int64)) + 1
        starts = torch.from_numpy(x.indptr[:-1].astype(np.int64))
        logits: Tensor = self.output(
            embedding_bag(words, self.embedding.weight, starts, mode="mean")
        )
        return logits


def tokens(x: Any) -> npt.NDArray[np.int64]:
    """The words of each text as numbers from 1, padded with 0.

    Args:
        x: CSR array, shape (n, words).

    Returns:
        Shape (n, words of the longest text), at least one column.
    """
    lengths = np.diff(x.indptr)
    words = np.zeros((x.shape[0], max(1, int(lengths.max(initial=0)))), dtype=np.int64)
    words[np.arange(words.shape[1]) < lengths[:, None]] = x.indices + 1
    return words


def recipe(rows: int) -> Recipe:
    """Adam for a fixed number of epochs, more of them the fewer rows there are."""
    epochs = min(max(ROWS // rows, FEWEST), MOST)
    return Recipe(batch=BATCH, min_epochs=epochs, max_epochs=epochs, rates=((1, RATE),))


def train_embedding(
    dataset: Dataset,
    training_set: TrainingSet,
    seed: int,
    width: int,
    keep: Callable[[BagOfWords], None] | None = None,
) -> Fit:
    """Train a network on bags of words and test it, on the CPU.

    Args:
        dataset: A data set of texts.
        training_set: What to train on.
        seed: Decides initial weights and shuffling.
        width: Of the embeddings.
        keep: Given the network once it is trained.

    Raises:
        TrainingDiverged: Its outputs are not finite.
    """
    start = time.perf_counter()
    data = prepared(dataset, training_set)
    plan, labels = recipe(len(data.y)), torch.tensor(data.y)
    generator = torch.Generator().manual_seed(seed_from("order", seed))
    with one_thread():
        words, classes = data.x.shape[1], len(dataset.classes)
        network = build(lambda: BagOfWords(words, width, classes), seed)
        assert isinstance(network, BagOfWords)
        adam = torch.optim.Adam(network.parameters(), fused=True)
        for epoch in range(1, plan.max_epochs + 1):
            adam.param_groups[0]["lr"] = plan.learning_rate(epoch)
            order = torch.randperm(len(labels), generator=generator)
            for batch in plan.batches(len(labels)):
                adam.zero_grad()
                outputs = network.outputs(data.x[order[batch].numpy()])
                torch.autograd.backward(cross_entropy(outputs, labels[order[batch]]))
                adam.step()
        accuracy = float((_predict(network, data.x) == data.y).mean())
        predictions = _predict(network, data.test_x)
    if keep:
        keep(network.eval())
    return Fit(predictions, accuracy, plan.max_epochs, time.perf_counter() - start, "random")


@torch.no_grad()
def _predict(network: BagOfWords, x: Any) -> npt.NDArray[np.int64]:
    chunks = [network.outputs(x[at : at + CHUNK]) for at in range(0, x.shape[0], CHUNK)]
    outputs = torch.cat(chunks)
    if not outputs.isfinite().all():
        raise TrainingDiverged
    return outputs.argmax(1).numpy()
