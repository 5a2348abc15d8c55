"""Networks linearised at their parameters: any module by `torch.func`, ReLU MLPs by hand."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, jvp, vjp

from core.errors import InputError

NETWORK_BATCH = 256  # rows whose activations are held at once
MLP_BATCH = 1024

Parameters = dict[str, Tensor]


def differentiable(module: nn.Module) -> Network | Mlp:
    """The module ready for `Curvature`: hand-shaped if it is a ReLU MLP, else by `torch.func`.

    Args:
        module: Takes a batch of features, gives logits of shape (rows, classes); copied, in
            evaluation mode, so that batch statistics and dropout are frozen.
    """
    layers = _mlp_layers(module)
    return Network(module) if layers is None else Mlp(layers)


class Network:
    """Any module, its trainable parameters taken as one vector in `parameters()` order."""

    batch = NETWORK_BATCH

    def __init__(self, module: nn.Module) -> None:
        self.module = copy.deepcopy(module).eval()
        named = [(name, p) for name, p in self.module.named_parameters() if p.requires_grad]
        if not named:
            raise InputError(
                "The network has no trainable parameter; influence needs at least one with "
                "requires_grad."
            )
        self.theta: Parameters = {name: p.detach() for name, p in named}
        first = named[0][1]
        self.dtype, self.device = first.dtype, first.device
        # The reverse pass gives the row of a padding word no gradient; the forward pass must agree.
        self._padding = {
            f"{name}.weight".lstrip("."): torch.tensor([module.padding_idx])
            for name, module in self.module.named_modules()
            if isinstance(module, nn.Embedding) and module.padding_idx is not None
        }

    @property
    def size(self) -> int:
        """Number of trainable parameters."""
        return sum(p.numel() for p in self.theta.values())

    def prepare(self, x: Any) -> Tensor:
        """Features as a tensor on the network's device; floats in its dtype."""
        return _as_tensor(x, self.dtype, self.device)

    def linearise(self, x: Tensor) -> NetworkLogits:
        """Logits of a batch of rows."""
        return NetworkLogits(self, x)

    def call(self, theta: Parameters, x: Tensor) -> Tensor:
        """Logits at other parameters, shape (rows, classes)."""
        logits: Tensor = functional_call(self.module, theta, (x,))
        return logits

    def unflatten(self, v: Tensor) -> Parameters:
        """A flat vector as named tensors."""
        parts = torch.split(v, [p.numel() for p in self.theta.values()])
        named = {
            name: part.view(p.shape)
            for (name, p), part in zip(self.theta.items(), parts, strict=True)
        }
        for name in self._padding.keys() & named.keys():
            named[name] = named[name].index_fill(0, self._padding[name].to(v.device), 0)
        return named


class NetworkLogits:
    """Linearisation by automatic differentiation; made anew for every product."""

    kept_bytes = None

    def __init__(self, network: Network, x: Tensor) -> None:
        self._network, self._x = network, x
        self.logits = network.call(network.theta, x).detach()

    def _call(self, theta: Parameters) -> Tensor:
        return self._network.call(theta, self._x)

    def jvp(self, v: Tensor) -> Tensor:
        """J v by forward mode, shape (rows, classes)."""
        theta, tangent = self._network.theta, self._network.unflatten(v)
        out: Tensor = _forward(self._call, theta, tangent)
        return out

    def vjp(self, u: Tensor) -> Tensor:
        """Jᵀu by reverse mode, shape (size,)."""
        return _flat(self._pull(self._network.theta, u))

    def bend(self, v: Tensor, u: Tensor) -> Tensor:
        """Derivative of Jᵀu along v: forward over reverse, shape (size,)."""
        tangent = self._network.unflatten(v)
        return _flat(_forward(lambda at: self._pull(at, u), self._network.theta, tangent))

    def _pull(self, theta: Parameters, u: Tensor) -> Parameters:
        pulled: Parameters = vjp(self._call, theta)[1](u)[0]
        return pulled


class Mlp:
    """Linear layers with ReLU between them; products need no automatic differentiation.

    Parameters are ordered as `parameters()` orders them: weight, bias, weight, …

    Args:
        layers: Of the module.
        used: Inputs whose weights are parameters, int64, ascending; all unless given.
    """

    batch = MLP_BATCH

    def __init__(self, layers: Sequence[nn.Linear], used: Tensor | None = None) -> None:
        self.layers, self.used = layers, used
        self.weights = [layer.weight.detach().clone() for layer in layers]
        self.first = self.weights[0]
        if used is not None:
            self.weights[0] = self.first.index_select(1, used)
        self.biases = [None if m.bias is None else m.bias.detach().clone() for m in layers]

    @cached_property
    def shapes(self) -> list[int]:
        """Lengths of the parts of a flat vector."""
        pairs = zip(self.weights, self.biases, strict=True)
        return [p.numel() for pair in pairs for p in pair if p is not None]

    @cached_property
    def size(self) -> int:
        """Number of parameters."""
        return sum(self.shapes)

    def prepare(self, x: Any) -> Tensor:
        """Features flattened to shape (n, features)."""
        return _as_tensor(x, self.weights[0].dtype, self.weights[0].device).flatten(1)

    def without_idle_inputs(self, x: Tensor) -> tuple[Mlp, Tensor]:
        """The network and these rows without the inputs that are 0 in all of them."""
        used = x.any(0).nonzero()[:, 0]
        if len(used) == x.shape[1]:
            return self, x
        return Mlp(self.layers, used), x.index_select(1, used)

    def linearise(self, x: Tensor) -> MlpLogits:
        """Logits of a batch of rows, of all inputs or of those in use."""
        return MlpLogits(self, x)

    def split(self, v: Tensor) -> list[tuple[Tensor, Tensor | None]]:
        """A flat vector as (weight, bias) pairs."""
        parts = iter(torch.split(v, self.shapes))
        return [
            (next(parts).view_as(w), None if b is None else next(parts))
            for w, b in zip(self.weights, self.biases, strict=True)
        ]


class MlpLogits:
    """Linearisation of an MLP: keeps the inputs of the layers and where ReLU let through."""

    def __init__(self, mlp: Mlp, x: Tensor) -> None:
        self._mlp = mlp
        self._inputs = [x]
        # Rows that the idle inputs were not taken for may have values there.
        whole = x.shape[1] == mlp.first.shape[1]
        first = mlp.first if whole else mlp.weights[0]
        for weight, bias in zip([first, *mlp.weights[1:]], mlp.biases, strict=True):
            z = _affine(self._inputs[-1], weight, bias)
            self._inputs.append(z.clamp_min(0))
        self._inputs.pop()
        if whole and mlp.used is not None:
            self._inputs[0] = x.index_select(1, mlp.used)
        self._open = [(a > 0).to(a.dtype) for a in self._inputs[1:]]
        self.logits = z

    @property
    def kept_bytes(self) -> int:
        """Hidden activations and masks; the features are a view."""
        return sum(2 * a.nbytes for a in self._inputs[1:])

    def _tangents(self, v: Tensor) -> tuple[list[Tensor | None], Tensor]:
        """Derivatives along v of each layer's input (None for x) and of the logits."""
        tangents: list[Tensor | None] = [None]
        layers = enumerate(self._mlp.split(v))
        for i, (dw, db) in layers:
            dz = _affine(self._inputs[i], dw, db)
            before = tangents[-1]
            if before is not None:
                dz.addmm_(before, self._mlp.weights[i].T)
            tangents.append(dz * self._open[i] if i < len(self._open) else dz)
        logits = tangents.pop()
        assert logits is not None
        return tangents, logits

    def jvp(self, v: Tensor) -> Tensor:
        """J v, shape (rows, classes)."""
        return self._tangents(v)[1]

    def vjp(self, u: Tensor) -> Tensor:
        """Jᵀu, shape (size,)."""
        parts: list[Tensor] = []
        for i in reversed(range(len(self._inputs))):
            if self._mlp.biases[i] is not None:
                parts.append(u.sum(0))
            parts.append((u.T @ self._inputs[i]).ravel())
            if i:
                u = (u @ self._mlp.weights[i]) * self._open[i - 1]
        return torch.cat(parts[::-1])

    def bend(self, v: Tensor, u: Tensor) -> Tensor:
        """Derivative of Jᵀu along v for fixed u, shape (size,) (Pearlmutter's R-operator)."""
        tangents, moved = self._tangents(v)[0], torch.zeros_like(u)
        directions = self._mlp.split(v)
        parts: list[Tensor] = []
        for i in reversed(range(len(self._inputs))):
            if self._mlp.biases[i] is not None:
                parts.append(moved.sum(0))
            slope = moved.T @ self._inputs[i]
            tangent = tangents[i]
            if tangent is not None:
                slope += u.T @ tangent
            parts.append(slope.ravel())
            if i:
                moved = (moved @ self._mlp.weights[i] + u @ directions[i][0]) * self._open[i - 1]
                u = (u @ self._mlp.weights[i]) * self._open[i - 1]
        return torch.cat(parts[::-1])


def _forward(call: Callable[[Parameters], Any], theta: Parameters, tangent: Parameters) -> Any:
    """Derivative of `call` at `theta` along `tangent`, by forward mode."""
    with warnings.catch_warnings():
        # torch's own forward-mode rules are TorchScript, which torch warns of on first use.
        warnings.filterwarnings("ignore", ".*torch.jit.script.* is deprecated")
        try:
            return jvp(call, (theta,), (tangent,))[1]
        except NotImplementedError as error:
            raise InputError(
                "The network uses an operation that torch cannot differentiate in forward mode "
                f"({str(error).splitlines()[0]}); write it with other operations, such as "
                "nn.Embedding and a mean for nn.EmbeddingBag."
            ) from error


def _mlp_layers(module: nn.Module) -> list[nn.Linear] | None:
    """The linear layers of [Flatten] (Linear ReLU)* Linear, dropout ignored; None if other."""
    if type(module) is nn.Linear:
        steps: list[nn.Module] = [module]
    elif type(module) is nn.Sequential:
        steps = [m for m in module if not isinstance(m, nn.Dropout | nn.Identity)]
    else:
        return None
    if steps and type(steps[0]) is nn.Flatten and steps[0].start_dim == 1:
        steps = steps[1:]
    layers = [m for m in steps[::2] if type(m) is nn.Linear]
    between = [m for m in steps[1::2] if type(m) is nn.ReLU]
    regular = len(layers) + len(between) == len(steps) and len(layers) == len(between) + 1
    distinct = len(set(map(id, layers))) == len(layers)
    trained = all(p.requires_grad for layer in layers for p in layer.parameters())
    return layers if regular and distinct and trained else None


def _affine(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return x @ weight.T if bias is None else torch.addmm(bias, x, weight.T)


def _as_tensor(x: Any, dtype: torch.dtype, device: torch.device) -> Tensor:
    tensor = torch.as_tensor(x, device=device)
    return tensor.to(dtype) if tensor.is_floating_point() else tensor


def _flat(parameters: Parameters) -> Tensor:
    return torch.cat([p.reshape(-1) for p in parameters.values()])
