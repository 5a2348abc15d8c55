"""One network of any kind, trained alone; for those that do not stack."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from core.corruption import prepared
from core.datasets.base import Dataset
from core.errors import TrainingDiverged
from core.specs import TrainingSet, seed_from
from core.training.fit import Fit
from core.training.pixels import chunks, one_thread, scaled
from core.training.recipe import PAPER, Recipe


def build(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network with torch's default initial weights, drawn by a seed.

    Args:
        make: Builds the network; layers draw from torch's global generator, which is put back.
        seed: Decides the weights.
    """
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        return make()


def train_network(
    network: nn.Module,
    dataset: Dataset,
    training_set: TrainingSet,
    seed: int,
    device: str,
    recipe: Recipe = PAPER,
    weights: str = "random",
) -> Fit:
    """Train a network on one training set and test it.

    Args:
        network: Takes float32 of shape (n, channels, height, width), gives (n, classes).
        dataset: The data set that the training set is of.
        training_set: What to train on.
        seed: Decides the shuffling.
        device: A torch device.
        recipe: Batches, epochs and learning rates.
        weights: What the network starts from, for the record.

    Raises:
        TrainingDiverged: The network's outputs are no longer finite.

    References:
        X-Factor paper, section 2.4.
    """
    start = time.perf_counter()
    data = prepared(dataset, training_set)
    with one_thread(), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        network.to(device)
        images = _channels_first(scaled(torch.tensor(data.x), dataset.peak))
        images, labels = images.to(device), torch.tensor(data.y, device=device)
        generator = torch.Generator().manual_seed(seed_from("order", seed))
        adam = torch.optim.Adam(network.parameters(), fused=True)
        epoch, accuracy = 0, 0.0
        while not recipe.stops(epoch, accuracy):
            epoch += 1
            adam.param_groups[0]["lr"] = recipe.learning_rate(epoch)
            order = torch.randperm(len(data.y), generator=generator).to(device)
            network.train()
            for batch in recipe.batches(len(data.y)):
                adam.zero_grad()
                outputs = network(images[order[batch]])
                torch.autograd.backward(cross_entropy(outputs, labels[order[batch]]))
                adam.step()
            if recipe.may_stop(epoch):
                predicted = _predict(network, data.x, dataset.peak, device)
                accuracy = float((predicted == data.y).mean())
        predictions = _predict(network, data.test_x, dataset.peak, device)
    return Fit(predictions, accuracy, epoch, time.perf_counter() - start, weights)


def _channels_first(images: torch.Tensor) -> torch.Tensor:
    return images.permute(0, 3, 1, 2).contiguous()


@torch.no_grad()
def _predict(
    network: nn.Module, images: npt.NDArray[np.uint8], peak: int, device: str
) -> npt.NDArray[np.int64]:
    """Predicted class of each image, in evaluation mode."""
    network.eval()
    predictions = []
    for pixels in chunks(images, peak, device):
        outputs = network(_channels_first(pixels))
        if not outputs.isfinite().all():
            raise TrainingDiverged
        predictions.append(outputs.argmax(1))
    return torch.cat(predictions).cpu().numpy()
