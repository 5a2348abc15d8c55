"""Tags and saved cuts survive, for several people at once and in stores of older versions."""

from __future__ import annotations

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import curation
from core.curation import Place, combine
from core.errors import InputError
from core.store import Store

PLACE = Place("f" * 32)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def test_tags_survive_with_who_and_when(store: Store) -> None:
    before = pd.Timestamp.now("UTC").floor("s")
    assert curation.tag(store, PLACE, np.array([7, 3]), "remove", " Ada ") == 2
    assert curation.tag(store, PLACE, [3, 5], "remove", "Bob") == 1
    found = curation.tags(Store(store.root), PLACE)
    assert found[["row", "tag", "who"]].to_numpy().tolist() == [
        [3, "remove", "Ada"],
        [5, "remove", "Bob"],
        [7, "remove", "Ada"],
    ]
    assert (found["created"] >= before).all()


def test_places_do_not_know_each_other(store: Store, tmp_path: Path) -> None:
    places = [PLACE, Place(PLACE.dataset, "test"), Place.of_folder(tmp_path)]
    for number, place in enumerate(places):
        curation.tag(store, place, [number], "keep", "Ada")
    assert [curation.tags(store, place)["row"].tolist() for place in places] == [[0], [1], [2]]


def test_paths_are_rows_too(store: Store, tmp_path: Path) -> None:
    place = Place.of_folder(tmp_path)
    curation.tag(store, place, ["b/ä'.png", "a.png"], "review", "Ada")
    assert curation.tags(store, place)["row"].tolist() == ["a.png", "b/ä'.png"]


def test_untagging_takes_one_tag_from_some_rows(store: Store) -> None:
    curation.tag(store, PLACE, range(4), "remove", "Ada")
    curation.tag(store, PLACE, range(4), "review", "Ada")
    assert curation.untag(store, PLACE, np.array([1, 2, 9]), "remove") == 2
    table = curation.tags(store, PLACE)
    assert combine(table, any_of=["remove"]) == [0, 3]
    assert combine(table, any_of=["review"]) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("conditions", "rows"),
    [
        ({"any_of": ["a", "b"]}, [0, 1, 2, 3]),
        ({"all_of": ["a", "b"]}, [2]),
        ({"any_of": ["a"], "none_of": ["b"]}, [0, 1]),
        ({"any_of": ["a", "b"], "all_of": ["c"]}, [2, 3]),
        ({"none_of": ["a"]}, [3, 4]),
        ({"none_of": ["a"], "rows": range(7)}, [3, 4, 5, 6]),
        ({"any_of": ["unknown"]}, []),
    ],
)
def test_tags_are_combined(store: Store, conditions: dict, rows: list[int]) -> None:
    for name, tagged in {"a": [0, 1, 2], "b": [2, 3], "c": [2, 3, 4]}.items():
        curation.tag(store, PLACE, tagged, name, "Ada")
    assert combine(curation.tags(store, PLACE), **conditions) == rows


def test_nothing_tagged_is_an_empty_table(store: Store) -> None:
    table = curation.tags(store, PLACE)
    assert list(table) == list(curation.COLUMNS)
    assert combine(table, any_of=["keep"]) == []


@pytest.mark.parametrize("name", ["", "  ", "x" * 61, "two\nlines", "nul\0"])
def test_a_tag_is_a_short_text(store: Store, name: str) -> None:
    with pytest.raises(InputError, match="A tag must be a text"):
        curation.tag(store, PLACE, [1], name, "Ada")
    with pytest.raises(InputError, match="name of a person"):
        curation.tag(store, PLACE, [1], "keep", name)


def test_several_people_tag_at_once(store: Store) -> None:
    def work(person: int) -> int:
        return sum(
            curation.tag(Store(store.root), PLACE, [row], "keep", f"person {person}")
            for row in range(30)
        )

    with ThreadPoolExecutor(4) as pool:
        assert sum(pool.map(work, range(4))) == 30
    assert len(curation.tags(store, PLACE)) == 30


def test_an_older_store_is_used_as_it_is(store: Store) -> None:
    store.put_blob("kept", {"a": np.arange(3)})
    with closing(sqlite3.connect(store.root / "xfactor.sqlite", isolation_level=None)) as db:
        names = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
        version = db.execute("PRAGMA user_version").fetchone()
    assert "tags" not in names
    curation.tag(store, PLACE, [1], "keep", "Ada")
    with closing(sqlite3.connect(store.root / "xfactor.sqlite", isolation_level=None)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == version
    assert Store(store.root).blob("kept") is not None


def test_cuts_are_saved_by_name_replaced_and_deleted(store: Store) -> None:
    curation.save_cuts(store, PLACE, "strict", {"dark": 0.4}, "Ada")
    curation.save_cuts(store, PLACE, "mild", {"dark": 0.2}, "Bob")
    curation.save_cuts(store, PLACE, "strict", {"dark": 0.5, "light": 0.1}, "Bob")
    found = curation.saved_cuts(store, PLACE)
    assert list(found) == ["strict", "mild"]
    assert found["strict"].cuts == {"dark": 0.5, "light": 0.1}
    assert found["strict"].who == "Bob"
    assert curation.saved_cuts(store, Place(PLACE.dataset, "test")) == {}
    curation.delete_cuts(store, PLACE, "strict")
    assert list(curation.saved_cuts(store, PLACE)) == ["mild"]
    with pytest.raises(InputError, match="move a slider first"):
        curation.save_cuts(store, PLACE, "none", {}, "Ada")
