"""Influence scores of all training rows from one solve and one forward-mode pass."""

from __future__ import annotations

import math
import time
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import Tensor, nn

from core.errors import InputError
from core.influence.certificate import Certificate, Influence
from core.influence.curvature import Curvature, Kind
from core.influence.inputs import check_classes, check_labels, check_loss, check_rows
from core.influence.logistic import LogisticCurvature, LogisticRegression, without_idle_inputs
from core.influence.networks import Mlp, differentiable
from core.influence.solvers import Solution, cg, exact, lissa
from core.influence.trees import leaf_influence

Method = Literal["auto", "cg", "lissa", "exact"]
NETWORK_DAMPING = 0.01
CG_ROWS = 100_000  # beyond, "auto" means LiSSA, whose cost does not grow with the rows

Rows = tuple[Any, npt.ArrayLike]


def influence(
    model: LogisticRegression | nn.Module | HistGradientBoostingClassifier,
    train: Rows,
    val: Rows,
    method: Method = "auto",
    curvature: Kind = "ggn",
    damping: float | None = None,
    rtol: float = 1e-3,
    *,
    l2: float = 0.0,
    batch: int | None = None,
    seed: int = 0,
    train_seconds: float | None = None,
) -> Influence:
    """Influence I_i = −g_iᵀ H⁻¹ ∇L_val of every training row; positive is harmful.

    Args:
        model: Fitted on `train`: a logistic regression, a network giving logits, or boosted
            trees (`trees.leaf_influence`, which has no use for the options of a solver).
        train: Features and class numbers, n rows, as the model takes them.
        val: Features and class numbers of the rows that L_val is the mean loss of.
        method: `"cg"`, `"lissa"`, `"exact"` (up to 8,192 parameters), or `"auto"`: CG up to
            100,000 rows, LiSSA beyond.
        curvature: `"ggn"`, or `"hessian"`, which may have negative curvature.
        damping: Added to the diagonal; 0 for logistic regression, 0.01 for networks.
        rtol: Relative residual that the solver stops at.
        l2: Weight of the penalty (l2/2)‖θ‖² that a network was trained with, as `weight_decay`
            of torch's SGD; a logistic regression brings its own.
        batch: Rows in a LiSSA mini-batch; 256 unless given.
        seed: Of LiSSA's mini-batches.
        train_seconds: Time that training took, for its share; a logistic regression knows it.

    Raises:
        InputError: rows, options or a model that cannot be used; one sentence each.
    """
    if isinstance(model, HistGradientBoostingClassifier):
        return leaf_influence(model, train, val, train_seconds=train_seconds)
    begun = time.perf_counter()
    check_options(method, curvature, damping, l2, rtol)
    matrix, gradient = _problem(model, train, val, curvature, damping, l2)
    if method == "auto":
        method = "cg" if matrix.rows <= CG_ROWS or matrix.floor <= 0 else "lissa"
    found = _solve(matrix, gradient, method, rtol, batch, seed)
    scores = -matrix.slopes(found.s)
    seconds = time.perf_counter() - begun
    known = model.seconds if isinstance(model, LogisticRegression) else train_seconds
    certificate = Certificate(
        method=method,
        curvature=curvature,
        residual=found.residual,
        rtol=rtol,
        iterations=found.iterations,
        damping=matrix.damping,
        lambda_max=found.lambda_max,
        seconds=seconds,
        negative_curvature=found.negative_curvature,
        train_share=seconds / known if known else None,
        restarts=found.restarts,
    )
    return Influence(scores.double().cpu().numpy(), certificate)


def curvature_of(
    model: LogisticRegression | nn.Module,
    train: Rows,
    kind: Kind = "ggn",
    damping: float | None = None,
    l2: float = 0.0,
) -> Curvature:
    """The curvature of a model's objective on its training rows, once both are checked.

    Inputs that are 0 in every training row are left out: there no training gradient has a part
    and the matrix is diagonal, so that no score depends on them.

    Raises:
        InputError: the rows cannot be used, or the model has diverged.
    """
    x, y = train
    labels = check_rows(x, y)
    result: Curvature
    if isinstance(model, LogisticRegression):
        narrow = without_idle_inputs(model, x)
        result = LogisticCurvature(narrow, narrow.prepare(x), labels, damping=damping or 0.0)
    else:
        ready = differentiable(model)
        damping = NETWORK_DAMPING if damping is None else damping
        features = ready.prepare(x)
        check_labels(labels, ready.linearise(features[:1]).logits.shape)
        if isinstance(ready, Mlp):
            ready, features = ready.without_idle_inputs(features)
        result = Curvature(ready, features, labels, kind=kind, l2=l2, damping=damping)
    check_loss(result.loss(), "training")
    return result


def check_options(
    method: str, curvature: str, damping: float | None, l2: float, rtol: float
) -> None:
    """Options of a solve.

    Raises:
        InputError: a name that is not known, damping or l2 below 0, or `rtol` not in (0, 1).
    """
    for what, value, known in (
        ("method", method, get_args(Method)),
        ("curvature", curvature, get_args(Kind)),
    ):
        if value not in known:
            raise InputError(f"The {what} must be one of {', '.join(known)}; got {value!r}.")
    for what, weight in (("damping", damping or 0.0), ("l2", l2)):
        if not (math.isfinite(weight) and weight >= 0):
            raise InputError(f"The {what} must be a number from 0 up; got {weight}.")
    if not 0 < rtol < 1:
        raise InputError(f"rtol must be between 0 and 1, such as 1e-3; got {rtol}.")


def _problem(
    model: LogisticRegression | nn.Module,
    train: Rows,
    val: Rows,
    kind: Kind,
    damping: float | None,
    l2: float,
) -> tuple[Curvature, Tensor]:
    """The matrix H and the right-hand side ∇L_val."""
    x, y = val
    labels = check_rows(x, y, "validation")
    check_classes(np.unique(np.asarray(train[1])), labels)
    matrix = curvature_of(model, train, kind, damping, l2)
    gradient = matrix.gradient(matrix.model.prepare(x), labels)
    check_loss(float(gradient.norm()), "validation")
    return matrix, gradient


def _solve(
    matrix: Curvature, b: Tensor, method: Method, rtol: float, batch: int | None, seed: int
) -> Solution:
    if method == "lissa":
        return lissa(matrix, b, rtol=rtol, batch=batch, seed=seed)
    if method == "exact":
        return exact(matrix.matrix(), b)
    return cg(matrix, b, rtol=rtol, single=matrix.single())
