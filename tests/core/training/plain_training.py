"""Training one network as people write it, after the paper's section 2.4; for tests only."""

import numpy as np
import torch
from torch import nn

from core.datasets.base import Dataset, Split
from core.specs import TrainingSet
from core.training import Recipe


def blobs(
    shape: tuple[int, int, int] = (8, 8, 1),
    classes: int = 3,
    train: int = 120,
    test: int = 60,
    noise: float = 40,
    peak: int = 255,
) -> Dataset:
    """A made-up data set: one random image for each class, and noise."""
    rng = np.random.default_rng(7)
    centres = rng.uniform(0.2, 0.8, (classes, *shape)) * peak

    def split(images: int) -> Split:
        y = np.arange(images) % classes
        x = centres[y] + rng.normal(0, noise * peak / 255, (images, *shape))
        return Split(x.clip(0, peak).astype(np.uint8), y.astype(np.int64))

    names = tuple("abcdefghijkl"[:classes])
    return Dataset("blobs", "", split(train), split(test), names, "blobs", "", "", peak=peak)


def some(dataset: Dataset, images: int, seed: int) -> TrainingSet:
    """Images drawn at random."""
    rows = np.random.default_rng(seed).choice(len(dataset.train), images, replace=False)
    return TrainingSet(dataset.fingerprint, rows)


class Pixels(nn.Module):
    """Each image's values in the order of the data set's array."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.permute(0, 2, 3, 1).flatten(1)


def perceptron(dataset: Dataset, hidden: list[int]) -> nn.Sequential:
    sizes = [int(np.prod(dataset.image_shape)), *hidden]
    layers: list[nn.Module] = [Pixels()]
    for inputs, outputs in zip(sizes, hidden, strict=False):
        layers += [nn.Linear(inputs, outputs), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], len(dataset.classes)))


def train(
    network: nn.Module,
    dataset: Dataset,
    training_set: TrainingSet,
    recipe: Recipe,
    generator: torch.Generator,
) -> tuple[np.ndarray, float, int]:
    """Predictions of the test split, training accuracy, epochs."""

    def pixels(x: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(x.transpose(0, 3, 1, 2).astype(np.float32) / dataset.peak)

    def predict(x: np.ndarray) -> np.ndarray:
        network.eval()
        with torch.no_grad():
            return network(pixels(x)).argmax(1).numpy()

    x = dataset.train.x[training_set.rows]
    y = dataset.train.y[training_set.rows]
    adam = torch.optim.Adam(network.parameters())
    for epoch in range(1, recipe.max_epochs + 1):
        rate = 1e-3 if epoch == 1 else 1e-4 if epoch < 300 else 1e-5
        for group in adam.param_groups:
            group["lr"] = rate
        order = torch.randperm(len(y), generator=generator).numpy()
        network.train()
        batches = [order[i : i + recipe.batch] for i in range(0, len(y), recipe.batch)]
        if len(batches) > 1 and len(batches[-1]) == 1:
            batches[-2:] = [np.concatenate(batches[-2:])]
        for batch in batches:
            adam.zero_grad()
            loss = nn.functional.cross_entropy(network(pixels(x[batch])), torch.tensor(y[batch]))
            loss.backward()
            adam.step()
        accuracy = float((predict(x) == y).mean())
        if epoch >= recipe.min_epochs and accuracy >= recipe.accuracy:
            break
    return predict(dataset.test.x), accuracy, epoch
