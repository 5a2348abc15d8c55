"""Everything by which pages change what others see; each asks first whether the person may.

No page calls what stands behind these itself: a test holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import BinaryIO

import streamlit as st

from core import curation, datasets, jobs
from core.curation import Place, Row
from core.errors import XFactorError
from core.jobs import Job
from core.studies import StudySpec
from pages.shared import loaders, machines, people
from pages.shared.text import plain


@contextmanager
def in_passing() -> Iterator[None]:
    """What goes wrong in a callback is said beside the page, as it stands before any drawing."""
    try:
        yield
    except XFactorError as error:
        st.toast(plain(str(error)), icon=":material/error:", duration="infinite")


def submit(study: str, spec: StudySpec) -> Job:
    """`core.jobs.submit`, on the machines that this session has chosen."""
    people.check()
    return jobs.submit(loaders.store(), study, spec, machines.scheduler())


def cancel(key: str) -> None:
    """`core.jobs.cancel`, from a callback."""
    with in_passing():
        people.check()
        jobs.cancel(loaders.store(), key)


def resume(key: str) -> None:
    """`core.jobs.resume`, from a callback."""
    with in_passing():
        people.check()
        jobs.resume(loaders.store(), key)


def run_again(job: Job) -> None:
    """`core.bundle.again`."""
    people.check()
    from core.bundle import again

    again(job, loaders.store())


def open_bundle(file: BinaryIO, name: str) -> Job:
    """`core.bundle.opened`."""
    people.check()
    from core.bundle import opened

    return opened(file, loaders.store(), name)


def download(name: str, tell: Callable[[int, int, str], None]) -> None:
    """Fetch a data set into the data root."""
    people.check()
    datasets.load(name, tell)


def tag(place: Place, rows: Iterable[Row], name: str, who: str) -> int:
    """`core.curation.tag`."""
    people.check()
    return curation.tag(loaders.store(), place, rows, name, who)


def untag(place: Place, rows: Iterable[Row], name: str) -> int:
    """`core.curation.untag`."""
    people.check()
    return curation.untag(loaders.store(), place, rows, name)


def save_cuts(place: Place, name: str, cuts: Mapping[str, float], who: str) -> None:
    """`core.curation.save_cuts`."""
    people.check()
    curation.save_cuts(loaders.store(), place, name, cuts, who)


def delete_cuts(place: Place, name: str) -> None:
    """`core.curation.delete_cuts`."""
    people.check()
    curation.delete_cuts(loaders.store(), place, name)
