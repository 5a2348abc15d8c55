"""What pages read, loaded once and shared by everybody who looks.

Only names and small values go in, never arrays, because Streamlit hashes large arrays by a
sample. What comes out is shared between sessions: look, do not change.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core import datasets, jobs, selection
from core.datasets import Listing
from core.datasets.base import Dataset
from core.details import Detail
from core.figures import Figure
from core.figures import figures as figures_of
from core.jobs import Job
from core.selection import Geometry, Subset
from core.selection.plane import principal_plane
from core.selection.single import select_class
from core.settings import PROJECT
from core.specs import Selection
from core.store import Store
from core.studies import STUDIES, Report, StudySpec, influence_scores, refinement_analysis, xfactor
from core.studies import faults as faults_study
from core.studies import leave_one_out as leave_one_out_study
from core.studies import refinement as refinement_study
from core.studies.faults import Results as FaultsResults
from core.studies.faults_analysis import Analysis as FaultsAnalysis
from core.studies.faults_analysis import analyse as analyse_faults
from core.studies.influence_scores import Scores
from core.studies.leave_one_out import Check
from core.studies.refinement import Results as RefinementResults
from core.studies.refinement_analysis import Analysis as RefinementAnalysis
from core.studies.xfactor import Results
from core.studies.xfactor_analysis import Analysis, agreement, analyse
from core.studies.xfactor_analysis.readings import Fact, facts

EXAMPLES = PROJECT / "examples"
CATALOGUE_SECONDS = 5
COST_SECONDS = 10  # After that units that were scored meanwhile are seen.
Plane = tuple[npt.NDArray[np.float32], tuple[float, float]]


@st.cache_resource(show_spinner=False)
def store() -> Store:
    """The cache folder."""
    return Store()


@st.cache_data(max_entries=1, ttl=CATALOGUE_SECONDS, show_spinner=False)
def catalogue() -> dict[str, Listing]:
    """The data sets that there are, by name; looked for again every few seconds."""
    return {listing.name: listing for listing in datasets.catalogue()}


@st.cache_resource(max_entries=3, show_spinner="Opening the data set …")
def dataset(name: str) -> Dataset:
    """A data set that is on disk.

    Raises:
        DatasetUnavailable: It is not.
    """
    return datasets.load(name)


@st.cache_resource(max_entries=3, show_spinner="Measuring distances to the class means …")
def geometry(name: str) -> Geometry:
    """A data set as points in pixel space.

    Raises:
        NotEnoughImages: A class has no training image.
    """
    return selection.geometry(dataset(name))


@st.cache_data(max_entries=1, show_spinner=False)
def examples() -> dict[Path, tuple[str, str, int]]:
    """Key, name and number of units of each study that comes with the program, by its bundle."""
    found = {}
    for path in sorted(EXAMPLES.glob("*.zip"), key=lambda path: path.stem):
        with zipfile.ZipFile(path) as bundle:
            job = json.loads(bundle.read("job.json"))
        found[path] = job["key"], job["name"], job["done"]
    return found


def forget(name: str) -> None:
    """Read a data set's files again when it is asked for next; they may have changed."""
    dataset.clear(name)
    for made_of_it in (geometry, class_subset, planes):
        made_of_it.clear()


@st.cache_resource(max_entries=500, show_spinner=False)
def class_subset(
    name: str, strategy: str, direction: str, per_class: int, excess: int, seed: int, label: int
) -> Subset:
    """The images of one class that a selection keeps and discards; arrays of one row.

    Raises:
        NotEnoughImages: A class has fewer images than `per_class + excess`.
    """
    recipe = Selection(strategy, direction, per_class, excess, seed)
    return select_class(geometry(name), recipe, label)


@st.cache_resource(max_entries=3, show_spinner="Drawing a map of each class …")
def planes(name: str) -> list[Plane]:
    """The training images of each class on their first two principal components.

    All classes at once, so that going from one to another takes no time.
    """
    space = geometry(name)
    return [principal_plane(space, label) for label in range(len(space.classes))]


@contextmanager
def _reading(key: str) -> Iterator[tuple[Job, Store]]:
    """A job and a store to read its results from; see `jobs.reading`."""
    job = jobs.find(store(), key)
    with jobs.reading(store(), job) as reader:
        yield job, reader


@st.cache_resource(max_entries=8, show_spinner="Reading the scores …")
def results(key: str, moment: float) -> Results:
    """What a study has found.

    Args:
        key: Key of its job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    with _reading(key) as (job, reader):
        return xfactor.results(job, reader)


@st.cache_resource(max_entries=8, show_spinner="Analysing …")
def analysis(key: str, moment: float) -> Analysis:
    """The analysis of `results`, without the overlap."""
    found = results(key, moment)
    order = [model.label for model in found.spec.parsed_models()]
    return analyse(found.scores, models=order, replicates=found.replicates)


@st.cache_resource(max_entries=20, show_spinner=False)
def readings(key: str, moment: float) -> list[Fact]:
    """What `analysis` says, in sentences."""
    return facts(analysis(key, moment))


@st.cache_data(max_entries=50, show_spinner=False)
def headline(key: str, moment: float) -> str:
    """The one sentence that a study of any kind was made for."""
    with _reading(key) as (job, reader):
        return STUDIES[job.study].headline(job, reader)


@st.cache_resource(max_entries=8, show_spinner="Reading the scores …")
def report(key: str, moment: float) -> Report:
    """What a study of any kind has found; see `results` for the arguments."""
    with _reading(key) as (job, reader):
        return STUDIES[job.study].report(job, reader)


@st.cache_resource(max_entries=4, show_spinner="Drawing the figures …")
def figures(key: str, moment: float) -> list[Figure]:
    """The figures of a study of any kind; see `results` for the arguments."""
    return figures_of(jobs.find(store(), key), report(key, moment))


@st.cache_resource(max_entries=8, show_spinner="Reading the scores …")
def influence(key: str, moment: float) -> Scores | None:
    """What a scoring of rows has found; see `results` for the arguments."""
    with _reading(key) as (job, reader):
        return influence_scores.results(job, reader)


@st.cache_resource(max_entries=8, show_spinner="Reading the rounds …")
def refinement(key: str, moment: float) -> tuple[RefinementResults, RefinementAnalysis]:
    """What a refinement has found, and its analysis; see `results` for the arguments."""
    with _reading(key) as (job, reader):
        found = refinement_study.results(job, reader)
    return found, refinement_analysis.analyse(found.table, found.spec)


@st.cache_resource(max_entries=8, show_spinner="Reading the scores …")
def leave_one_out(key: str, moment: float) -> Check:
    """What a spot check has found; see `results` for the arguments."""
    with _reading(key) as (job, reader):
        return leave_one_out_study.results(job, reader)


@st.cache_resource(max_entries=8, show_spinner="Reading the scores …")
def faults(key: str, moment: float) -> FaultsResults:
    """What a study of faults has found; see `results` for the arguments."""
    with _reading(key) as (job, reader):
        return faults_study.results(job, reader)


@st.cache_resource(max_entries=8, show_spinner="Analysing …")
def faults_analysis(key: str, moment: float) -> FaultsAnalysis:
    """The analysis of `faults`."""
    found = faults(key, moment)
    return analyse_faults(found.scores, found.classes)


@st.cache_data(max_entries=50, ttl=COST_SECONDS, show_spinner=False)
def cost(toml: str, _spec: StudySpec) -> tuple[int, float, bool]:
    """Models to train, expected seconds, and whether these were measured; of a study as TOML."""
    estimate = STUDIES[_spec.study].estimate
    assert estimate is not None, _spec.study
    return estimate(_spec, dataset(_spec.dataset), store())


@st.cache_resource(max_entries=4, show_spinner="Reading the predictions …")
def faults_details(key: str, moment: float) -> tuple[dict[str, Detail], npt.NDArray[np.int64]]:
    """Predictions of a study of faults by unit key, and the true classes."""
    with _reading(key) as (job, reader):
        return faults_study.details_of(job, reader)


@st.cache_resource(max_entries=20, show_spinner="Comparing subsets …")
def overlap(key: str, moment: float, per_class: int) -> pd.DataFrame:
    """How many images the subsets of one size share, by kind."""
    found = results(key, moment)
    return agreement.overlap(found.scores[found.scores["per_class"] == per_class], found.rows)
