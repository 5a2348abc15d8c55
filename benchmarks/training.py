"""CPU time of training a stack of MLPs against plain PyTorch, one training set after another.

    python -m benchmarks.training

Everything runs in one process on one thread, on MNIST: four random subsets of each size, width
128, the paper's recipe with the same seeds, so that both sides train the same networks for the
same number of epochs (but for a few, by rounding) and must predict the same classes. The plain
loops run the first two subsets, scaled by epochs to all four. Seconds are for one training set,
its test on 10,000 images included.

The columns: `loader`, the loop as most people write it, with a `DataLoader` of a `TensorDataset`;
`tensors`, the same loop over tensors indexed by a permutation; `stack`, this product.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from time import process_time

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from core import datasets, selection
from core.datasets import Dataset
from core.models import Model
from core.specs import Selection, TrainingSet
from core.training import PAPER

SIZES = (10, 30, 100)
DEPTHS = (1, 3, 5)
WIDTH = 128
SEEDS = range(4)


class Permuted:
    """Batches of tensors, shuffled by one permutation an epoch."""

    def __init__(self, x: Tensor, y: Tensor, shuffle: bool) -> None:
        self.x, self.y, self.shuffle = x, y, shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        rows = torch.randperm(len(self.y)) if self.shuffle else torch.arange(len(self.y))
        return ((self.x[part], self.y[part]) for part in rows.split(PAPER.batch))


def plain(
    dataset: Dataset, training_set: TrainingSet, depth: int, seed: int, loader: bool
) -> np.ndarray:
    """Train and test one network; gives the predictions."""
    torch.manual_seed(seed)
    sizes = [int(np.prod(dataset.image_shape)), *[WIDTH] * depth]
    hidden = [m for i in range(depth) for m in (nn.Linear(sizes[i], WIDTH), nn.ReLU())]
    network = nn.Sequential(*hidden, nn.Linear(WIDTH, len(dataset.classes)))
    x = torch.from_numpy(dataset.train.x[training_set.rows]).flatten(1) / 255
    y = torch.from_numpy(dataset.train.y[training_set.rows])
    if loader:
        batches = DataLoader(TensorDataset(x, y), batch_size=PAPER.batch, shuffle=True)
        ordered = DataLoader(TensorDataset(x, y), batch_size=PAPER.batch)
    else:
        batches, ordered = Permuted(x, y, True), Permuted(x, y, False)
    adam = torch.optim.Adam(network.parameters())
    for epoch in range(1, PAPER.max_epochs + 1):
        adam.param_groups[0]["lr"] = 1e-3 if epoch == 1 else 1e-4 if epoch < 300 else 1e-5
        for some_x, some_y in batches:
            adam.zero_grad()
            nn.functional.cross_entropy(network(some_x), some_y).backward()
            adam.step()
        if epoch >= PAPER.min_epochs:
            with torch.no_grad():
                right = sum((network(a).argmax(1) == b).sum().item() for a, b in ordered)
            if right / len(y) >= PAPER.accuracy:
                break
    with torch.no_grad():
        return network(torch.tensor(dataset.test.x).flatten(1) / 255).argmax(1).numpy()


def main() -> None:
    """Print one line for each size and depth."""
    torch.set_num_threads(1)
    dataset = datasets.load("mnist")
    warm = subsets(dataset, 10)
    Model.parse("mlp-1").fit_many(dataset, warm, SEEDS, "cpu")
    plain(dataset, warm[0], 1, 0, loader=True)
    print("CPU seconds   images   loader  tensors    stack   loader/stack tensors/stack")
    for size in SIZES:
        for depth in DEPTHS:
            compare(dataset, subsets(dataset, size), depth)


def subsets(dataset: Dataset, size: int) -> list[TrainingSet]:
    """Random training sets of so many images a class."""
    chosen = [selection.select(dataset, Selection("random", "", size, 0, s)) for s in SEEDS]
    return [TrainingSet(dataset.fingerprint, subset.rows) for subset in chosen]


def compare(dataset: Dataset, sets: list[TrainingSet], depth: int) -> None:
    """Print one line; stop where the two sides disagree."""
    model = Model.parse(f"mlp-{depth}:width={WIDTH}")
    start = process_time()
    fits = model.fit_many(dataset, sets, SEEDS, "cpu")
    stack = (process_time() - start) / len(sets)
    seconds = []
    for loader in (True, False):
        start = process_time()
        predictions = [plain(dataset, s, depth, i, loader) for i, s in enumerate(sets[:2])]
        epochs = sum(fit.epochs for fit in fits[:2]) / sum(fit.epochs for fit in fits)
        seconds.append((process_time() - start) / len(sets) / epochs)
    agree = min((a == b.predictions).mean() for a, b in zip(predictions, fits, strict=False))
    if agree < 0.97:
        sys.exit(f"{model.label}: the two sides agree on {agree:.1%} of the test images only")
    ratios = "".join(f"{taken / stack:13.1f}×" for taken in seconds)
    times = "".join(f"{taken:9.2f}" for taken in (*seconds, stack))
    print(f"{model.label:12} {len(sets[0].rows):7}{times}{ratios}", flush=True)


if __name__ == "__main__":
    main()
