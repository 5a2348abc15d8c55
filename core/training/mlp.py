"""Many multilayer perceptrons trained at once, each as if it were alone.

The members of a stack share every call into torch: batched matrix products, one Adam step over
one buffer. Each has its own weights, shuffling and early stop; a member that is finished is
tested and leaves. The backward pass is written out because autograd would take a third more time.

A feature that is zero in every row that a network trains on (a third of the pixels of 100 images of
MNIST) gives its weights no gradient, and Adam never moves them: they are set aside until testing.
"""

from __future__ import annotations

import math
import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, pad

from core.corruption import Prepared, prepared
from core.datasets.base import Dataset
from core.errors import TrainingDiverged
from core.specs import TrainingSet
from core.training.fit import Fit
from core.training.pixels import chunks, one_thread, scaled
from core.training.recipe import PAPER, Recipe

# Every layer is padded with zeros to a multiple of this many units: 64 bytes. Matrix libraries
# choose their kernels by address, and kernels differ in the last bit; padded, each member's
# matrices begin on a 64-byte line wherever in the stack it stands. What is padded stays zero.
LINE = 16

# A network trains on a multiple of this many features, so that most that have as many rows can
# share a stack. How many decides the last bits of sums, so it follows from its own rows alone.
FEATURES = 64

# Weights (members, outputs, inputs) and biases (members, 1, outputs).
Layer = tuple[Tensor, Tensor]
# Predictions, training accuracy, epochs.
End = tuple[npt.NDArray[np.int64], float, int]


def train_mlps(
    dataset: Dataset,
    training_sets: Sequence[TrainingSet],
    seeds: Sequence[int],
    hidden: Sequence[int],
    device: str,
    recipe: Recipe = PAPER,
    keep: Callable[[int, nn.Sequential], None] | None = None,
) -> list[Fit]:
    """Train one multilayer perceptron on each training set, all at once, and test them.

    On the CPU the result of a member is the same to the bit in every stack.

    Args:
        dataset: The data set that the training sets are of.
        training_sets: Training sets of one size, tested on the same images.
        seeds: One for each; decides initial weights and shuffling.
        hidden: Width of each hidden layer.
        device: A torch device.
        recipe: Batches, epochs and learning rates.
        keep: Given the number of a training set and its network once that is trained.

    Raises:
        TrainingDiverged: A network's outputs are no longer finite.

    References:
        X-Factor paper, sections 2.4 and A.1.
    """
    start = time.perf_counter()
    ends: dict[int, End] = {}
    with one_thread(), torch.no_grad():
        members = [
            Member(number, prepared(dataset, training_set), seed)
            for number, (training_set, seed) in enumerate(zip(training_sets, seeds, strict=True))
        ]
        for some in _alike(members):
            ends |= _train(Stack(dataset, some, hidden, device, recipe), keep)
    share = (time.perf_counter() - start) / sum(epochs for _, _, epochs in ends.values())
    return [
        Fit(predictions, accuracy, epochs, share * epochs, "random")
        for _, (predictions, accuracy, epochs) in sorted(ends.items())
    ]


@dataclass(frozen=True, eq=False)
class Member:
    """A network to be.

    Args:
        number: Of its training set.
        data: What it sees of that.
        seed: Decides initial weights and shuffling.
    """

    number: int
    data: Prepared
    seed: int

    @cached_property
    def used(self) -> npt.NDArray[np.intp]:
        """Features to train on, in order: those not zero in all rows, and a few to round up."""
        alive = self.data.x.reshape(len(self.data.x), -1).any(axis=0)
        count = math.ceil(max(1, alive.sum()) / FEATURES) * FEATURES
        return np.sort(np.argsort(~alive, kind="stable")[:count])


def _alike(members: Sequence[Member]) -> list[list[Member]]:
    """Those together that use as many features."""
    groups: defaultdict[int, list[Member]] = defaultdict(list)
    for member in members:
        groups[len(member.used)].append(member)
    return list(groups.values())


def _train(stack: Stack, keep: Callable[[int, nn.Sequential], None] | None) -> dict[int, End]:
    """Train every member to its end and test it; by the number of its training set."""
    recipe = stack.recipe
    done: dict[int, tuple[float, int]] = {}
    weights = []
    epoch = 0
    while stack.members:
        epoch += 1
        stack.train(recipe.learning_rate(epoch))
        if not recipe.may_stop(epoch):
            continue
        ends = stack.learnt(recipe.accuracy if epoch < recipe.max_epochs else 0.0)
        if ends:
            for place, accuracy in ends.items():
                member = stack.members[place]
                done[member] = accuracy, epoch
                weights.append(stack.whole(place))
                if keep:
                    keep(member, stack.network(weights[-1]))
            stack.drop(ends)
    predictions = stack.predict(torch.stack(weights))
    return {
        member: (predicted, *end)
        for predicted, (member, end) in zip(predictions, done.items(), strict=True)
    }


class Stack:
    """Networks of one shape, each with its training set.

    Args:
        dataset: The data set that the training sets are of.
        members: What trains; all use as many features.
        hidden: Width of each hidden layer.
        device: A torch device.
        recipe: Batches, epochs and learning rates.

    Attributes:
        members: Number of the training set of each network that still trains; its place in
            this list is its place in every tensor.
    """

    def __init__(
        self,
        dataset: Dataset,
        members: Sequence[Member],
        hidden: Sequence[int],
        device: str,
        recipe: Recipe,
    ) -> None:
        self.device, self.recipe = device, recipe
        self.peak, self.classes = dataset.peak, len(dataset.classes)
        self.members = [member.number for member in members]
        self.generators = [torch.Generator().manual_seed(member.seed) for member in members]

        own = [member.data for member in members]
        self.test_images = own[0].test_x
        rows = [one.data.x.reshape(len(one.data.x), -1).take(one.used, axis=1) for one in members]
        self.used = torch.tensor(np.stack([member.used for member in members]), device=device)
        self.images = _padded(scaled(torch.tensor(np.stack(rows), device=device), self.peak))
        self.labels = torch.tensor(np.stack([one.y for one in own]), device=device)

        self.sizes = [own[0].x[0].size, *hidden, self.classes]
        lines = [math.ceil(size / LINE) * LINE for size in self.sizes]
        self.shapes = list(pairwise([self.images.shape[2], *lines[1:]]))
        self.whole_shapes = list(pairwise(lines))
        initial = [_initial(self.sizes, generator) for generator in self.generators]
        self.initial = torch.cat(initial).to(device)
        ((weight, _), *_), start = _layers(self.initial, self.whole_shapes), lines[0] * lines[1]
        kept = self.used.unsqueeze(1).expand(-1, lines[1], -1)
        first = _padded(weight.gather(2, kept)).flatten(1)
        self.weights = nn.Parameter(torch.cat([first, self.initial[:, start:]], dim=1))
        self.adam = torch.optim.Adam([self.weights], fused=True)
        self._view()

        size = self.labels.shape[1]
        count = min(size, 16 + int(2 * (1 - recipe.accuracy) * size))
        self.suspects = torch.arange(count, device=device).repeat(len(own), 1)

    def train(self, learning_rate: float) -> None:
        """One epoch, each member through its own training set in its own order."""
        self.adam.param_groups[0]["lr"] = learning_rate
        orders = [torch.randperm(self.labels.shape[1], generator=g) for g in self.generators]
        order = torch.stack(orders).to(self.device)
        for batch in self.recipe.batches(order.shape[1]):
            self._step(*self._gather(order[:, batch]))

    def learnt(self, least: float) -> dict[int, float]:
        """Members that classify at least this share of their training set right, and the share.

        The images that a member did worst on in its last full pass are looked at first: while
        too many of them are still wrong, a full pass could not end its training and is left out.

        Returns:
            Training accuracy by place in the stack.

        Raises:
            TrainingDiverged: An output is not finite.
        """
        images = self.labels.shape[1]
        pixels, labels = self._gather(self.suspects)
        outputs = self._outputs(pixels, self.layers)
        if not outputs.isfinite().all():
            raise TrainingDiverged
        wrong = (outputs.argmax(2) != labels).sum(1).tolist()
        able = [place for place, count in enumerate(wrong) if (images - count) / images >= least]
        shares = self._full_pass(able) if able else {}
        return {place: share for place, share in shares.items() if share >= least}

    def predict(self, weights: Tensor) -> npt.NDArray[np.int64]:
        """Predicted class of every test image.

        Args:
            weights: Those of a member in each row, from `whole`.

        Returns:
            Shape (members, n_test).
        """
        layers, members = _layers(weights, self.whole_shapes), len(weights)
        predictions = [
            self._outputs(_padded(pixels.flatten(1)).expand(members, -1, -1), layers).argmax(2)
            for pixels in chunks(self.test_images, self.peak, self.device)
        ]
        return torch.cat(predictions, dim=1).cpu().numpy()

    def whole(self, place: int) -> Tensor:
        """A copy of a member's weights, with those of the features that were set aside."""
        row = self.initial[place].clone()
        (weight, _), *_ = _layers(row.unsqueeze(0), self.whole_shapes)
        weight[0][:, self.used[place]] = self.layers[0][0][place, :, : self.used.shape[1]]
        others = len(row) - weight.numel()
        row[-others:] = self.weights.data[place, -others:]
        return row

    def network(self, weights: Tensor) -> nn.Sequential:
        """A network of weights from `whole`, unpadded; takes float32, shape (rows, features)."""
        layers = _layers(weights.unsqueeze(0), self.whole_shapes)
        modules: list[nn.Module] = []
        for (inputs, outputs), (weight, bias) in zip(pairwise(self.sizes), layers, strict=True):
            linear = nn.Linear(inputs, outputs, device="meta").to_empty(device=self.device)
            linear.weight.copy_(weight[0, :outputs, :inputs])
            linear.bias.copy_(bias[0, 0, :outputs])
            modules += [nn.ReLU(), linear]
        return nn.Sequential(*modules[1:])

    def drop(self, places: Iterable[int]) -> None:
        """Let members leave, by their place in the stack; the others go on as they were."""
        stay = sorted(set(range(len(self.members))) - set(places))
        self.members = [self.members[place] for place in stay]
        self.generators = [self.generators[place] for place in stay]
        self.images, self.labels = self.images[stay], self.labels[stay]
        self.used, self.initial = self.used[stay], self.initial[stay]
        self.suspects = self.suspects[stay]
        self.weights.data = self.weights.data[stay]
        moments = self.adam.state[self.weights]
        for name in ("exp_avg", "exp_avg_sq"):
            moments[name] = moments[name][stay]
        self._view()

    def _view(self) -> None:
        """Point layers and gradients into the buffers of all members."""
        self.weights.grad = torch.zeros_like(self.weights)
        self.layers = _layers(self.weights.data, self.shapes)
        self.gradients = _layers(self.weights.grad, self.shapes)

    def _gather(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Each member's own rows, shape (members, rows): their pixels and their labels."""
        members, images, features = self.images.shape
        first = images * torch.arange(members, device=self.device).unsqueeze(1)
        flat = (rows + first).flatten()
        # index_select copies whole rows, where indexing in two dimensions goes value by value.
        pixels = self.images.view(-1, features).index_select(0, flat)
        return pixels.view(members, -1, features), self.labels.gather(1, rows)

    def _forward(self, pixels: Tensor, layers: Sequence[Layer]) -> list[Tensor]:
        """The input, each hidden layer after its ReLU, and the padded outputs."""
        *hidden, (last, last_bias) = layers
        values = [pixels]
        for weight, bias in hidden:
            values.append(torch.baddbmm(bias, values[-1], weight.mT).relu_())
        return [*values, torch.baddbmm(last_bias, values[-1], last.mT)]

    def _outputs(self, pixels: Tensor, layers: Sequence[Layer]) -> Tensor:
        """Outputs before the softmax, shape (members, images, classes)."""
        return self._forward(pixels, layers)[-1][..., : self.classes]

    def _step(self, pixels: Tensor, labels: Tensor) -> None:
        """One Adam step of every member on the mean cross-entropy of its batch.

        Args:
            pixels: float32 in [0, 1], shape (members, batch, features).
            labels: Class numbers, shape (members, batch).
        """
        *values, outputs = self._forward(pixels, self.layers)
        error = torch.zeros_like(outputs).scatter_(2, labels.unsqueeze(2), -1.0)
        error[..., : self.classes] += outputs[..., : self.classes].softmax(2)
        error /= labels.shape[1]
        for place in reversed(range(len(self.layers))):
            weight, bias = self.gradients[place]
            torch.bmm(error.mT, values[place], out=weight)
            torch.sum(error, 1, keepdim=True, out=bias)
            if place:
                error = torch.bmm(error, self.layers[place][0]).mul_(values[place].sign())
        self.adam.step()

    def _full_pass(self, places: list[int]) -> dict[int, float]:
        """Training accuracy of some members; notes the images that each did worst on."""
        layers = _layers(self.weights.data[places], self.shapes)
        batches = self.recipe.batches(self.labels.shape[1])
        outputs = torch.cat(
            [self._outputs(self.images[places, batch], layers) for batch in batches], dim=1
        )
        labels = self.labels[places]
        losses = cross_entropy(outputs.mT, labels, reduction="none")
        self.suspects[places] = losses.topk(self.suspects.shape[1], dim=1).indices
        right = (outputs.argmax(2) == labels).sum(1).tolist()
        return {place: count / labels.shape[1] for place, count in zip(places, right, strict=True)}


def _padded(values: Tensor) -> Tensor:
    """The last dimension lengthened with zeros to a whole number of lines."""
    missing = -values.shape[-1] % LINE
    return pad(values, (0, missing)) if missing else values


def _initial(sizes: Sequence[int], generator: torch.Generator) -> Tensor:
    """Weights of one network as `torch.nn.Linear` draws them, padded, in one row."""
    parts = []
    for inputs, outputs in pairwise(sizes):
        weight, bias = torch.empty(outputs, inputs), torch.empty(outputs)
        nn.init.kaiming_uniform_(weight, a=math.sqrt(5), generator=generator)
        nn.init.uniform_(bias, -(inputs**-0.5), inputs**-0.5, generator=generator)
        parts += [pad(_padded(weight), (0, 0, 0, -outputs % LINE)).flatten(), _padded(bias)]
    return torch.cat(parts).unsqueeze(0)


def _layers(rows: Tensor, shapes: Sequence[tuple[int, int]]) -> list[Layer]:
    """Views of each layer's weights and biases in the members' rows."""
    layers, start = [], 0
    for inputs, outputs in shapes:
        middle, end = start + inputs * outputs, start + (inputs + 1) * outputs
        weight = rows[:, start:middle].view(-1, outputs, inputs)
        layers.append((weight, rows[:, middle:end].unsqueeze(1)))
        start = end
    return layers
