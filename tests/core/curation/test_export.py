"""What is exported opens again as the same images with the same labels; originals are kept."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core import datasets
from core.curation.export import (
    class_folders,
    files,
    image_folder,
    link_folder,
    write_folder,
    write_parquet,
    write_zip,
)
from core.datasets.base import Dataset, Split
from core.errors import InputError

ROWS = [3, 5, *range(40, 120)]


@pytest.fixture
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    return tmp_path / "data"


def same(made: Dataset, digits: Dataset) -> None:
    """All images of `made`, in whatever split they came to be, are the rows of the digits."""
    pixels = np.concatenate([made.train.x, made.test.x])[:, :, :, 0]
    labels = np.concatenate([made.train.y, made.test.y])
    wanted = np.rint(digits.train.x[ROWS, :, :, 0] * (255 / 16)).astype(np.uint8)
    order, expected = (np.lexsort(x.reshape(len(x), -1).T) for x in (pixels, wanted))
    assert (pixels[order] == wanted[expected]).all()
    assert (labels[order] == digits.train.y[ROWS][expected]).all()
    assert made.classes == digits.classes


def test_an_image_folder_opens_as_a_data_set(digits: Dataset, root: Path) -> None:
    assert write_folder(image_folder(digits, "train", ROWS), root / "kept") == len(ROWS)
    assert (root / "kept" / "train" / "1").is_dir()
    (root / "kept" / "train").rename(root / "plain")
    same(datasets.load("plain"), digits)


def test_a_parquet_file_opens_as_a_data_set(digits: Dataset, root: Path) -> None:
    root.mkdir()
    write_parquet(digits, "train", ROWS, root / "kept.parquet")
    assert pq.read_table(root / "kept.parquet")["row"].to_pylist() == ROWS
    same(datasets.load("kept.parquet"), digits)


def test_an_archive_holds_the_same_files(digits: Dataset) -> None:
    file = io.BytesIO()
    write_zip(image_folder(digits, "test", [2]), file)
    with zipfile.ZipFile(file) as archive:
        (name,) = archive.namelist()
        assert name == f"test/{digits.classes[digits.test.y[2]]}/0000002.png"
        image = np.asarray(Image.open(io.BytesIO(archive.read(name))))
    assert (image == np.rint(digits.test.x[2, :, :, 0] * (255 / 16))).all()


def test_files_are_copied_or_linked_and_stay_where_they_are(root: Path, tmp_path: Path) -> None:
    photos = root / "photos"
    (photos / "a").mkdir(parents=True)
    for name in ("a/1.png", "2.png", "3.png"):
        (photos / name).write_bytes(name.encode())
    chosen = ["a/1.png", "3.png"]
    write_folder(files(photos, chosen), tmp_path / "copy")
    assert link_folder(photos, chosen, tmp_path / "links") == 2
    for folder in ("copy", "links"):
        found = {
            p.relative_to(tmp_path / folder).as_posix() for p in (tmp_path / folder).rglob("*.png")
        }
        assert found == set(chosen)
        assert (tmp_path / folder / "a/1.png").read_bytes() == b"a/1.png"
    assert (tmp_path / "links" / "3.png").is_symlink()
    assert not (tmp_path / "copy" / "3.png").is_symlink()
    assert (photos / "2.png").exists()
    assert (photos / "3.png").exists()


def test_nothing_is_written_over_or_left_behind(digits: Dataset, root: Path) -> None:
    (root / "there").mkdir(parents=True)
    with pytest.raises(InputError, match="there already"):
        write_folder(image_folder(digits, "train", [1]), root / "there")
    with pytest.raises(InputError, match="outside the folders"):
        write_folder(files(root, ["../../../etc/passwd"]), root / "new")
    assert [path.name for path in root.iterdir()] == ["there"]


@pytest.mark.parametrize(
    ("classes", "folders"),
    [
        (("cat", "dog"), ["cat", "dog"]),
        (("a/b", "c"), ["a_b", "c"]),
        (("a/b", "a_b"), ["000-a_b", "001-a_b"]),
        (("..", "x"), ["000-", "001-x"]),
    ],
)
def test_class_names_become_safe_folders(classes: tuple[str, ...], folders: list[str]) -> None:
    x, y = np.zeros((2, 1, 1, 1), np.uint8), np.arange(2)
    made = Dataset("n", "n", Split(x, y), Split(x, y), classes, "f", "s", "l")
    assert class_folders(made) == folders
