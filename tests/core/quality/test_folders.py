"""Folders of files without labels: which are offered, what is remembered, what is never read."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.errors import InputError
from core.quality import folders, scan
from core.quality.folders import folder_scan, image_folders, open_folder
from core.store import Store


def draw(path: Path, seed: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 255, (20, 24, 3), np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    data = tmp_path / "data"
    for number in range(4):
        draw(data / "photos" / "a" / "b" / f"{number}.png", number)
    (data / "texts").mkdir()
    (data / "texts" / "note.txt").write_text("no image")
    draw(data / ".hidden" / "x.png")
    monkeypatch.setenv("XFACTOR_DATA", str(data))
    monkeypatch.delenv("XFACTOR_FOLDERS", raising=False)
    return data


def test_folders_with_images_at_any_depth_are_offered(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw(tmp_path / "elsewhere" / "x.png")
    assert image_folders() == ["photos/"]
    monkeypatch.setenv("XFACTOR_FOLDERS", str(tmp_path / "elsewhere"))
    assert image_folders() == ["elsewhere/", "photos/"]
    assert [open_folder(name) for name in image_folders()] == [
        tmp_path / "elsewhere",
        root / "photos",
    ]


@pytest.mark.parametrize("name", ["../", "/etc/", "../elsewhere/", "photos/../../elsewhere/"])
def test_other_folders_are_refused(root: Path, tmp_path: Path, name: str) -> None:
    draw(tmp_path / "elsewhere" / "x.png")
    with pytest.raises(InputError, match=r"outside the folders|no folder"):
        open_folder(name)


def test_a_scan_is_remembered_and_reads_only_what_changed(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, folder = Store(tmp_path / "cache"), root / "photos"
    first = folder_scan(store, folder)
    pd.testing.assert_frame_equal(first, scan(folder))
    draw(folder / "new.png", 9)
    pd.testing.assert_frame_equal(folder_scan(Store(store.root), folder), first)
    read: list[Path] = []
    whole = folders.scan

    def watched(folder: Path, **options: object) -> pd.DataFrame:
        assert options["previous"] is not None
        return whole(folder, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(folders, "scan", watched)
    monkeypatch.setattr(
        "core.quality.audit.read", lambda path: read.append(path) or "not read again"
    )
    again = folder_scan(store, folder, again=True)
    assert read == [folder / "new.png"]
    assert again["path"].tolist() == [*first["path"], "new.png"]


def test_links_that_lead_out_are_rows_without_scores(root: Path, tmp_path: Path) -> None:
    draw(tmp_path / "secret.png", 5)
    (root / "photos" / "link.png").symlink_to(tmp_path / "secret.png")
    (root / "photos" / "inside.png").symlink_to(root / "photos" / "a" / "b" / "1.png")
    table = folder_scan(Store(tmp_path / "cache"), root / "photos").set_index("path")
    assert table.loc["link.png", "reason"] == folders.OUTSIDE
    assert table.loc["link.png", ["unreadable", "mode"]].tolist() == [True, "RGB"]
    assert table.loc["link.png"].filter(like="_score").isna().all()
    assert pd.isna(table.loc["link.png", "phash"])
    assert not table.loc["inside.png", "unreadable"]
    assert table.loc["inside.png", "phash"] == table.loc["a/b/1.png", "phash"]


def test_an_empty_folder_is_one_sentence(root: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no image files"):
        folder_scan(Store(tmp_path / "cache"), root / "texts")


def test_any_file_name_is_a_row(root: Path, tmp_path: Path) -> None:
    folder = root / "photos"
    content = (folder / "a" / "b" / "1.png").read_bytes()
    (folder / '<b>"\u202e\n😀.png').write_bytes(content)
    (folder / os.fsdecode(b"\xff.png")).write_bytes(content)
    store = Store(tmp_path / "cache")
    folder_scan(store, folder)
    table = folder_scan(store, folder).set_index("path")
    assert not table.loc['<b>"\u202e\n😀.png', "unreadable"]
    assert table.loc["\\xff.png", "unreadable"]
    assert "No such file" in table.loc["\\xff.png", "reason"]
