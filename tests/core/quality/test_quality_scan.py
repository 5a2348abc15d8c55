"""Scanning folders: every kind of file, bad ones included, and only what changed is read again."""

import os

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import core.quality.audit as scanning
from core.datasets.base import Dataset, Split
from core.errors import InputError
from core.quality.audit import scan
from core.quality.scores import SCORES, score_images

SCORE_COLUMNS = [score.column for score in SCORES.values()]


def save_every_kind(folder, image):
    rng = np.random.default_rng(0)
    picture = Image.fromarray(image)
    Image.fromarray(rng.integers(0, 65536, (40, 50), dtype=np.uint16)).save(folder / "deep.png")
    Image.fromarray(rng.random((40, 50), dtype=np.float32)).save(folder / "float.tif")
    for mode, name in (
        ("P", "palette.png"),
        ("RGBA", "alpha.png"),
        ("CMYK", "cmyk.jpg"),
        ("1", "bits.png"),
        ("LA", "grey-alpha.png"),
        ("L", "grey.png"),
    ):
        picture.convert(mode).save(folder / name)
    picture.save(folder / "animated.gif", save_all=True, append_images=[picture.rotate(90)])
    exif = Image.Exif()
    exif[0x112] = 6
    picture.crop((0, 0, 32, 20)).save(folder / "turned.jpg", exif=exif)
    Image.new("RGB", (1, 1)).save(folder / "one.png")
    Image.new("RGB", (20000, 30), (9, 200, 3)).save(folder / "panorama.png")


def save_every_damage(folder):
    (folder / "empty.png").write_bytes(b"")
    (folder / "bad.jpg").write_bytes(b"\xff\xd8\xff" + bytes(99))
    whole = (folder / "alpha.png").read_bytes()
    (folder / "cut.png").write_bytes(whole[: len(whole) // 2])
    (folder / "nowhere.png").symlink_to("missing")
    (folder / "notes.txt").write_text("not an image")


@pytest.fixture
def folder(tmp_path, tiles):
    (tmp_path / "class").mkdir()
    for i, tile in enumerate(tiles[:30]):
        Image.fromarray(tile).save(tmp_path / "class" / f"{i:02}.png")
    save_every_kind(tmp_path, tiles[40])
    save_every_damage(tmp_path)
    return tmp_path


def test_every_kind_of_file_is_scored_and_every_bad_one_has_a_reason(folder):
    table = scan(folder).set_index("path")
    bad = table.index[table["unreadable"]]
    assert sorted(bad) == ["bad.jpg", "cut.png", "empty.png", "nowhere.png"]
    assert table.loc[bad, "reason"].str.len().min() > 10
    assert table.loc[bad, [*SCORE_COLUMNS, "phash", "width"]].isna().all(axis=None)
    readable = table[~table["unreadable"]]
    assert len(readable) == 42
    assert ((readable[SCORE_COLUMNS] >= 0) & (readable[SCORE_COLUMNS] <= 1)).all(axis=None)
    assert readable.loc["turned.jpg", ["width", "height"]].tolist() == [20, 32]
    assert readable.loc["grey.png", "grayscale_score"] == 0
    assert readable.loc["deep.png", "mode"].startswith("I")


def test_files_get_the_scores_that_their_pixels_get(folder, tiles):
    table = scan(folder).set_index("path").filter(like="class/", axis=0)
    array = score_images(tiles[:30])
    for name in (*SCORE_COLUMNS, "phash", "digest"):
        if name != "odd_size_score":
            np.testing.assert_array_equal(table[name], array[name], err_msg=name)


def test_only_new_and_changed_files_are_read_again(folder, tmp_path_factory, monkeypatch):
    stored = tmp_path_factory.mktemp("scan") / "scan.parquet"
    scan(folder).to_parquet(stored)
    before = pd.read_parquet(stored)
    Image.new("RGB", (32, 32), "red").save(folder / "new.png")
    Image.new("RGB", (32, 32), "blue").save(folder / "class" / "00.png")
    os.utime(folder / "class" / "00.png", ns=(1, 1))
    (folder / "class" / "01.png").unlink()
    opened = []
    monkeypatch.setattr(
        scanning, "read", lambda path, read=scanning.read: opened.append(path.name) or read(path)
    )
    after = scan(folder, previous=before)
    assert sorted(opened) == ["00.png", "new.png"]
    pd.testing.assert_frame_equal(after, scan(folder), check_column_type=False)


def test_small_blocks_give_the_same_table(folder, monkeypatch):
    whole, steps = scan(folder), []
    monkeypatch.setattr(scanning, "BLOCK_FILES", 7)
    monkeypatch.setattr(scanning, "BLOCK_VALUES", 5000)
    pd.testing.assert_frame_equal(scan(folder, progress=steps.append), whole, rtol=1e-5)
    assert steps == [*range(7, 46, 7), 46]


def test_a_folder_of_unreadable_files_is_a_table_too(tmp_path):
    (tmp_path / "a.png").write_bytes(b"")
    table = scan(tmp_path)
    assert table["unreadable"].all()
    assert set(SCORE_COLUMNS) <= set(table.columns)


def test_data_sets_are_scanned_by_split(tiles):
    split = Split(tiles[:6], np.arange(6) % 2)
    dataset = Dataset(
        "t", "T", split, Split(tiles[6:9], np.zeros(3, int)), ("a", "b"), "f", "s", "l"
    )
    assert scan(dataset)["label"].tolist() == ["a", "b"] * 3
    assert len(scan(dataset, split="test")) == 3
    with pytest.raises(InputError, match="train or test"):
        scan(dataset, split="valid")


def test_missing_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="must be a folder"):
        scan(tmp_path / "missing")
    with pytest.raises(InputError, match="holds no image files"):
        scan(tmp_path)
