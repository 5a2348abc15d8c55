"""Selecting, tagging and saving images; cuts by name; folders of files without labels."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import curation, datasets, jobs
from core.curation import Place
from core.quality.folders import folder_scan
from core.store import Store
from pages.shared.sheet import Selection
from tests.pages.test_pages import go, sound, texts
from tests.pages.test_quality_pages import faulty, numbers, overview, pick

DIGITS = "digits"


@pytest.fixture
def place() -> Place:
    return Place(datasets.load(DIGITS).fingerprint)


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder of files: ten pictures, a copy of one, a dark one, a broken one."""
    folder = tmp_path / "data" / "photos" / "trip"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number in range(10):
        coarse = rng.integers(0, 255, (12, 15, 3), np.uint8)
        Image.fromarray(coarse).resize((150, 120)).save(folder / f"{number}.png")
    dark = np.asarray(Image.open(folder / "3.png")) // 12
    Image.fromarray(dark).save(folder / "dark.png")
    Image.open(folder / "5.png").save(folder.parent / "copy.png")
    (folder / "broken.png").write_bytes((folder / "1.png").read_bytes()[:300])
    return folder.parent


def press(app: AppTest, label: str) -> AppTest:
    return sound(next(one for one in app.button if one.label.startswith(label)).click().run())


def select(app: AppTest, place: Place, rows: list) -> AppTest:
    """What a click on images does: the component's own part is tested in a real browser."""
    app.session_state[f"selection-{place.dataset}-{place.split}"] = Selection(rows)
    return sound(app.run())


def test_tags_are_given_listed_and_taken_away(app: AppTest, place: Place) -> None:
    page = select(pick(go(app, "quality"), "segmented_control", "group", "Kept"), place, [7, 3])
    assert "**2** selected" in texts(page, "markdown")
    page = press(page, "Remove")
    assert curation.tags(Store(), place)["row"].tolist() == [3, 7]
    listed = page.dataframe[1].value
    assert listed["tag"].tolist() == ["remove", "remove"]
    assert "**0** selected" in texts(page, "markdown")
    page = select(page, place, [3])
    page.text_input(key="who").set_value("Ada")
    page = pick(page, "text_input", "own_tag", "odd *one*")
    page = press(page, "Tag the selected")
    assert curation.tags(Store(), place).iloc[0][["tag", "who"]].tolist() == ["odd *one*", "Ada"]
    page = select(page, place, [3, 7])
    page = pick(page, "selectbox", "taken_tag", "remove")
    press(page, "Take it")
    assert curation.tags(Store(), place)["tag"].tolist() == ["odd *one*"]


def test_an_empty_tag_is_refused_in_one_sentence(app: AppTest, place: Place) -> None:
    page = select(pick(go(app, "quality"), "segmented_control", "group", "Kept"), place, [1])
    page = press(page, "Tag the selected")
    assert "A tag must be a text" in page.toast[0].value
    assert curation.tags(Store(), place).empty


def test_selecting_and_turning_pages(app: AppTest, place: Place) -> None:
    page = pick(go(app, "quality"), "segmented_control", "group", "Kept")
    page = press(page, "Page")
    assert "**100** selected" in texts(page, "markdown")
    page = press(page, "Next")
    assert page.query_params["sheet_page"] in ("2", ["2"])
    page = press(page, "Page")
    assert "**200** selected" in texts(page, "markdown")
    page = press(page, "All 1,300")
    assert "**1,300** selected" in texts(page, "markdown")
    page = press(page, "None")
    assert "**0** selected" in texts(page, "markdown")


def test_cuts_are_saved_used_and_reset(app: AppTest, place: Place) -> None:
    page = go(app, "quality")
    sound(page.slider[0].set_value(0.9).run())
    flagged = overview(page).loc["dark", "flagged"]
    pick(page, "text_input", "cuts_name", "strict")
    press(page, "Save")
    page = press(page, "Reset all")
    assert overview(page).loc["dark", "flagged"] == 0
    pick(page, "selectbox", "cuts_saved", "strict")
    page = press(page, "Use")
    assert overview(page).loc["dark", "flagged"] == flagged > 0
    assert page.slider[0].value == 0.9
    press(page, "Delete")
    assert curation.saved_cuts(Store(), place) == {}


def test_copies_are_tagged_at_one_stroke_but_for_what_is_kept(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = faulty(datasets.load(DIGITS))
    monkeypatch.setattr(datasets, "load", lambda name, progress=None: made)
    place = Place(made.fingerprint)
    curation.tag(Store(), place, [700], "keep", "Ada")
    page = press(go(app, "duplicates"), "Tag 2 images remove")
    table = curation.tags(Store(), place)
    assert curation.combine(table, any_of=["remove"]) == [701, 702]
    assert "2 have the tag, 1 are kept" in texts(page, "caption")


def test_leaving_tagged_rows_out_is_a_study(app: AppTest, place: Place) -> None:
    curation.tag(Store(), place, [5, 6, 7, 90], "remove", "Ada")
    app.session_state["leave_out"] = True
    page = go(app, "quality")
    page = pick(page, "selectbox", "leave_out_rows", "tagged remove")
    assert "4 rows tagged remove" in texts(page, "caption")
    press(page, "Train and compare")
    (job,) = jobs.all_jobs(Store())
    assert job.spec["remove"] == "5-7,90"


def test_a_folder_is_scanned_shown_and_tagged_by_path(app: AppTest, photos: Path) -> None:
    app.query_params["dataset"] = "photos/"
    page = go(app, "quality")
    assert numbers(page)["Images"] == "13"
    unreadable, issues = (frame.value for frame in page.dataframe[:2])
    assert unreadable["path"].tolist() == ["trip/broken.png"]
    assert issues.set_index("issue").loc["dark", "flagged"] == 1
    place = Place.of_folder(photos)
    press(select(page, place, ["trip/dark.png"]), "Remove")
    assert curation.tags(Store(), place)["row"].tolist() == ["trip/dark.png"]


def test_changed_files_are_read_when_asked_for(app: AppTest, photos: Path) -> None:
    app.query_params["dataset"] = "photos/"
    page = go(app, "quality")
    Image.open(photos / "trip" / "2.png").save(photos / "new.png")
    (photos / "trip" / "1.png").unlink()
    (photos / "trip" / "0.png").unlink()
    assert numbers(sound(page.run()))["Images"] == "13"
    assert numbers(press(page, "Look for changes"))["Images"] == "12"
    paths = folder_scan(Store(), photos)["path"].tolist()
    assert "new.png" in paths
    assert "trip/1.png" not in paths


def test_copies_in_a_folder_are_found(app: AppTest, photos: Path) -> None:
    app.query_params["dataset"] = "photos/"
    page = go(app, "duplicates")
    assert numbers(page)["Clusters"] == "2"  # the copy, and the one that was made dark
    assert "copy.png" in texts(page, "caption").replace("\\", "")


def test_a_folder_that_is_gone_is_one_sentence(app: AppTest, photos: Path) -> None:
    app.query_params["dataset"] = "photos/"
    page = go(app, "quality")
    photos.rename(photos.parent / "moved")
    page = press(page, "Look for changes")
    assert "choose another" in texts(page, "error")


def test_the_scoreboard_is_started_and_read(app: AppTest) -> None:
    page = press(go(app, "scoreboard"), "Judge the detectors")
    jobs.run_queue(Store())
    page = sound(page.run())
    assert "mean F1" in texts(page, "markdown")
    assert page.dataframe[0].value["threshold"].unique().tolist() == ["default"]
    pick(page, "segmented_control", "faults", "Two faults")
    pick(page, "segmented_control", "measure", "False alarms")


def test_tags_become_a_training_set(app: AppTest, place: Place) -> None:
    page = go(app, "curation")
    assert "Nobody has tagged" in texts(page, "info")
    curation.tag(Store(), place, [1, 2, 3], "remove", "Ada")
    curation.tag(Store(), place, [3], "keep", "Bob")
    page = sound(page.run())
    assert "**1,300** of 1,300 images: whatever their tags" in texts(page, "markdown")
    app.session_state["leave_out"] = True
    page = sound(app.run())
    assert "leave out fewer" in texts(page, "error")
    assert "Take it with you" in texts(page, "subheader")
    page = pick(page, "pills", "any_of", ["remove"])
    assert not page.error
    page = pick(page, "pills", "none_of", ["keep"])
    assert "**2** of 1,300 images: tagged remove, not tagged keep" in texts(page, "markdown")
    page = pick(page, "toggle", "others", True)
    assert "**1,298** of 1,300 images: all but those" in texts(page, "markdown")
