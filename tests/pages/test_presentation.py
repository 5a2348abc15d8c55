"""The presentation: which study, which slide, and what it says where there is none."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from core import jobs
from core.figures import figures
from core.store import Store
from core.studies import STUDIES
from pages.shared.text import plain


def presented(app: AppTest, **params: str) -> AppTest:
    for name, value in params.items():
        app.query_params[name] = value
    app.switch_page("pages/presentation.py").run()
    assert not app.exception
    return app


def headings(app: AppTest) -> list[str]:
    return [heading.value for heading in (*app.title, *app.header)]


def test_without_a_study_it_says_what_to_do(app: AppTest) -> None:
    presented(app)
    assert app.title[0].value == "Presentation"
    assert "No study has ended yet" in app.info[0].value


def test_it_steps_through_every_figure(with_study: str, app: AppTest) -> None:
    store = Store()
    job = jobs.find(store, with_study)
    drawn = figures(job, STUDIES[job.study].report(job, store))
    presented(app, study="tiny")
    assert headings(app) == ["tiny", plain(STUDIES[job.study].headline(job, store))]
    assert app.button(key="back").disabled
    for number, figure in enumerate(drawn, start=2):
        app.button(key="on").click().run()
        assert not app.exception
        assert headings(app)[0] == plain(figure.title)
        assert len(headings(app)) == 2
        assert app.query_params["slide"] == str(number)
    app.button(key="on").click().run()
    assert headings(app) == ["How it was made"]
    assert app.button(key="on").disabled
    app.button(key="back").click().run()
    assert headings(app)[0] == plain(drawn[-1].title)


@pytest.mark.parametrize(("slide", "title"), [("99999", "How it was made"), ("x", "tiny")])
def test_a_slide_that_is_not_there_gives_the_nearest(
    with_study: str, app: AppTest, slide: str, title: str
) -> None:
    assert headings(presented(app, study=with_study, slide=slide))[0] == title


def test_a_study_that_is_not_there_gets_one_sentence(app: AppTest) -> None:
    presented(app, study="nothing")
    assert len(app.error) == 1
    assert "nothing" in app.error[0].value


def test_a_study_that_still_runs_is_not_presented(with_study: str, app: AppTest) -> None:
    with Store().connection() as db:
        db.execute("UPDATE jobs SET state = 'running'")
    presented(app, study="tiny")
    assert "let it end" in app.error[0].value
