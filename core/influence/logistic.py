"""Influence of a logistic regression: its curvature in closed form."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.special import softmax
from torch import Tensor

from core.influence.curvature import Curvature, check_exact
from core.training.logistic import LogisticRegression, design, fit, logits_of

__all__ = ["LogisticCurvature", "LogisticRegression", "design", "fit"]


@dataclass(frozen=True, eq=False)
class Narrowed(LogisticRegression):
    """A fitted model without some of its inputs.

    Args:
        used: Numbers of the inputs there are, int64, ascending.
    """

    used: npt.NDArray[np.int64]

    def prepare(self, x: Any) -> Any:
        """The float64 matrix of the inputs there are, with a column of ones behind it."""
        flat = _flat(x)
        return design(flat[:, self.used] if sparse.issparse(flat) else flat.take(self.used, axis=1))


def without_idle_inputs(model: LogisticRegression, x: Any) -> Narrowed:
    """The model without the inputs that are 0 in all of these rows, as their weights must be."""
    flat = _flat(x)
    seen = np.zeros(flat.shape[1], dtype=bool)
    if sparse.issparse(flat):
        seen[flat.indices[flat.data != 0]] = True
    else:
        seen = flat.any(0)
    used = np.flatnonzero(seen | model.theta[:, :-1].any(0))
    theta = model.theta[:, np.append(used, -1)]
    return Narrowed(theta, model.l2, model.gradient_norm, model.seconds, used)


def _flat(x: Any) -> Any:
    return sparse.csr_array(x) if sparse.issparse(x) else np.asarray(x).reshape(len(x), -1)


class LogisticCurvature(Curvature):
    """Curvature of a logistic regression, whose matrix has a closed form.

    The Hessian is its own Gauss–Newton matrix, so there is no choice between the two.
    """

    model: LogisticRegression

    def __init__(
        self, model: LogisticRegression, x: Any, y: npt.ArrayLike, *, damping: float = 0.0
    ) -> None:
        super().__init__(model, x, y, l2=model.l2, damping=damping)

    def single(self) -> Curvature:
        """The same in single precision: half the bytes to go through."""
        model = replace(self.model, theta=self.model.theta.astype(np.float32))
        x = self.x.astype(np.float32)
        return Curvature(model, x, self.y, l2=self.l2, damping=self.damping)

    def matrix(self) -> Tensor:
        """H + damping·I, float64, shape (size, size); parameters ordered as `theta.ravel()`.

        Block (c, d) is Xᵀ diag(p_c (δ_cd − p_d)) X / n.

        Raises:
            InputError: more parameters than a direct solve takes.
        """
        check_exact(self.size)
        p = softmax(logits_of(self.x, self.model.theta), axis=1)
        classes, width = self.model.theta.shape
        h = np.empty((classes, width, classes, width))
        for c in range(classes):
            for d in range(c + 1):
                weight = p[:, c] * ((c == d) - p[:, d]) / self.rows
                block = self.x.T @ (sparse.diags_array(weight) @ self.x)
                h[c, :, d] = h[d, :, c] = block.toarray() if sparse.issparse(block) else block
        result = h.reshape(self.size, self.size)
        result[np.diag_indices(self.size)] += self.l2 + self.damping
        return torch.from_numpy(result)

    def row_gradients(self, rows: slice) -> npt.NDArray[np.float64]:
        """g_i of some rows, shape (rows, size): the outer product of error and features."""
        x = self.x[rows].toarray() if sparse.issparse(self.x) else self.x[rows]
        error = softmax(logits_of(x, self.model.theta), axis=1)
        error[np.arange(len(x)), self.y[rows].numpy()] -= 1
        gradients: npt.NDArray[np.float64] = (error[:, :, None] * x[:, None, :]).reshape(len(x), -1)
        return gradients
