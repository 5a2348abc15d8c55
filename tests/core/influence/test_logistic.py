"""Logistic regression reaches its minimum, and its closed forms are the derivatives."""

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.linear_model import LogisticRegression as SklearnLogisticRegression
from torch.nn.functional import cross_entropy

from core.errors import InputError
from core.influence.logistic import LogisticCurvature, LogisticRegression, design, fit
from core.influence.scores import influence
from core.training.logistic import logits_of, pulled_back


def objective(theta: torch.Tensor, x: np.ndarray, y: np.ndarray, l2: float) -> torch.Tensor:
    logits = torch.tensor(design(x)) @ theta.T
    return cross_entropy(logits, torch.tensor(y)) + l2 / 2 * (theta**2).sum()


def test_the_fit_is_a_minimum_to_the_gradient_norm_promised(digits) -> None:
    (x, y), _ = digits
    model = fit(x, y, l2=0.01)
    theta = torch.tensor(model.theta, requires_grad=True)
    objective(theta, x, y, 0.01).backward()
    assert float(theta.grad.norm()) < 1e-6
    assert model.gradient_norm == pytest.approx(float(theta.grad.norm()), rel=1e-3)


def test_it_agrees_with_scikit_learn(digits) -> None:
    (x, y), (vx, _) = digits
    with_bias = design(x)
    peer = SklearnLogisticRegression(
        C=1 / (0.01 * len(y)), fit_intercept=False, tol=1e-10, max_iter=10_000
    ).fit(with_bias, y)
    model = fit(x, y, l2=0.01)
    np.testing.assert_allclose(
        model.log_probabilities(vx), peer.predict_log_proba(design(vx)), atol=1e-4
    )


@pytest.mark.parametrize("as_sparse", [False, True])
def test_matrix_and_products_are_the_hessian(as_sparse: bool) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(20, 3)), rng.integers(0, 4, 20)
    y[:4] = range(4)
    model = fit(x, y, l2=0.05)
    oracle = torch.autograd.functional.hessian(
        lambda theta: objective(theta, x, y, 0.05), torch.tensor(model.theta)
    ).reshape(16, 16)
    features = sparse.csr_array(x) if as_sparse else x
    curvature = LogisticCurvature(model, design(features), y, damping=0.1)
    oracle += 0.1 * torch.eye(16)
    v = torch.tensor(rng.normal(size=16))
    torch.testing.assert_close(curvature.matrix(), oracle)
    torch.testing.assert_close(curvature.product(v), oracle @ v)
    some = np.array([3, 1, 4, 1, 5])
    part = LogisticCurvature(model, design(x[some]), y[some], damping=0.1)
    torch.testing.assert_close(curvature.product(v, some), part.product(v))


def test_blocks_of_rows_change_nothing(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    x, theta, error = (rng.normal(size=shape) for shape in ((23, 5), (3, 5), (23, 3)))
    for values in (65536, 20, 1):
        monkeypatch.setattr("core.training.logistic.BLOCK", values)
        for matrix in (x, sparse.csr_array(x)):
            np.testing.assert_allclose(logits_of(matrix, theta), x @ theta.T)
            np.testing.assert_allclose(pulled_back(matrix, error), error.T @ x)
    assert logits_of(x.astype(np.float32), theta.astype(np.float32)).dtype == np.float32


@pytest.mark.parametrize("as_sparse", [False, True])
def test_single_precision_is_the_same_matrix(digits, as_sparse: bool) -> None:
    (x, y), _ = digits
    model = fit(x, y)
    features = sparse.csr_array(x) if as_sparse else x
    curvature = LogisticCurvature(model, design(features), y, damping=0.1)
    v = torch.tensor(np.random.default_rng(0).normal(size=curvature.size))
    found = curvature.single().product(v.float())
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.double(), curvature.product(v), rtol=1e-4, atol=1e-5)


def test_sparse_and_dense_features_give_the_same_scores(digits) -> None:
    (x, y), (vx, vy) = digits
    dense = fit(x, y)
    thin = fit(sparse.csr_matrix(x), y)
    np.testing.assert_allclose(thin.theta, dense.theta, atol=1e-5)
    a = influence(dense, (x, y), (vx, vy), rtol=1e-8).scores
    b = influence(dense, (sparse.csr_matrix(x), y), (sparse.csr_matrix(vx), vy), rtol=1e-8).scores
    np.testing.assert_allclose(a, b, rtol=1e-6, atol=1e-9)


def leave_one_out(
    model: LogisticRegression, train: tuple, val: tuple, rows: np.ndarray
) -> np.ndarray:
    """True change of the validation loss when each row alone is removed."""
    (x, y), (vx, vy) = train, val

    def loss(m: LogisticRegression) -> float:
        return -m.log_probabilities(vx)[np.arange(len(vy)), vy].mean()

    full = loss(model)
    changes = []
    for row in rows:
        kept = np.delete(np.arange(len(y)), row)
        changes.append(loss(fit(x[kept], y[kept], l2=model.l2, start=model)) - full)
    return np.array(changes)


@pytest.mark.parametrize("which", ["digits", "mnist"])
def test_scores_predict_what_leaving_a_row_out_does(
    which: str, request: pytest.FixtureRequest
) -> None:
    train, val = request.getfixturevalue(which)
    model = fit(*train, l2=0.01)
    scores = influence(model, train, val).scores
    rows = np.random.default_rng(1).permutation(len(scores))[:60]
    rows = np.union1d(rows, np.argsort(-np.abs(scores))[:5])
    true = leave_one_out(model, train, val, rows)
    predicted = -scores[rows] / len(scores)
    assert np.corrcoef(predicted, true)[0, 1] >= 0.97
    # Rows of high leverage move the model by more than the first order says.
    assert 0.75 < np.polyfit(predicted, true, 1)[0] < 2


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y": np.zeros(5, dtype=int)}, "one class only"),
        ({"y": np.array([0, 1, 0, 1])}, "5 rows of features but 4 labels"),
        ({"y": np.array([0.5, 1, 0, 1, 0])}, "whole class numbers"),
        ({"y": np.array([-1, 1, 0, 1, 0])}, "whole class numbers"),
        ({"y": np.empty(0)}, r"n ≥ 1"),
        ({"x": np.array([[0.0], [1], [np.nan], [0], [1]])}, "Row 2 of the training set"),
        ({"l2": 0.0}, "l2 must be above 0"),
    ],
)
def test_bad_input_is_one_clear_sentence(change: dict, message: str) -> None:
    good = {"x": np.arange(5.0)[:, None], "y": np.array([0, 1, 0, 1, 0]), "l2": 0.1}
    with pytest.raises(InputError, match=message):
        fit(**{**good, **change})


def test_nan_in_a_sparse_row_is_named() -> None:
    x = sparse.csr_matrix(np.array([[1.0, 0], [0, 0], [0, np.inf]]))
    with pytest.raises(InputError, match="Row 2"):
        fit(x, np.array([0, 1, 0]))


def test_features_out_of_all_proportion_are_refused() -> None:
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(size=(50, 3)) * 50)
    with pytest.raises(InputError, match="scale the features"), np.errstate(all="ignore"):
        fit(x, rng.integers(0, 2, 50), l2=1e-12)
