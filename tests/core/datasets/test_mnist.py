"""MNIST's format, read by hand and by torchvision beside our reader."""

from __future__ import annotations

import struct
import time
from pathlib import Path

import numpy as np
import pytest

from core import datasets
from core.datasets import idx
from core.errors import InputError


@pytest.mark.parametrize("suffix", ["", ".gz"])
@pytest.mark.parametrize(("name", "where"), [("mnist", "MNIST"), ("fashion-mnist", "FashionMNIST")])
def test_generated_files_are_read_exactly(
    root: Path, write_set, name: str, where: str, suffix: str
) -> None:
    x_train, y_train, x_test, y_test = write_set(root / where / "raw", suffix)
    data = datasets.load(name)
    np.testing.assert_array_equal(data.train.x[..., 0], x_train)
    np.testing.assert_array_equal(data.train.y, y_train)
    np.testing.assert_array_equal(data.test.x[..., 0], x_test)
    np.testing.assert_array_equal(data.test.y, y_test)
    assert data.name == name
    assert len(data.classes) == 10
    assert data.image_shape == (28, 28, 1)


def test_torchvision_reads_the_same_files_alike(root: Path, write_set) -> None:
    from torchvision.datasets import MNIST

    write_set(root / "MNIST" / "raw")
    data = datasets.load("mnist")
    for split, train in ((data.train, True), (data.test, False)):
        other = MNIST(root, train=train, download=False)
        np.testing.assert_array_equal(split.x[..., 0], other.data.numpy())
        np.testing.assert_array_equal(split.y, other.targets.numpy())


def test_pickles_beside_the_raw_files_are_not_opened(root: Path, write_set) -> None:
    write_set(root / "MNIST" / "raw")
    processed = root / "MNIST" / "processed"
    processed.mkdir()
    for name in ("training.pt", "test.pt"):  # torchvision's class would load these instead.
        (processed / name).write_bytes(b"cos\nsystem\n(S'exit 1'\ntR.")
    assert len(datasets.load("mnist").train) == 30


@pytest.mark.parametrize(
    ("damage", "sentence"),
    [
        (lambda data: data[:100], "must hold 23520 bytes of data; got 84"),
        (lambda data: data + b"x", "got more than 23520"),
        (lambda data: b"\x80\x04" + data[2:], "must be an IDX file of unsigned bytes"),
        (lambda data: b"", "no bytes"),
        (lambda data: data[:4] + b"\xff" * 12, "at most 1073741824 are read"),
    ],
)
def test_damaged_images_are_refused(root: Path, write_set, damage, sentence: str) -> None:
    write_set(root / "MNIST" / "raw")
    path = root / "MNIST" / "raw" / idx.NAMES[0]
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(InputError, match=sentence):
        datasets.load("mnist")


@pytest.mark.parametrize("keep", [0.5, 0.999])
def test_a_gzip_cut_short_is_refused(root: Path, write_set, keep: float) -> None:
    write_set(root / "MNIST" / "raw", ".gz")
    path = root / "MNIST" / "raw" / f"{idx.NAMES[0]}.gz"
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * keep)])
    with pytest.raises(InputError, match="download it again"):
        datasets.load("mnist")


def test_counts_and_labels_are_checked(root: Path, write_set, write_idx) -> None:
    folder = root / "MNIST" / "raw"
    write_set(folder)
    write_idx(folder / idx.NAMES[1], np.zeros(29, np.uint8))
    with pytest.raises(InputError, match=r"has 30 images but .* has 29 labels"):
        datasets.load("mnist")
    write_idx(folder / idx.NAMES[1], np.full(30, 10, np.uint8))
    with pytest.raises(InputError, match="has a label 10; expected 0 to 9"):
        datasets.load("mnist")


def test_real_mnist_by_hand_and_in_under_a_second(shared: Path) -> None:
    first = datasets.load("mnist")
    raw = (shared / "MNIST" / "raw" / "train-images-idx3-ubyte").read_bytes()
    assert struct.unpack(">4I", raw[:16]) == (0x803, 60000, 28, 28)
    for row in (0, 1, 59_999):
        image = np.frombuffer(raw, np.uint8, 784, 16 + 784 * row).reshape(28, 28)
        np.testing.assert_array_equal(first.train.x[row, :, :, 0], image)
    assert first.train.x.tobytes() == raw[16:]
    labels = (shared / "MNIST" / "raw" / "t10k-labels-idx1-ubyte").read_bytes()
    assert bytes(first.test.y.astype(np.uint8)) == labels[8:]
    seconds = []
    for _ in range(3):
        start = time.process_time()
        second = datasets.load("mnist")
        seconds.append(time.process_time() - start)
    assert min(seconds) < 1
    assert second.fingerprint == first.fingerprint
    np.testing.assert_array_equal(second.train.x, first.train.x)
