"""One network of any kind, trained alone; for those that do not stack."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from core import settings
from core.corruption import prepared
from core.datasets.base import Dataset
from core.errors import TrainingDiverged
from core.specs import TrainingSet, seed_from
from core.training.fit import Fit
from core.training.pixels import CHUNK_VALUES, one_thread, scaled
from core.training.recipe import PAPER, Recipe

SUSPECTS = 256


def build(make: Callable[[], nn.Module], seed: int) -> nn.Module:
    """A network with torch's default initial weights, drawn by a seed.

    Args:
        make: Builds the network; layers draw from torch's global generator, which is put back.
        seed: Decides the weights.
    """
    with torch.random.fork_rng(devices=()):
        torch.default_generator.manual_seed(seed)
        return make()


def has_bf16() -> bool:
    """Whether this machine's GPU, or its processor where there is none, computes in bfloat16."""
    if settings.device() == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())


def train_network(
    network: nn.Module,
    dataset: Dataset,
    training_set: TrainingSet,
    seed: int,
    device: str,
    recipe: Recipe = PAPER,
    weights: str = "random",
    history: bool = False,
    bf16: bool = False,
) -> Fit:
    """Train a network on one training set and test it.

    Args:
        network: Takes float32 of shape (n, channels, height, width), gives (n, classes).
        dataset: The data set that the training set is of.
        training_set: What to train on.
        seed: Decides the shuffling, and what the network drops at random.
        device: A torch device.
        recipe: Batches, epochs and learning rates.
        weights: What the network starts from, for the record.
        history: Whether to test after every epoch and give the accuracies; changes nothing else.
        bf16: Whether products are computed in bfloat16, by torch's autocast; weights, their
            updates and normalisation stay in float32.

    Raises:
        TrainingDiverged: The network's outputs are no longer finite.

    References:
        X-Factor paper, section 2.4.
    """
    start = time.perf_counter()
    own_generator = torch.random.fork_rng(devices=() if device == "cpu" else (device,))
    with one_thread(), torch.backends.cudnn.flags(enabled=True, deterministic=True), own_generator:
        torch.manual_seed(seed_from("dropout", seed))
        run = _Run(network, dataset, training_set, seed, device, recipe, bf16)
        epoch, accuracy = 0, 0.0
        accuracies = []
        while not recipe.stops(epoch, accuracy):
            epoch += 1
            run.train(recipe.learning_rate(epoch))
            looked_at = recipe.may_stop(epoch) and run.may_have_learnt()
            if looked_at or history or epoch == recipe.max_epochs:
                accuracy = run.train_accuracy()
            if history:
                accuracies.append((accuracy, run.test_accuracy()))
        predictions = run.predict(run.test_images).cpu().numpy()
    seconds = time.perf_counter() - start
    return Fit(
        predictions, accuracy, epoch, seconds, weights, np.array(accuracies) if history else None
    )


class _Run:
    """A network on its way through a training set; the arguments are those of `train_network`."""

    def __init__(
        self,
        network: nn.Module,
        dataset: Dataset,
        training_set: TrainingSet,
        seed: int,
        device: str,
        recipe: Recipe,
        bf16: bool,
    ) -> None:
        data = prepared(dataset, training_set)
        self.network, self.recipe, self.peak = network.to(device), recipe, dataset.peak
        self.images, self.test_images = (_pixels(x, device) for x in (data.x, data.test_x))
        self.labels = torch.tensor(data.y, device=device)
        self.test_labels = torch.tensor(dataset.test.y, device=device)
        self.generator = torch.Generator().manual_seed(seed_from("order", seed))
        self.adam = torch.optim.Adam(network.parameters(), fused=True)
        kind = torch.device(device).type
        self.precision = torch.autocast(kind, torch.bfloat16, enabled=bf16)
        self.suspects = torch.arange(min(SUSPECTS, len(self.labels)), device=device)

    def train(self, learning_rate: float) -> None:
        """One epoch, in an order of its own."""
        self.adam.param_groups[0]["lr"] = learning_rate
        order = torch.randperm(len(self.labels), generator=self.generator).to(self.labels.device)
        self.network.train()
        for batch in self.recipe.batches(len(self.labels)):
            self.adam.zero_grad()
            with self.precision:
                outputs = self.network(scaled(self.images[order[batch]], self.peak))
            torch.autograd.backward(cross_entropy(outputs.float(), self.labels[order[batch]]))
            self.adam.step()

    def may_have_learnt(self) -> bool:
        """False where a few images, wrong in the last full pass, show that a new one is no use."""
        predicted = self.predict(self.images[self.suspects])
        wrong = int((predicted != self.labels[self.suspects]).sum())
        return (len(self.labels) - wrong) / len(self.labels) >= self.recipe.accuracy

    def train_accuracy(self) -> float:
        """Share of the training set classified right; notes images that are not."""
        right = self.predict(self.images) == self.labels
        wrong = (~right).nonzero().squeeze(1)
        enough = SUSPECTS + int((1 - self.recipe.accuracy) * len(right))
        self.suspects = wrong[:enough] if len(wrong) else self.suspects
        return int(right.sum()) / len(right)

    def test_accuracy(self) -> float:
        """Share of the test images classified right."""
        right = self.predict(self.test_images) == self.test_labels
        return int(right.sum()) / len(right)

    @torch.no_grad()
    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """Predicted class of each image, in evaluation mode, in bounded memory.

        Args:
            images: uint8, shape (n, channels, height, width).
        """
        self.network.eval()
        predictions = []
        for pixels in torch.split(images, max(1, CHUNK_VALUES // images[0].numel())):
            with self.precision:
                outputs = self.network(scaled(pixels, self.peak))
            if not outputs.isfinite().all():
                raise TrainingDiverged
            predictions.append(outputs.argmax(1))
        return torch.cat(predictions)


def _pixels(images: npt.NDArray[np.uint8], device: str) -> torch.Tensor:
    """Images as torch has them, uint8, shape (n, channels, height, width)."""
    return torch.tensor(images, device=device).permute(0, 3, 1, 2).contiguous()
