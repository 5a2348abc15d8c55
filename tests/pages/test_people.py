"""People sign in, look and run as the operator lets them; what they may not is refused with why."""

from __future__ import annotations

import ast
import inspect
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.errors import InputError, NotAllowed
from core.settings import PROJECT
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec
from pages.shared import actions, people

RUNNER, VIEWER = "ada@example.org", "eve@example.org"
AUTH = {"client_id": "lab", "cookie_secret": "x" * 32, "redirect_uri": "http://localhost/"}
WRITERS = {
    "jobs": {"submit", "cancel", "resume", "restart", "take"},
    "curation": {"tag", "untag", "save_cuts", "delete_cuts"},
    "bundle": {"again", "opened", "merged"},
}
# What changes something, by the page that it is on.
BUTTONS = {
    "home": ("MNIST, the paper's grid at n = 10, 30 and 100",),
    "datasets": ("Download MNIST",),
    "study": ("Run",),
    "faults": ("Run",),
    "influence": ("Run",),
    "scoreboard": ("Judge the detectors",),
    "jobs": ("Open",),
    "quality": ("Keep", "Remove", "Review", "Save", "Delete"),
}


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XFACTOR_RUNNERS", f"{RUNNER}, @lab.example.org")


def user(email: str, **more: object) -> dict[str, Any]:
    return {"is_logged_in": True, "email": email, "email_verified": True, **more}


def opened(page: str, who: dict[str, Any], **query: str) -> AppTest:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    app.user, app.secrets["auth"] = who, AUTH
    for name, value in query.items():
        app.query_params[name] = value
    app = app.run()
    return app if page == "home" else app.switch_page(f"pages/{page}.py").run()


def as_user(monkeypatch: pytest.MonkeyPatch, who: dict[str, Any]) -> None:
    monkeypatch.setattr(people, "_user", lambda: who)


def test_nothing_is_shown_before_people_sign_in() -> None:
    app = opened("home", {"is_logged_in": False})
    assert [button.label for button in app.button] == ["Sign in"]
    assert not app.sidebar.children
    assert not app.exception


def test_a_button_for_each_provider_with_a_name() -> None:
    app = AppTest.from_file(str(PROJECT / "app.py"), default_timeout=120)
    app.user = {"is_logged_in": False}
    app.secrets["auth"] = {**AUTH, "google": AUTH, "okta": AUTH, "client_kwargs": {"prompt": ""}}
    labels = [button.label for button in app.run().button]
    assert labels == ["Sign in with Google", "Sign in with Okta"]


def test_the_operator_lists_who_may_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XFACTOR_VIEWERS", VIEWER)
    for who in (VIEWER, RUNNER):
        assert opened("home", user(who)).sidebar.text[0].value == f"Signed in as {who}"
    app = opened("home", user("mallory@example.org"))
    assert "not on the operator's list" in app.error[0].value
    assert [button.label for button in app.button] == ["Sign out"]


def test_a_list_that_cannot_be_read_lets_nobody_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XFACTOR_VIEWERS", "ada")
    app = opened("home", user(RUNNER))
    assert "must be" in app.error[0].value
    assert not app.button
    assert len(app.title) == 0


@pytest.mark.parametrize("page", BUTTONS)
def test_viewers_see_every_page_and_why_they_cannot_run(page: str) -> None:
    query = {"datasets": {"dataset": "mnist"}, "quality": {"group": "Kept"}}.get(page, {})
    for who, refused in ((VIEWER, True), (RUNNER, False)):
        app = opened(page, user(who), **query)
        assert not app.exception
        for label in BUTTONS[page]:
            (button,) = (one for one in app.button if one.label == label)
            assert ("operator's list" in button.help) == refused
            assert button.disabled or not refused


@pytest.mark.parametrize(
    "action", [one for _, one in inspect.getmembers(actions, inspect.isfunction)
               if one.__module__ == actions.__name__ and one is not actions.in_passing],
    ids=lambda action: action.__name__,
)  # fmt: skip
def test_actions_refuse_viewers_whatever_the_page_shows(
    action: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_user(monkeypatch, user(VIEWER))
    said: list[str] = []
    monkeypatch.setattr("streamlit.toast", lambda text, **_: said.append(text))
    monkeypatch.setattr("pages.shared.loaders.store", lambda: pytest.fail("it went on"))
    arguments = [None] * len(inspect.signature(action).parameters)
    if action in (actions.cancel, actions.resume):
        action(*arguments)
        assert "You may look" in said[0]
    else:
        with pytest.raises(NotAllowed, match="You may look"):
            action(*arguments)


def test_no_page_changes_anything_but_through_the_actions() -> None:
    for path in sorted((PROJECT / "pages").rglob("*.py")):
        if path.name == "actions.py":
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
                assert node.attr not in WRITERS.get(node.value.id, ()), f"{path}: {node.attr}"
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("core."):
                names = {alias.name for alias in node.names}
                assert not names & WRITERS.get(node.module.split(".")[1], set()), path


def test_runners_start_studies(monkeypatch: pytest.MonkeyPatch, cache: object) -> None:
    for seed, who in enumerate((RUNNER.upper(), "bob@lab.example.org")):
        as_user(monkeypatch, user(who))
        spec = XFactorSpec("digits", who, per_class=(4,), random=4, models=("gnb",), seed=seed)
        assert actions.submit("xfactor", spec).state == "queued"
    assert len(jobs.all_jobs(Store())) == 2


@pytest.mark.parametrize(
    "who",
    [
        user(RUNNER, email_verified=False),
        user("", name=RUNNER),
        user("ada@example.org.evil.net"),
        user("x@sub.lab.example.org"),
        {"is_logged_in": False, "email": RUNNER},
        {},
    ],
    ids=["unproven", "name-only", "longer", "below", "signed-out", "nobody-signs-in"],
)
def test_others_do_not(monkeypatch: pytest.MonkeyPatch, who: dict[str, Any]) -> None:
    as_user(monkeypatch, who)
    with pytest.raises(NotAllowed):
        people.check()


def test_without_a_list_nobody_who_signs_in_may_run(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XFACTOR_RUNNERS")
    as_user(monkeypatch, user(RUNNER))
    with pytest.raises(NotAllowed):
        people.check()


def test_a_proxy_that_names_people_signs_them_in(monkeypatch: pytest.MonkeyPatch) -> None:
    as_user(monkeypatch, {"email": RUNNER})
    with pytest.raises(NotAllowed):
        people.check()  # Anybody can send a header that the operator does not trust.
    monkeypatch.setattr(people, "_by_proxy", lambda: True)
    people.check()
    assert people.name() == RUNNER
    as_user(monkeypatch, {"email": None})
    assert not people.may_look()


def test_where_nobody_signs_in_all_may_run_and_the_page_says_who_reaches_it(
    app: AppTest, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = [caption.value for caption in app.sidebar.caption]
    assert any("answers this machine only" in text for text in said)
    monkeypatch.delenv("XFACTOR_RUNNERS")
    people.check()


@pytest.mark.parametrize("text", ["ada", "ada@", "ada@x.org; eve@x.org", "@"])
def test_a_list_holds_addresses_and_domains(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XFACTOR_RUNNERS", text)
    with pytest.raises(InputError, match="XFACTOR_RUNNERS must be e-mail addresses"):
        people.refusal()
