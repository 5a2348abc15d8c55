"""`python -m core influence`: scores that a script of its own finds too, and one sentence each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pytest

from core import cli, datasets
from core.datasets.base import Dataset, Split
from core.influence.rows import COLUMNS
from core.studies import from_toml

Floats = npt.NDArray[np.float64]


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XFACTOR_DEVICE", "cpu")


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "scores.csv"


def rows_file(path: Path, rows: npt.ArrayLike) -> Path:
    pd.DataFrame({"row": np.asarray(rows), "note": "x"}).to_csv(path, index=False)
    return path


def score(out: Path, *arguments: str, model: str = "logistic", dataset: str = "digits") -> int:
    named = ["--dataset", dataset, "--model", model, "--out", str(out)]
    return cli.main(["influence", "score", *named, *arguments])


def softmax(z: Floats) -> Floats:
    e = np.exp(z - z.max(1, keepdims=True))
    return e / e.sum(1, keepdims=True)


def plain_influence(
    x: Floats, y: npt.NDArray[np.int64], vx: Floats, vy: npt.NDArray[np.int64], l2: float
) -> Floats:
    """Newton's method with the whole Hessian, then −G H⁻¹ ∇L_val, all spelled out."""
    x, vx = (np.hstack([a, np.ones((len(a), 1))]) for a in (x, vx))
    theta = np.zeros((10, x.shape[1]))

    def gradients(a: Floats, labels: npt.NDArray[np.int64]) -> Floats:
        error = softmax(a @ theta.T) - np.eye(10)[labels]
        return np.einsum("nc,nd->ncd", error, a).reshape(len(a), -1)

    for _ in range(20):
        p = softmax(x @ theta.T)
        inner = np.einsum("nc,ce->nce", p, np.eye(10)) - np.einsum("nc,ne->nce", p, p)
        hessian = np.einsum("nce,nd,nf->cdef", inner, x, x).reshape(theta.size, -1) / len(x)
        hessian += l2 * np.eye(theta.size)
        slope = gradients(x, y).mean(0) + l2 * theta.ravel()
        theta = theta - np.linalg.solve(hessian, slope).reshape(theta.shape)
    return -gradients(x, y) @ np.linalg.solve(hessian, gradients(vx, vy).mean(0))


def test_the_columns_hold_what_a_script_finds(out: Path, tmp_path: Path) -> None:
    train = rows_file(tmp_path / "t.csv", np.arange(100)[::-1])
    validation = rows_file(tmp_path / "v.csv", np.arange(300, 360))
    files = ("--train-rows", str(train), "--val-rows", str(validation))
    assert score(out, *files, "--l2", "0.02", "--flip", "0.1", "--method", "exact") == 0
    table = pd.read_csv(out)
    assert tuple(table) == COLUMNS
    assert table["row"].tolist() == list(range(100))
    digits = datasets.load("digits")
    pixels, y = digits.train.x.reshape(1300, -1) / 16, digits.train.y
    np.testing.assert_array_equal(table["label"], y[:100])
    assert (table["given_label"] != table["label"]).sum() == 10
    expected = plain_influence(
        pixels[:100], table["given_label"].to_numpy(), pixels[300:360], y[300:360], 0.02
    )
    np.testing.assert_allclose(table["influence"], expected, rtol=1e-4, atol=1e-6)
    assert table["self_influence"].min() > 0
    assert table["suspicion"].between(0, 1).all()


def test_without_files_the_split_is_the_stated_one(
    out: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert score(out) == 0
    said = capsys.readouterr().out
    assert "Solver converged: residual" in said
    assert "on 433 rows" in said
    table = pd.read_csv(out)
    assert len(table) == 867
    assert (table["label"] == table["given_label"]).all()
    counts = table["label"].value_counts()
    assert counts.max() - counts.min() <= 1
    again = out.with_name("again.parquet")
    assert score(again) == 0
    pd.testing.assert_frame_equal(pd.read_parquet(again), table, check_dtype=False)


@pytest.mark.parametrize(
    ("model", "dataset", "more"),
    [
        ("mlp-1:width=8", "digits", ("--method", "lissa", "--damping", "0.1", "--batch", "50")),
        ("boosting:rounds=5", "breast-cancer", ()),
    ],
)
def test_networks_and_trees_are_scored(
    out: Path, tmp_path: Path, model: str, dataset: str, more: tuple[str, ...]
) -> None:
    train = rows_file(tmp_path / "t.csv", np.arange(120))
    assert score(out, "--train-rows", str(train), *more, model=model, dataset=dataset) == 0
    table = pd.read_csv(out)
    assert np.isfinite(table[["influence", "suspicion"]]).all(axis=None)
    assert table["self_influence"].isna().all() == (model == "boosting:rounds=5")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--model", "rf"), "which rf has not; choose one of logistic"),
        (("--model", "embedding"), "takes data sets of texts"),
        (("--model", "logistic", "--l2", "0"), "millionths from 1e-06 up; got 0"),
        (("--model", "mlp-1", "--l2", "0.1"), "mlp-1 has none"),
        (("--model", "logistic:l2_ppm=5", "--l2", "0.1"), "penalty once"),
        (("--model", "logistic", "--flip", "1.5"), "--flip must be a number from 0 to 1"),
        (("--model", "logistic", "--method", "guess"), "method must be one of auto, cg, lissa"),
        (("--model", "logistic", "--damping", "-1"), "damping must be a number from 0 up"),
        (("--model", "logistic", "--batch", "9"), "--batch is for --method lissa"),
        (
            ("--model", "logistic", "--method", "lissa", "--batch", "5000"),
            "between 1 row and the 867 rows there are; got 5000",
        ),
        (("--model", "boosting", "--method", "cg"), "replayed, not solved for"),
        (("--model", "logistic", "--seed", "-1"), "--seed must be a whole number from 0 up"),
    ],
)
def test_options_that_cannot_be_meant_end_with_one_sentence(
    out: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    code = cli.main(["influence", "score", "--dataset", "digits", "--out", str(out), *arguments])
    error = capsys.readouterr().err
    assert code == 2
    assert says in error
    assert not out.exists()


@pytest.mark.parametrize(
    ("train", "validation", "says"),
    [
        (range(50), range(40, 60), "10 rows are in both files, the first of them 40"),
        ([1, 1, 2], [5], "each once"),
        ([1, 1300], [5], "from 0 to 1,299"),
        ([0.5], [5], "whole numbers"),
        ([0, 10, 20, 30], range(100, 200), "one class only"),
        ([0, 1, 2, 3], range(100, 200), "holds classes 4, 5, 6, 7, 8, 9 that the training set"),
        (range(1300), None, "leave none to train or validate on"),
    ],
)
def test_rows_that_cannot_be_used_end_with_one_sentence(
    out: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    train: npt.ArrayLike,
    validation: npt.ArrayLike | None,
    says: str,
) -> None:
    files = ["--train-rows", str(rows_file(tmp_path / "t.csv", train))]
    if validation is not None:
        files += ["--val-rows", str(rows_file(tmp_path / "v.csv", validation))]
    assert score(out, *files) == 2
    assert says in capsys.readouterr().err


def test_a_file_without_rows_is_said(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "t.csv"
    path.write_text("id,name\n1,a\n")
    assert score(out, "--train-rows", str(path)) == 2
    assert "needs a column row; it has id, name" in capsys.readouterr().err
    assert score(out, "--train-rows", str(tmp_path / "none.csv")) == 2
    assert "cannot be read as CSV" in capsys.readouterr().err


def test_a_network_that_diverges_is_said(
    out: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    wine = datasets.load("wine")
    huge = Split(wine.train.x * 1e300, wine.train.y)
    made = Dataset("huge", "", huge, wine.test, wine.classes, "huge", "", "", peak=1)
    monkeypatch.setattr(datasets, "load", lambda name, progress=None: made)
    assert score(out, model="mlp-1:width=8", dataset="huge") == 2
    assert "diverged on huge" in capsys.readouterr().err


def test_a_table_with_nan_is_said(
    out: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    frame = pd.DataFrame({"a": np.arange(40.0), "label": ["x", "y"] * 20})
    frame.loc[3, "a"] = np.nan
    frame.to_csv(folder / "holes.csv", index=False)
    assert score(out, dataset="holes.csv") == 2
    assert "must hold finite numbers" in capsys.readouterr().err


def test_refine_takes_refinements_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.jobs.ensure_runner", lambda store: None)
    path = tmp_path / "noisy.toml"
    path.write_text('dataset = "digits"\ntrain = 300\nvalidation = 200\nflip = 0.1\n')
    assert cli.main(["influence", "refine", str(path), "--detach"]) == 0
    assert "study 'noisy', key" in capsys.readouterr().err
    assert from_toml(path, "refinement")[0].name == "refinement"
    path.write_text('study = "xfactor"\ndataset = "digits"\n')
    assert cli.main(["influence", "refine", str(path), "--detach"]) == 2
    assert "not a refinement" in capsys.readouterr().err
    path.write_text('dataset = "digits"\nshare = 2\n')
    assert cli.main(["influence", "refine", str(path), "--detach"]) == 2
    assert "share must be a number from 0 to 0.5" in capsys.readouterr().err
