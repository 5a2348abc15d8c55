"""The removal study: its arms, its statistics, and a run from the queue to the report."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import ttest_rel

from core import datasets, jobs, studies
from core.datasets.base import Dataset
from core.errors import InputError, UnknownName
from core.specs import parse_rows, rows_text
from core.store import Store
from core.studies import STUDIES, removal
from core.studies.removal import RemovalSpec

SPEC = RemovalSpec("digits", "3,17-40,100", models=("gnb", "rf"), repeats=3, images=300)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@given(st.sets(st.integers(0, 300)))
def test_rows_as_text_and_back(rows: set[int]) -> None:
    text = rows_text(sorted(rows))
    assert parse_rows("remove", text).tolist() == sorted(rows)


@pytest.mark.parametrize(
    "text", ["a", "1-", "-1", "5-3", "1.5", "3;4", "99999999999", "0-200000000"]
)
def test_what_is_no_row_is_refused_in_one_sentence(text: str) -> None:
    with pytest.raises(InputError, match="remove"):
        parse_rows("remove", text)


@pytest.mark.parametrize("images", [0, 400])
def test_the_arms_differ_in_the_rows_left_out_alone(digits: Dataset, images: int) -> None:
    spec = replace(SPEC, images=images)
    labels, flagged = digits.train.y, set(spec.removed().tolist())
    sets = {(one.arm, one.repeat): one.training_set for one in removal.plan(spec, digits)}
    assert len(sets) == 9
    for repeat in range(3):
        everything, without, random = (set(sets[arm, repeat].rows.tolist()) for arm in removal.ARMS)
        assert len(everything) == (images or len(labels))
        assert without == everything - flagged
        assert random < everything
        assert random != without
        for rows in (without, random):
            gone = labels[sorted(everything - rows)]
            np.testing.assert_array_equal(
                np.bincount(gone, minlength=10),
                np.bincount(labels[sorted(everything & flagged)], minlength=10),
            )


def test_rows_and_labels_to_begin_with(digits: Dataset) -> None:
    """What a refinement began with: some rows, a few of them under other labels."""
    labels = digits.train.y.copy()
    labels[[20, 50]] = (labels[[20, 50]] + 1) % 10
    changed = f"20={labels[20]},50={labels[50]}"
    spec = replace(SPEC, images=0, among="0-199", labels=changed)
    for one in removal.plan(spec, digits):
        data = one.training_set
        assert data.rows.max() < 200
        np.testing.assert_array_equal(data.labels, labels[data.rows])
        if one.arm == "without":
            assert set(data.rows) == set(range(200)) - set(spec.removed())
    plain = replace(SPEC, images=0, among="0-199", labels=f"20={digits.train.y[20]}")
    assert all(one.training_set.labels is None for one in removal.plan(plain, digits))


def test_repeats_have_seeds_of_their_own(digits: Dataset) -> None:
    spec = replace(SPEC, images=0)
    planned = removal.units(removal.plan(spec, digits), spec.parsed_models())
    assert len({unit.key for _, unit in planned}) == 3 * 3 * 2
    assert len({unit.seed for _, unit in planned}) == 3 * 3 * 2


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"remove": ""}, "names no row"),
        ({"remove": "5000"}, "names row 5000; the training rows of digits go from 0 to"),
        ({"remove": "0-1299"}, "none left to train on"),
        ({"images": 5000}, "images is 5000"),
        ({"images": 60, "remove": "3"}, "among the 60 drawn"),
        ({"remove": 3}, "remove must be a text"),
        ({"labels": 3}, "labels must be a text"),
        ({"among": "0-9999"}, "among names row 9999"),
        ({"among": "3-90", "images": 89}, "there are 88 rows to begin with"),
        ({"labels": "3=x"}, "such as 3=7,19=0; got '3=x'"),
        ({"labels": "3=1,3=2"}, "row 3 two labels"),
        ({"labels": "3=10"}, "row 3 class 10"),
        ({"labels": "5000=1"}, "labels names row 5000"),
        ({"models": ()}, "at least one model"),
        ({"repeats": 1}, "repeats must be a whole number from 2"),
    ],
)
def test_what_cannot_be_left_out_is_refused(
    digits: Dataset, changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        removal.plan(RemovalSpec.from_dict({**SPEC.to_dict(), **changes}), digits)


def test_differences_are_paired_by_repeat() -> None:
    rng = np.random.default_rng(0)
    table = pd.DataFrame(
        [
            {"model": "rf", "arm": arm, "repeat": repeat, "accuracy": rng.normal(0.8, 0.1)}
            for repeat in rng.permutation(6)
            for arm in removal.ARMS
        ]
    )
    rows, found = removal.comparisons(table)
    wide = table.pivot_table(index="repeat", columns="arm", values="accuracy")
    for row in rows.to_dict("records"):
        test = ttest_rel(wide["without"], wide[row["against"]])
        low, high = test.confidence_interval()
        assert row["difference"] == pytest.approx((wide["without"] - wide[row["against"]]).mean())
        assert (row["low"], row["high"]) == pytest.approx((low, high))
    assert [one.smallest_p for one in found] == [2 / 2**6] * 2


def test_few_repeats_are_never_called_significant() -> None:
    table = pd.DataFrame(
        [
            {"model": "rf", "arm": arm, "repeat": repeat, "accuracy": 0.5 + (arm == "without") / 9}
            for repeat in range(3)
            for arm in removal.ARMS
        ]
    )
    table.loc[table["arm"] == "random", "accuracy"] -= table["repeat"] / 1000
    rows, found = removal.comparisons(table)
    assert not rows["significant"].any()
    first, second = (removal._sentence(one) for one in found)
    assert "nothing here is left to chance" in first
    assert "3 repeats cannot be significant" in second


def test_a_run_from_the_queue_to_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Dataset
) -> None:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path))
    monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
    store = Store(tmp_path)
    spec = replace(SPEC, models=("gnb",))
    assert removal.estimate(spec, digits, store)[0] == 9
    job = jobs.submit(store, "removal", spec)
    empty = STUDIES["removal"].report(job, store)
    assert empty.sentences[0].startswith("Nothing to compare yet")
    jobs.run_queue(store)
    job = jobs.find(store, job.key)
    assert (job.state, job.done, job.total) == ("done", 9, 9)
    assert removal.estimate(spec, digits, store)[0] == 0
    report = STUDIES["removal"].report(job, store)
    assert report.tables["accuracy"]["repeats"].tolist() == [3, 3, 3]
    assert set(report.tables["scores"]["arm"]) == set(removal.ARMS)
    assert len(report.sentences) == 2
    assert all("points of accuracy" in text for text in report.sentences)


def test_a_file_says_which_study_it_is(tmp_path: Path) -> None:
    path = tmp_path / "a.toml"
    path.write_text(SPEC.to_toml(), encoding="utf-8")
    study, spec = studies.from_toml(path)
    assert (study.name, spec) == ("removal", SPEC)
    path.write_text('study = "nothing"\ndataset = "digits"', encoding="utf-8")
    with pytest.raises(UnknownName, match=r"xfactor, .*removal"):
        studies.from_toml(path)
    with pytest.raises(UnknownName, match="quick, paper"):
        studies.of_preset("nothing")
