"""Time of training a stack of MLPs against plain PyTorch, one training set after another.

Everything runs in one process on one thread, on MNIST: four random subsets of each size (on a GPU
as many as a study trains there at once), width 128, the paper's recipe with the same seeds, so that
both sides train the same networks for the same number of epochs (but for a few, by rounding) and
must predict nearly the same classes. The plain loops run the first two subsets, scaled by epochs
to all. Seconds are for one training set, its test on 10,000 images included.

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
from core import datasets, selection, settings
from core.datasets import Dataset
from core.models import Model
from core.specs import Selection, TrainingSet
from core.training import PAPER

TARGETS = {"cpu": {10: 2.5, 30: 2.5, 100: 2.0}, "cuda": {10: 30, 30: 30, 100: 30}}  # by n
DEPTHS = (1, 3, 5)
WIDTH = 128
ALIKE = {1: 0.97, 3: 0.9, 5: 0.9}  # by depth: rounding sends deep networks apart
SETS = 4


class Permuted:
    """Batches of tensors, shuffled by one permutation an epoch."""

    def __init__(self, x: Tensor, y: Tensor, shuffle: bool) -> None:
        self.x, self.y, self.shuffle = x, y, shuffle

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        order = torch.randperm if self.shuffle else torch.arange
        rows = order(len(self.y), device=self.y.device)
        return ((self.x[part], self.y[part]) for part in rows.split(PAPER.batch))


def plain(
    dataset: Dataset, training_set: TrainingSet, depth: int, seed: int, loader: bool
) -> np.ndarray:
    """Train and test one network; gives the predictions."""
    torch.manual_seed(seed)
    device = settings.device()
    sizes = [int(np.prod(dataset.image_shape)), *[WIDTH] * depth]
    hidden = [m for i in range(depth) for m in (nn.Linear(sizes[i], WIDTH), nn.ReLU())]
    network = nn.Sequential(*hidden, nn.Linear(WIDTH, len(dataset.classes))).to(device)
    x = torch.from_numpy(dataset.train.x[training_set.rows]).flatten(1) / 255
    y = torch.from_numpy(dataset.train.y[training_set.rows])
    if loader:
        batches = DataLoader(TensorDataset(x, y), batch_size=PAPER.batch, shuffle=True)
        ordered = DataLoader(TensorDataset(x, y), batch_size=PAPER.batch)
    else:
        x, y = x.to(device), y.to(device)
        batches, ordered = Permuted(x, y, True), Permuted(x, y, False)
    adam = torch.optim.Adam(network.parameters())
    for epoch in range(1, PAPER.max_epochs + 1):
        adam.param_groups[0]["lr"] = 1e-3 if epoch == 1 else 1e-4 if epoch < 300 else 1e-5
        for some_x, some_y in batches:
            adam.zero_grad()
            some_x, some_y = some_x.to(device), some_y.to(device)
            nn.functional.cross_entropy(network(some_x), some_y).backward()
            adam.step()
        if epoch >= PAPER.min_epochs:
            with torch.no_grad():
                right = sum(
                    (network(a.to(device)).argmax(1) == b.to(device)).sum().item()
                    for a, b in ordered
                )
            if right / len(y) >= PAPER.accuracy:
                break
    with torch.no_grad():
        test = torch.tensor(dataset.test.x, device=device).flatten(1) / 255
        return network(test).argmax(1).cpu().numpy()


def plain_all(
    dataset: Dataset, sets: list[TrainingSet], depth: int, loader: bool
) -> list[np.ndarray]:
    """Predictions of one network after another."""
    return [plain(dataset, one, depth, seed, loader) for seed, one in enumerate(sets)]


def run() -> None:
    """Print two lines for each size and depth."""
    dataset, device = datasets.load("mnist"), settings.device()
    warm = subsets(dataset, 10, SETS)
    Model.parse("mlp-1").fit_many(dataset, warm, range(SETS), device)
    plain(dataset, warm[0], 1, 0, loader=True)
    for size, target in TARGETS[device].items():
        for depth in DEPTHS:
            batch = Model.parse(f"mlp-{depth}").batch(size * len(dataset.classes), device)
            count = SETS if device == "cpu" else batch
            compare(dataset, subsets(dataset, size, count), depth, target)


def subsets(dataset: Dataset, size: int, count: int) -> list[TrainingSet]:
    """Random training sets of so many images a class."""
    chosen = [
        selection.select(dataset, Selection("random", "", size, 0, seed)) for seed in range(count)
    ]
    return [TrainingSet(dataset.fingerprint, subset.rows) for subset in chosen]


def compare(dataset: Dataset, sets: list[TrainingSet], depth: int, target: float) -> None:
    """Print two lines; stop where the two sides disagree."""
    model = Model.parse(f"mlp-{depth}:width={WIDTH}")
    seeds = range(len(sets))
    fits, stack = timed(model.fit_many, dataset, sets, seeds, settings.device())
    share = sum(fit.epochs for fit in fits[:2]) / sum(fit.epochs for fit in fits)
    for loader in (True, False):
        predictions, taken = timed(plain_all, dataset, sets[:2], depth, loader)
        agree = min((a == b.predictions).mean() for a, b in zip(predictions, fits, strict=False))
        if agree < ALIKE[depth]:
            sys.exit(f"{model.label}: the two sides agree on {agree:.1%} of the test images only")
        what = f"{model.label}, {len(sets[0].rows)} images{'' if loader else ', tensors'}"
        line(what, taken / share / len(sets), stack / len(sets), target if loader else None)
