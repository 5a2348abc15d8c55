"""Measures beside Z-scores on planted relations, and the study run for real."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import datasets, diversity, jobs
from core.bundle import bundled, opened
from core.errors import JobCancelled
from core.figures.measures import diversity as figures
from core.specs import TrainingSet
from core.store import Store
from core.studies import STUDIES, Report, xfactor
from core.studies import diversity as study
from core.studies.diversity import DiversitySpec
from core.studies.xfactor_analysis.measures import (
    NOTHING,
    TOGETHER,
    Quality,
    accounts,
    closest,
    quality,
    sentences,
)
from core.studies.xfactor_spec import XFactorSpec
from tests.core.studies.sample_scores import subsets
from tests.core.studies.serial import Runs, serial

SPEC = XFactorSpec(
    "digits", "small", per_class=(2, 3), random=12, strategies=("uniqueness",), excess=(3, 6),
    repeats=6, models=("gnb", "svc"),
)  # fmt: skip


def planted(seed: int = 0) -> tuple[pd.DataFrame, pd.DataFrame]:
    """`vendi` is the quality that all models share, `nearest` has an optimum, `rho_q0` is noise."""
    rng = np.random.default_rng(seed)
    table = subsets(random=150)
    n = len(table)
    good, middle = rng.normal(size=n), rng.normal(size=n)
    quality_of = -good + 0.7 * (middle**2 - 1)
    parts = []
    for model in ("rf", "svc", "gnb", "mlp-1"):
        own = rng.normal(size=n)
        z = rng.normal(size=n) if model == "gnb" else quality_of + 0.5 * own
        group = np.where(table["strategy"] == "random", "random", "selected")
        parts.append(table.assign(model=model, z=z, group=group, error=z))
    size = table["per_class"]
    measured = table.assign(
        vendi=100 * size + size * good, nearest=middle - size, rho_q0=rng.normal(size=n),
        silhouette=np.nan,
    )  # fmt: skip
    return measured, pd.concat(parts, ignore_index=True)


@pytest.fixture(scope="module")
def found() -> Quality:
    return quality(*planted(), resamples=200)


class TestQuality:
    def test_mean_z_leaves_naive_bayes_out(self, found: Quality) -> None:
        _, z_scores = planted()
        kept = z_scores[z_scores["model"] != "gnb"].groupby("subset")["z"].mean()
        assert found.subsets["z"].to_numpy() == pytest.approx(kept[found.subsets["subset"]])
        assert set(found.correlations["models"]) == {"without gnb"}

    def test_the_planted_measure_is_first_whatever_the_sizes(self, found: Quality) -> None:
        for group in ("all", "selected", "random"):
            some = found.correlations[found.correlations["group"] == group]
            first = some.iloc[0]
            assert (first["measure"], first["rank"]) == ("vendi", 1)
            assert first["partial_high"] < -0.5
            assert abs(first["pearson"]) < 0.3
            noise = some.set_index("measure").loc["rho_q0"]
            assert noise["partial_low"] < 0 < noise["partial_high"]
            assert np.isnan(some.set_index("measure").loc["silhouette", "partial"])

    def test_an_optimum_is_explained_though_it_does_not_correlate(self, found: Quality) -> None:
        some = found.explained[found.explained["group"] == "all"].set_index("measure")
        correlations = found.correlations.query("group == 'all'").set_index("measure")
        assert abs(correlations.loc["nearest", "partial"]) < 0.15
        assert some.loc["nearest", "explained"] == pytest.approx(0.98 / (1 + 0.98 + 0.08), abs=0.1)
        assert some.loc["vendi", "explained"] == pytest.approx(1 / (1 + 0.98 + 0.08), abs=0.1)
        assert some.loc[TOGETHER, "explained"] > 0.9
        assert some.loc[TOGETHER, "explained_unseen"] > 0.85
        assert abs(some.loc["rho_q0", "explained"]) < 0.05
        assert "silhouette" not in some.index
        assert some.loc[TOGETHER, "measures"] == 3
        random = found.explained[found.explained["group"] == "random"]
        assert random["explained_unseen"].isna().all()

    def test_what_all_models_share_goes_with_the_measures(self, found: Quality) -> None:
        left = found.remaining[found.remaining["group"] == "all"].set_index("taken_out")
        assert left.loc[NOTHING, "r_squared"] == pytest.approx((1.98 / 2.23) ** 2, abs=0.05)
        assert left.loc[TOGETHER, "r_squared"] < 0.03
        assert left.loc[TOGETHER, "r_squared"] < left.loc["vendi", "r_squared"]
        assert left.loc["rho_q0", "r_squared"] == pytest.approx(
            left.loc[NOTHING, "r_squared"], abs=0.02
        )
        assert set(left["pairs"]) == {3}

    def test_sentences_say_so(self, found: Quality) -> None:
        said = sentences(found)
        assert len(said) == 6
        assert "“Vendi score” alone explains" in said[0]
        assert "on strategies not seen" in said[0]
        assert "so they account for most of the agreement" in said[0]
        assert "“Vendi score” goes most closely with the mean Z over models without gnb" in said[1]
        assert "more of it is better" in said[1]

    def test_a_fit_that_is_worse_than_the_mean_explains_nothing(self, found: Quality) -> None:
        worse = found.explained[found.explained["group"] == "all"].assign(
            explained=-0.33, explained_unseen=-1.0
        )
        said = accounts(worse, found.remaining[found.remaining["group"] == "all"])
        assert "alone explains nothing of the variance" in said
        assert "all measures together nothing; on strategies not seen nothing and nothing" in said

    def test_they_are_drawn(self, found: Quality) -> None:
        drawn = figures(None, Report(found.tables(), ()))
        names = {figure.name for figure in drawn}
        assert {"measures-all", "measures-left-random", "measure-vendi-10"} <= names
        assert all(figure.reading for figure in drawn)
        assert figures(None, Report({"measures": found.subsets}, ())) == []

    def test_order_does_not_matter(self, found: Quality) -> None:
        measured, z_scores = planted()
        again = quality(measured, z_scores.sample(frac=1, random_state=1), resamples=200)
        pd.testing.assert_frame_equal(found.correlations, again.correlations)
        pd.testing.assert_frame_equal(found.explained, again.explained)

    def test_few_subsets_are_said_to_be_few(self) -> None:
        measured, z_scores = planted()
        some = measured[measured["per_class"] == 10].iloc[140:175]
        found = quality(some, z_scores, resamples=10)
        assert set(found.correlations["group"]) == {"all"}
        assert "25 selected and 10 random" in found.notes[0]
        none = quality(some.iloc[:5], z_scores, resamples=10)
        assert sentences(none) == []
        assert (
            closest(found.correlations.iloc[:0]) == accounts(found.explained.iloc[:0], some) == ""
        )
        gap = quality(measured, z_scores[z_scores["subset"] != measured["subset"].iloc[0]])
        assert f"{len(measured) - 1} have a Z-score" in gap.notes[0]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    """A finished X-Factor study, and the measures of its subsets."""
    root = tmp_path_factory.mktemp("cache")
    with serial(root):
        store = Store(root)
        jobs.submit(store, "xfactor", SPEC)
        jobs.submit(store, "diversity", DiversitySpec.of(SPEC))
        jobs.run_queue(store)
    return store


class TestStudy:
    def test_measures_are_those_of_the_function(self, store: Store) -> None:
        job = jobs.find(store, "small-diversity")
        assert (job.state, job.done, job.total) == ("done", 72, 72)
        found = STUDIES["diversity"].scores(job, store)
        assert len(found) == 72
        digits = datasets.load("digits")
        rows = xfactor.results(job, store).rows
        scale = diversity.typical_distance(digits)
        for one in found.iloc[::17].to_dict("records"):
            training_set = TrainingSet(digits.fingerprint, rows[one["subset"]])
            expected = diversity.measure(diversity.of_subset(digits, training_set, scale))
            for name, value in expected.items():
                assert one[name] == pytest.approx(value, nan_ok=True), name

    def test_the_report_says_what_they_go_with(self, store: Store) -> None:
        found = STUDIES["diversity"].report(jobs.find(store, "small-diversity"), store)
        assert {"measures", "measure_correlations", "measure_explained"} <= set(found.tables)
        assert "alone explains" in found.sentences[0]
        headline = STUDIES["diversity"].headline(jobs.find(store, "small-diversity"), store)
        assert headline == found.sentences[0]

    def test_subsets_of_another_study_that_are_the_same_are_not_measured_again(
        self, store: Store, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(study, "measure", None)
        with serial(store.root):
            spec = DiversitySpec.of(replace(SPEC, models=("svc",), per_class=(3,)))
            context = Runs(store.root)
            assert study.run(spec, context) == "36 subsets measured."

    def test_it_stops_when_asked_and_keeps_what_is_measured(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("core.studies.xfactor_measures.CHUNK", 20**2 * 4)
        spec = DiversitySpec.of(replace(SPEC, per_class=(2,)))
        monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
        with serial(tmp_path):
            job = jobs.submit(Store(tmp_path), "diversity", spec)
            context = Runs(tmp_path)
            monkeypatch.setattr(
                context, "should_stop", lambda: context.told[-1] == ("Measuring subsets", 8, 36)
            )
            with pytest.raises(JobCancelled):
                study.run(spec, context)
        found = STUDIES["diversity"].report(job, Store(tmp_path))
        assert len(found.tables["measures"]) == 8
        assert "none scored" in found.sentences[0]
        with serial(tmp_path):
            again = Runs(tmp_path)
            study.run(spec, again)
        measuring = [told for told in again.told if told[0] == "Measuring subsets"]
        assert measuring[0] == ("Measuring subsets", 8, 36)
        assert measuring[-1] == ("Measuring subsets", 36, 36)

    def test_nothing_measured_yet(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
        store = Store(tmp_path)
        job = jobs.submit(store, "diversity", DiversitySpec.of(SPEC))
        found = STUDIES["diversity"].report(job, store)
        assert found.sentences == ("No subset has been measured yet.",)
        count, seconds, measured = study.estimate(SPEC, datasets.load("digits"), store)
        assert (count, measured) == (72, False)
        assert seconds > 0


def test_a_bundle_carries_scores_and_measures(store: Store, tmp_path: Path) -> None:
    job = jobs.find(store, "small-diversity")
    other = Store(tmp_path)
    taken = opened(io.BytesIO(bundled(job, store)), other, "bundle.zip")
    there, here = (STUDIES["diversity"].report(job, place) for place in (other, store))
    assert taken.key == job.key
    assert there.sentences == here.sentences
    for name, table in here.tables.items():
        pd.testing.assert_frame_equal(there.tables[name], table)
