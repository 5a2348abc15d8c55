"""Jobs as they go on: what several pages show of the queue."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

import streamlit as st

from core import jobs
from core.jobs import Job
from core.specs import Spec
from core.studies import STUDIES, StudySpec
from pages.shared import actions, loaders, machines, people, share, shell
from pages.shared.text import ago, duration, plain

POLL_SECONDS = 1.0
Colour = Literal["gray", "blue", "green", "red", "orange"]
COLOURS: dict[str, Colour] = {
    "queued": "gray",
    "running": "blue",
    "done": "green",
    "failed": "red",
    "cancelled": "orange",
}
LOG_LINES = 200
LONG_SECONDS = 3600
GO_TO = "go_to_study"


def poll(draw: Callable[[list[Job]], None]) -> None:
    """Draw the jobs now, and again every second as long as one waits or runs.

    When the last one ends the whole page is drawn again, so that results appear.

    Args:
        draw: Draws the jobs that it is given, the newest first.
    """
    store = loaders.store()
    found = jobs.all_jobs(store)
    if not any(job.active for job in found):
        draw(found)
        return

    @st.fragment(run_every=POLL_SECONDS)
    def again() -> None:
        with shell.sentences():  # Without a runner there is still something to look at.
            jobs.ensure_runner(store)
        with shell.sentences():
            found = jobs.all_jobs(store)
            if not any(job.active for job in found):
                st.rerun()
            draw(found)

    again()


def label(job: Job) -> str:
    """What a job is called where one is chosen, and in addresses."""
    return f"{job.name} · {job.key[:8]}"


def link(job: Job, text: str) -> None:
    """A link to what a job has found."""
    shell.link(STUDIES[job.study].page, text, study=label(job))


def choose(study: str, new: str, help: str, *more: str) -> Job | None:
    """A study of one kind from the queue, or None for a new one.

    Args:
        study: Name of the kind.
        new: What the choice of a new one is called.
        help: Help text of the widget.
        more: Names of other kinds that the page shows.
    """
    if GO_TO in st.session_state:
        st.session_state["study"] = st.session_state.pop(GO_TO)
    found = {label(job): job for job in _of((study, *more))}
    chosen = st.selectbox("Study", [new, *found], key="study", bind="query-params", help=help)
    return found.get(chosen)


def _of(kinds: tuple[str, ...]) -> list[Job]:
    return [job for job in jobs.all_jobs(loaders.store()) if job.study in kinds]


def submit(study: str, spec: StudySpec) -> None:
    """Queue a study and turn to it on its page."""
    job = actions.submit(study, spec)
    st.session_state[GO_TO] = label(job)
    page = shell.entry(STUDIES[study].page)
    # Empty ones, because None is refused as long as a widget's value stands in the address, and
    # so is a value for the widget itself.
    st.switch_page(page.path, query_params={})


def cost(spec: StudySpec) -> None:
    """How many models a study trains and how long that will take, in a line; a warning if long."""
    left, seconds, measured = loaders.cost(spec.to_toml(), spec)
    seconds, where = machines.wait(seconds, left)
    expected = f"{duration(seconds)} expected {where}" if left else "all known already"
    st.caption(
        f"{left:,} models to train, {expected}"
        + ("." if measured else "; a rough figure, as this is the first run.")
    )
    if seconds > LONG_SECONDS:
        st.warning(
            f"That is about {duration(seconds)}. Ask for less, or let it run: it runs on when you "
            "close this page, can be cancelled, and goes on where it was.",
            icon=":material/hourglass_top:",
        )


def as_file(spec: Spec) -> None:
    """The study as a file, and the command that runs it."""
    with st.expander("The same as a file for the command line", icon=":material/terminal:"):
        toml = spec.to_toml()
        st.code(toml, language="toml", wrap_lines=True)
        st.download_button(
            "study.toml",
            toml,
            "study.toml",
            on_click="ignore",
            icon=":material/download:",
            type="tertiary",
            help="Save the file.",
        )
        st.code("python -m core study run study.toml --out results/", language="bash")


def read(job: Job, show: Callable[[str, float], None]) -> None:
    """Progress of a study while it runs, and its results.

    Args:
        job: The study.
        show: Draws the results of a key as they were at a Unix time.
    """

    def draw(found: list[Job]) -> None:
        for one in found:
            if one.key == job.key:
                card(one, results=False)

    poll(draw)
    if not job.active:
        show(job.key, job.finished or job.submitted)
        if jobs.find(loaders.store(), job.key).state != job.state:
            st.rerun()  # Something to be read is damaged or missing.
        return
    asked = st.session_state.setdefault("asked_at", {})
    if st.button(
        "Show results so far",
        icon=":material/refresh:",
        help="Figures from the units that are scored now; they do not move by themselves.",
    ):
        asked[job.key] = time.time()
    if job.key in asked:
        show(job.key, asked[job.key])
    else:
        st.caption("Results appear here when the study ends.")


def card(job: Job, *, log: bool = True, results: bool = True) -> None:
    """One job: state, progress, what can be done with it, and what it said.

    Args:
        job: The job.
        log: Whether its log can be opened.
        results: Whether to link to its results.
    """
    with st.container(border=True, key=f"job-{job.key}"):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(job.name)}**", width="stretch")
            st.badge(_state(job), color=COLOURS[job.state])
            _actions(job)
            if results and job.done and not job.active:
                link(job, "Results")
        st.caption(_facts(job))
        if job.active or job.done < job.total:
            st.progress(job.done / job.total if job.total else 0.0, text=_progress(job))
        if job.message:
            box = st.error if job.state == "failed" else st.caption
            box(plain(job.message))
        if job.state == "done":
            with st.container(horizontal=True, vertical_alignment="center"):
                shell.link("presentation", "Present", study=label(job))
                share.downloads(job)
        if log:
            _log(job)


def _state(job: Job) -> str:
    return "stopping" if job.stop and job.active else job.state


def _facts(job: Job) -> str:
    parts = [f"Data set {plain(str(job.spec.get('dataset', '')))}", f"key {job.key[:8]}"]
    if job.state == "queued":
        parts.append(f"queued {ago(job.submitted)}")
    elif job.finished is None and job.started is not None:
        parts.append(f"running for {duration(time.time() - job.started)}")
    elif job.finished is not None:
        parts.append(f"ended {ago(job.finished)}")
        if job.started is not None:
            parts.append(f"took {duration(job.finished - job.started)}")
    if job.scheduler:
        parts.append(f"on {plain(job.scheduler)}")
    return " · ".join(parts)


def _progress(job: Job) -> str:
    parts = [plain(job.phase or "Waiting for its turn")] if job.active else []
    if job.total:
        parts.append(f"{job.done:,} of {job.total:,}")
    if job.state == "running" and job.rate:
        parts.append(f"{job.rate:.3g} a second")
    if job.state == "running" and job.seconds_left is not None:
        parts.append(f"about {duration(job.seconds_left)} left")
    return " · ".join(parts)


def _actions(job: Job) -> None:
    if job.active:
        people.button(
            "Cancel",
            key=f"cancel-{job.key}",
            icon=":material/stop_circle:",
            help="Stop within seconds. What is finished is kept.",
            disabled=job.stop,
            on_click=actions.cancel,
            args=(job.key,),
        )
    elif job.imported:
        share.run_again(job)
    elif job.state in ("failed", "cancelled") or job.done < job.total:
        people.button(
            "Resume",
            key=f"resume-{job.key}",
            icon=":material/play_arrow:",
            help="Queue it again; it goes on where it was.",
            on_click=actions.resume,
            args=(job.key,),
        )


def _log(job: Job) -> None:
    with st.expander(
        "Log", icon=":material/notes:", on_change="rerun", key=f"log-{job.key}"
    ) as box:
        if not box.open:
            return
        lines = jobs.log(loaders.store(), job.key)
        text = "\n".join(
            f"{time.strftime('%Y-%m-%d %H:%M:%S', time.localtime(moment))}  {line.rstrip()}"
            for moment, line in lines[-LOG_LINES:]
        )
        st.code(text or "Nothing yet.", language=None, wrap_lines=True)
