"""A refinement whose runner is killed goes on and ends with the arrays of one that was not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from core import jobs
from core.store import Store
from tests.recovery.test_recovery import command, runners, until

SPEC = """
dataset = "digits"
model = "mlp-1:width=16"
train = 300
validation = 200
flip = 0.1
rounds = 2
seeds = 2
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "refine.toml"
    path.write_text(SPEC)
    return path


def blobs(cache: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in (cache / "blobs").glob("*.npz"):
        with np.load(path) as file:
            found[path.stem] = {name: file[name] for name in file.files}
    return found


def test_a_killed_refinement_ends_with_the_same_rounds(spec: Path, tmp_path: Path) -> None:
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    done = command(whole, "influence", "refine", str(spec), "--out", str(tmp_path / "out"))
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / "comparisons.csv").is_file()

    assert command(killed, "influence", "refine", str(spec), "--detach").returncode == 0
    store = Store(killed)
    until(lambda: jobs.find(store, "refine").done >= 4)
    (runner,) = runners(killed)
    family = runner.children(recursive=True)
    runner.kill()
    _, alive = psutil.wait_procs(family, timeout=20)
    assert not alive, "workers outlived their runner"
    before = blobs(killed)
    assert len(before) < len(blobs(whole))

    done = command(killed, "influence", "refine", str(spec))
    assert done.returncode == 0, done.stderr
    after = blobs(killed)
    assert after.keys() == blobs(whole).keys()
    for key, arrays in blobs(whole).items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, after[key][name])
