"""Networks of one architecture that compute as one, each with weights of its own."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state, vmap
from torch.nn.attention import SDPBackend, sdpa_kernel

from core.training.dropout import Dropout


class Stacked:
    """Networks that share every call into torch, by `torch.func.vmap`; one alone does without.

    Layers must not draw random numbers: vmap refuses those that do. `Dropout` is handed its own.

    Args:
        networks: Of one architecture, on one device. They hold their trained weights once they
            were given back by `keep`.

    Attributes:
        parameters: What an optimiser moves; of several networks, the first axis is the network.
    """

    def __init__(self, networks: Sequence[nn.Module]) -> None:
        self.networks, self.alone = list(networks), len(networks) == 1
        if self.alone:
            self.body = networks[0]
            self.parameters = list(self.body.parameters())
        else:
            self.body = copy.deepcopy(networks[0]).to("meta")
            for module in self.body.modules():
                if isinstance(module, nn.BatchNorm1d | nn.BatchNorm2d):
                    module.register_forward_pre_hook(_in_full)
            self.weights, self.buffers = stack_module_state(self.networks)
            self.parameters = list(self.weights.values())

    def train(self, images: int, generators: Sequence[torch.Generator]) -> None:
        """Compute as in training from now on, on a batch of this many images.

        Args:
            images: In the batch of each network.
            generators: One for each network; draws what it drops.
        """
        self.body.train()
        for name, module in self.body.named_modules():
            if isinstance(module, Dropout):
                drawn = [module.draw(images, generator) for generator in generators]
                if self.alone:
                    module.factors = drawn[0]
                else:
                    self.buffers[f"{name}.factors"] = torch.stack(drawn)

    def outputs(self, images: Tensor) -> Tensor:
        """What each network gives, shape (networks, n, classes).

        Args:
            images: float32, shape (networks, n, channels, height, width), or the same images for
                all networks, shape (n, channels, height, width).
        """
        own = images.dim() == 5
        if self.alone:
            alone: Tensor = self.body(images[0] if own else images)
            return alone.unsqueeze(0)

        def one(weights: dict[str, Tensor], buffers: dict[str, Tensor], images: Tensor) -> Tensor:
            given: Tensor = functional_call(self.body, (weights, buffers), (images,))
            return given

        with _attention_by_products():
            together = vmap(one, in_dims=(0, 0, 0 if own else None))
            outputs: Tensor = together(self.weights, self.buffers, images)
        return outputs

    def eval(self) -> None:
        """Compute as in evaluation from now on."""
        self.body.eval()

    def keep(self, places: Sequence[int]) -> None:
        """Let the other networks leave, with the weights that they have come to."""
        if self.alone:
            self.networks = [self.networks[place] for place in places]
            return
        for place in set(range(len(self.networks))) - set(places):
            self._give_back(place)
        self.networks = [self.networks[place] for place in places]
        for parameter in self.parameters:
            parameter.data, parameter.grad = parameter.data[places], None
        self.buffers = {name: values[places] for name, values in self.buffers.items()}

    @torch.no_grad()
    def _give_back(self, place: int) -> None:
        values = self.weights | self.buffers
        for name, value in self.networks[place].state_dict().items():
            value.copy_(values[name][place])


def _in_full(norm: nn.BatchNorm1d | nn.BatchNorm2d, values: tuple[Tensor]) -> tuple[Tensor]:
    """Where products are in bfloat16, vmap gives normalisation no mixed types on every device."""
    return (values[0].to(norm.weight.dtype),)


@contextmanager
def _attention_by_products() -> Iterator[None]:
    """Only the attention that torch makes of matrix products knows stacks."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)
