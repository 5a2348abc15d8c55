"""Label suspicion: which training labels look wrong, whatever they do to the validation loss.

Harm and suspicion answer different questions: a wrong label on a row that no validation row
resembles does little harm, and a harmful row may be labelled right.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.linalg import solve_triangular
from scipy.stats import rankdata
from torch import nn

from core.errors import InputError
from core.influence.inputs import check_rows
from core.influence.logistic import LogisticCurvature, LogisticRegression
from core.influence.scores import Rows, curvature_of
from core.influence.solvers import EXACT_SIZE, cg

FOLDS = 5

Floats = npt.NDArray[np.float64]
LogProbabilities = Callable[[Any], Floats]
Fit = Callable[[Any, npt.NDArray[np.int64]], LogProbabilities]


@dataclass(frozen=True, eq=False)
class LabelSuspicion:
    """Three views of how wrong a label looks; higher is more suspicious, shape (n,) each.

    Args:
        self_influence: g_iᵀH⁻¹g_i, how much the fit leans on this row to explain its own label;
            all NaN where that is not known, as for boosted trees.
        out_of_fold_loss: Cross-entropy under a model that has not seen the row.
        suspicion: Mean of the two ranks, from 0 to 1.
    """

    self_influence: Floats
    out_of_fold_loss: Floats

    @property
    def suspicion(self) -> Floats:
        """Mean of the two ranks, ties shared, from 0 to 1; of the loss alone without the other."""
        known = [self.out_of_fold_loss]
        if not np.isnan(self.self_influence).all():
            known.append(self.self_influence)
        ranks = [rankdata(score) for score in known]
        result: Floats = (np.mean(ranks, axis=0) - 1) / max(len(ranks[0]) - 1, 1)
        return result


def self_influence(
    model: LogisticRegression | nn.Module,
    train: Rows,
    *,
    damping: float | None = None,
    l2: float = 0.0,
    probes: int = 64,
    rtol: float = 1e-2,
    seed: int = 0,
) -> Floats:
    """g_iᵀ(H + damping·I)⁻¹g_i of every training row, shape (n,); never negative.

    Exact, by Cholesky, for logistic regression of up to 8,192 parameters. Otherwise the mean of
    (g_iᵀs)² over random s with covariance H⁻¹: one solve and one forward-mode pass each, with a
    relative standard error of √(2/probes), 18 % for 64. H is the Gauss–Newton matrix.

    Args:
        model: Fitted on `train`.
        train: Features and class numbers, n rows.
        damping: Added to the diagonal; 0 for logistic regression, 0.01 for networks.
        l2: Weight of the penalty that a network was trained with.
        probes: Random vectors.
        rtol: Relative residual of their solves.
        seed: Of the random vectors.

    Raises:
        InputError: the rows or the model cannot be used, or `probes` is below 1.
    """
    if probes < 1:
        raise InputError(f"Self-influence needs at least 1 probe; got {probes}.")
    matrix = curvature_of(model, train, "ggn", damping, l2)
    if isinstance(matrix, LogisticCurvature) and matrix.size <= EXACT_SIZE:
        return _exact_self_influence(matrix)
    generator = torch.Generator().manual_seed(seed)
    single = matrix.single()
    total = np.zeros(matrix.rows)
    for _ in range(probes):
        s = cg(matrix, matrix.square_root_noise(generator), rtol=rtol, single=single).s
        total += matrix.slopes(s).double().cpu().numpy() ** 2
    return total / probes


def _exact_self_influence(matrix: LogisticCurvature, batch: int = 512) -> Floats:
    """‖L⁻¹g_i‖² with H = LLᵀ; g_i is the outer product of row i's error and features."""
    factor = torch.linalg.cholesky(matrix.matrix()).numpy()
    out = []
    for start in range(0, matrix.rows, batch):
        gradients = matrix.row_gradients(slice(start, start + batch))
        solved = solve_triangular(factor, gradients.T, lower=True, check_finite=False)
        out.append((solved**2).sum(0))
    return np.concatenate(out)


def out_of_fold_loss(
    fit: Fit, train: Rows, *, folds: int = FOLDS, seed: int = 0, only: int | None = None
) -> Floats:
    """Cross-entropy of each training row under a model fitted without its fold, shape (n,).

    Args:
        fit: Takes features and class numbers and gives back what turns features into log
            probabilities over all classes, shape (rows, classes).
        train: Features and class numbers, n rows.
        folds: Models to fit; every fold holds about its share of every class.
        seed: Of the folds.
        only: Fit without this fold alone; NaN for the rows of the others.

    Raises:
        InputError: the rows cannot be used, or `folds` is not from 2 to n.
    """
    x, labels = train[0], check_rows(*train)
    if not 2 <= folds <= len(labels):
        raise InputError(f"Folds must be from 2 to the {len(labels)} rows; got {folds}.")
    fold = stratified_folds(labels, folds, seed)
    loss = np.full(len(labels), np.nan)
    for k in range(folds) if only is None else [only]:
        inside, outside = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        log_probabilities = fit(x[inside], labels[inside])(x[outside])
        loss[outside] = -log_probabilities[np.arange(len(outside)), labels[outside]]
    return loss


def stratified_folds(labels: npt.NDArray[np.int64], folds: int, seed: int) -> npt.NDArray[np.int64]:
    """A fold number for each row; classes are dealt out in turn, in random order."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold = np.empty(len(labels), dtype=np.int64)
    fold[order] = np.arange(len(labels)) % folds
    return fold
