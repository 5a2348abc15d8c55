"""Time of ResNets on MNIST against torchvision's, one model at a time, with a `DataLoader`.

Steps, on a CPU: one Adam step on 100 and on 200 images, the least of five. Whole runs: 100 images
of ten classes, from random weights, the paper's recipe and seed on both sides, the test on 10,000
images included; scaled to the same number of epochs. They stop training at other epochs and predict
a little differently by rounding alone, so the accuracies are printed too. On a GPU ours trains as
many at once as a study does there. bfloat16 is measured where the device has it.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from functools import partial

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

from benchmarks.timing import line, timed
from core import datasets, selection, settings
from core.datasets import Dataset
from core.models import Model, resnet
from core.models.networks.small_maps import reduced
from core.specs import Selection, TrainingSet
from core.training import PAPER
from core.training.network import build, has_bf16

# By whether products are in bfloat16.
TARGETS = {"cpu": {False: 1.9, True: 3.0}, "cuda": {False: 8, True: 8}}
DEPTHS = (18, 34)
BATCHES = (100, 200)
REPEATS = 5
AGREE = {18: 0.85, 34: 0.6}  # by depth: rounding sends deep networks apart


def run() -> None:
    """Print a line a depth, batch and precision, then the whole runs."""
    precisions = [False, True] if has_bf16() else [False]
    if not has_bf16():
        print("no AVX512-BF16 or AMX here: bfloat16 is not measured")
    for depth in DEPTHS if settings.device() == "cpu" else ():
        for batch in BATCHES:
            plain = least(steps(build(partial(resnet.network, depth, 1, 10, None), 0), batch))
            for bf16 in precisions:
                net = reduced(build(partial(resnet.network, depth, 1, 10, None), 0), 28, 28)
                ours = least(steps(net.to(memory_format=torch.channels_last), batch, bf16, True))
                what = f"ResNet-{depth}, step of {batch}{', bf16' * bf16}"
                line(what, plain, ours, TARGETS["cpu"][bf16])
    dataset = datasets.load("mnist")
    for depth in DEPTHS:
        whole(dataset, depth, precisions)


def steps(
    network: nn.Module, batch: int, bf16: bool = False, fused: bool | None = None
) -> Callable[[], None]:
    """What makes one Adam step on random images of 28 × 28 pixels."""
    images, labels = torch.rand(batch, 1, 28, 28), torch.randint(10, (batch,))
    adam = torch.optim.Adam(network.parameters(), lr=1e-4, fused=fused)

    def step() -> None:
        adam.zero_grad()
        with torch.autocast("cpu", torch.bfloat16) if bf16 else nullcontext():
            outputs = network(images)
        nn.functional.cross_entropy(outputs.float(), labels).backward()
        adam.step()

    return step


def least(step: Callable[[], None]) -> float:
    """CPU seconds of the fastest of a few steps."""
    step()
    return min(timed(step)[1] for _ in range(REPEATS))


def whole(dataset: Dataset, depth: int, precisions: list[bool]) -> None:
    """Print a line a precision for a whole run; stop where the two sides disagree."""
    device = settings.device()
    seeds = range(Model.parse(f"resnet{depth}").batch(100, device))
    subsets = [selection.select(dataset, Selection("random", "", 10, 0, seed)) for seed in seeds]
    sets = [TrainingSet(dataset.fingerprint, subset.rows) for subset in subsets]
    (predictions, epochs), plain = timed(train, dataset, depth, sets[0], 0)
    truth = torch.tensor(dataset.test.y)
    for bf16 in precisions:
        model = Model.parse(f"resnet{depth}:pretrained=0{',bf16=1' * bf16}")
        fits, ours = timed(model.fit_many, dataset, sets, seeds, device)
        found = torch.tensor(fits[0].predictions)
        if (agree := float((found == predictions).float().mean())) < AGREE[depth]:
            sys.exit(f"{model.label}: the two sides agree on {agree:.1%} of the test images only")
        line(
            f"ResNet-{depth}, whole run{', bf16' * bf16}",
            plain * sum(fit.epochs for fit in fits) / epochs / len(fits),
            ours / len(fits),
            TARGETS[device][bf16],
        )
        accuracies = [float((one == truth).float().mean()) for one in (predictions, found)]
        print(f"  accuracy {accuracies[0]:.4f}, {accuracies[1]:.4f}; {epochs}, {fits[0].epochs} "
              f"epochs; {agree:.1%} of the predictions are the same")  # fmt: skip


def train(dataset: Dataset, depth: int, training_set: TrainingSet, seed: int) -> tuple[Tensor, int]:
    """Predictions of the test split and epochs of a plain torchvision network."""
    network = build(lambda: resnet.network(depth, 1, 10, None), seed).to(settings.device())
    images = torch.tensor(dataset.train.x[training_set.rows]).permute(0, 3, 1, 2) / 255
    labels = torch.tensor(dataset.train.y[training_set.rows])
    tests = torch.tensor(dataset.test.x).permute(0, 3, 1, 2) / 255
    shuffled = DataLoader(TensorDataset(images, labels), PAPER.batch, shuffle=True)
    adam = torch.optim.Adam(network.parameters())
    epoch, accuracy = 0, 0.0
    while not PAPER.stops(epoch, accuracy):
        epoch += 1
        adam.param_groups[0]["lr"] = PAPER.learning_rate(epoch)
        network.train()
        for x, y in shuffled:
            adam.zero_grad()
            x, y = x.to(settings.device()), y.to(settings.device())
            nn.functional.cross_entropy(network(x), y).backward()
            adam.step()
        if PAPER.may_stop(epoch):
            predicted = torch.cat(list(predict(network, images)))
            accuracy = float((predicted == labels).float().mean())
    return torch.cat(list(predict(network, tests))), epoch


@torch.no_grad()
def predict(network: nn.Module, images: Tensor) -> Iterator[Tensor]:
    """Predicted classes, batch by batch."""
    network.eval()
    for (x,) in DataLoader(TensorDataset(images), 1000):
        yield network(x.to(settings.device())).argmax(1).cpu()
