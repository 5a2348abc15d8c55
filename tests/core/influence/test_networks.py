"""Products with a network's curvature against automatic differentiation of the objective."""

import copy
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import nn
from torch.func import functional_call
from torch.nn.functional import cross_entropy

from core.errors import InputError
from core.influence.curvature import Curvature
from core.influence.networks import Mlp, Network, differentiable

L2, DAMPING = 0.02, 0.1


def mlp(hidden: int = 2) -> nn.Sequential:
    sizes = [5, 4, 3][: hidden + 1]
    layers: list[nn.Module] = [nn.Flatten()]
    for a, b in pairwise(sizes):
        layers += [nn.Linear(a, b, bias=b != 3), nn.ReLU(), nn.Dropout(0.5)]
    return nn.Sequential(*layers, nn.Linear(sizes[-1], 3)).double()


def convolution() -> nn.Sequential:
    return nn.Sequential(
        nn.Unflatten(1, (1, 5)),
        nn.Conv1d(1, 2, 2),
        nn.BatchNorm1d(2),
        nn.Tanh(),
        nn.Dropout(0.5),
        nn.Flatten(),
        nn.Linear(8, 3),
    ).double()


def data(rows: int = 30) -> tuple[torch.Tensor, np.ndarray]:
    rng = np.random.default_rng(0)
    return torch.tensor(rng.normal(size=(rows, 5))), rng.integers(0, 3, rows)


def oracles(net: nn.Module, x: torch.Tensor, y: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Hessian and Gauss–Newton matrix of the objective, built whole."""
    net = copy.deepcopy(net).eval()
    shapes = {name: p.shape for name, p in net.named_parameters()}
    theta = nn.utils.parameters_to_vector(net.parameters()).detach()

    def logits(flat: torch.Tensor) -> torch.Tensor:
        parts = flat.split([s.numel() for s in shapes.values()])
        named = {k: v.view(s) for (k, s), v in zip(shapes.items(), parts, strict=True)}
        return functional_call(net, named, (x,))

    extra = (L2 + DAMPING) * torch.eye(len(theta))
    hessian = torch.autograd.functional.hessian(
        lambda flat: cross_entropy(logits(flat), torch.tensor(y)), theta
    )
    jacobian = torch.autograd.functional.jacobian(logits, theta)
    p = logits(theta).softmax(1)
    inner = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    ggn = torch.einsum("ncp,ncd,ndq->pq", jacobian, inner, jacobian) / len(x)
    return hessian + extra, ggn + extra


NETS = {
    "linear": (lambda: mlp(0), differentiable),
    "mlp-1": (lambda: mlp(1), differentiable),
    "mlp-2": (lambda: mlp(2), differentiable),
    "mlp-2 by autograd": (lambda: mlp(2), Network),
    "convolution": (convolution, differentiable),
}


@pytest.fixture(params=NETS)
def case(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch):
    """A network, the same ready for products in batches of 7, and its data."""
    torch.manual_seed(1)
    make, ready = NETS[request.param]
    net = make()
    net(data()[0])  # moves the running statistics of batch normalisation
    model = ready(net)
    assert isinstance(model, Mlp) == (request.param in ("linear", "mlp-1", "mlp-2"))
    monkeypatch.setattr(type(model), "batch", 7)
    return net, model, *data()


@pytest.mark.parametrize("kind", ["ggn", "hessian"])
def test_products_are_those_of_the_matrix(case, kind: str) -> None:
    net, model, x, y = case
    hessian, ggn = oracles(net, x, y)
    c = Curvature(model, model.prepare(x), y, kind=kind, l2=L2, damping=DAMPING)
    torch.testing.assert_close(c.matrix(), hessian if kind == "hessian" else ggn)
    rows = np.array([0, 5, 5, 29, 3, 2, 8, 9, 1])
    part = Curvature(model, model.prepare(x[rows]), y[rows], kind=kind, l2=L2, damping=DAMPING)
    v = torch.randn(c.size, dtype=torch.float64)
    torch.testing.assert_close(c.product(v, rows), part.product(v))


def test_slopes_are_per_sample_gradients_times_the_direction(case) -> None:
    net, model, x, y = case
    net.eval()
    gradients = []
    for i in range(len(y)):
        net.zero_grad()
        cross_entropy(net(x[i : i + 1]), torch.tensor(y[i : i + 1])).backward()
        gradients.append(torch.cat([p.grad.reshape(-1) for p in net.parameters()]))
    g = torch.stack(gradients)
    c = Curvature(model, model.prepare(x), y)
    s = torch.randn(c.size, dtype=torch.float64)
    torch.testing.assert_close(c.slopes(s), g @ s)
    torch.testing.assert_close(c.gradient(model.prepare(x), y), g.mean(0))
    assert c.loss() == pytest.approx(cross_entropy(net(x), torch.tensor(y)).item())


@pytest.mark.parametrize("ready", [differentiable, Network])
def test_the_noise_has_the_covariance_of_the_matrix(ready) -> None:
    torch.manual_seed(0)
    model = ready(mlp(1))
    x, y = data()
    c = Curvature(model, model.prepare(x), y, l2=L2, damping=DAMPING)
    generator = torch.Generator().manual_seed(0)
    draws = torch.stack([c.square_root_noise(generator) for _ in range(1000)])
    matrix = c.matrix()
    scale = torch.sqrt(torch.outer(matrix.diag(), matrix.diag()))
    assert float(((draws.T @ draws / len(draws) - matrix) / scale).abs().max()) < 0.2


def test_batches_are_kept_only_within_the_memory_allowed(monkeypatch) -> None:
    model = differentiable(mlp(2))
    x, y = data()
    monkeypatch.setattr(type(model), "batch", 7)
    v = torch.randn(model.size, dtype=torch.float64)
    kept = Curvature(model, model.prepare(x), y)
    first = kept.product(v)
    assert kept._kept is not None
    monkeypatch.setattr("core.influence.curvature.KEEP_BYTES", 100)
    anew = Curvature(model, model.prepare(x), y)
    torch.testing.assert_close(anew.product(v), first)
    assert anew._kept is None
    torch.testing.assert_close(kept.product(v), first)


def test_the_network_given_is_left_as_it_was() -> None:
    net = convolution().train()
    before = copy.deepcopy(net.state_dict())
    model = differentiable(net)
    x, y = data()
    Curvature(model, model.prepare(x), y).product(torch.randn(model.size, dtype=torch.float64))
    assert net.training
    assert all(p.grad is None for p in net.parameters())
    torch.testing.assert_close(net.state_dict(), before)


def test_frozen_parameters_are_left_out() -> None:
    net = mlp(1)
    net[1].weight.requires_grad_(False)
    model = differentiable(net)
    assert isinstance(model, Network)
    assert model.size == sum(p.numel() for p in net.parameters() if p.requires_grad)
    for p in net.parameters():
        p.requires_grad_(False)
    with pytest.raises(InputError, match="no trainable parameter"):
        differentiable(net)


class Bag(nn.Module):
    """Text as word numbers, padded with 0."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(20, 4, padding_idx=0)
        self.out = nn.Linear(4, 3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.out(self.words(x).mean(1))


def test_word_numbers_stay_whole() -> None:
    torch.manual_seed(0)
    net = Bag().double()
    x, y = torch.randint(0, 20, (12, 6)), np.arange(12) % 3
    model = differentiable(net)
    c = Curvature(model, model.prepare(x.numpy()), y, l2=L2, damping=DAMPING)
    oracle = oracles(net, x, y)[1]
    oracle[:4, 4:] = oracle[4:, :4] = 0  # the padding word is not trained
    oracle[:4, :4] = (L2 + DAMPING) * torch.eye(4)
    torch.testing.assert_close(c.matrix(), oracle)


def test_operations_without_forward_mode_are_refused() -> None:
    net = nn.Sequential(nn.EmbeddingBag(20, 4), nn.Linear(4, 3))
    x, y = torch.randint(0, 20, (12, 6)), np.arange(12) % 3
    model = differentiable(net)
    c = Curvature(model, model.prepare(x), y)
    with pytest.raises(InputError, match=r"nn\.Embedding and a mean"):
        c.product(torch.ones(c.size))
