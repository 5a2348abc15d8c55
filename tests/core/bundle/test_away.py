"""Units trained in a bare process elsewhere count as if they had been trained here."""

import gzip
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from core import datasets, engine, settings
from core.bundle import away, scores_file
from core.bundle.members import BadBundle
from core.errors import InputError
from core.models import Model
from core.settings import PROJECT
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec
from tests.test_architecture import HEAVY

SPEC = XFactorSpec.from_dict(
    {
        "name": "small", "dataset": "digits", "per_class": [3], "random": 3,
        "strategies": ["own_mean"], "directions": ["+"], "excess": [4], "repeats": 1,
        "models": ["gnb", "mlp-1:width=4"], "seed": 0,
    }
)  # fmt: skip
VARY = ["seconds", "versions"]


@pytest.fixture(autouse=True)
def cpu(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XFACTOR_DEVICE", "cpu")
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "home")


@pytest.fixture
def scores(tmp_path: Path, store: Store) -> Path:
    """What a bare machine made of the work."""
    content, units = away.packed(SPEC, store)
    assert units == 8
    (tmp_path / "work.gz").write_bytes(content)
    code = (
        f"import sys\nfor name in {sorted(HEAVY | {'tqdm', 'imagehash'})!r}: "
        "sys.modules[name] = None\nfrom core.cli import main\nsys.exit(main(sys.argv[1:]))"
    )
    out = tmp_path / "out" / "scores.jsonl"
    command = [sys.executable, "-c", code, "study", "work", str(tmp_path / "work.gz")]
    subprocess.run([*command, "--out", str(out)], cwd=PROJECT, check=True)
    return out


def table(store: Store, units: list[str]) -> pd.DataFrame:
    return store.scores(units).sort_values("unit").drop(columns=VARY).reset_index(drop=True)


def home(store: Store) -> tuple[pd.DataFrame, list[str]]:
    """The same units trained in this process."""
    data = datasets.load("digits")
    units = list(away._units(SPEC, data, store))
    there = Store(store.root / "other")
    for unit in units:
        there.add_scores(engine.fit(data, [unit], "cpu"))
    keys = [unit.key for unit in units]
    return table(there, keys), keys


def test_scores_from_elsewhere_are_those_of_home_and_are_merged_once(scores, store):
    expected, keys = home(store)
    content = scores.read_bytes()
    assert away.merged(content, store) == (8, 0)
    pd.testing.assert_frame_equal(table(store, keys), expected)
    assert away.merged(content, store) == (0, 8)
    with pytest.raises(InputError, match="nothing left"):
        away.packed(SPEC, store)


def test_a_run_that_was_killed_goes_on(scores, store, tmp_path, monkeypatch):
    whole = scores.read_bytes()
    scores.write_bytes(whole[: len(whole) * 2 // 3])
    kept = scores.read_bytes().count(b"\n") - 1
    trained = []
    fit = engine.fit
    monkeypatch.setattr(
        engine, "fit", lambda data, units, device: trained.extend(units) or fit(data, units, device)
    )
    work = (tmp_path / "work.gz").read_bytes()
    assert away.worked(work, scores, 9, pytest.fail) == (8, 0)
    assert len(trained) == 8 - kept < 8
    assert away.merged(scores.read_bytes(), store) == (8, 0)


def test_no_unit_is_begun_that_would_not_end_in_time(store, tmp_path):
    content, _ = away.packed(SPEC, store, ["gnb"])
    assert away.worked(content, tmp_path / "none.jsonl", 0, pytest.fail) == (0, 4)


def test_on_a_gpu_the_figures_of_one_core_keep_no_model_from_its_first_run(
    store, tmp_path, monkeypatch
):
    content, _ = away.packed(SPEC, store, ["mlp-1:width=4"])
    fit, out = engine.fit, tmp_path / "scores.jsonl"
    monkeypatch.setattr(engine, "seconds_per_unit", lambda *_: {("mlp-1:width=4", 30): (1e6, 0)})
    assert away.worked(content, out, 9, pytest.fail) == (0, 4)
    monkeypatch.setattr(settings, "device", lambda: "cuda")
    monkeypatch.setattr(Model, "batch", lambda *_: 2)
    monkeypatch.setattr(
        engine,
        "fit",
        lambda data, units, device: [
            replace(one, seconds=300.0) for one in fit(data, units, "cpu")
        ],
    )
    assert away.worked(content, out, 9, pytest.fail) == (2, 2)  # Now it is known to be too slow.


def test_a_unit_that_runs_out_of_memory_is_named_and_the_others_are_trained(
    store, tmp_path, monkeypatch
):
    content, _ = away.packed(SPEC, store)
    said, full, fit = [], [], engine.fit

    def fits(data, units, device):
        if units[0].model.label != "gnb" and not full:
            full[:] = [units[0].key]
        if any(unit.key in full for unit in units):
            raise torch.cuda.OutOfMemoryError("CUDA out of memory.")
        return fit(data, units, device)

    monkeypatch.setattr(engine, "fit", fits)
    out = tmp_path / "scores.jsonl"
    assert away.worked(content, out, 9, said.append) == (7, 1)
    assert said == ["mlp-1:width=4 on 30 images: OutOfMemoryError: CUDA out of memory."]
    assert away.merged(out.read_bytes(), store) == (7, 0)


def test_damaged_foreign_and_edited_scores_are_refused(scores, store):
    content = scores.read_bytes()
    header, first, *_ = content.splitlines(keepends=True)
    with pytest.raises(BadBundle, match="Line 2 of the scores file is damaged or was edited"):
        away.merged(header + first.replace(b'epochs": ', b'epochs": 1'), store)
    with pytest.raises(BadBundle, match="twice"):
        away.merged(header + first + first, store)
    with pytest.raises(BadBundle, match="no scores file"):
        away.merged(first, store)
    with pytest.raises(BadBundle, match="no scores file"):
        away.merged(b"", store)
    score = scores_file.read_scores(header + first)[1][0].__dict__
    for change, words in (
        ({"unit": "0" * 32}, "no unit of the study"),
        ({"accuracy": 1.5}, "not one that its unit can have"),
        ({"accuracy": "1"}, "not one that its unit can have"),
        ({"seed": 1}, "not one that its unit can have"),
        ({"class_accuracy": (0.5,)}, "not one that its unit can have"),
    ):
        with pytest.raises(BadBundle, match=words):
            away.merged(header + scores_file.line({**score, **change}), store)
    assert not store.scored([score["unit"]])


def test_damaged_work_is_refused(store, tmp_path):
    content, _ = away.packed(SPEC, store)
    changed = bytearray(gzip.decompress(content))
    changed[len(changed) // 3] ^= 1
    for bad in (b"", b"text", content[:-200], gzip.compress(bytes(changed)), gzip.compress(b"x")):
        with pytest.raises(BadBundle, match="no work file, or it is damaged"):
            away.worked(bad, tmp_path / "none.jsonl", 1, pytest.fail)


def test_a_model_that_the_study_lacks_is_refused(store):
    with pytest.raises(InputError, match="has no model 'rf'"):
        away.packed(SPEC, store, ["rf"])
