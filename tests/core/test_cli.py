"""The command line: what it writes, and one sentence with exit code 2 on bad input."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import datasets, jobs
from core.cli import main
from core.settings import PROJECT


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
    return tmp_path / "cache"


def select(out: Path, **changes: str) -> int:
    options = {
        "dataset": "digits", "strategy": "own_mean", "direction": "+", "per-class": "10",
        "excess": "20", "seed": "1", "out": str(out),
    }  # fmt: skip
    options |= changes
    return main(
        ["select", *(text for key, value in options.items() for text in (f"--{key}", value))]
    )


def test_select_writes_the_whole_pool(tmp_path: Path) -> None:
    assert select(tmp_path / "deep" / "rows.csv") == 0
    table = pd.read_csv(tmp_path / "deep" / "rows.csv")
    assert list(table.columns) == ["row", "label", "kept"]
    assert len(table) == 300
    truth = datasets.load("digits").train.y[table["row"].to_numpy()]
    np.testing.assert_array_equal(table["label"], truth)
    assert table.groupby("label")["kept"].agg(["sum", "size"]).eq([10, 30]).all(axis=None)
    assert table["row"].is_monotonic_increasing
    assert select(tmp_path / "minus.csv", direction="-") == 0
    minus = pd.read_csv(tmp_path / "minus.csv")
    np.testing.assert_array_equal(minus["row"], table["row"])
    assert not (minus["kept"] == table["kept"]).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"dataset": "nothing"}, "Unknown data set 'nothing'; known: digits"),
        ({"strategy": "best"}, "known: random, uniqueness"),
        ({"direction": "up"}, "direction"),
        ({"per-class": "0"}, "per_class must be a whole number from 1 up; got 0"),
        ({"excess": "-1"}, "excess must be a whole number from 0 up; got -1"),
        ({"per-class": "100", "excess": "100"}, "130"),
        ({"out": "rows.txt"}, ".csv or .parquet"),
        ({"out": "/proc/nothing/rows.csv"}, "cannot be written"),
    ],
)
def test_bad_selections_end_in_one_sentence(
    changes: dict[str, str], words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert select(Path(changes.pop("out", str(tmp_path / "rows.csv"))), **changes) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("dataset = ", "cannot be read as a study"),
        ("name = 'x'", "The setting dataset is missing"),
        ("dataset = 'digits'\nsize = 3", "Unknown setting 'size'; known: dataset, name, per_class"),
        ("dataset = 'digits'\nmodels = ['rf', 'vgg']", "Unknown model 'vgg'; known: rf, svc, gnb"),
        ("dataset = 'digits'\nmodels = ['mlp-1', 'mlp-1:width=128']", "twice"),
        ("dataset = 'digits'\nmodels = ['mlp-1:depth=2']", "known: width"),
        ("dataset = 'digits'\nmodels = []", "at least one value of per_class and one model"),
        ("dataset = 'digits'\nstrategies = ['best']", "known: uniqueness, global_mean"),
        ("dataset = 'digits'\ndirections = ['up']", "known: +, -"),
        ("dataset = 'digits'\nper_class = 10", "per_class must be a list"),
        ("dataset = 'digits'\nper_class = [10.5]", "got 10.5"),
        ("dataset = 'digits'\nper_class = [10, 10]", "twice"),
        ("dataset = 'digits'\nseed = true", "seed must be a whole number"),
        ("dataset = 'digits'\nrandom = 0\nexcess = []", "got neither"),
        ("dataset = 'nowhere'", "Unknown data set"),
    ],
)
def test_bad_studies_end_in_one_sentence(
    text: str, words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "study.toml"
    path.write_text(text)
    assert main(["study", "run", str(path)]) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.startswith("error: ")
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments",
    [
        ["study", "run"],
        ["study", "run", "x.toml", "--preset", "quick"],
        ["study", "run", "--preset", "quick"],
        ["study", "run", "--preset", "slow", "--dataset", "digits"],
        ["study", "run", "missing.toml"],
        ["study", "export", "nothing", "--out", "x.parquet"],
        ["study", "analyse", "nothing", "--out", "x"],
        ["jobs", "cancel", "nothing"],
    ],
)
def test_other_mistakes_too(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("error: ")


def test_a_study_is_queued_listed_and_stopped(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["jobs"]) == 0
    assert "No studies yet" in capsys.readouterr().out
    assert main(["study", "run", "--preset", "quick", "--dataset", "digits", "--detach"]) == 0
    assert main(["jobs"]) == 0
    out = capsys.readouterr().out
    assert "quick-digits" in out
    assert "queued" in out
    assert main(["jobs", "cancel", "quick-digits"]) == 0
    assert main(["jobs"]) == 0
    assert "cancelled" in capsys.readouterr().out
    assert main(["study", "analyse", "quick-digits", "--out", "x"]) == 2


def test_data_sets_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["datasets"]) == 0
    out = capsys.readouterr().out
    for name in datasets.SOURCES:
        assert name in out


@pytest.mark.parametrize(
    "words", [[], ["datasets"], ["select"], ["study"], ["study", "run"], ["jobs"], ["runner"]]
)
def test_help_answers_quickly_and_without_heavy_imports(words: list[str]) -> None:
    code = (
        "import sys; from core.cli import main\n"
        f"try: main({[*words, '--help']!r})\n"
        "finally: assert not {'torch', 'sklearn', 'streamlit', 'distributed'} & set(sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=PROJECT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert "usage" in done.stdout
