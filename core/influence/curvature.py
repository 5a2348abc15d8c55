"""The curvature of a trained model's objective as products with vectors, in bounded memory.

A model enters as something that can be linearised at its parameters on a batch of rows
(`Differentiable`); everything else follows from the cross-entropy on top of its logits.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any, Literal, Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, one_hot

from core.errors import InputError
from core.influence.solvers import EXACT_SIZE

Kind = Literal["ggn", "hessian"]
Rows = npt.NDArray[np.int64]
KEEP_BYTES = 256 * 2**20  # what may be kept of the forward pass between products


class Linearisation(Protocol):
    """The logits of a batch of rows, and their first and second derivatives at θ."""

    @property
    def logits(self) -> Tensor:
        """Shape (rows, classes)."""
        ...

    @property
    def kept_bytes(self) -> int | None:
        """What keeping this costs in memory; None where it is made anew each time."""
        ...

    def jvp(self, v: Tensor) -> Tensor:
        """J v: directional derivative of the logits, shape (rows, classes)."""
        ...

    def vjp(self, u: Tensor) -> Tensor:
        """Jᵀu for u of shape (rows, classes); shape (size,)."""
        ...

    def bend(self, v: Tensor, u: Tensor) -> Tensor:
        """Derivative of Jᵀu along v for fixed u, shape (size,): what GGN leaves out."""
        ...


class Differentiable(Protocol):
    """A model at its trained parameters, as one vector of `size` values."""

    @property
    def size(self) -> int: ...
    @property
    def batch(self) -> int:
        """Rows worth one batch."""
        ...

    def prepare(self, x: Any) -> Any:
        """Features as the model takes them: dtype, bias column."""
        ...

    def linearise(self, x: Any) -> Linearisation: ...


@dataclass(frozen=True, eq=False)
class _Part:
    """A batch of rows with the derivatives of its cross-entropy with respect to the logits."""

    model: Linearisation
    label: Tensor
    p: Tensor
    error: Tensor

    def losses(self) -> Tensor:
        return cross_entropy(self.model.logits, self.label, reduction="none")

    def noise(self, generator: torch.Generator) -> Tensor:
        """JᵀLε of covariance JᵀLLᵀJ; L = diag(√p) − p√pᵀ, LLᵀ the softmax's curvature."""
        e = torch.randn(self.p.shape, generator=generator, dtype=self.p.dtype).to(self.p)
        e *= self.p.sqrt()
        return self.model.vjp(e - self.p * e.sum(1, keepdim=True))

    def product(self, v: Tensor, kind: Kind) -> Tensor:
        u = self.model.jvp(v)
        u = self.p * (u - (self.p * u).sum(1, keepdim=True))
        out = self.model.vjp(u)
        return out + self.model.bend(v, self.error) if kind == "hessian" else out


class Curvature:
    """Hessian, or generalised Gauss–Newton matrix, of mean cross-entropy + (l2/2)‖θ‖².

    Args:
        model: The trained model.
        x: Features of the n training rows, as `model.prepare` gives them.
        y: Class numbers, int64, shape (n,).
        kind: `"ggn"` (positive semi-definite) or `"hessian"`.
        l2: Weight of the penalty in the objective; it covers all parameters.
        damping: Added to the diagonal.
    """

    def __init__(
        self,
        model: Differentiable,
        x: Any,
        y: npt.ArrayLike,
        *,
        kind: Kind = "ggn",
        l2: float = 0.0,
        damping: float = 0.0,
    ) -> None:
        self.model, self.kind = model, kind
        self.l2, self.damping = l2, damping
        self.x, self.y = x, torch.as_tensor(np.asarray(y, dtype=np.int64))
        self._kept: list[_Part] | None = None

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.model.size

    @property
    def rows(self) -> int:
        """Number of training rows, n."""
        return len(self.y)

    @property
    def floor(self) -> float:
        """Smallest eigenvalue at worst; the Hessian of a network has no such bound."""
        return self.l2 + self.damping if self.kind == "ggn" else 0.0

    def product(self, v: Tensor, rows: Rows | None = None) -> Tensor:
        """(H + damping·I) v, shape (size,), over all rows or a mini-batch of row numbers."""
        out = v * (self.l2 + self.damping)
        if rows is None:
            for part in self._parts():
                out.add_(part.product(v, self.kind), alpha=1 / self.rows)
            return out
        for start in range(0, len(rows), self.model.batch):
            part = self._part(self.x, self.y, rows[start : start + self.model.batch])
            out.add_(part.product(v, self.kind), alpha=1 / len(rows))
        return out

    def single(self) -> Curvature | None:
        """The same in single precision, for a solver that refines; None where there is none."""
        return None

    def matrix(self) -> Tensor:
        """H + damping·I itself, shape (size, size).

        Raises:
            InputError: more parameters than `EXACT_SIZE`.
        """
        check_exact(self.size)
        like = self.gradient(self.x[:1], self.y[:1])
        return torch.stack([self.product(column) for column in torch.eye(self.size).to(like)])

    def loss(self) -> float:
        """Mean cross-entropy of the training rows."""
        return sum(float(part.losses().sum()) for part in self._parts()) / self.rows

    def gradient(self, x: Any, y: npt.ArrayLike) -> Tensor:
        """Gradient of the mean cross-entropy over prepared rows (x, y), shape (size,)."""
        labels = torch.as_tensor(np.asarray(y, dtype=np.int64))
        parts = (self._part(x, labels, rows) for rows in self._slices(len(labels)))
        return reduce(torch.add, (part.model.vjp(part.error) for part in parts)) / len(labels)

    def slopes(self, s: Tensor) -> Tensor:
        """g_iᵀs of every training row, shape (n,), by one forward-mode pass.

        The derivative of ℓ_i along s is (p_i − onehot_i)·(J_i s): no gradient is formed.
        """
        return torch.cat([(part.error * part.model.jvp(s)).sum(1) for part in self._parts()])

    def square_root_noise(self, generator: torch.Generator) -> Tensor:
        """A random vector with mean 0 and covariance H + damping·I (GGN only), shape (size,)."""
        pulled = reduce(torch.add, (part.noise(generator) for part in self._parts()))
        isotropic = torch.randn(self.size, generator=generator, dtype=pulled.dtype).to(pulled)
        return pulled / math.sqrt(self.rows) + isotropic * math.sqrt(self.l2 + self.damping)

    def _slices(self, rows: int) -> Iterator[slice]:
        return (slice(i, i + self.model.batch) for i in range(0, rows, self.model.batch))

    def _part(self, x: Any, y: Tensor, rows: Rows | slice) -> _Part:
        model = self.model.linearise(x[rows])
        p = torch.softmax(model.logits, 1)
        label = y[rows].to(p.device)
        error = p - one_hot(label, p.shape[1])
        return _Part(model, label, p, error)

    def _parts(self) -> Iterator[_Part]:
        """All training rows by batch; kept from one product to the next where memory allows."""
        if self._kept is not None:
            yield from self._kept
            return
        kept: list[_Part] | None = []
        room = KEEP_BYTES
        for rows in self._slices(self.rows):
            part = self._part(self.x, self.y, rows)
            yield part
            cost = part.model.kept_bytes
            room -= cost or 0
            if kept is not None:
                kept = None if cost is None or room < 0 else [*kept, part]
        self._kept = kept


def check_exact(size: int) -> None:
    """A matrix of this many rows fits into memory.

    Raises:
        InputError: it has more than `EXACT_SIZE`.
    """
    if size > EXACT_SIZE:
        raise InputError(
            f"A direct solve takes models of up to {EXACT_SIZE:,} parameters; this one has "
            f"{size:,}. Use method='cg'."
        )
