"""Solve (H + damping·I) s = b when H is known only through its products with vectors."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import eigvalsh_tridiagonal
from torch import Tensor

from core.errors import InputError

EXACT_SIZE = 8192  # parameters; a float64 matrix of this size takes 512 MiB
POWER_STEPS = 12
ROUNDING = 100  # units of rounding that a recursion is trusted down to
BASIS_BYTES = 64 * 2**20  # of residuals that CG keeps orthogonal
LISSA_BATCH = 256
LISSA_DEPTH = 4.0
LISSA_FIRST = 64  # step of the first look at the residual
LISSA_RESTARTS = 12
LISSA_SAMPLE = 1024  # rows that λ_max is estimated on


class Operator(Protocol):
    """A symmetric matrix of shape (size, size): a mean over training rows, damping included."""

    @property
    def size(self) -> int: ...
    @property
    def rows(self) -> int: ...
    @property
    def floor(self) -> float:
        """A lower bound of the smallest eigenvalue, as far as l2 and damping give one."""
        ...

    def product(self, v: Tensor, rows: npt.NDArray[np.int64] | None = None) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Solution:
    """What a solver found.

    Args:
        s: The solution, shape (size,).
        residual: ‖Hs − b‖/‖b‖, measured by one further product over all rows.
        iterations: Products made to get there (LiSSA: steps of the last attempt).
        lambda_max: Estimate of the largest eigenvalue; nan where none was made.
        negative_curvature: Whether a direction with vᵀHv ≤ 0 was met; CG stops there.
        restarts: Times that LiSSA started again with twice the scale.
    """

    s: Tensor
    residual: float
    iterations: int
    lambda_max: float
    negative_curvature: bool = False
    restarts: int = 0


def relative_residual(operator: Operator, s: Tensor, b: Tensor) -> float:
    """‖Hs − b‖/‖b‖ over all rows; 0 where both are zero."""
    norm = float(b.norm())
    return float((operator.product(s) - b).norm()) / norm if norm else 0.0


def cg(
    operator: Operator,
    b: Tensor,
    *,
    rtol: float = 1e-3,
    max_iterations: int = 1000,
    single: Operator | None = None,
) -> Solution:
    """Conjugate gradients, stopped at a relative residual or at negative curvature.

    Where the recursion says that the residual is small enough, it is measured, and what is left
    of it is solved for likewise, until it is small enough or rounding allows no better.

    Args:
        operator: Symmetric; must be positive definite for the answer to be the solution.
        b: Right-hand side, shape (size,).
        rtol: Relative residual to stop at.
        max_iterations: Products to stop after, whatever the residual.
        single: The same in single precision, to solve with; residuals stay those of `operator`.

    References:
        Hestenes and Stiefel, 1952; Saad, Iterative Methods, section 6.7.3; refinement: Higham,
        Accuracy and Stability of Numerical Algorithms, chapter 12.
    """
    s, r, steps = torch.zeros_like(b), b, 0
    norm = size = float(b.norm())
    largest, negative = math.nan, False
    while size > rtol * norm and steps < max_iterations and not negative:
        product, start = (operator.product, r) if single is None else (single.product, r.float())
        run = _run(product, start, rtol * norm, max_iterations - steps)
        if not steps:
            largest = _largest_ritz_value(run.alphas, run.betas)
        steps, negative = steps + len(run.alphas), run.negative
        s = s + run.s
        r = b - operator.product(s)
        previous, size = size, float(r.norm())
        if size > previous / 2:
            break
    return Solution(s, size / norm if norm else 0.0, steps, largest, negative)


class _Run(NamedTuple):
    """Where one recursion ended, and its coefficients: those of a Lanczos tridiagonal matrix."""

    s: Tensor
    alphas: list[float]
    betas: list[float]
    negative: bool = False


def _run(product: Callable[[Tensor], Tensor], b: Tensor, target: float, most: int) -> _Run:
    """Conjugate gradients from 0 to a residual norm, or as close as rounding lets them come.

    The residuals are orthogonal to one another, but soon not in floating point: kept so, as many
    as memory allows, they take up to half as many steps.
    """
    s, r, p = torch.zeros_like(b), b.clone(), b.clone()
    rr = float(r @ r)
    target = max(target, ROUNDING * torch.finfo(b.dtype).eps * math.sqrt(rr))
    basis = b.new_empty(min(BASIS_BYTES // b.nbytes, most), len(b))
    alphas: list[float] = []
    betas: list[float] = []
    while rr > target**2 and len(alphas) < most:
        if len(alphas) < len(basis):
            torch.div(r, math.sqrt(rr), out=basis[len(alphas)])
        hp = product(p)
        curvature = float(p @ hp)
        if curvature <= 0:
            return _Run(s, alphas, betas, negative=True)
        alpha = rr / curvature
        s.add_(p, alpha=alpha)
        r.sub_(hp, alpha=alpha)
        alphas.append(alpha)
        earlier = basis[: len(alphas)]
        r.sub_(earlier.T @ (earlier @ r))
        rr, previous = float(r @ r), rr
        betas.append(rr / previous)
        p.mul_(betas[-1]).add_(r)
    return _Run(s, alphas, betas)


def _largest_ritz_value(alphas: list[float], betas: list[float]) -> float:
    if not alphas:
        return math.nan
    a, beta = np.array(alphas), np.array(betas[:-1])
    diagonal = 1 / a
    diagonal[1:] += beta / a[:-1]
    return float(eigvalsh_tridiagonal(diagonal, np.sqrt(beta) / a[:-1])[-1])


def lambda_max(
    product: Callable[[Tensor], Tensor], start: Tensor, steps: int = POWER_STEPS
) -> float:
    """Largest eigenvalue by power iteration; a lower bound that a few steps bring close.

    Args:
        product: Of a symmetric positive semi-definite matrix with a vector.
        start: Any vector that is not zero, shape (size,).
        steps: Products to make.
    """
    v, norm = start, float(start.norm())
    for _ in range(steps):
        if norm == 0:
            return 0.0
        v = product(v / norm)
        norm = float(v.norm())
    return norm


def lissa(
    operator: Operator,
    b: Tensor,
    *,
    rtol: float = 1e-3,
    steps: int | None = None,
    batch: int | None = None,
    seed: int = 0,
) -> Solution:
    """LiSSA: s ← s + (b − H_B s)/scale over mini-batches B, averaged over the last half.

    The scale starts from an estimate of λ_max. Since ‖H⁻¹b‖ ≤ ‖b‖/λ for the smallest eigenvalue
    λ, an iterate beyond that bound has diverged: the recursion starts again with the scale
    doubled. At each doubling of the steps the average so far is held against `rtol`.

    Args:
        operator: Symmetric positive definite with a known `floor` > 0.
        b: Right-hand side, shape (size,).
        rtol: Relative residual to stop at.
        steps: Mini-batches to stop after; by default `LISSA_DEPTH` times scale/floor, what the
            slowest direction asks for.
        batch: Rows in a mini-batch; 256, or all rows where there are fewer, unless given.
        seed: Of the order of the rows.

    Raises:
        InputError: without l2 or damping; a batch larger than the rows; or no scale that works.

    References:
        Agarwal, Bullins and Hazan, Second-order stochastic optimization, JMLR 2017.
    """
    if operator.floor <= 0:
        raise InputError(
            "LiSSA needs the Gauss–Newton matrix with damping or l2 above 0, which bound its "
            "solution; give damping, or use method='cg'."
        )
    batch = min(LISSA_BATCH, operator.rows) if batch is None else batch
    if not 1 <= batch <= operator.rows:
        raise InputError(
            f"The batch must hold between 1 row and the {operator.rows} rows there are; "
            f"got {batch}. Give a smaller batch."
        )
    rng = np.random.default_rng(seed)
    sample = rng.permutation(operator.rows)[:LISSA_SAMPLE]
    largest = lambda_max(lambda v: operator.product(v, sample), b)
    scale = max(largest, operator.floor)
    for restarts in range(LISSA_RESTARTS):
        count = steps or math.ceil(LISSA_DEPTH * scale / operator.floor)
        s, done = _recursion(operator, b, scale, count, _batches(operator.rows, batch, rng), rtol)
        if s is not None:
            residual = relative_residual(operator, s, b)
            return Solution(s, residual, done, largest, restarts=restarts)
        scale *= 2
    raise InputError(
        f"LiSSA diverged at every scale up to {scale / 2:.3g}; give more damping or a larger "
        "batch, or use method='cg'."
    )


def _batches(rows: int, batch: int, rng: np.random.Generator) -> Iterator[npt.NDArray[np.int64]]:
    """Endless mini-batches; every row once a pass, but for a last part that is too short."""
    while True:
        order = rng.permutation(rows)
        for start in range(0, rows - batch + 1, batch):
            yield order[start : start + batch]


def _recursion(
    operator: Operator,
    b: Tensor,
    scale: float,
    steps: int,
    batches: Iterator[npt.NDArray[np.int64]],
    rtol: float,
) -> tuple[Tensor | None, int]:
    """One attempt: the tail average, or None once the iterate has diverged; and its steps."""
    bound = float(b.norm()) / operator.floor
    s, mean = b / scale, torch.zeros_like(b)
    begun = 0  # step at which the running average began
    for step in range(1, steps + 1):
        s.add_(b - operator.product(s, next(batches)), alpha=1 / scale)
        if step % 16 == 0 and not float(s.norm()) <= bound:
            return None, step
        mean.add_(s - mean, alpha=1 / (step - begun))
        if step == 2 * begun or step == LISSA_FIRST:
            if relative_residual(operator, mean, b) <= rtol:
                return mean, step
            if 2 * step <= steps:
                begun = step
                mean.zero_()
    return mean, steps


def exact(matrix: Tensor, b: Tensor) -> Solution:
    """Direct solve by Cholesky; by LU where the matrix is not positive definite.

    Args:
        matrix: H, symmetric, shape (size, size); at most `EXACT_SIZE` rows.
        b: Right-hand side, shape (size,).

    Raises:
        InputError: the matrix is singular.
    """
    factor, failed = torch.linalg.cholesky_ex(matrix)
    if failed:
        solved, singular = torch.linalg.solve_ex(matrix, b[:, None])
        if singular:
            raise InputError("The matrix to solve with is singular; give damping or l2 above 0.")
    else:
        solved = torch.cholesky_solve(b[:, None], factor)
    s = solved[:, 0]
    norm = float(b.norm())
    residual = float((matrix @ s - b).norm()) / norm if norm else 0.0
    return Solution(
        s, residual, 1, lambda_max(lambda v: matrix @ v, b), negative_curvature=bool(failed)
    )
