"""What pages say when the store cannot be used, and that names of others stay plain text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from core import database, jobs
from core.settings import PROJECT
from core.store import Store
from core.studies import xfactor
from core.studies.xfactor_spec import XFactorSpec
from pages.shared import jobs_panel

# Markdown that would draw a picture from elsewhere, a link, a formula, a colour and HTML.
MARKS = "![p](http://x.y) [l](http://x.y) **b** $x$ :red[r] <img src=x>"
HOSTILE = MARKS.replace("/", "") + "\n'\"\u202e😀"
KINDS = (
    *("markdown", "alert", "heading", "metric", "button", "button_group", "radio", "checkbox"),
    *("expandable", "tab", "toast", "progress", "popover"),
)


def opened(name: str = "home") -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120).run()
    return app.switch_page(f"pages/{name}.py").run() if name != "home" else app


def test_a_corrupt_store_is_said_once_and_its_file_is_named_from_then_on(cache: Path) -> None:
    cache.mkdir()
    (cache / "xfactor.sqlite").write_bytes(b"not a database" * 1000)
    app = opened()
    assert not app.exception
    assert "is damaged" in app.error[0].value
    (aside,) = cache.glob("xfactor-damaged-*.sqlite")
    app = app.run()
    assert not app.exception
    assert not app.error
    assert aside.name in app.sidebar.warning[0].value.replace("\\", "")


def test_a_full_disk_is_said_and_the_page_is_still_there(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(store: Store) -> list[object]:
        raise database.full(store.root)

    monkeypatch.setattr("core.jobs.all_jobs", fails)
    app = opened("jobs")
    assert not app.exception
    assert "is full; free some space" in app.error[0].value
    assert app.title[0].value == "Jobs"


def test_a_study_that_lost_an_array_says_so_and_can_be_resumed(
    with_study: str, cache: Path
) -> None:
    job = jobs.find(Store(), with_study)
    group = xfactor.plan(XFactorSpec.from_dict(job.spec))[0]
    path = cache / "blobs" / f"{group.key(job.facts['fingerprint'])}.npz"
    path.write_bytes(path.read_bytes()[:-9])
    app = opened()
    app.query_params["study"] = jobs_panel.label(job)
    app = app.switch_page("pages/study.py").run()
    assert not app.exception
    (said,) = app.error
    assert path.name in said.value
    assert "Take it up again, which mends that and leaves the rest as it is." in said.value
    app.button(key=f"resume-{job.key}").click().run()
    assert jobs.find(Store(), with_study).state == "queued"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data root with a folder and a table whose every name is hostile."""
    root = tmp_path_factory.mktemp("hostile")
    random = np.random.default_rng(0)
    for kind in ("a", "b"):
        for number in range(8):
            folder = root / f"{HOSTILE}set" / f"{HOSTILE}{kind}"
            folder.mkdir(parents=True, exist_ok=True)
            pixels = random.integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{HOSTILE}{number}.png")
    lines = [f'{number},"{MARKS}{number % 2}","{MARKS}{number % 2}"' for number in range(20)]
    (root / f"{HOSTILE}.csv").write_text("\n".join([f'n,"{MARKS}",label', *lines]) + "\n")
    return root


def texts(block: object) -> Iterator[str]:
    """Everything in a page that Streamlit reads as Markdown; what selectboxes offer it does not."""
    for child in getattr(block, "children", {}).values():
        if getattr(child, "type", "") in KINDS or hasattr(child, "children"):
            yield str(getattr(child, "proto", ""))
        yield from texts(child)


@pytest.mark.parametrize("page", ["datasets", "explorer"])
def test_names_of_others_stay_plain_text(
    page: str, hostile: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XFACTOR_DATA", str(hostile))
    st.cache_data.clear()
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    app.query_params["dataset"] = f"{HOSTILE}set"
    app = app.run().switch_page(f"pages/{page}.py").run()
    assert not app.exception, app.exception
    shown = [text for text in texts(app._tree) if "http://x.y" in text or "![p](" in text]
    assert not shown, shown[0][:2000]
