"""Label suspicion finds planted flips; self-influence is what it is said to be."""

import numpy as np
import pytest
import torch
from sklearn.metrics import average_precision_score
from torch import nn

from core.errors import InputError
from core.influence import LabelSuspicion, out_of_fold_loss, self_influence
from core.influence.logistic import LogisticCurvature, design, fit
from core.influence.networks import differentiable
from core.influence.scores import curvature_of
from core.influence.suspicion import stratified_folds


def fit_logistic(x, y):
    return fit(x, y, classes=10).log_probabilities


def test_exact_self_influence_is_the_quadratic_form(digits) -> None:
    (x, y), _ = digits
    model = fit(x, y)
    matrix = LogisticCurvature(model, design(x), y)
    g = matrix.row_gradients(slice(None))
    oracle = (g * np.linalg.solve(matrix.matrix().numpy(), g.T).T).sum(1)
    np.testing.assert_allclose(self_influence(model, (x, y)), oracle, rtol=1e-8)


def test_probes_estimate_it_without_bias(digits, monkeypatch) -> None:
    train, _ = digits
    model = fit(*train)
    oracle = self_influence(model, train)
    monkeypatch.setattr("core.influence.suspicion.EXACT_SIZE", 1)
    estimate = self_influence(model, train, probes=200, rtol=1e-3)
    assert np.corrcoef(estimate, oracle)[0, 1] > 0.98
    big = oracle > np.median(oracle)
    assert np.mean(estimate[big] / oracle[big]) == pytest.approx(1, abs=0.05)


def test_a_networks_self_influence(digits) -> None:
    x, y = digits[0][0].astype(np.float32), digits[0][1]
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(64, 8), nn.ReLU(), nn.Linear(8, 10))
    matrix = curvature_of(net, (x, y), damping=0.1)
    model = differentiable(net)
    g = np.stack(
        [matrix.gradient(model.prepare(x[i : i + 1]), y[i : i + 1]).numpy() for i in range(40)]
    )
    oracle = (g * np.linalg.solve(matrix.matrix().numpy(), g.T).T).sum(1)
    estimate = self_influence(net, (x, y), damping=0.1, probes=300)[:40]
    np.testing.assert_allclose(estimate, oracle, rtol=0.4)
    assert np.mean(estimate / oracle) == pytest.approx(1, abs=0.05)


def test_planted_flips_are_the_most_suspicious(digits) -> None:
    (x, y), _ = digits
    rng = np.random.default_rng(0)
    flipped = rng.permutation(len(y))[:30]
    y = y.copy()
    y[flipped] = (y[flipped] + rng.integers(1, 10, 30)) % 10
    model = fit(x, y)
    found = LabelSuspicion(self_influence(model, (x, y)), out_of_fold_loss(fit_logistic, (x, y)))
    truth = np.isin(np.arange(len(y)), flipped)
    for score in (found.self_influence, found.out_of_fold_loss, found.suspicion):
        assert average_precision_score(truth, score) > 0.82
    assert found.suspicion.min() >= 0
    assert found.suspicion.max() <= 1


def test_the_rank_mean_of_known_scores() -> None:
    found = LabelSuspicion(np.array([0.1, 5, 9]), np.array([3.0, 2, 8]))
    np.testing.assert_allclose(found.suspicion, [0.25, 0.25, 1])


def test_every_row_is_scored_by_a_model_that_has_not_seen_it() -> None:
    seen: list[set[float]] = []

    def remember(x, y):
        inside = set(x[:, 0])

        def log_probabilities(rows):
            assert not inside & set(rows[:, 0])
            seen.append(set(rows[:, 0]))
            return np.log(np.full((len(rows), 3), 1 / 3))

        return log_probabilities

    x, y = np.arange(31.0)[:, None], np.arange(31) % 3
    np.testing.assert_allclose(out_of_fold_loss(remember, (x, y), folds=4), np.log(3))
    assert set.union(*seen) == set(x[:, 0])


def test_folds_share_out_every_class() -> None:
    labels = np.repeat(np.arange(4), [50, 7, 1, 22])
    fold = stratified_folds(labels, 5, 0)
    for label in range(4):
        counts = np.bincount(fold[labels == label], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_bad_options_are_refused(digits) -> None:
    train, _ = digits
    with pytest.raises(InputError, match="at least 1 probe"):
        self_influence(fit(*train), train, probes=0)
    for folds in (1, 301):
        with pytest.raises(InputError, match=f"got {folds}"):
            out_of_fold_loss(fit_logistic, train, folds=folds)
