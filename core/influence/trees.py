"""Influence for boosted trees: leaf values replayed on a fixed structure, then one reverse sweep.

The library is scikit-learn's HistGradientBoosting: it is here already, its classifier is binary
and multiclass, it has no row subsampling or DART to reproduce, and its Newton leaf values are
−η G/(H + l2) from plain sums. Its trees and its base score are private attributes, so a replay is
checked against the public margins before anything is computed from it.

References:
    Sharchilev et al., Finding influential training samples for gradient boosted decision trees,
    ICML 2018 (LeafInfluence); here by the adjoint method, O((n + m) · trees) for all n rows.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.special import log_softmax, softmax
from sklearn.ensemble import HistGradientBoostingClassifier

from core.errors import InputError
from core.influence.certificate import Influence, ReplayCertificate
from core.influence.inputs import check_classes, check_rows

MARGIN_ERROR = 1e-5

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.int64]
Leaf = npt.NDArray[np.unsignedinteger[Any]]
Leaves = list[list[Leaf]]  # [round][tree of the round]: leaf of each row


@dataclass(frozen=True, eq=False)
class Boosting:
    """What of a fitted model stays fixed when rows are weighted: trees, rates and base score.

    Args:
        trees: Node tables by round and tree; one tree a round for two classes, else one a class.
        base: Margins before the first round, shape (trees of a round,).
        learning_rate: η.
        l2: Added to the sum of hessians in every leaf.
        classes: Class numbers, sorted, shape (classes,).
    """

    trees: list[list[npt.NDArray[np.void]]]
    base: Floats
    learning_rate: float
    l2: float
    classes: Labels

    def leaves(self, x: Floats) -> Leaves:
        """Node number of the leaf that each row falls into, in every tree."""
        return [[_leaf(nodes, x) for nodes in trees] for trees in self.trees]

    def targets(self, y: Labels) -> Floats:
        """What the margins' probabilities are compared with, shape (n, trees of a round)."""
        hot: Floats = (y[:, None] == self.classes).astype(np.float64)
        return hot[:, 1:] if len(self.base) == 1 else hot


@dataclass(frozen=True, eq=False)
class Replay:
    """Leaf values recomputed for given row weights.

    Args:
        values: Leaf values by round and tree, by node number.
        hessians: Sums of hessians + l2, likewise; 1 where no row falls, infinite for a
            tree without a split, whose value is 0 whatever the rows.
        margins: Margins of the training rows after the last round, shape (n, trees of a round).
    """

    values: list[list[Floats]]
    hessians: list[list[Floats]]
    margins: Floats


def leaf_influence(
    model: HistGradientBoostingClassifier,
    train: tuple[npt.ArrayLike, npt.ArrayLike],
    val: tuple[npt.ArrayLike, npt.ArrayLike],
    *,
    train_seconds: float | None = None,
) -> Influence:
    """Influence n ∂L_val/∂w_i of every training row, structure and base score fixed.

    Args:
        model: Fitted on exactly the rows of `train`, without weights and with
            `early_stopping=False`.
        train: Features, shape (n, features), and class numbers, shape (n,).
        val: Features and class numbers of the rows that L_val is the mean loss of.
        train_seconds: Time that training took, for its share.

    Returns:
        Scores, shape (n,), positive = harmful, and a certificate of the replay.

    Raises:
        InputError: rows that cannot be used, or a model whose margins the replay does not match.
    """
    begun = time.perf_counter()
    y, vy = check_rows(*train), check_rows(*val, what="validation")
    check_classes(y, vy)
    x = np.concatenate([np.asarray(rows[0], dtype=np.float64) for rows in (train, val)])
    boosting = structure(model)
    everywhere = boosting.leaves(x)
    leaves = [[leaf[: len(y)] for leaf in trees] for trees in everywhere]
    val_leaves = [[leaf[len(y) :] for leaf in trees] for trees in everywhere]
    replayed = replay(boosting, leaves, boosting.targets(y), np.ones(len(y)))
    margins = predict(boosting, replayed, everywhere)
    error = float(np.abs(margins - model.decision_function(x).reshape(margins.shape)).max())
    if not error <= MARGIN_ERROR:
        raise InputError(
            f"The replayed margins differ from the model's by {error:.1e}, more than "
            f"{MARGIN_ERROR:g}: fit it on exactly these rows with early_stopping=False and "
            "without sample or class weights or monotonic constraints."
        )
    slope = (_probabilities(margins[len(y) :]) - boosting.targets(vy)) / len(vy)
    scores = _reverse_sweep(boosting, replayed, leaves, val_leaves, boosting.targets(y), slope)
    seconds = time.perf_counter() - begun
    share = seconds / train_seconds if train_seconds else None
    trees = sum(map(len, boosting.trees))
    return Influence(len(y) * scores, ReplayCertificate(trees, error, seconds, share))


def structure(model: HistGradientBoostingClassifier) -> Boosting:
    """Read trees, rates and base score from a fitted model.

    Raises:
        InputError: splits on categories, which a replay does not follow.
    """
    trees = [[tree.nodes for tree in trees] for trees in model._predictors]
    if any(nodes["is_categorical"].any() for round_ in trees for nodes in round_):
        raise InputError(
            "The trees split on categories; encode the categories one-hot and fit again."
        )
    return Boosting(
        trees=trees,
        base=np.asarray(model._baseline_prediction, dtype=np.float64).ravel(),
        learning_rate=float(model.learning_rate),
        l2=float(model.l2_regularization),
        classes=np.asarray(model.classes_, dtype=np.int64),
    )


def replay(boosting: Boosting, leaves: Leaves, targets: Floats, weights: Floats) -> Replay:
    """Leaf values −η G/(H + l2) round by round, each from the margins of the rounds before.

    Args:
        boosting: The fixed part of the model.
        leaves: Of the training rows.
        targets: Of the training rows, shape (n, trees of a round).
        weights: Of the training rows, shape (n,).
    """
    margins = np.tile(boosting.base, (len(weights), 1))
    values: list[list[Floats]] = []
    hessians: list[list[Floats]] = []
    for trees, at in zip(boosting.trees, leaves, strict=True):
        p = _probabilities(margins)
        g = weights[:, None] * (p - targets)
        h = weights[:, None] * p * (1 - p)
        values.append([])
        hessians.append([])
        for k, nodes in enumerate(trees):
            total = _leaf_sums(at[k], h[:, k], len(nodes)) + boosting.l2
            total[total == 0] = 1.0
            if len(nodes) == 1:  # the library gives a tree without a split the value 0
                total[:] = np.inf
            values[-1].append(
                -boosting.learning_rate * _leaf_sums(at[k], g[:, k], len(nodes)) / total
            )
            hessians[-1].append(total)
            margins[:, k] += values[-1][k][at[k]]
    return Replay(values, hessians, margins)


def predict(boosting: Boosting, replayed: Replay, leaves: Leaves) -> Floats:
    """Margins of any rows from their leaves, shape (rows, trees of a round)."""
    margins = np.tile(boosting.base, (len(leaves[0][0]), 1))
    for values, at in zip(replayed.values, leaves, strict=True):
        for k, value in enumerate(values):
            margins[:, k] += value[at[k]]
    return margins


def mean_loss(margins: Floats, targets: Floats) -> float:
    """Mean cross-entropy of margins, shape (rows, 1) for two classes or (rows, classes)."""
    if margins.shape[1] == 1:
        return float(np.logaddexp(0, (1 - 2 * targets) * margins).mean())
    return float(-(targets * log_softmax(margins, axis=1)).sum(1).mean())


def _reverse_sweep(
    boosting: Boosting,
    replayed: Replay,
    leaves: Leaves,
    val_leaves: Leaves,
    targets: Floats,
    slope: Floats,
) -> Floats:
    """∂L_val/∂w_i of every training row at weights 1, shape (n,).

    `slope` is ∂L_val/∂F of the validation rows, the same after every round. `adjoint` is
    ∂L_val/∂F of the training rows: through it, later rounds see what earlier leaf values change.
    """
    eta = boosting.learning_rate
    margins, adjoint = replayed.margins.copy(), np.zeros_like(replayed.margins)
    scores = np.zeros(len(margins))
    for t in reversed(range(len(leaves))):
        pulls, values = np.empty_like(margins), np.empty_like(margins)
        for k, (value, total) in enumerate(
            zip(replayed.values[t], replayed.hessians[t], strict=True)
        ):
            at = leaves[t][k]
            theta_bar = _leaf_sums(val_leaves[t][k], slope[:, k], len(value))
            theta_bar += _leaf_sums(at, adjoint[:, k], len(value))
            pulls[:, k], values[:, k] = (-eta * theta_bar / total)[at], value[at]
        margins -= values
        p = _probabilities(margins)
        h = p * (1 - p)
        scores += (pulls * (p - targets + values / eta * h)).sum(1)
        pulls *= 1 + values / eta * (1 - 2 * p)
        adjoint += pulls * h if p.shape[1] == 1 else p * (pulls - (pulls * p).sum(1)[:, None])
    return scores


def _leaf_sums(leaf: Leaf, of_rows: Floats, nodes: int) -> Floats:
    return np.bincount(leaf, of_rows, nodes).astype(np.float64, copy=False)


def _probabilities(margins: Floats) -> Floats:
    if margins.shape[1] == 1:
        result: Floats = 1 / (1 + np.exp(-margins))
        return result
    many: Floats = softmax(margins, axis=1)
    return many


def _leaf(nodes: npt.NDArray[np.void], x: Floats) -> Leaf:
    """Node number of each row's leaf: all rows go down together, and wait in their leaves."""
    inner = nodes["is_leaf"] == 0
    stay = np.arange(len(nodes))
    feature = np.where(inner, nodes["feature_idx"], 0)
    threshold = np.where(inner, nodes["num_threshold"], np.inf)
    children = np.stack([nodes["left"], nodes["right"]], axis=1).astype(np.intp)
    children[~inner] = stay[~inner, None]
    children = children.ravel()
    start = np.arange(len(x)) * x.shape[1]
    at = np.zeros(len(x), dtype=np.intp)
    for _ in range(int(nodes["depth"].max())):
        right = x.take(start + feature.take(at)) > threshold.take(at)
        at = children.take(2 * at + right)
    return at.astype(np.min_scalar_type(len(nodes)))
