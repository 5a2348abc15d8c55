"""Scores: sign, scale, agreement of the methods, certificates and refusals."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import InputError
from core.influence import influence
from core.influence.curvature import Curvature
from core.influence.logistic import LogisticCurvature, design, fit
from core.influence.networks import differentiable
from core.influence.solvers import exact

METHODS = ("cg", "lissa", "exact", "auto")


def trained(x: np.ndarray, y: np.ndarray, activation: type[nn.Module] = nn.ReLU) -> nn.Module:
    torch.manual_seed(0)
    net = nn.Sequential(nn.Linear(x.shape[1], 16), activation(), nn.Linear(16, 10))
    optimiser = torch.optim.Adam(net.parameters(), 1e-2)
    features, labels = torch.tensor(x, dtype=torch.float32), torch.tensor(y)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(net(features), labels).backward()
        optimiser.step()
    return net


@pytest.mark.parametrize("method", METHODS)
def test_logistic_scores_are_those_of_the_exact_inverse_hessian(digits, method: str) -> None:
    (x, y), (vx, vy) = digits
    model = fit(x, y)
    matrix = LogisticCurvature(model, design(x), y)
    g = matrix.row_gradients(slice(None))
    b = LogisticCurvature(model, design(vx), vy).row_gradients(slice(None)).mean(0)
    oracle = -g @ np.linalg.solve(matrix.matrix().numpy(), b)
    scores, certificate = influence(model, (x, y), (vx, vy), method)
    assert np.corrcoef(scores, oracle)[0, 1] > (0.99 if method == "lissa" else 0.9999)
    assert certificate.method == ("cg" if method == "auto" else method)
    assert certificate.damping == 0
    assert certificate.train_share == pytest.approx(certificate.seconds / model.seconds)
    if method == "exact":
        np.testing.assert_allclose(scores, oracle, rtol=1e-9)


def test_the_sign_positive_scores_are_harm(digits) -> None:
    (x, y), val = digits
    wrong = y.copy()
    flipped = np.random.default_rng(0).permutation(len(y))[:30]
    wrong[flipped] = (wrong[flipped] + 5) % 10
    for model in (fit(x, wrong), trained(x, wrong)):
        scores = influence(model, (x, wrong), val).scores
        assert scores[flipped].mean() > 0 > np.delete(scores, flipped).mean()


def test_removing_what_is_harmful_lowers_the_validation_loss(digits) -> None:
    (x, y), (vx, vy) = digits
    y = y.copy()
    y[:30] = (y[:30] + 1) % 10
    model = fit(x, y)
    kept = np.argsort(influence(model, (x, y), (vx, vy)).scores)[:-15]

    def loss(m) -> float:
        return -m.log_probabilities(vx)[np.arange(len(vy)), vy].mean()

    assert loss(fit(x[kept], y[kept])) < loss(model)


def test_inputs_that_are_zero_in_all_training_rows_change_no_score(digits) -> None:
    (x, y), (vx, vy) = digits
    x, vx = x.copy(), vx.copy()
    x[:, ::3] = 0
    assert (vx[:, ::3] != 0).any()
    net = trained(x, y).double()
    whole = Curvature(differentiable(net), torch.tensor(x), y, damping=0.05)
    s = exact(whole.matrix(), whole.gradient(torch.tensor(vx), vy)).s
    for rows, val in (((x, y), (vx, vy)), ((torch.tensor(x), y), (torch.tensor(vx), vy))):
        found = influence(net, rows, val, "exact", damping=0.05)
        np.testing.assert_allclose(found.scores, -whole.slopes(s).numpy(), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("activation", [nn.ReLU, nn.Tanh])
def test_networks_agree_across_methods(digits, activation: type[nn.Module]) -> None:
    train, val = digits
    net = trained(*train, activation)
    direct = influence(net, train, val, rtol=1e-6, damping=0.05)
    if activation is nn.ReLU:
        direct = influence(net, train, val, "exact", damping=0.05)
    for method, least in (("cg", 0.9999), ("lissa", 0.99)):
        found = influence(net, train, val, method, damping=0.05)
        assert np.corrcoef(found.scores, direct.scores)[0, 1] > least
        assert found.certificate.damping == 0.05
        assert found.scores.dtype == np.float64


def test_certificates_tell_what_happened(digits) -> None:
    train, val = digits
    net = trained(*train)
    met = influence(net, train, val, rtol=1e-2, train_seconds=2.0).certificate
    assert met.converged
    assert met.words.startswith("Solver converged: residual ")
    assert met.train_share == pytest.approx(met.seconds / 2)
    assert met.lambda_max > met.damping == 0.01
    short = influence(net, train, val, "lissa", rtol=1e-6).certificate
    assert not short.converged
    assert "1e-06 was asked for" in short.words
    for method in ("cg", "exact"):
        bent = influence(net, train, val, method, "hessian", damping=1e-4).certificate
        assert bent.negative_curvature
        assert "more damping than 0.0001" in bent.words
        assert not bent.converged


def diverged(x: np.ndarray) -> nn.Module:
    net = nn.Linear(x.shape[1], 10)
    nn.init.constant_(net.bias, float("nan"))
    return net


def test_bad_input_is_one_clear_sentence(digits) -> None:
    (x, y), (vx, vy) = digits
    net = trained(x, y)
    few = y < 8
    hole = vx.copy()
    hole[4, 3] = np.nan
    refused = [
        ((net, (x[few], y[few]), (vx, vy)), {}, "classes 8, 9 that the training set lacks"),
        ((net, (x, 0 * y), (vx, 0 * vy)), {}, "one class only"),
        ((net, (x, y), (hole, vy)), {}, "Row 4 of the validation set"),
        ((diverged(x), (x, y), (vx, vy)), {}, "training diverged"),
        ((net, (x, y), (vx, vy)), {"method": "lissa", "batch": 301}, "300 rows there are"),
        ((net, (x, y + 3), (vx, vy + 3)), {}, "tells 10 classes"),
        ((net, (x, y), (vx, vy)), {"method": "magic"}, "method must be one of"),
        ((net, (x, y), (vx, vy)), {"curvature": "flat"}, "curvature must be one of"),
        ((net, (x, y), (vx, vy)), {"damping": -1.0}, "damping must be"),
        ((net, (x, y), (vx, vy)), {"rtol": 0.0}, "rtol must be"),
        ((net, (x, y), (vx, vy)), {"l2": -1.0}, "l2 must be"),
        (
            (nn.Sequential(nn.Linear(64, 200), nn.Linear(200, 10)), (x, y), (vx, vy)),
            {"method": "exact"},
            "15,010",
        ),
    ]
    for arguments, options, message in refused:
        with pytest.raises(InputError, match=message) as caught:
            influence(*arguments, **options)
        assert "\n" not in str(caught.value)
