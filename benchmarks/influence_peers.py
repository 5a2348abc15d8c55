"""What the peers of `benchmarks.influence` take, run in their own environment.

    python benchmarks/influence_peers.py WORK.npz (pydvl|dattri) (lr|mlp) (one|public|memory)

WORK.npz holds the rows and the trained weights. Prints one JSON object: CPU seconds of the second
call, scores for `one`, MB of memory beyond what was resident for `memory`.

`one` is a single right-hand side, the gradient of the mean validation loss, through the operator
layer; `public` is the interface that users call, which solves for every validation row.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import process_time

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, grad, vmap
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

DAMPING, RTOL = 0.01, 1e-3
STEPS = {2: 27, 4: 53}  # plain CG's to that residual, by number of parameter tensors: lr, mlp


def read(path: str, which: str) -> tuple[nn.Module, list[torch.Tensor]]:
    """The trained network, and training and validation rows."""
    work = np.load(path, allow_pickle=False)
    data = [torch.tensor(work[name]) for name in ("x", "y", "vx", "vy")]
    net = nn.Linear(784, 10)
    if which == "mlp":
        net = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    for i, parameter in enumerate(net.parameters()):
        parameter.data = torch.tensor(work[f"{which}_{i}"], dtype=torch.float32)
    return net.eval(), data


def pydvl_one(net: nn.Module, data: list[torch.Tensor]) -> np.ndarray:
    """Hessian operator, as many steps as plain CG needs, per-sample gradients."""
    from pydvl.influence.torch.base import TorchBatch, TorchGradientProvider
    from pydvl.influence.torch.operator import CgOperator, HessianOperator

    x, y, vx, vy = data
    loader = DataLoader(TensorDataset(x, y), batch_size=len(y))
    theta = {name: p.detach() for name, p in net.named_parameters()}
    provider = TorchGradientProvider(net, cross_entropy, theta)
    curvature = HessianOperator(net, cross_entropy, loader, theta)
    operator = CgOperator(
        curvature, DAMPING, rtol=RTOL, maxiter=STEPS[len(theta)], warn_on_max_iteration=False
    )
    b = provider.flat_grads(TorchBatch(vx, vy)).mean(0)
    s = operator.apply(b).ravel()
    return -(provider.flat_grads(TorchBatch(x, y)) @ s).detach().numpy()


def pydvl_public(net: nn.Module, data: list[torch.Tensor]) -> np.ndarray:
    """CgInfluence with its block solver, as its documentation uses it."""
    from pydvl.influence.torch import CgInfluence

    x, y, vx, vy = data
    loader = DataLoader(TensorDataset(x, y), batch_size=len(y))
    model = CgInfluence(
        net, cross_entropy, regularization=DAMPING, rtol=RTOL, solve_simultaneously=True
    ).fit(loader)
    return -model.influences(vx, vy, x, y).mean(0).detach().numpy()


def dattri_one(net: nn.Module, data: list[torch.Tensor]) -> np.ndarray:
    """Inverse-Hessian product, as many steps as plain CG needs, per-sample gradients."""
    from dattri.func.hessian import ihvp_at_x_cg

    x, y, vx, vy = data
    shapes = {name: p.shape for name, p in net.named_parameters()}
    flat = nn.utils.parameters_to_vector(net.parameters()).detach()

    def loss(theta: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        parts = theta.split([shape.numel() for shape in shapes.values()])
        named = {k: v.view(s) for (k, s), v in zip(shapes.items(), parts, strict=True)}
        return cross_entropy(functional_call(net, named, (x,)), y)

    b = grad(loss)(flat, vx, vy)
    solve = ihvp_at_x_cg(
        partial(loss, x=x, y=y),
        flat,
        max_iter=STEPS[len(shapes)],
        regularization=DAMPING,
    )
    s = solve(b).detach().ravel()

    def row(theta: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        return loss(theta, x[None], y[None])

    return -(vmap(grad(row), (None, 0, 0))(flat, x, y) @ s).numpy()


def dattri_public(net: nn.Module, data: list[torch.Tensor]) -> np.ndarray:
    """IFAttributorCG over a task, as its documentation uses it, with its ten CG steps."""
    from dattri.algorithm.influence_function import IFAttributorCG
    from dattri.task import AttributionTask

    def loss(theta: dict[str, torch.Tensor], rows: tuple[torch.Tensor, ...]) -> torch.Tensor:
        x, y = rows[0], rows[1]
        logits = functional_call(net, theta, (x[None] if x.ndim == 1 else x,))
        return cross_entropy(logits, y.reshape(-1))

    x, y, vx, vy = data
    train = DataLoader(TensorDataset(x, y), batch_size=len(y))
    val = DataLoader(TensorDataset(vx, vy), batch_size=len(vy))
    task = AttributionTask(loss_func=loss, model=net, checkpoints=net.state_dict())
    attributor = IFAttributorCG(task, max_iter=10, regularization=DAMPING)
    attributor.cache(train)
    with torch.no_grad():
        return -attributor.attribute(train, val).mean(1).numpy()


RUNS: dict[str, Callable[[nn.Module, list[torch.Tensor]], np.ndarray]] = {
    "pydvl one": pydvl_one,
    "pydvl public": pydvl_public,
    "dattri one": dattri_one,
    "dattri public": dattri_public,
}


def extra_memory(call: Callable[[], object]) -> float:
    """Peak resident memory of a second call beyond what was resident before it, in MB (Linux)."""
    call()
    Path("/proc/self/clear_refs").write_text("5")  # the peak starts again from here
    before = resident("VmRSS")
    call()
    return (resident("VmHWM") - before) / 1024


def resident(field: str) -> int:
    """A field of this process's status, in KiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(field))


def main() -> None:
    """Run one peer on one model."""
    path, peer, which, what = sys.argv[1:]
    torch.set_num_threads(1)
    net, data = read(path, which)
    run = RUNS[f"{peer} {'public' if what == 'public' else 'one'}"]
    memory = 0.0 if what == "public" else extra_memory(lambda: run(net, data))
    start = process_time()
    scores = run(net, data)
    seconds = process_time() - start
    print(json.dumps({"seconds": seconds, "memory": memory, "scores": scores.tolist()}))


if __name__ == "__main__":
    main()
