"""The list of data sets, their names, the cache, and what a page shows of them."""

from __future__ import annotations

import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

from core import datasets
from core.datasets import base, summary
from core.errors import InputError, UnknownName
from core.store import Store


def test_digits_are_scikit_learns_and_always_there() -> None:
    data = datasets.load("digits")
    digits = load_digits()
    rows = [list(np.flatnonzero(digits.target == number)) for number in range(10)]
    train = sorted(row for of_class in rows for row in of_class[:130])
    test = sorted(row for of_class in rows for row in of_class[130:])
    np.testing.assert_array_equal(data.train.x[..., 0], digits.images[train])
    np.testing.assert_array_equal(data.test.x[..., 0], digits.images[test])
    np.testing.assert_array_equal(data.test.y, digits.target[test])
    assert data.train.x.max() == data.peak == 16
    assert data.fingerprint == "1602c814b52cf3586e8c9eb08bb4aa5b"
    assert data.licence
    assert any("0 to 16" in note for note in data.notes)


def test_the_catalogue_finds_folders_and_names_what_can_be_loaded(
    root: Path, tmp_path: Path, write, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        for label in "ab":
            write(root / "flowers" / label / f"{number}.png")
            write(root / "mnist" / label / f"{number}.png")
            write(tmp_path / "own" / "train" / label / f"{number}.png")
            write(tmp_path / "more" / "flowers" / label / f"{number}.png")
    (root / "empty").mkdir()
    (root / "notes.txt").write_text("nothing")
    extra = [tmp_path / "own", tmp_path / "more", tmp_path / "not there"]
    monkeypatch.setenv("XFACTOR_FOLDERS", ":".join(map(str, extra)))
    names = [item.name for item in datasets.catalogue()]
    assert names == [
        "digits",
        "mnist",
        "fashion-mnist",
        "cifar10",
        *("imdb", "adult", "breast-cancer", "wine"),
        "flowers",
        str(root / "mnist"),
        "own",
        str(tmp_path / "more" / "flowers"),
    ]
    states = {item.name: item.state for item in datasets.catalogue()}
    assert states["digits"] == "ready"
    assert states["mnist"] == "download"
    for name in names[8:]:
        assert datasets.load(name).name == name
        assert states[name] == "on disk"


def test_the_catalogue_is_quick(shared: Path) -> None:
    seconds = []
    for _ in range(3):
        start = time.process_time()
        datasets.catalogue()
        seconds.append(time.process_time() - start)
    assert min(seconds) < 0.05


@pytest.mark.parametrize("name", ["nope", "", "a\0b", "x" * 5000, "flowers/../nope"])
def test_an_unknown_name_lists_the_known_ones(name: str) -> None:
    with pytest.raises(UnknownName, match="known: digits, mnist, fashion-mnist, cifar10"):
        datasets.load(name)


def test_names_of_sources_are_known_in_capitals() -> None:
    assert datasets.load("Digits").name == "digits"


def test_the_second_load_equals_the_first_and_is_read_only() -> None:
    first, second = datasets.load("digits"), datasets.load("digits")
    for one, two in ((first.train, second.train), (first.test, second.test)):
        np.testing.assert_array_equal(one.x, two.x)
        np.testing.assert_array_equal(one.y, two.y)
        for array in (one.x, one.y, two.x, two.y):
            assert not array.flags.writeable
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 0
    assert replace(first, train=second.train, test=second.test).__dict__ == second.__dict__


def test_a_damaged_cache_entry_is_made_again_with_a_warning() -> None:
    first = datasets.load("digits")
    (path,) = (Store().root / "blobs").iterdir()
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    with pytest.warns(UserWarning, match="does not match its checksum"):
        second = datasets.load("digits")
    assert second.fingerprint == first.fingerprint
    assert datasets.load("digits").fingerprint == first.fingerprint


def test_a_read_only_data_root_is_never_written(root: Path, write_set) -> None:
    folder = root / "MNIST" / "raw"
    write_set(folder)
    before = {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))}
    for path in before:
        path.chmod(0o555 if path.is_dir() else 0o444)
    datasets.load("mnist")
    datasets.catalogue()
    assert {path: path.stat().st_mtime_ns for path in (root, *root.rglob("*"))} == before
    for path in before:
        path.chmod(0o755)


def test_progress_may_stop_a_load(root: Path, write) -> None:
    for label in "ab":
        write(root / "set" / label / "1.png")

    def stop(done: int, total: int, what: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        datasets.load("set", stop)


def test_the_fingerprint_covers_pixels_labels_and_names() -> None:
    data = datasets.load("digits")
    train, test, classes = data.train, data.test, data.classes
    assert base.fingerprint(train, test, classes) == data.fingerprint
    x, y = train.x.copy(), train.y.copy()
    x[0, 0, 0, 0] ^= 1
    y[0] += 1
    others = [
        base.fingerprint(base.Split(x, train.y), test, classes),
        base.fingerprint(base.Split(train.x, y), test, classes),
        base.fingerprint(train, test, ("zero", *classes[1:])),
        base.fingerprint(test, train, classes),
    ]
    assert len({data.fingerprint, *others}) == 5


def test_a_split_checks_its_arrays() -> None:
    with pytest.raises(InputError, match=r"uint8 of shape .* got float64"):
        base.Split(np.zeros((2, 3, 3, 1)), np.zeros(2, np.int64))  # type: ignore[arg-type]
    with pytest.raises(InputError, match=r"int64 of shape \(2,\); got int64 of shape \(3,\)"):
        base.Split(np.zeros((2, 3, 3, 1), np.uint8), np.zeros(3, np.int64))


def test_loading_needs_neither_torch_nor_scikit_learn(root: Path) -> None:
    code = (
        "import sys; from core import datasets; datasets.catalogue(); "
        "print(sorted({'torch', 'sklearn', 'torchvision', 'streamlit'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_summary_against_slow_loops() -> None:
    data = datasets.load("digits")
    counts = summary.class_counts(data)
    assert counts["class"].tolist() == list(data.classes)
    assert counts["train"].tolist() == [130] * 10
    assert counts["test"].tolist() == [sum(data.test.y == number) for number in range(10)]
    means = summary.mean_images(data)
    for number in range(10):
        rows = [image for image, y in zip(data.train.x, data.train.y, strict=True) if y == number]
        np.testing.assert_array_equal(means[number], np.sum(rows, axis=0, dtype=np.int64) / 130)
    assert summary.total_bytes(data) == 1797 * (64 + 8)


def test_samples_are_fixed_and_of_one_class() -> None:
    split = datasets.load("digits").train
    rows = summary.sample_rows(split, 3, 20, seed=1)
    assert (split.y[rows] == 3).all()
    assert len(set(rows.tolist())) == 20
    assert summary.sample_rows(split, 3, 8, seed=1).tolist() == rows[:8].tolist()
    assert summary.sample_rows(split, 3, 20, seed=2).tolist() != rows.tolist()
    assert len(summary.sample_rows(split, 3, 1000, seed=1)) == 130
    with pytest.raises(InputError, match="0 or more"):
        summary.sample_rows(split, 3, -1, seed=1)


def test_a_class_without_training_images_has_no_mean() -> None:
    data = datasets.load("digits")
    means = summary.mean_images(replace(data, classes=(*data.classes, "ten")))
    assert np.isnan(means[10]).all()
    assert not np.isnan(means[:10]).any()
