"""Made-up image folders: both layouts, odd files, odd names, links."""

from __future__ import annotations

import hashlib
import os
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core import datasets
from core.datasets import splits, stack
from core.errors import InputError


def expected(paths: list[Path]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(path)) for path in paths])


def test_split_class_file_as_in_cifake(root: Path, write) -> None:
    for split, count in (("train", 4), ("test", 2)):
        for label in ("REAL", "FAKE"):
            for number in range(count):
                write(root / "cifake" / split / label / f"{number:04} (2).png")
    data = datasets.load("cifake")
    assert data.classes == ("FAKE", "REAL")
    assert data.train.y.tolist() == [0] * 4 + [1] * 4
    assert data.test.y.tolist() == [0] * 2 + [1] * 2
    for split, name in ((data.train, "train"), (data.test, "test")):
        paths = sorted((root / "cifake" / name).rglob("*.png"))
        np.testing.assert_array_equal(split.x, expected(paths))
    assert data.notes == ()
    assert data.left_out == ()


def test_class_file_is_split_by_the_hash_of_the_names(root: Path, write) -> None:
    for label, count in (("cat", 20), ("dog", 10), ("owl", 2)):
        for number in range(count):
            write(root / "pets" / label / f"{number}.png")
    data = datasets.load("pets")
    assert np.bincount(data.test.y).tolist() == [4, 2, 1]
    assert np.bincount(data.train.y).tolist() == [16, 8, 1]
    assert "7 images, a fifth of each class" in data.notes[0]
    before = {image.tobytes() for image in data.test.x}
    write(root / "pets" / "cat" / "new.png")
    after = {image.tobytes() for image in datasets.load("pets").test.x}
    assert len(before & after) >= len(before) - 1


def test_held_out_is_fixed() -> None:
    labels = np.arange(40) % 2
    names = [f"{number}.png" for number in range(40)]
    chosen = splits.held_out(labels, names)
    order = np.random.default_rng(0).permutation(40)
    shuffled = splits.held_out(labels[order], [names[row] for row in order])
    np.testing.assert_array_equal(shuffled, chosen[order])
    for number in (0, 1):
        of_class = [names[row] for row in range(40) if labels[row] == number]
        lowest = sorted(of_class, key=lambda name: hashlib.sha256(name.encode()).hexdigest())[:4]
        assert {names[row] for row in np.flatnonzero(chosen) if labels[row] == number} == {*lowest}


def test_validation_stands_in_for_a_missing_test_split_only(root: Path, write) -> None:
    for split in ("Training", "valid"):
        for label in "ab":
            write(root / "set" / split / label / "1.png")
    data = datasets.load("set")
    assert len(data.test) == 2
    assert data.notes == ("The validation split is the test split, as there is no other.",)
    for label in "ab":
        write(root / "set" / "test" / label / "1.png")
    data = datasets.load("set")
    np.testing.assert_array_equal(
        data.test.x, expected(sorted((root / "set" / "test").rglob("*.png")))
    )
    assert data.notes == ("The validation split (2 files) is not used.",)


def test_a_class_may_be_called_train(root: Path, write) -> None:
    for label in ("bus", "train"):
        for number in range(5):
            write(root / "vehicles" / label / f"{number}.png")
    assert datasets.load("vehicles").classes == ("bus", "train")


def test_names_are_any_text(root: Path, write) -> None:
    names = ["<script>alert(1)</script>".replace("/", "∕"), 'it\'s "quoted"', "🦊\nüñí", "x" * 250]
    for name in names:
        for number in range(5):
            write(root / "odd 📁" / name / f"{name[:200]}{number}.png")
    write(root / "odd 📁" / os.fsdecode(b"\xff\xfe") / "1.png")
    data = datasets.load("odd 📁")
    assert set(data.classes) == {*names, "\\xff\\xfe"}
    "".join(data.classes).encode()
    assert datasets.load("odd 📁").classes == data.classes


def test_composed_and_decomposed_names_are_one_class(root: Path, write) -> None:
    for split, form in (("train", "NFC"), ("test", "NFD")):
        for label in ("café", "thé"):
            write(root / "drinks" / split / unicodedata.normalize(form, label) / "1.png")
    assert datasets.load("drinks").classes == ("café", "thé")


def test_bad_files_are_left_out_and_reported(root: Path, write) -> None:
    folder = root / "set"
    for label in "ab":
        for number in range(10):
            write(folder / label / f"{number}.png", (8, 8, 3))
    whole = (folder / "a" / "0.png").read_bytes()
    (folder / "a" / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "a" / "empty.png").touch()
    (folder / "b" / "page.png").write_text("<html>")
    (folder / "b" / "inner").mkdir()
    (folder / "b" / ".DS_Store").write_text("passed over")
    (folder / "__MACOSX" / "c").mkdir(parents=True)
    (folder / "b" / "loop.png").symlink_to("loop.png")
    os.mkfifo(folder / "b" / "pipe.png")
    data = datasets.load("set")
    assert len(data.train) + len(data.test) == 20
    reasons = dict(data.left_out)
    assert reasons.keys() == {
        "a/cut.png",
        "a/empty.png",
        "b/page.png",
        "b/inner",
        "b/loop.png",
        "b/pipe.png",
    }
    assert reasons["b/pipe.png"] == "not a regular file"
    assert reasons["b/loop.png"] == "a link to nothing"
    assert reasons["b/inner"] == "a folder inside a class folder"
    assert reasons["b/page.png"].startswith("not an image in one of the formats")
    assert any(note.startswith("6 left out, such as ") for note in data.notes)
    assert datasets.load("set").left_out == data.left_out


def test_different_sizes_become_the_most_common_one(root: Path, write) -> None:
    for label in "ab":
        for number in range(5):
            write(root / "set" / label / f"{number}.png", (20, 30, 3))
    odd = write(root / "set" / "a" / "odd.png", (100, 50, 3))
    data = datasets.load("set")
    assert data.image_shape == (20, 30, 3)
    assert "1 images resized to 30 × 20, bilinear with antialiasing." in data.notes
    resized = np.asarray(Image.fromarray(odd).resize((30, 20), Image.Resampling.BILINEAR))
    everything = np.concatenate([data.train.x, data.test.x])
    assert any(np.array_equal(image, resized) for image in everything)


def test_large_mixed_images_are_scaled_to_64_pixels(root: Path, write) -> None:
    for label in "ab":
        for number in range(3):
            write(root / "set" / label / f"{number}.png", (100, 200, 3))
    assert datasets.load("set").image_shape == (100, 200, 3)
    write(root / "set" / "a" / "odd.png", (300, 100, 3))
    assert datasets.load("set").image_shape == (32, 64, 3)


def test_a_broken_file_of_another_size_resizes_nothing(root: Path, write) -> None:
    for label in "ab":
        for number in range(5):
            write(root / "set" / label / f"{number}.png", (70, 70, 3))
    write(root / "set" / "a" / "!broken.png", (90, 90, 3))
    path = root / "set" / "a" / "!broken.png"
    path.write_bytes(path.read_bytes()[:9000])
    data = datasets.load("set")
    assert data.image_shape == (70, 70, 3)
    assert len(data.left_out) == 1


def test_grey_images_have_one_channel_unless_one_has_colour(root: Path, write) -> None:
    for label in "ab":
        for number in range(5):
            write(root / "set" / label / f"{number}.png", (8, 8))
    grey = write(root / "set" / "a" / "rgb.png", (8, 8, 1)[:2])
    Image.fromarray(grey).convert("RGB").save(root / "set" / "a" / "rgb.png")
    assert datasets.load("set").image_shape == (8, 8, 1)
    write(root / "set" / "a" / "colour.png", (8, 8, 3))
    assert datasets.load("set").image_shape == (8, 8, 3)


def test_links_that_lead_out_are_refused(root: Path, tmp_path: Path, write, monkeypatch) -> None:
    for label in "ab":
        for number in range(5):
            write(root / "set" / label / f"{number}.png")
    write(tmp_path / "outside" / "c" / "secret.png")
    (root / "set" / "a" / "link.png").symlink_to(tmp_path / "outside" / "c" / "secret.png")
    (root / "set" / "c").symlink_to(tmp_path / "outside" / "c")
    (root / "set" / "a" / "inside.png").symlink_to(root / "set" / "a" / "0.png")
    (root / "all").symlink_to(tmp_path / "outside")
    data = datasets.load("set")
    assert data.classes == ("a", "b")
    assert len(data.train) + len(data.test) == 11
    assert {name for name, _ in data.left_out} == {"a/link.png", "c"}
    assert all("leads out of the folders" in why for _, why in data.left_out)
    for name in ("all", "../outside", str(tmp_path / "outside"), "/etc"):
        with pytest.raises(InputError, match="outside the folders that may be read"):
            datasets.load(name)
    assert "all" not in {item.name for item in datasets.catalogue()}
    monkeypatch.setenv("XFACTOR_FOLDERS", str(tmp_path / "outside"))
    assert len(datasets.load("set").classes) == 3


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"a/1.png"}, "at least two classes; got 1: a"),
        ({"test/a/1.png", "test/b/1.png"}, "must have a train split"),
        (
            {"train/a/1.png", "train/b/1.png", "test/a/1.png", "test/c/1.png"},
            r"classes that the training split lacks \(c\)",
        ),
        ({"1.png"}, "no images laid out as split/class/file or class/file"),
    ],
)
def test_layouts_that_cannot_be_used(root: Path, write, files: set[str], sentence: str) -> None:
    for name in files:
        write(root / "set" / name)
    with pytest.raises(InputError, match=sentence):
        datasets.load("set")


def test_a_class_without_test_images_is_noted(root: Path, write) -> None:
    for name in ("train/a/1.png", "train/b/1.png", "test/a/1.png"):
        write(root / "set" / name)
    write(root / "set" / "extras" / "x" / "1.png")
    assert datasets.load("set").notes == (
        "Folders beside the splits are not used: extras.",
        "The test split has no images of b.",
    )


def test_nothing_readable_is_one_sentence(root: Path) -> None:
    for label in "ab":
        (root / "set" / label).mkdir(parents=True)
        (root / "set" / label / "1.png").write_text("no")
    with pytest.raises(InputError, match=r"None of the 2 images can be read; the first, a/1\.png"):
        datasets.load("set")


def test_too_many_pixels_are_refused(root: Path, write, monkeypatch) -> None:
    monkeypatch.setattr(stack, "LARGEST_BYTES", 1000)
    for label in "ab":
        write(root / "set" / label / "1.png", (20, 20, 3))
    with pytest.raises(InputError, match="make a copy with smaller images"):
        datasets.load("set")


def test_a_large_first_image_among_small_ones_is_resized(root: Path, write, monkeypatch) -> None:
    monkeypatch.setattr(stack, "LARGEST_BYTES", 50_000)
    write(root / "set" / "a" / "0.png", (200, 200, 3))
    for label in "ab":
        for number in range(1, 5):
            write(root / "set" / label / f"{number}.png", (20, 20, 3))
    assert datasets.load("set").image_shape == (20, 20, 3)


def test_a_changed_folder_is_read_again(root: Path, write) -> None:
    for label in "ab":
        for number in range(5):
            write(root / "set" / label / f"{number}.png")
    first = datasets.load("set")
    reads = []
    assert datasets.load("set", lambda *args: reads.append(args)).fingerprint == first.fingerprint
    assert reads == []
    write(root / "set" / "a" / "0.png")
    second = datasets.load("set")
    assert second.fingerprint != first.fingerprint
    (root / "set" / "a" / "0.png").unlink()
    assert len(datasets.load("set").train) + len(datasets.load("set").test) == 9
    shutil.rmtree(root / "set" / "b")
    with pytest.raises(InputError):
        datasets.load("set")
