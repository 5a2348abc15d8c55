"""CPU time of training a stack of MLPs against plain PyTorch, one training set after another.

Everything runs in one process on one thread, on MNIST: four random subsets of each size, width
128, the paper's recipe with the same seeds, so that both sides train the same networks for the
same number of epochs (but for a few, by rounding) and must predict nearly the same classes. The
plain loops run the first two subsets, scaled by epochs to all four. Seconds are for one training
set, its test on 10,000 images included.

Plain is the loop as most people write it, with a `DataLoader` of a `TensorDataset`; `tensors` is
the same loop over tensors indexed by a permutation.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.timing import line, timed
from core import datasets, selection
from core.datasets import Dataset
from core.models import Model
from core.specs import Selection, TrainingSet
from core.training import PAPER

TARGETS = {10: 2.5, 30: 2.5, 100: 2.0}  # by images a class
DEPTHS = (1, 3, 5)
WIDTH = 128
ALIKE = {1: 0.97, 3: 0.9, 5: 0.9}  # by depth: rounding sends deep networks apart
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


def plain_all(
    dataset: Dataset, sets: list[TrainingSet], depth: int, loader: bool
) -> list[np.ndarray]:
    """Predictions of one network after another."""
    return [plain(dataset, one, depth, seed, loader) for seed, one in enumerate(sets)]


def run() -> None:
    """Print two lines for each size and depth."""
    dataset = datasets.load("mnist")
    warm = subsets(dataset, 10)
    Model.parse("mlp-1").fit_many(dataset, warm, SEEDS, "cpu")
    plain(dataset, warm[0], 1, 0, loader=True)
    for size, target in TARGETS.items():
        for depth in DEPTHS:
            compare(dataset, subsets(dataset, size), depth, target)


def subsets(dataset: Dataset, size: int) -> list[TrainingSet]:
    """Random training sets of so many images a class."""
    chosen = [selection.select(dataset, Selection("random", "", size, 0, s)) for s in SEEDS]
    return [TrainingSet(dataset.fingerprint, subset.rows) for subset in chosen]


def compare(dataset: Dataset, sets: list[TrainingSet], depth: int, target: float) -> None:
    """Print two lines; stop where the two sides disagree."""
    model = Model.parse(f"mlp-{depth}:width={WIDTH}")
    fits, stack = timed(model.fit_many, dataset, sets, SEEDS, "cpu")
    share = sum(fit.epochs for fit in fits[:2]) / sum(fit.epochs for fit in fits)
    for loader in (True, False):
        predictions, taken = timed(plain_all, dataset, sets[:2], depth, loader)
        agree = min((a == b.predictions).mean() for a, b in zip(predictions, fits, strict=False))
        if agree < ALIKE[depth]:
            sys.exit(f"{model.label}: the two sides agree on {agree:.1%} of the test images only")
        what = f"{model.label}, {len(sets[0].rows)} images{'' if loader else ', tensors'}"
        line(what, taken / share / len(sets), stack / len(sets), target if loader else None)
