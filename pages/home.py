"""What is here, what runs, and where to start."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.jobs import Job
from pages.shared import actions, jobs_panel, loaders, people, shell
from pages.shared.text import ago, plain

SHOWN = 3
STEPS = (
    (
        "datasets",
        "Look at your data",
        "Classes, samples and mean images of the data sets that come with the program, or of a "
        "folder of your own.",
    ),
    (
        "quality",
        "Which images are faulty?",
        "Dark, light, blurry, empty, unreadable, or twice there. Tag them, and train without them.",
    ),
    (
        "explorer",
        "Which images does a strategy keep?",
        "Move the sliders and see which images a selection keeps, and which it discards.",
    ),
    (
        "study",
        "Is quality the data's, or the model's?",
        "Hundreds of subsets of one size, several models on each. Do the same subsets do well "
        "whatever the model?",
    ),
    (
        "faults",
        "What does damage cost?",
        "Classes missing, labels wrong, images noisy: accuracy against the level of each fault.",
    ),
    (
        "influence",
        "Which rows harm?",
        "Score every row by what it does to the validation loss, and refine the training set "
        "round by round.",
    ),
)


def steps() -> None:
    """Where a newcomer can begin."""
    st.subheader("Where to start", anchor=False)
    for first in range(0, len(STEPS), 2):
        row = STEPS[first : first + 2]
        for column, (page, title, text) in zip(st.columns(2), row, strict=True):
            with column.container(border=True, height="stretch"):
                st.markdown(f"**{title}**  \n{text}")
                shell.link(page, shell.entry(page).title)


def finding(job: Job) -> None:
    """A finished study: what it is and the one number it was made for."""
    ended = job.finished or job.submitted
    with st.container(border=True):
        st.markdown(f"**{plain(job.name)}** on {plain(str(job.spec['dataset']))}")
        with shell.sentences():  # A study that cannot be read must not hide the others.
            st.markdown(plain(loaders.headline(job.key, ended)))
        st.caption(f"{job.done:,} units · {ago(ended)}")
        jobs_panel.link(job, "Read the results")


def queue(found: list[Job]) -> None:
    """What runs now, and the studies finished last."""
    active = [job for job in found if job.active]
    done = [job for job in found if job.state == "done" and job.done]
    if active:
        st.subheader("What runs", anchor=False)
        for job in active:
            jobs_panel.card(job, log=False)
    st.subheader("Finished studies", anchor=False)
    if not done and active:
        st.caption("None yet. What runs appears here when it ends.")
    elif not done:
        st.caption("None yet. The quick study of the digits takes minutes: compose it, press Run.")
        shell.link("study", "Start the quick study")
    for job in done[:SHOWN]:
        finding(job)
    if len(done) > SHOWN:
        shell.link("jobs", f"All {len(done)} finished studies", show="Done")


def examples() -> None:
    """The studies that come with the program, as long as they have not been opened."""
    opened = {job.key for job in jobs.all_jobs(loaders.store())}
    left = {path: of for path, of in loaders.examples().items() if of[0] not in opened}
    if not left:
        return
    with st.container(border=True):
        st.markdown(
            "**Studies that come with the program:** see whether the same subsets do well "
            "whatever the model."
        )
        for path, (_, name, units) in left.items():
            if people.button(
                plain(name),
                key=f"example-{path.stem}",
                icon=":material/folder_open:",
                help=f"Take the scores of its {units:,} training runs into this cache; about ten "
                "seconds. Nothing is trained.",
            ):
                with (
                    st.spinner("Checking the bundle and reading its results …"),
                    path.open("rb") as file,
                ):
                    actions.open_bundle(file, path.name)
                st.rerun()


with shell.page("home"):
    st.markdown(
        "A decision about the training data, models trained on the result, a comparison: every "
        "page here is one such question. What all models agree on is not the model's doing: it is "
        "the data's."
    )
    here = [one for one in loaders.catalogue().values() if one.state != "download"]
    st.caption(f"Data sets here: {plain(', '.join(one.title for one in here))}.")
    jobs_panel.poll(queue)
    with shell.sentences():
        examples()
    steps()
