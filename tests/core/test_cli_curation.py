"""Tags on the command line: as lists, as data sets, as copies and links of files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import curation, datasets
from core.cli import main
from core.curation import Place
from core.store import Store


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "data"))
    for number in range(4):
        path = tmp_path / "data" / "photos" / "a" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((8, 8), number, np.uint8)).save(path)
    return tmp_path


@pytest.fixture
def tagged() -> Place:
    place = Place(datasets.load("digits").fingerprint)
    curation.tag(Store(), place, range(10), "remove", "Ada")
    curation.tag(Store(), place, [4], "keep", "Bob")
    return place


def test_rows_are_listed_with_class_and_tags(root: Path, tagged: Place) -> None:
    out = root / "rows.csv"
    assert (
        main(["tags", "digits", "--any", "remove", "keep", "--none", "x", "--out", str(out)]) == 0
    )
    table = pd.read_csv(out)
    assert table["row"].tolist() == list(range(10))
    assert table["tags"].tolist()[4] == "keep, remove"
    digits = datasets.load("digits")
    assert table["label"].astype(str).tolist() == [digits.classes[y] for y in digits.train.y[:10]]


def test_all_others_are_a_training_set(root: Path, tagged: Place) -> None:
    words = ["tags", "digits", "--any", "remove", "--none", "keep", "--others"]
    assert main([*words, "--out", str(root / "data" / "kept.parquet")]) == 0
    made = datasets.load("kept.parquet")
    assert len(made.train) + len(made.test) == 1300 - 9
    assert main([*words, "--out", str(root / "data" / "kept")]) == 0
    assert len(list((root / "data" / "kept" / "train").rglob("*.png"))) == 1300 - 9
    assert main([*words, "--out", str(root / "rows.txt")]) == 0
    assert (root / "rows.txt").read_text().splitlines()[:2] == ["4", "10"]


@pytest.mark.parametrize("link", [False, True])
def test_files_of_a_folder_are_copied_or_linked(root: Path, link: bool) -> None:
    photos = root / "data" / "photos"
    curation.tag(Store(), Place.of_folder(photos), ["a/1.png", "a/3.png"], "remove", "Ada")
    words = ["tags", str(photos), "--none", "remove", *["--link"] * link]
    assert main([*words, "--out", str(root / "kept")]) == 0
    found = sorted((root / "kept").rglob("*.png"))
    assert [path.name for path in found] == ["0.png", "2.png"]
    assert all(path.is_symlink() == link for path in found)
    assert len(list(photos.rglob("*.png"))) == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["nothing", "--out", "x.csv"], "Unknown data set"),
        (["digits", "--link", "--out", "{root}/x"], "--link is for folders"),
        (["{root}/data/photos", "--out", "{root}/x.parquet"], "no labels"),
        (["digits", "--out", "{root}/data"], "there already"),
        (["digits", "--out", "/proc/nothing/x.txt"], "cannot be written"),
    ],
)
def test_bad_input_is_one_sentence(
    root: Path, words: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["tags", *(word.format(root=root) for word in words)]) == 2
    assert message in capsys.readouterr().err
