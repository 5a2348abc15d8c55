"""CIFAR-10's binary archive, made up here byte by byte."""

from __future__ import annotations

import io
import tarfile
from pathlib import Path

import numpy as np
import pytest

from core import datasets
from core.datasets import cifar10
from core.errors import InputError

RECORD = 3073


@pytest.fixture
def batches(monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Six batches of 40 records, and the reader told to expect that many."""
    monkeypatch.setattr(cifar10, "RECORDS", 40)
    random = np.random.default_rng(0)
    made = {}
    for name in cifar10.MEMBERS:
        made[name] = random.integers(0, 256, (40, RECORD), np.uint8)
        made[name][:, 0] = np.arange(40) % 10
    return made


def write(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))


def inside(batches: dict[str, np.ndarray]) -> dict[str, bytes]:
    return {f"cifar-10-batches-bin/{name}": data.tobytes() for name, data in batches.items()}


def test_records_become_rows(root: Path, batches: dict[str, np.ndarray]) -> None:
    members = {"../evil": b"x", "/etc/passwd": b"y", **inside(batches)}
    write(root / "cifar-10-binary.tar.gz", members)
    data = datasets.load("cifar10")
    assert data.train.x.shape == (200, 32, 32, 3)
    record = batches["data_batch_2.bin"][7]
    for channel, row, column in ((0, 0, 0), (1, 3, 31), (2, 31, 5)):
        value = record[1 + 1024 * channel + 32 * row + column]
        assert data.train.x[47, row, column, channel] == value
    np.testing.assert_array_equal(data.test.y, batches["test_batch.bin"][:, 0])
    assert data.classes[:2] == ("airplane", "automobile")
    assert [path.name for path in root.rglob("*")] == ["cifar-10-binary.tar.gz"]


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (lambda m: m.pop("cifar-10-batches-bin/data_batch_3.bin"), "lacks data_batch_3.bin"),
        (
            lambda m: m.update({"cifar-10-batches-bin/test_batch.bin": b"short"}),
            "test_batch.bin must be a file of 122920 bytes",
        ),
        (
            lambda m: m.update({"cifar-10-batches-bin/test_batch.bin": b"\xff" * 40 * RECORD}),
            "has a label above 9",
        ),
    ],
)
def test_wrong_archives_are_refused(
    root: Path, batches: dict[str, np.ndarray], change, sentence: str
) -> None:
    members = inside(batches)
    change(members)
    write(root / "cifar-10-binary.tar.gz", members)
    with pytest.raises(InputError, match=sentence):
        datasets.load("cifar10")


@pytest.mark.parametrize("keep", [0, 5, 5000, 100_000])
def test_an_archive_cut_short_is_refused(
    root: Path, batches: dict[str, np.ndarray], keep: int
) -> None:
    path = root / "cifar-10-binary.tar.gz"
    write(path, inside(batches))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"cifar-10-binary\.tar\.gz"):
        datasets.load("cifar10")
