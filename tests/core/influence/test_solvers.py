"""Solvers against dense linear algebra, and what they do where they cannot converge."""

import numpy as np
import pytest
import torch

from core.errors import InputError
from core.influence.solvers import cg, exact, lambda_max, lissa


class Quadratic:
    """H = AᵀA/n + floor·I over the rows of A; or any symmetric matrix."""

    def __init__(self, a: torch.Tensor, floor: float) -> None:
        self.a, self.floor = a, floor
        self.rows, self.size = a.shape

    def product(self, v: torch.Tensor, rows: np.ndarray | None = None) -> torch.Tensor:
        a = self.a if rows is None else self.a[rows]
        return a.T @ (a @ v) / len(a) + self.floor * v

    def matrix(self) -> torch.Tensor:
        return torch.stack([self.product(e) for e in torch.eye(self.size, dtype=self.a.dtype)])


class Indefinite(Quadratic):
    def product(self, v: torch.Tensor, rows: np.ndarray | None = None) -> torch.Tensor:
        return torch.linspace(-1, 2, self.size, dtype=v.dtype) * v


@pytest.fixture
def problem() -> tuple[Quadratic, torch.Tensor, torch.Tensor]:
    rng = np.random.default_rng(0)
    a = torch.tensor(rng.normal(size=(500, 40)) * np.geomspace(0.1, 3, 40))
    b = torch.tensor(rng.normal(size=40))
    operator = Quadratic(a, 0.05)
    return operator, b, torch.linalg.solve(operator.matrix(), b)


@pytest.mark.parametrize("rtol", [1e-1, 1e-3, 1e-8])
def test_cg_stops_at_the_residual_asked_for(problem, rtol: float) -> None:
    operator, b, _ = problem
    found = cg(operator, b, rtol=rtol)
    true = float((operator.matrix() @ found.s - b).norm() / b.norm())
    assert found.residual == pytest.approx(true, rel=1e-3, abs=1e-12)
    assert found.residual <= rtol * 1.001
    assert not found.negative_curvature


def test_cg_finds_the_solution_and_the_largest_eigenvalue(problem) -> None:
    operator, b, s = problem
    found = cg(operator, b, rtol=1e-10)
    torch.testing.assert_close(found.s, s, rtol=1e-6, atol=1e-8)
    top = float(torch.linalg.eigvalsh(operator.matrix())[-1])
    assert found.lambda_max == pytest.approx(top, rel=1e-6)


def test_cg_stops_at_negative_curvature_and_at_its_limit(problem) -> None:
    operator, b, _ = problem
    met = cg(Indefinite(operator.a, 0.0), b)
    assert met.negative_curvature
    cut = cg(operator, b, rtol=1e-8, max_iterations=3)
    assert cut.iterations == 3
    assert cut.residual > 1e-8


class Single(Quadratic):
    """The same matrix in single precision."""

    def __init__(self, of: Quadratic) -> None:
        super().__init__(of.a.float(), of.floor)


@pytest.mark.parametrize("rtol", [1e-3, 1e-10])
def test_a_solve_in_single_precision_meets_a_residual_in_double(problem, rtol: float) -> None:
    operator, b, s = problem
    found = cg(operator, b, rtol=rtol, single=Single(operator))
    assert found.s.dtype == torch.float64
    assert found.residual <= rtol
    true = float((operator.matrix() @ found.s - b).norm() / b.norm())
    assert found.residual == pytest.approx(true, rel=1e-3, abs=1e-12)
    assert float((found.s - s).norm() / s.norm()) < 100 * rtol


def test_single_precision_alone_stops_where_rounding_lets_it(problem) -> None:
    operator, b, _ = problem
    found = cg(Single(operator), b.float(), rtol=1e-12)
    assert 1e-12 < found.residual < 1e-5
    assert found.iterations < 200


def test_orthogonal_residuals_save_steps(monkeypatch) -> None:
    rng = np.random.default_rng(0)
    a = torch.tensor(rng.normal(size=(400, 300)) * np.geomspace(1e-3, 10, 300)).float()
    operator, b = Quadratic(a, 1e-3), torch.tensor(rng.normal(size=300)).float()
    steps = cg(operator, b).iterations
    monkeypatch.setattr("core.influence.solvers.BASIS_BYTES", 10 * b.nbytes)
    few = cg(operator, b)
    assert few.residual <= 1e-3
    monkeypatch.setattr("core.influence.solvers.BASIS_BYTES", 0)
    none = cg(operator, b)
    assert none.residual <= 1e-3
    assert steps < 0.8 * none.iterations


def test_nothing_to_solve(problem) -> None:
    operator, b, _ = problem
    for found in (cg(operator, 0 * b), lissa(operator, 0 * b), exact(operator.matrix(), 0 * b)):
        assert not found.s.any()
        assert found.residual == 0


def test_lissa_comes_close_and_says_how_close(problem) -> None:
    operator, b, s = problem
    found = lissa(operator, b, batch=50, seed=3)
    true = float((operator.product(found.s) - b).norm() / b.norm())
    assert found.residual == pytest.approx(true)
    assert np.corrcoef(found.s, s)[0, 1] > 0.99
    assert found.restarts == 0


def test_lissa_stops_early_at_the_residual_asked_for(problem) -> None:
    operator, b, _ = problem
    found = lissa(operator, b, rtol=0.5, batch=500)
    assert found.residual <= 0.5
    assert found.iterations < lissa(operator, b, rtol=1e-6, batch=500).iterations


def test_lissa_doubles_its_scale_until_it_no_longer_diverges(problem, monkeypatch) -> None:
    operator, b, s = problem
    monkeypatch.setattr("core.influence.solvers.lambda_max", lambda *a, **k: 0.5)
    found = lissa(operator, b, batch=100, steps=2000)
    assert found.restarts >= 2
    assert np.corrcoef(found.s, s)[0, 1] > 0.99


def test_lissa_gives_up_in_one_sentence(problem, monkeypatch) -> None:
    operator, b, _ = problem
    monkeypatch.setattr("core.influence.solvers.lambda_max", lambda *a, **k: 0.1)
    monkeypatch.setattr("core.influence.solvers.LISSA_RESTARTS", 2)
    with pytest.raises(InputError, match="diverged at every scale"):
        lissa(operator, b, batch=100, steps=200)


@pytest.mark.parametrize(
    ("floor", "batch", "message"),
    [(0.0, None, "damping or l2 above 0"), (0.1, 501, "500 rows there are; got 501")],
)
def test_lissa_refuses_what_it_cannot_do(problem, floor: float, batch, message: str) -> None:
    operator, b, _ = problem
    with pytest.raises(InputError, match=message):
        lissa(Quadratic(operator.a, floor), b, batch=batch)


def test_exact_solves_and_notices_an_indefinite_matrix(problem) -> None:
    operator, b, s = problem
    found = exact(operator.matrix(), b)
    torch.testing.assert_close(found.s, s)
    assert found.residual < 1e-12
    indefinite = torch.diag(torch.linspace(-1, 2, 40, dtype=torch.float64))
    met = exact(indefinite, b)
    assert met.negative_curvature
    torch.testing.assert_close(indefinite @ met.s, b)
    with pytest.raises(InputError, match="singular"):
        exact(0 * indefinite, b)


def test_lambda_max_of_a_known_matrix() -> None:
    matrix = torch.diag(torch.tensor([1.0, 2, 10]))
    assert lambda_max(lambda v: matrix @ v, torch.ones(3)) == pytest.approx(10, rel=1e-4)
    assert lambda_max(lambda v: 0 * v, torch.ones(3)) == 0
