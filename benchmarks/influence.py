"""Influence scores against exact solves, retraining and the peers, on one thread.

    XFACTOR_DATA=… python -m benchmarks.influence [part …] [--peers FOLDER] [--out FILE.csv]

Parts: accuracy, speed, public, memory, removal, flips, trees, scaling; all by default. The work is
MNIST, 1,000 training and 500 validation rows, damping 0.01, logistic regression (784→10) and a
ReLU network (784→64→10). Seconds are CPU seconds of a second call. The peers, pyDVL and dattri,
are installed into FOLDER by `install_peers` on first use, beside this environment's torch and not
into it; without --peers their columns hold what was measured for them before on this work.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy.stats import spearmanr
from sklearn.datasets import load_breast_cancer
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import average_precision_score
from threadpoolctl import threadpool_limits
from torch import nn
from torch.nn.functional import cross_entropy

from benchmarks.influence_oracles import (
    exact_mlp,
    finite_difference_error,
    forward_leaf_influence,
)
from benchmarks.influence_peers import extra_memory
from core import datasets
from core.influence import (
    LabelSuspicion,
    LogisticRegression,
    influence,
    out_of_fold_loss,
    self_influence,
)
from core.influence.logistic import fit

DAMPING = 0.01
L2 = 0.01
EPOCHS, BATCH = 20, 64
DECAY = 1e-3
ONE_THREAD = {**os.environ, "OMP_NUM_THREADS": "1"}
Row = tuple[str, str, str, str]  # what, measured here, target, peers
Rows = tuple[np.ndarray, np.ndarray]
PUBLISHED = {  # CPU seconds and MB measured for the peers on this work
    ("pydvl", "lr", "one"): 0.73,
    ("dattri", "lr", "one"): 0.185,
    ("pydvl", "mlp", "one"): 1.17,
    ("dattri", "mlp", "one"): 0.96,
    ("pydvl", "lr", "public"): 8.8,
    ("dattri", "lr", "public"): 40.0,
    ("pydvl", "mlp", "public"): 47.0,
    ("dattri", "mlp", "public"): 205.0,
    ("pydvl", "mlp", "memory"): 584.0,
    ("dattri", "mlp", "memory"): 915.0,
}


@dataclass
class Work:
    """The rows and the two models, trained when first asked for."""

    peers: Path | None

    def __post_init__(self) -> None:
        self.images = datasets.load("mnist").train
        order = np.random.default_rng(0).permutation(len(self.images))
        self.train, self.val = self.rows(order[:1000]), self.rows(order[1000:1500])

    def rows(self, numbers: np.ndarray) -> Rows:
        """Pixels / 255, float32, and labels."""
        x = self.images.x[numbers].reshape(len(numbers), -1).astype(np.float32) / 255
        return x, self.images.y[numbers]

    @cached_property
    def lr(self) -> LogisticRegression:
        """Logistic regression on the training rows."""
        return fit(*self.train, l2=L2)

    @cached_property
    def mlp(self) -> nn.Module:
        """The network on the training rows."""
        return train_mlp(*self.train)

    def peer(self, name: str, model: str, what: str) -> dict[str, Any]:
        """Run a peer in its environment, or give what was measured before."""
        if self.peers is None:
            measured = PUBLISHED[name, model, what]
            return {"seconds": measured, "memory": measured, "scores": None}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "work.npz"
            arrays = dict(zip(("x", "y", "vx", "vy"), (*self.train, *self.val), strict=True))
            arrays |= {"lr_0": self.lr.theta[:, :-1], "lr_1": self.lr.theta[:, -1]}
            parameters = enumerate(self.mlp.parameters())
            arrays |= {f"mlp_{i}": p.detach().numpy() for i, p in parameters}
            np.savez(path, **arrays)
            script = Path(__file__).with_name("influence_peers.py")
            command = [install_peers(self.peers), script, path, name, model, what]
            done = subprocess.run(
                command, check=True, capture_output=True, text=True, env=ONE_THREAD
            )
        result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return result


def install_peers(folder: Path) -> Path:
    """An environment with pyDVL and dattri that borrows this one's torch; its interpreter."""
    python = folder / "bin" / "python"
    if not (folder / "installed").exists():
        venv.create(folder, with_pip=False)
        (packages,) = folder.glob("lib/python*/site-packages")
        (packages / "borrowed.pth").write_text(str(Path(torch.__file__).parents[1]))
        needs = ["pydvl", "dattri", "zarr<3", "dask", "distributed"]
        pip = [sys.executable, "-m", "pip", "--python", python, "install", "-q", *needs]
        subprocess.run(pip, check=True)
        (folder / "installed").touch()
    return python


def train_mlp(x: np.ndarray, y: np.ndarray, seed: int = 0, decay: float = 0.0) -> nn.Module:
    """784→64→10 with ReLU, 20 epochs of Adam; of SGD with momentum where weights decay."""
    torch.manual_seed(seed)
    net = nn.Sequential(nn.Linear(784, 64), nn.ReLU(), nn.Linear(64, 10))
    optimiser: torch.optim.Optimizer = torch.optim.Adam(net.parameters(), 1e-3)
    if decay:
        optimiser = torch.optim.SGD(net.parameters(), 0.05, momentum=0.9, weight_decay=decay)
    features, labels = torch.from_numpy(x), torch.from_numpy(y)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(y)).split(BATCH):
            optimiser.zero_grad()
            cross_entropy(net(features[rows]), labels[rows]).backward()
            optimiser.step()
    return net


def timed(function: Callable[..., Any], *arguments: Any, **options: Any) -> tuple[Any, float]:
    """What the function returns, and its CPU seconds."""
    start = process_time()
    result = function(*arguments, **options)
    return result, process_time() - start


def pearson(a: npt.ArrayLike, b: npt.ArrayLike) -> float:
    """Correlation of two score vectors."""
    return float(np.corrcoef(a, b)[0, 1])


def accuracy(work: Work) -> Iterator[Row]:
    """CG and LiSSA against float64 direct solves."""
    rows = (work.train, work.val)
    oracles = {
        "LR": (work.lr, influence(work.lr, *rows, "exact").scores),
        "MLP": (work.mlp, exact_mlp(work.mlp, *rows, DAMPING)),
    }
    for name, (model, oracle) in oracles.items():
        for method, target in (("cg", "≥ 0.9999"), ("lissa", "≥ 0.99")):
            (found, certificate), seconds = timed(influence, model, *rows, method)
            measured = f"{pearson(found, oracle):.6f} ({certificate.words} {seconds:.2f} s)"
            yield f"{method} against exact, {name}, Pearson", measured, target, ""


def speed(work: Work) -> Iterator[Row]:
    """One right-hand side against the peers' operator layers."""
    yield from _times(work, "one", {"pydvl": 10, "dattri": 4})


def public(work: Work) -> Iterator[Row]:
    """One call against the peers' public interfaces, which solve for every validation row."""
    yield from _times(work, "public", {"pydvl": 100, "dattri": 100})


def _times(work: Work, what: str, targets: dict[str, int]) -> Iterator[Row]:
    for name, model in (("lr", work.lr), ("mlp", work.mlp)):
        options = {} if name == "lr" else {"damping": DAMPING}
        influence(model, work.train, work.val, **options)
        runs = [timed(influence, model, work.train, work.val, **options) for _ in range(5)]
        (scores, _), seconds = min(runs, key=lambda run: run[1])
        for peer, target in targets.items():
            theirs = work.peer(peer, name, what)
            same = (
                ""
                if theirs["scores"] is None
                else (f", Pearson with ours {pearson(scores, np.array(theirs['scores'])):.4f}")
            )
            measured = f"{seconds:.4f} s, {theirs['seconds'] / seconds:.3g}× faster"
            yield (
                f"{what} right-hand side, {name.upper()}, against {peer}",
                measured,
                f"≥ {target}×",
                f"{theirs['seconds']:.3g} s{same}",
            )


def memory(work: Work) -> Iterator[Row]:
    """Peak memory of one call beyond what was resident, each in a process of its own."""
    own = subprocess.run(
        [sys.executable, "-m", "benchmarks.influence", "--peak"],
        check=True,
        capture_output=True,
        text=True,
        env=ONE_THREAD,
    )
    ours = float(own.stdout.split()[-1])
    for peer in ("pydvl", "dattri"):
        theirs = work.peer(peer, "mlp", "memory")["memory"]
        share = f"{ours:.0f} MB, {ours / theirs:.2f} of theirs"
        yield f"extra memory, MLP, against {peer}", share, "≤ 0.25", f"{theirs:.0f} MB"


def peak() -> None:
    """Print the memory that one call takes, in MB."""
    work = Work(None)
    net = work.mlp
    print(extra_memory(lambda: influence(net, work.train, work.val, damping=DAMPING)))


def removal(work: Work, subsets: int = 60, seeds: int = 5, watched: int = 100) -> Iterator[Row]:
    """Scores against retraining: random halves (LDS), and each row left out.

    The linear datamodelling score is the rank correlation, over random halves of the training
    rows, of the sum of their scores with a validation row's loss after training on them; its mean
    over validation rows is what the field reports. Beside it, the same for the mean loss.
    """
    (x, y), (vx, vy) = work.train, work.val
    labels = torch.from_numpy(vy)

    def lr_losses(rows: np.ndarray) -> np.ndarray:
        model = fit(x[rows], y[rows], l2=L2, classes=10, start=work.lr)
        return -model.log_probabilities(vx)[np.arange(len(vy)), vy]

    def mlp_losses(rows: np.ndarray) -> np.ndarray:
        nets = [train_mlp(x[rows], y[rows], seed, DECAY) for seed in range(seeds)]
        logits = [net(torch.from_numpy(vx)).detach() for net in nets]
        return np.mean([cross_entropy(z, labels, reduction="none").numpy() for z in logits], axis=0)

    rng = np.random.default_rng(1)
    halves = [rng.permutation(len(y))[: len(y) // 2] for _ in range(subsets)]
    member = np.array([np.isin(np.arange(len(y)), rows) for rows in halves], dtype=np.float64)
    nets = [train_mlp(x, y, seed, DECAY) for seed in range(seeds)]
    for name, models, losses, target in (
        ("LR", [work.lr], lr_losses, "≥ 0.94"),
        (f"MLP, {seeds} seeds", nets, mlp_losses, "≥ 0.75"),
    ):
        true = np.array([losses(rows) for rows in halves])
        ranks = []
        for v in range(watched):
            one = (vx[v : v + 1], vy[v : v + 1])
            scores = sum(influence(m, work.train, one, **_decay(m)).scores for m in models)
            ranks.append(spearmanr(member @ scores, true[:, v]).statistic)
        scores = sum(influence(m, work.train, work.val, **_decay(m)).scores for m in models)
        mean = spearmanr(member @ scores, true.mean(1)).statistic
        peers = "dattri, ten CG steps: 0.73" if target == "≥ 0.75" else ""
        measured = f"{np.mean(ranks):.3f} (of the mean loss {mean:.3f})"
        yield f"{name}: LDS, {subsets} halves, {watched} rows", measured, target, peers
    everything = np.arange(len(y))
    full = lr_losses(everything).mean()
    changes = [lr_losses(np.delete(everything, row)).mean() - full for row in everything]
    scores = influence(work.lr, work.train, work.val).scores
    yield "LR: leave-one-out, all rows, Pearson", f"{pearson(-scores, changes):.3f}", "≥ 0.97", ""


def _decay(model: Any) -> dict[str, float]:
    return {"l2": DECAY} if isinstance(model, nn.Module) else {}


def flips(work: Work, seeds: int = 5) -> Iterator[Row]:
    """Average precision of the suspicion scores on 10 % flipped labels."""
    found: dict[tuple[str, str], list[float]] = {}
    for seed in range(seeds):
        rng = np.random.default_rng(seed)
        x, y = work.rows(rng.permutation(len(work.images))[:1000])
        y = y.copy()
        flipped = rng.permutation(1000)[:100]
        y[flipped] = (y[flipped] + rng.integers(1, 10, 100)) % 10
        for name, (model, refit) in _models(x, y, seed).items():
            suspicion = LabelSuspicion(
                self_influence(model, (x, y)), out_of_fold_loss(refit, (x, y), seed=seed)
            )
            harm = influence(model, (x, y), work.val).scores
            views = {"harm": harm, "rank mean": suspicion.suspicion}
            views["self-influence"] = suspicion.self_influence
            views["out-of-fold loss"] = suspicion.out_of_fold_loss
            for view, scores in views.items():
                ap = average_precision_score(np.isin(np.arange(1000), flipped), scores)
                found.setdefault((name, view), []).append(float(ap))
    for (name, view), values in found.items():
        target = {"LR": "best ≥ 0.82", "MLP": "best ≥ 0.85"}[name] if view != "harm" else ""
        spread = f"{np.mean(values):.3f} (from {min(values):.3f} to {max(values):.3f})"
        yield f"{name}: 10 % flips, {view}, AP over {seeds} seeds", spread, target, ""


def _models(x: np.ndarray, y: np.ndarray, seed: int) -> dict[str, tuple[Any, Any]]:
    def refit_lr(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        return fit(x, y, l2=L2, classes=10).log_probabilities

    def refit_mlp(x: np.ndarray, y: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
        net = train_mlp(x, y, seed)
        return lambda rows: net(torch.from_numpy(rows)).log_softmax(1).detach().numpy()

    return {"LR": (fit(x, y, l2=L2), refit_lr), "MLP": (train_mlp(x, y, seed), refit_mlp)}


def boosted(work: Work, rows: int = 600, sample: int = 12) -> Iterator[Row]:
    """Boosted trees: finite differences of the replay, and the published forward sweep."""
    data = datasets.load("digits").train
    digits = data.x.reshape(len(data), -1).astype(np.float64), data.y
    tables = {"2 classes": load_breast_cancer(return_X_y=True), "10 classes": digits}
    for name, (x, y) in tables.items():
        half = len(y) // 2
        train, val = (x[:half], y[:half]), (x[half:], y[half:])
        model = HistGradientBoostingClassifier(early_stopping=False).fit(*train)
        scores, certificate = influence(model, train, val)
        worst = finite_difference_error(model, train, val, scores, range(0, half, half // 20))
        yield f"trees, {name}: finite differences", f"{worst:.1e}", "≤ 1e-6", certificate.words
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows + 300, 20))
    y = (x[:, 0] * x[:, 1] + x[:, 2] + rng.normal(size=len(x)) > 0).astype(np.int64)
    train, val = (x[:rows], y[:rows]), (x[rows:], y[rows:])
    model = HistGradientBoostingClassifier(early_stopping=False).fit(*train)
    influence(model, train, val)
    (scores, _), ours = timed(influence, model, train, val)
    chosen = rng.permutation(rows)[:sample]
    forward, theirs = timed(forward_leaf_influence, model, train, val, chosen)
    worst = float(np.abs(forward - scores[chosen]).max() / np.abs(scores[chosen]).max())
    faster = theirs / sample * rows / ours
    yield (
        f"trees against the published LeafInfluence, n = {rows}, 100 trees",
        f"{ours:.3f} s, {faster:,.0f}× faster, the same within {worst:.0e}",
        "≥ 1,000×",
        f"{theirs / sample * rows:.0f} s, from {sample} rows",
    )


def scaling(work: Work, sizes: tuple[int, ...] = (1000, 10_000, 50_000, 100_000)) -> Iterator[Row]:
    """Influence time over the time of 20 epochs, MLP; beyond 59,500 rows, shifted copies."""
    x, y = work.rows(np.random.default_rng(0).permutation(len(work.images)))
    shifted = np.roll(x.reshape(-1, 28, 28), 1, axis=2).reshape(x.shape)
    val, x, y = (x[-500:], y[-500:]), np.concatenate([x[:-500], shifted[:-500]]), y[:-500]
    y = np.concatenate([y, y])
    for size in sizes:
        train = (x[:size], y[:size])
        net, seconds = timed(train_mlp, *train)
        full = influence(net, train, val, "cg", damping=DAMPING)
        for method in ("cg", "lissa"):
            (scores, certificate), spent = timed(influence, net, train, val, method)
            yield (
                f"influence / training time, MLP, {size:,} rows, {method}",
                f"{spent / seconds:.3f} ({spent:.2f} / {seconds:.1f} s, {certificate.words} "
                f"Pearson with CG {pearson(scores, full.scores):.4f})",
                "≤ 0.44, aim 0.25" if size >= 50_000 else "",
                "paper: 0.44",
            )


PARTS: dict[str, Callable[[Work], Iterator[Row]]] = {
    "accuracy": accuracy,
    "speed": speed,
    "public": public,
    "memory": memory,
    "removal": removal,
    "flips": flips,
    "trees": boosted,
    "scaling": scaling,
}


@threadpool_limits.wrap(limits=1)
def main() -> None:
    """Print the table, a line as soon as it is measured."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("parts", nargs="*", metavar="part", help=", ".join(PARTS))
    parser.add_argument("--peers", type=Path, help="folder to install the peers into")
    parser.add_argument("--out", type=Path, help="CSV file to write the table to")
    parser.add_argument("--peak", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    if arguments.peak:
        return peak()
    if unknown := set(arguments.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    work, table = Work(arguments.peers), []
    for name in arguments.parts or PARTS:
        for row in PARTS[name](work):
            table.append(row)
            print(" | ".join(row), flush=True)
    if arguments.out:
        with arguments.out.open("w", newline="") as file:
            csv.writer(file).writerows([("what", "measured", "target", "peers"), *table])


if __name__ == "__main__":
    main()
