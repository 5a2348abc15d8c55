"""Networks of any kind, one on each training set; on a GPU in stacks."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence

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
from core.training.stacked import Stacked

SUSPECTS = 256
ABREAST = 8  # networks that predict whole chunks of images at once


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


def train_networks(
    make: Callable[[], nn.Module],
    dataset: Dataset,
    training_sets: Sequence[TrainingSet],
    seeds: Sequence[int],
    device: str,
    together: int,
    recipe: Recipe = PAPER,
    weights: str = "random",
    history: bool = False,
    bf16: bool = False,
) -> list[Fit]:
    """Train a network on each training set, in stacks, and test them.

    Args:
        make: Builds a network, which takes float32 of shape (n, channels, height, width) and gives
            (n, classes); its layers draw their weights from torch's global generator, and no
            random numbers in training but by `core.training.dropout.Dropout`.
        dataset: The data set that the training sets are of.
        training_sets: Training sets of one size, tested on the same images.
        seeds: One for each; decides initial weights, shuffling and what is dropped at random.
        device: A torch device.
        together: Most networks in a stack; it is halved where the GPU's memory is too small.
        recipe: Batches, epochs and learning rates.
        weights: What the networks start from, for the record.
        history: Whether to test after every epoch and give the accuracies; changes nothing else.
        bf16: Whether products are computed in bfloat16, by torch's autocast; weights, their
            updates and normalisation stay in float32.

    Raises:
        TrainingDiverged: A network's outputs are no longer finite.

    References:
        X-Factor paper, section 2.4.
    """

    def train(sets: Sequence[TrainingSet], own: Sequence[int]) -> list[Fit]:
        try:
            # Without a name, so that nothing holds what did not fit while its halves train.
            return _Run(make, dataset, sets, own, device, recipe, bf16).fits(weights, history)
        except torch.OutOfMemoryError:
            if len(sets) == 1:
                raise
        torch.cuda.empty_cache()
        half = len(sets) // 2
        return train(sets[:half], own[:half]) + train(sets[half:], own[half:])

    fits: list[Fit] = []
    with one_thread(), torch.backends.cudnn.flags(enabled=True, deterministic=True):
        for first in range(0, len(seeds), together):
            some = slice(first, first + together)
            fits += train(training_sets[some], seeds[some])
    return fits


class _Run:
    """Networks on their way, each through its training set; arguments as in `train_networks`.

    Attributes:
        members: Number of the training set of each network that still trains; its place in this
            list is its place in every tensor.
    """

    def __init__(
        self,
        make: Callable[[], nn.Module],
        dataset: Dataset,
        training_sets: Sequence[TrainingSet],
        seeds: Sequence[int],
        device: str,
        recipe: Recipe,
        bf16: bool,
    ) -> None:
        self.start = time.perf_counter()
        data = [prepared(dataset, training_set) for training_set in training_sets]
        self.networks = [build(make, seed).to(device) for seed in seeds]
        if device == "cpu" and len(seeds) == 1:
            # 1.1 (LeNet-5) to 1.4 times (network in network) as fast there.
            self.networks[0].to(memory_format=torch.channels_last)
        self.stack, self.members = Stacked(self.networks), list(range(len(seeds)))
        self.recipe, self.peak = recipe, dataset.peak
        self.images = torch.stack([_pixels(one.x, device) for one in data])
        self.labels = torch.tensor(np.stack([one.y for one in data]), device=device)
        self.test_images = _pixels(data[0].test_x, device)
        self.test_labels = torch.tensor(dataset.test.y, device=device)
        self.orders = [torch.Generator().manual_seed(seed_from("order", seed)) for seed in seeds]
        self.droppers = [
            torch.Generator(device).manual_seed(seed_from("dropout", seed)) for seed in seeds
        ]
        self.adam = torch.optim.Adam(self.stack.parameters, fused=True)
        kind = torch.device(device).type
        self.precision = torch.autocast(kind, torch.bfloat16, enabled=bf16)
        few = torch.arange(min(SUSPECTS, self.labels.shape[1]), device=device)
        self.suspects = few.repeat(len(seeds), 1)

    def fits(self, weights: str, history: bool) -> list[Fit]:
        """Train every network to its end and test it."""
        recipe, count = self.recipe, len(self.members)
        ends: dict[int, tuple[float, int]] = {}
        traces: list[list[tuple[float, float]]] = [[] for _ in range(count)]
        epoch = 0
        while self.members:
            epoch += 1
            self.train(recipe.learning_rate(epoch))
            looked_at = recipe.may_stop(epoch) and self.may_have_learnt()
            if not (looked_at or history or epoch == recipe.max_epochs):
                continue
            accuracies = dict(zip(self.members, self.train_accuracies(), strict=True))
            if history:
                for member, accuracy in zip(self.members, self.test_accuracies(), strict=True):
                    traces[member].append((accuracies[member], accuracy))
            ended = {
                member: (accuracy, epoch)
                for member, accuracy in accuracies.items()
                if recipe.stops(epoch, accuracy)
            }
            if ended:
                self.drop(ended)
                ends |= ended
        self.stack = Stacked(self.networks)
        predictions = self.predict(self.test_images).cpu().numpy()
        share = (time.perf_counter() - self.start) / sum(epochs for _, epochs in ends.values())
        return [
            Fit(
                predictions[member],
                *ends[member],
                share * ends[member][1],
                weights,
                np.array(traces[member]) if history else None,
            )
            for member in range(count)
        ]

    def train(self, learning_rate: float) -> None:
        """One epoch, every network in an order of its own."""
        self.adam.param_groups[0]["lr"] = learning_rate
        images = self.labels.shape[1]
        orders = [torch.randperm(images, generator=generator) for generator in self.orders]
        order = torch.stack(orders).to(self.labels.device)
        for batch in self.recipe.batches(images):
            pixels, labels = self.gather(order[:, batch])
            self.adam.zero_grad()
            self.stack.train(labels.shape[1], self.droppers)
            with self.precision:
                outputs = self.stack.outputs(scaled(pixels, self.peak)).float()
            losses = cross_entropy(outputs.flatten(0, 1), labels.flatten(), reduction="sum")
            torch.autograd.backward(losses / labels.shape[1])
            self.adam.step()

    def may_have_learnt(self) -> bool:
        """False where a few images, wrong in the last full pass, show that a new one is no use."""
        images, labels = self.gather(self.suspects)
        wrong = int((self.predict(images) != labels).sum(1).min())
        return (self.labels.shape[1] - wrong) / self.labels.shape[1] >= self.recipe.accuracy

    def train_accuracies(self) -> list[float]:
        """Share of each training set classified right; notes images that are not."""
        right = self.predict(self.images) == self.labels
        count = right.shape[1]
        wrong = int((~right).sum(1).max())
        if wrong:
            enough = SUSPECTS + int((1 - self.recipe.accuracy) * count)
            self.suspects = right.int().argsort(dim=1, stable=True)[:, : min(enough, wrong)]
        return [number / count for number in right.sum(1).tolist()]

    def test_accuracies(self) -> list[float]:
        """Share of the test images that each network classifies right."""
        right = (self.predict(self.test_images) == self.test_labels).sum(1)
        return [number / len(self.test_labels) for number in right.tolist()]

    def gather(self, rows: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Each network's own rows, shape (networks, rows): their images and their labels."""
        networks, images = self.labels.shape
        first = images * torch.arange(networks, device=rows.device).unsqueeze(1)
        pixels = self.images.flatten(0, 1).index_select(0, (rows + first).flatten())
        return pixels.view(*rows.shape, *self.images.shape[2:]), self.labels.gather(1, rows)

    def drop(self, ended: Collection[int]) -> None:
        """Let members leave; the others go on as they were."""
        stay = [place for place, member in enumerate(self.members) if member not in ended]
        self.members = [self.members[place] for place in stay]
        self.stack.keep(stay)
        self.orders = [self.orders[place] for place in stay]
        self.droppers = [self.droppers[place] for place in stay]
        self.images, self.labels = self.images[stay], self.labels[stay]
        self.suspects = self.suspects[stay]
        if stay:
            for moments in self.adam.state.values():
                for name in ("exp_avg", "exp_avg_sq"):
                    moments[name] = moments[name][stay]

    @torch.no_grad()
    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """Predicted class of each image, in evaluation mode, in bounded memory.

        Args:
            images: uint8, shape (networks, n, channels, height, width), or without the first axis.

        Returns:
            int64, shape (networks, n).
        """
        self.stack.eval()
        predictions = []
        values = images[(0,) * (images.dim() - 3)].numel()
        share = ABREAST / max(ABREAST, len(self.stack.networks))
        few = max(1, int(share * CHUNK_VALUES / values))
        for pixels in torch.split(images, few, dim=images.dim() - 4):
            with self.precision:
                outputs = self.stack.outputs(scaled(pixels, self.peak))
            if not outputs.isfinite().all():
                raise TrainingDiverged
            predictions.append(outputs.argmax(2))
        return torch.cat(predictions, dim=1)


def _pixels(images: npt.NDArray[np.uint8], device: str) -> torch.Tensor:
    """Images as torch has them, uint8, shape (n, channels, height, width).

    Cloned, because `contiguous` leaves the strides of images of one channel as they are, and those
    pass for channels-last ones, which normalisation under vmap refuses on a GPU.
    """
    pixels = torch.tensor(images, device=device).permute(0, 3, 1, 2)
    return pixels.clone(memory_format=torch.contiguous_format)
