"""Where studies run is shown, and only what the operator named can be chosen."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core import cluster, jobs
from core.settings import PROJECT
from core.store import Store
from pages.shared import machines
from tests.pages.test_pages import go, sound, texts

ADDRESS = "tcp://scheduler.example:8786"


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (cluster.State(None), "No scheduler answers"),
        (cluster.State(0), "has no worker"),
        (cluster.State(1, 1), "has 1 worker and runs 1 task at once"),
        (cluster.State(3, 12), "has 3 workers and runs 12 tasks at once"),
    ],
)
def test_the_state_of_a_cluster_is_one_sentence(found: cluster.State, said: str) -> None:
    assert said in machines.sentence(ADDRESS, found)


def opened(app: AppTest) -> AppTest:
    """The page on jobs with the panel open."""
    app.switch_page("pages/jobs.py")
    app.session_state["machines"] = True
    return sound(app.run())


def test_without_a_cluster_the_page_says_how_to_have_one(app: AppTest) -> None:
    page = opened(app)
    assert page.expander[0].label == "Where your studies run: this machine"
    assert [control.key for control in page.segmented_control] == ["show"]
    assert "dask scheduler" in page.code[0].value


def test_studies_go_where_their_owner_wants_them(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XFACTOR_SCHEDULER", ADDRESS)
    monkeypatch.setattr(cluster, "state", lambda address: cluster.State(3, 3))
    page = opened(app)
    assert "3 workers" in texts(page, "markdown")
    page.segmented_control(key="machines_wanted").set_value(machines.HERE).run()
    assert "this machine" in sound(page).expander[0].label
    run = next(button for button in go(page, "study").button if button.label == "Run")
    sound(run.click().run())
    (job,) = jobs.all_jobs(Store())
    assert job.scheduler is None

    again = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120).run()
    run = next(button for button in go(again, "study").button if button.label == "Run")
    sound(run.click().run())
    (job,) = jobs.all_jobs(Store())
    assert job.scheduler == ADDRESS


@pytest.mark.parametrize(
    ("address", "units", "expected"),
    [
        (None, 100, (50.0, "on this machine")),
        (None, 1, (200.0, "on this machine")),
        (None, 0, (200.0, "on this machine")),
        (ADDRESS, 100, (200.0, "of computing, which the workers of the cluster share")),
    ],
)
def test_the_time_to_wait_is_said_of_where_the_study_runs(
    monkeypatch: pytest.MonkeyPatch, address: str | None, units: int, expected: tuple[float, str]
) -> None:
    monkeypatch.setattr(machines, "scheduler", lambda: address)
    monkeypatch.setenv("XFACTOR_WORKERS", "4")
    assert machines.wait(200, units) == expected
