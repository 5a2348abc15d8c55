"""The same study on other data: Fashion-MNIST's files, photographs, a folder of odd sizes."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import datasets, jobs
from core.store import Store
from core.studies import xfactor
from core.studies.xfactor_spec import PRESETS, XFactorSpec
from tests.core.studies.serial import serial

EACH, TEST_EACH = 8, 3
# The preset's models, trained no longer than it takes to see that they fit.
QUICK = {"cnn": "cnn:epochs=1", "resnet20": "resnet20:epochs=1"}
SLOW = ("resnet18",)


def fashion(root: Path) -> str:
    """Made-up images in Fashion-MNIST's format; the real ones are not at hand here."""
    rng, folder = np.random.default_rng(0), root / "FashionMNIST" / "raw"
    folder.mkdir(parents=True)
    for split, each in (("train", EACH), ("t10k", TEST_EACH)):
        labels = np.repeat(np.arange(10, dtype=np.uint8), each)
        images = rng.integers(0, 156, (len(labels), 28, 28), dtype=np.uint8)
        images += labels[:, None, None] * 10
        for name, array in (("images-idx3", images), ("labels-idx1", labels)):
            head = struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape)
            (folder / f"{split}-{name}-ubyte").write_bytes(head + array.tobytes())
    return "fashion-mnist"


def folder(root: Path) -> str:
    """Colour photographs of three classes, no two of one size."""
    rng = np.random.default_rng(0)
    for split, each in (("train", EACH), ("test", TEST_EACH)):
        for place, name in enumerate(("bird", "cat", "dog")):
            (root / "pets" / split / name).mkdir(parents=True)
            for number in range(each):
                pixels = rng.integers(0, 100, (30 + number, 34 - number, 3), dtype=np.uint8)
                pixels[..., place] += 100
                Image.fromarray(pixels).save(root / "pets" / split / name / f"{number}.png")
    return "pets"


@pytest.mark.parametrize("made", [fashion, folder])
def test_the_study_of_photographs_runs_on(
    made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "data"))
    settings = dict(PRESETS["colour"].settings)
    models = [QUICK.get(model, model) for model in settings["models"] if model not in SLOW]
    with serial(tmp_path / "cache"):
        name = made(tmp_path / "data")
        small = {"per_class": [2], "random": 2, "repeats": 1, "excess": [2], "models": models}
        spec = XFactorSpec.from_dict(
            {**settings, **small, "dataset": name, "strategies": ["uniqueness"]}
        )
        store = Store()
        job = jobs.submit(store, "xfactor", spec)
        jobs.run_queue(store)
        job = jobs.find(store, job.key)
        found = xfactor.results(job, store)
        assert job.state == "done", job.message
        assert found.failures.empty
        assert len(found.scores) == found.units == 4 * len(models)
        classes = len(datasets.load(name).classes)
        best = found.scores.groupby("model")["accuracy"].max()
    # Classes differ by their brightness or colour, which the simple models see at once.
    assert (best[["rf", "svc", "gnb"]] > 2 / classes).all()
