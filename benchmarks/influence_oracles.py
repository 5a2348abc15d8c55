"""Slow and independent ways to the scores that `benchmarks.influence` checks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingClassifier
from torch import nn

from core.influence.trees import mean_loss, predict, replay, structure

Rows = tuple[np.ndarray, np.ndarray]


def exact_mlp(net: nn.Module, train: Rows, val: Rows, damping: float) -> np.ndarray:
    """Scores under the Gauss–Newton matrix by a float64 direct solve in the dual.

    With H = MᵀM + λI, −gᵀH⁻¹b = −(gᵀb − (Mg)ᵀ(MMᵀ + λI)⁻¹Mb)/λ, where M has one row for each
    (training row, class). All products of gradients come from Gram matrices layer by layer, so
    nothing is shared with the code that is checked.
    """
    first, _, last = net
    w = last.weight.detach().double()

    def pulled(rows: Rows, kind: str) -> list[tuple[torch.Tensor, torch.Tensor]]:
        """Inputs (with 1 for the bias) and sensitivities of each layer, a row a cotangent."""
        x, y = torch.from_numpy(rows[0]).double(), torch.from_numpy(rows[1])
        z = x @ first.weight.detach().double().T + first.bias.detach().double()
        p = (z.clamp_min(0) @ w.T + last.bias.detach().double()).softmax(1)
        error = (p - nn.functional.one_hot(y, 10))[:, None]
        root = torch.diag_embed(p.sqrt()) - p.sqrt()[:, :, None] * p[:, None, :]
        u = error if kind == "gradient" else root
        count = u.shape[1]
        u, x, z = u.reshape(-1, 10), x.repeat_interleave(count, 0), z.repeat_interleave(count, 0)
        one = torch.ones(len(u), 1, dtype=torch.float64)
        return [
            (torch.cat([x, one], 1), (u @ w) * (z > 0)),
            (torch.cat([z.clamp_min(0), one], 1), u),
        ]

    def gram(a: list[tuple[torch.Tensor, torch.Tensor]], b: Any) -> torch.Tensor:
        pairs = zip(a, b, strict=True)
        return sum((xa @ xb.T) * (da @ db.T) for (xa, da), (xb, db) in pairs)

    n = len(train[1])
    m, g, b = pulled(train, "root"), pulled(train, "gradient"), pulled(val, "gradient")
    kernel = gram(m, m) / n
    kernel.diagonal().add_(damping)
    factor = torch.linalg.cholesky(kernel)
    mb = gram(m, b).mean(1, keepdim=True) / n**0.5
    mg = gram(m, g) / n**0.5
    direct = gram(g, b).mean(1) - mg.T.matmul(torch.cholesky_solve(mb, factor))[:, 0]
    return (-direct / damping).numpy()


def finite_difference_error(
    model: HistGradientBoostingClassifier,
    train: Rows,
    val: Rows,
    scores: np.ndarray,
    rows: Iterable[int],
    step: float = 2e-2,
) -> float:
    """Largest relative difference of scores from sixth-order differences of the replayed loss."""
    boosting = structure(model)
    leaves, val_leaves = boosting.leaves(train[0]), boosting.leaves(val[0])
    targets, val_targets = boosting.targets(train[1]), boosting.targets(val[1])
    n = len(scores)

    def loss(row: int, change: float) -> float:
        weights = np.ones(n)
        weights[row] += change
        replayed = replay(boosting, leaves, targets, weights)
        return mean_loss(predict(boosting, replayed, val_leaves), val_targets)

    worst = 0.0
    for row in rows:
        ends = [loss(row, k * step) for k in (-3, -2, -1, 1, 2, 3)]
        slope = n * np.dot(ends, [-1, 9, -45, 45, -9, 1]) / (60 * step)
        worst = max(worst, abs(slope - scores[row]) / abs(slope))
    return float(worst)


def forward_leaf_influence(
    model: HistGradientBoostingClassifier, train: Rows, val: Rows, rows: Iterable[int]
) -> np.ndarray:
    """Influence of some rows by the published algorithm, for two classes, in plain Python.

    As published and in its public implementations, each row alone is carried forward through all
    trees, leaf by leaf over sets of training rows whose margins it moves, and then through the
    trees of every validation row (Sharchilev et al. 2018, LeafInfluence, all leaves updated).
    """
    boosting = structure(model)
    n, eta = len(train[1]), boosting.learning_rate
    leaves = [trees[0] for trees in boosting.leaves(train[0])]
    val_leaves = np.array([trees[0] for trees in boosting.leaves(val[0])])
    y, vy = boosting.targets(train[1])[:, 0], boosting.targets(val[1])[:, 0]
    replayed = replay(boosting, boosting.leaves(train[0]), y[:, None], np.ones(n))
    margins, steps = np.full(n, boosting.base[0]), []
    for at, (theta,), (total,) in zip(leaves, replayed.values, replayed.hessians, strict=True):
        p = 1 / (1 + np.exp(-margins))
        h = p * (1 - p)
        own, through = p - y + theta[at] / eta * h, h * (1 + theta[at] / eta * (1 - 2 * p))
        members = {leaf: set(np.flatnonzero(at == leaf).tolist()) for leaf in np.unique(at)}
        steps.append((members, total, own, through))
        margins += theta[at]
    val_margins = predict(boosting, replayed, boosting.leaves(val[0]))[:, 0]
    slope = (1 / (1 + np.exp(-val_margins)) - vy) / len(vy)
    out = []
    for row in rows:
        moved, changes = np.zeros(n), []
        for members, total, own, through in steps:
            everything, change = set(range(n)), np.zeros(len(total))
            for leaf, documents in members.items():
                inside = sorted(everything & documents)
                pushed = np.dot(moved[inside], through[inside])
                if row in inside:
                    pushed += own[row]
                change[leaf] = -eta * pushed / total[leaf]
                moved[inside] += change[leaf]
            changes.append(change)
        val_moved = np.zeros(len(vy))
        for t, change in enumerate(changes):
            for v in range(len(vy)):
                val_moved[v] += change[val_leaves[t][v]]
        out.append(n * slope @ val_moved)
    return np.array(out)
