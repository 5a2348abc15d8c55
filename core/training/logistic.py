"""Multinomial logistic regression, solved exactly."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse
from scipy.sparse.linalg import LinearOperator, cg
from scipy.special import log_softmax, softmax
from torch import Tensor

from core.errors import InputError
from core.training.inputs import check_rows

GRADIENT_NORM = 1e-6
NEWTON_STEPS = 100
CG_STEPS = 1000
SHORTEST_STEP = 2.0**-40
BLOCK = 65536  # values of a dense matrix that are multiplied at once

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class LogisticRegression:
    """A fitted model: the minimum of mean cross-entropy + (l2/2)‖θ‖², the bias included.

    Args:
        theta: Parameters, float64, shape (classes, features + 1); the last column is the bias.
        l2: Weight of the penalty.
        gradient_norm: Norm of the objective's gradient at `theta`.
        seconds: Time that the fit took.
    """

    theta: Floats
    l2: float
    gradient_norm: float
    seconds: float

    @property
    def size(self) -> int:
        """Number of parameters."""
        return self.theta.size

    @property
    def batch(self) -> int:
        """Rows worth one batch: only (rows, classes) arrays are made."""
        return 65536

    def prepare(self, x: Any) -> Any:
        """The float64 matrix with a column of ones behind it, dense or CSR."""
        return design(x)

    def linearise(self, x: Any) -> LinearLogits:
        """Logits of prepared rows; they are linear in θ."""
        return LinearLogits(x, self.theta)

    def log_probabilities(self, x: Any) -> Floats:
        """Log of each class's probability, shape (n, classes)."""
        result: Floats = log_softmax(logits_of(design(x), self.theta), axis=1)
        return result

    def predict(self, x: Any) -> npt.NDArray[np.int64]:
        """Most probable class number, shape (n,)."""
        result: npt.NDArray[np.int64] = logits_of(design(x), self.theta).argmax(1)
        return result


@dataclass(frozen=True, eq=False)
class LinearLogits:
    """The linearisation of a model whose logits are x θᵀ."""

    x: Any
    theta: Floats

    @cached_property
    def logits(self) -> Tensor:
        """Shape (rows, classes)."""
        return torch.from_numpy(logits_of(self.x, self.theta))

    @property
    def kept_bytes(self) -> int:
        """Only the logits: x is a view."""
        return self.logits.nbytes

    def jvp(self, v: Tensor) -> Tensor:
        """J v, shape (rows, classes)."""
        return torch.from_numpy(logits_of(self.x, v.numpy().reshape(self.theta.shape)))

    def vjp(self, u: Tensor) -> Tensor:
        """Jᵀu, shape (size,)."""
        return torch.from_numpy(pulled_back(self.x, u.numpy()).ravel())

    def bend(self, v: Tensor, u: Tensor) -> Tensor:
        """Zero: the Hessian of this model is its Gauss–Newton matrix."""
        return torch.zeros_like(v)


def logits_of(matrix: Any, theta: Floats) -> Floats:
    """Matrix times θᵀ, shape (n, classes)."""
    if sparse.issparse(matrix):
        return np.ascontiguousarray((theta @ matrix.T).T)
    out: Floats = np.empty((len(matrix), len(theta)), np.result_type(matrix, theta))
    for rows in _blocks(matrix):
        np.matmul(matrix[rows], theta.T, out=out[rows])
    return out


def pulled_back(matrix: Any, error: Floats) -> Floats:
    """errorᵀ times the matrix, shape (classes, features); error has shape (n, classes)."""
    if sparse.issparse(matrix):
        return np.ascontiguousarray(error.T @ matrix)
    out: Floats = np.zeros((error.shape[1], matrix.shape[1]), np.result_type(matrix, error))
    for rows in _blocks(matrix):
        out += error[rows].T @ matrix[rows]
    return out


def _blocks(matrix: Any) -> Iterator[slice]:
    """Rows so few that BLAS takes its kernels for small matrices: up to 2.5 times as fast."""
    step = max(1, BLOCK // matrix.shape[1])
    return (slice(start, start + step) for start in range(0, len(matrix), step))


def design(x: Any) -> Any:
    """The matrix that multiplies θ: x as float64 with a column of ones, dense or CSR."""
    if sparse.issparse(x):
        return sparse.hstack([x, np.ones((x.shape[0], 1))], format="csr", dtype=np.float64)
    flat = np.asarray(x).reshape(len(x), -1)
    matrix = np.ones((len(flat), flat.shape[1] + 1))
    matrix[:, :-1] = flat
    return matrix


def fit(
    x: Any,
    y: npt.ArrayLike,
    *,
    l2: float = 0.01,
    classes: int | None = None,
    start: LogisticRegression | None = None,
    tolerance: float = GRADIENT_NORM,
) -> LogisticRegression:
    """Fit by Newton's method with conjugate gradients and step halving.

    Args:
        x: Features, shape (n, …), flattened; pixels / 255 or a standardised one-hot matrix;
            a SciPy CSR matrix stays sparse.
        y: Class numbers from 0, shape (n,).
        l2: Weight of the penalty; above 0, so that the minimum exists and is unique.
        classes: Number of classes; the largest label + 1 unless given.
        start: A model to start from, such as one fitted to almost the same rows.
        tolerance: Norm of the gradient to stop below.

    Raises:
        InputError: the rows cannot be used, `l2` is not above 0, or the tolerance is not met.
    """
    begun = time.perf_counter()
    labels = check_rows(x, y)
    if not l2 > 0:
        raise InputError(f"l2 must be above 0, or the fit has no unique minimum; got {l2}.")
    matrix = design(x)
    width = classes or int(labels.max()) + 1
    theta = np.zeros((width, matrix.shape[1])) if start is None else start.theta.copy()
    objective = _Objective(matrix, labels, l2)
    for _ in range(NEWTON_STEPS):
        p = softmax(logits_of(matrix, theta), axis=1)
        gradient = objective.gradient(theta, p)
        norm = float(np.linalg.norm(gradient))
        if norm < tolerance:
            return LogisticRegression(theta, l2, norm, time.perf_counter() - begun)
        step = objective.newton_step(p, gradient, rtol=min(0.1, norm**0.5))
        theta = objective.line_search(theta, step, gradient)
    raise InputError(
        f"Logistic regression did not reach a gradient norm of {tolerance:g} in {NEWTON_STEPS} "
        f"Newton steps (it is {norm:.1e}); scale the features or raise l2."
    )


@dataclass(frozen=True, eq=False)
class _Objective:
    """Mean cross-entropy + (l2/2)‖θ‖² of rows with a bias column."""

    x: Any
    y: npt.NDArray[np.int64]
    l2: float

    def value(self, theta: Floats) -> float:
        losses = -log_softmax(logits_of(self.x, theta), axis=1)[np.arange(len(self.y)), self.y]
        return float(losses.mean() + self.l2 / 2 * np.vdot(theta, theta))

    def gradient(self, theta: Floats, p: Floats) -> Floats:
        """At θ, where the classes have the probabilities p; shaped like θ."""
        error = p.copy()
        error[np.arange(len(self.y)), self.y] -= 1
        result: Floats = pulled_back(self.x, error) / len(self.y) + self.l2 * theta
        return result

    def newton_step(self, p: Floats, gradient: Floats, rtol: float) -> Floats:
        """−H⁻¹ gradient by conjugate gradients, H the Hessian where the probabilities are p."""

        def product(v: Floats) -> Floats:
            v = v.reshape(gradient.shape)
            u = p * logits_of(self.x, v)
            u -= p * u.sum(1, keepdims=True)
            out: Floats = pulled_back(self.x, u) / len(self.y) + self.l2 * v
            return out.ravel()

        hessian = LinearOperator((gradient.size,) * 2, product, dtype=np.float64)
        step: Floats = cg(hessian, -gradient.ravel(), rtol=rtol, maxiter=CG_STEPS)[0]
        return step.reshape(gradient.shape)

    def line_search(self, theta: Floats, step: Floats, gradient: Floats) -> Floats:
        """The first of θ + step, θ + step/2, … that lowers the objective (Armijo)."""
        value, slope = self.value(theta), float(np.vdot(gradient, step))
        rounding = 1e-12 * max(1.0, abs(value))
        length = 1.0
        while True:
            moved = theta + length * step
            lower = self.value(moved) <= value + 1e-4 * length * slope + rounding
            if lower or length < SHORTEST_STEP:
                return moved
            length /= 2
