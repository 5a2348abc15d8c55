"""The quality commands: what they write, and one sentence with exit code 2 on bad input."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core import datasets
from core.cli import main
from core.quality import find_duplicates, find_leaks, flag_duplicates, judge, scan
from core.quality.audit import pixels


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "data"))
    monkeypatch.setattr("core.quality.fastdup.ENVIRONMENT", tmp_path / "no-fastdup")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Six noise pictures, a brighter copy of the first, an equal one of the second, a bad file."""
    rng = np.random.default_rng(0)
    blocks = rng.integers(30, 180, (6, 8, 8, 3), dtype=np.uint8)
    pictures = blocks.repeat(8, axis=1).repeat(8, axis=2)
    pictures += rng.integers(0, 20, pictures.shape, dtype=np.uint8)
    root = tmp_path / "photos"
    root.mkdir()
    for name, picture in zip("abcdef", pictures, strict=True):
        Image.fromarray(picture).save(root / f"{name}.png")
    Image.fromarray(pictures[0] + 30).save(root / "brighter.png")
    Image.fromarray(pictures[1]).save(root / "same.png")
    (root / "bad.png").write_bytes(b"no picture")
    return root


def quality(*arguments: object) -> int:
    return main(["quality", *map(str, arguments)])


def test_a_data_set_is_scanned_and_flagged(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "flags.parquet"
    assert quality("scan", "digits", "--out", out) == 0
    said = capsys.readouterr().out
    digits = datasets.load("digits")
    table, decisions = judge(scan(digits))
    found = find_duplicates(digits, table)
    for reason in (*(decision.reason for decision in decisions), found.reason):
        assert reason in said
    pd.testing.assert_frame_equal(pd.read_parquet(out), flag_duplicates(table, found))
    assert quality("scan", "digits", "--split", "test", "--out", tmp_path / "test.csv") == 0
    assert len(pd.read_csv(tmp_path / "test.csv")) == 497


def test_a_folder_keeps_what_has_not_changed(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    out = tmp_path / "flags.parquet"
    assert quality("scan", folder, "--out", out) == 0
    assert "unreadable: 1 files" in capsys.readouterr().out
    before = pd.read_parquet(out)
    assert before["path"].tolist() == sorted(path.name for path in folder.iterdir())
    assert before.set_index("path").loc["bad.png", "unreadable"]
    (folder / "new.png").write_bytes((folder / "a.png").read_bytes())
    opened = []
    read = scan.__globals__["read"]
    monkeypatch.setitem(
        scan.__globals__, "read", lambda path: opened.append(path.name) or read(path)
    )
    assert quality("scan", folder, "--out", out) == 0
    assert opened == ["new.png"]
    after = pd.read_parquet(out)
    assert after.set_index("path").loc[["a.png", "new.png"], "exact_duplicates_score"].eq(0.5).all()
    compared = [name for name in before if "duplicates" in name]
    pd.testing.assert_frame_equal(
        after[after["path"] != "new.png"].reset_index(drop=True).drop(columns=compared),
        before.drop(columns=compared),
    )
    opened.clear()
    other = tmp_path / "elsewhere"
    folder.rename(other)
    assert quality("scan", other, "--out", out) == 0
    assert len(opened) == 10


def test_pairs_of_a_folder(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "pairs.csv"
    assert quality("duplicates", folder, "--out", out) == 0
    pairs = pd.read_csv(out)
    assert list(pairs.columns) == ["a", "b", "distance", "cluster"]
    assert set(zip(pairs["a"], pairs["b"], strict=True)) == {
        ("a.png", "brighter.png"),
        ("b.png", "same.png"),
    }
    assert pairs["cluster"].tolist() == [0, 1]


def test_options_of_the_search_reach_it(tmp_path: Path) -> None:
    out = tmp_path / "pairs.parquet"
    options = ("--radius", 6, "--linkage", "complete", "--flips", "--hash-only")
    assert quality("duplicates", "digits", "--out", out, *options) == 0
    wanted = find_duplicates(
        datasets.load("digits"), radius=6, linkage="complete", flips=True, confirm=False
    ).pairs
    assert len(wanted)
    pd.testing.assert_frame_equal(
        pd.read_parquet(out), wanted[["a", "b", "distance", "cluster"]], check_dtype=False
    )


def test_the_test_split_is_compared_with_itself(tmp_path: Path) -> None:
    out = tmp_path / "flags.parquet"
    assert quality("scan", "digits", "--split", "test", "--out", out) == 0
    digits = datasets.load("digits")
    images = pixels(digits, "test")
    table = scan(digits, "test")
    wanted = flag_duplicates(table, find_duplicates(images, table))
    pd.testing.assert_series_equal(
        pd.read_parquet(out)["near_duplicates_score"], wanted["near_duplicates_score"]
    )


def test_many_images_are_compared_for_equality_only(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("core.cli_quality.MOST_COMPARED", 5)
    out = tmp_path / "flags.csv"
    assert quality("scan", folder, "--out", out) == 0
    assert "only equal images are flagged among more than 5" in capsys.readouterr().out
    table = pd.read_csv(out)
    assert table["is_exact_duplicates_issue"].sum() == 2
    assert "near_duplicates_score" not in table


def test_pairs_by_vectors(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.setattr("core.quality.contrastive.STEPS", 5)
    out = tmp_path / "pairs.csv"
    assert quality("duplicates", folder, "--out", out, "--detector", "vectors") == 0
    pairs = pd.read_csv(out)
    assert pairs[["a", "b"]].to_numpy().tolist() == [
        ["a.png", "brighter.png"],
        ["b.png", "same.png"],
    ]
    assert pairs["distance"].between(0, 1).all()
    assert "without labels" in capsys.readouterr().out


def test_vectors_of_a_data_set_are_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("core.quality.contrastive.STEPS", 2)
    out, again = tmp_path / "pairs.csv", tmp_path / "again.csv"
    options = ("--detector", "both", "--radius", 0.001)
    assert quality("duplicates", "digits", "--out", out, *options) == 0
    monkeypatch.setattr("core.quality.contrastive.train", None)
    assert quality("duplicates", "digits", "--out", again, *options) == 0
    assert out.read_bytes() == again.read_bytes()


def test_leaks_are_written(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "leaks.csv"
    assert quality("leaks", "digits", "--out", out, "--radius", 2, "--hash-only") == 0
    wanted = find_leaks(datasets.load("digits"), radius=2, confirm=False)
    assert len(wanted)
    pd.testing.assert_frame_equal(pd.read_csv(out), wanted, check_dtype=False)
    assert f"{wanted['test'].nunique()} of 497 test images" in capsys.readouterr().out


def test_the_scoreboard_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = pd.DataFrame({"faults": ["single"], "f1": [0.5]})
    given = []
    monkeypatch.setattr(
        "core.quality.scoreboard", lambda dataset, *how: given.append((dataset.name, *how)) or made
    )
    out = tmp_path / "scores.csv"
    options = ("--share", 0.3, "--severity", "strong", "--seed", 4)
    assert quality("scoreboard", "digits", "--out", out, *options) == 0
    assert given == [("digits", 0.3, "strong", 4)]
    pd.testing.assert_frame_equal(pd.read_csv(out), made)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("scan", "nothing"), "Unknown data set 'nothing'; known: digits"),
        (("scan", "digits", "--split", "valid"), "train or test; got 'valid'"),
        (("scan", "digits", "--threshold", "best"), "Unknown threshold 'best'; known: fixed, li"),
        (("scan", "digits", "--out", "flags.txt"), ".csv or .parquet; got 'flags.txt'"),
        (("duplicates", "digits", "--radius", "16"), "0 to 15 bits; got 16"),
        (("duplicates", "digits", "--linkage", "ward"), "known: single, complete, average"),
        (("duplicates", "nothing"), "Unknown data set"),
        (("duplicates", "digits", "--detector", "sift"), "known: hash, vectors, both, fastdup"),
        (("duplicates", "digits", "--detector", "fastdup"), "make fastdup adds it"),
        (
            ("duplicates", "digits", "--detector", "both", "--network", "vgg"),
            "known: own, imagenet",
        ),
        (("leaks", "nothing"), "Unknown data set"),
        (("leaks", "digits", "--radius", "0.5"), "a whole number, 0 to 15 bits; got 0.5"),
        (("scoreboard", "nothing"), "Unknown data set"),
        (("scoreboard", "digits", "--severity", "huge"), "mild, medium, strong; got 'huge'"),
    ],
)
def test_bad_input_is_one_sentence(
    arguments: tuple[str, ...], words: str, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    out = () if "--out" in arguments else ("--out", tmp_path / "out.csv")
    assert quality(*arguments, *out) == 2
    error = capsys.readouterr().err
    assert words in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out.csv").exists()


def test_a_folder_without_images_and_a_file_that_is_no_scan(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture
) -> None:
    (tmp_path / "empty").mkdir()
    assert quality("scan", tmp_path / "empty", "--out", tmp_path / "out.csv") == 2
    assert "holds no image files" in capsys.readouterr().err
    (tmp_path / "out.parquet").write_text("text")
    assert quality("scan", folder, "--out", tmp_path / "out.parquet") == 2
    assert "no Parquet file" in capsys.readouterr().err
