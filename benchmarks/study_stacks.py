"""Convolutional networks and a transformer in stacks against one after another, on this device.

On a GPU the stacks are those that studies train there, seconds are by the clock and 1,000 images
are tested; on a CPU, where studies train them one after another, stacks of four and 100 images.
Both sides run the same code with the same seeds on subsets of MNIST, for a few epochs.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
from torch import nn

from benchmarks.timing import line, timed
from core import datasets, settings
from core.datasets.base import Dataset, Split
from core.models import Model, resnet
from core.models.networks.small_maps import reduced
from core.specs import TrainingSet
from core.training import PAPER, Recipe
from core.training.network import train_networks

NAMES = ("lenet5", "cnn", "resnet20", "nin", "vit", "resnet18")
IMAGES = 100
# Networks in a stack, epochs and images tested, by device.
SIZES = {"cpu": (4, 2, 100), "cuda": (None, 20, 1_000)}
BATCH = 50
ALIKE = 0.9  # Share of equal predictions; rounding alone sends networks apart.


def run() -> None:
    """Print a line a network."""
    device = settings.device()
    most, epochs, tested = SIZES[device]
    print(f"on {device}; plain is one after another, ours in a stack; seconds a network")
    whole = datasets.load("mnist")
    dataset = replace(whole, test=Split(whole.test.x[:tested], whole.test.y[:tested]))
    recipe = replace(PAPER, batch=BATCH, min_epochs=epochs, max_epochs=epochs)
    for name in NAMES:
        count = most or Model.parse(name).batch(IMAGES, device)
        rows = np.random.default_rng(0).permutation(len(dataset.train))[: count * IMAGES]
        sets = [TrainingSet(dataset.fingerprint, some) for some in np.split(rows, count)]
        train = partial(_seconds, _network(name), dataset, device, recipe)
        train(sets[:1], 1)  # Libraries are loaded and kernels chosen before anything is timed.
        alone, apart = train(sets, 1)
        stack, together = train(sets, count)
        if (agree := float((apart == together).mean())) < ALIKE:
            sys.exit(f"{name}: the two sides agree on {agree:.1%} of the test images only")
        line(f"{name}, stack of {count}", alone / count, stack / count)


def _network(name: str) -> Callable[[], nn.Module]:
    if name == "resnet18":
        return lambda: reduced(resnet.network(18, 1, 10, None), 28, 28)
    return partial(import_module(f"core.models.networks.{name}").network, 1, 10)


def _seconds(
    make: Callable[[], nn.Module],
    dataset: Dataset,
    device: str,
    recipe: Recipe,
    sets: Sequence[TrainingSet],
    together: int,
) -> tuple[float, np.ndarray]:
    """Seconds, and the predictions of every network."""
    seeds = range(len(sets))
    fits, seconds = timed(train_networks, make, dataset, sets, seeds, device, together, recipe)
    return seconds, np.stack([fit.predictions for fit in fits])
