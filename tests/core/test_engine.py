"""Units are measured right, cut into tasks without loss, and give the same however they run."""

import math
import pickle
import resource
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import accuracy_score, f1_score, recall_score

from core import cluster, datasets, engine
from core.datasets.base import Dataset
from core.errors import JobCancelled, JobError, UnknownName
from core.models import Model
from core.specs import TrainingSet
from core.store import Store
from core.units import Unit


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


def make_units(dataset: Dataset, count: int, size: int, *models: str) -> list[Unit]:
    draw = np.random.default_rng(size)
    sets = [
        TrainingSet(dataset.fingerprint, draw.choice(len(dataset.train), size, replace=False))
        for _ in range(count)
    ]
    return [Unit(one, Model.parse(model)) for one in sets for model in models]


@given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 5)), min_size=1))
def test_measures_agree_with_scikit_learn(pairs: list[tuple[int, int]]) -> None:
    truth, predicted = (np.array(values, dtype=np.int64) for values in zip(*pairs, strict=True))
    accuracy, within, f1 = engine.measure(truth, predicted, 6)
    labels = np.arange(6)
    assert accuracy == accuracy_score(truth, predicted)
    assert f1 == pytest.approx(
        f1_score(truth, predicted, labels=labels, average="macro", zero_division=0)
    )
    recall = recall_score(truth, predicted, labels=labels, average=None, zero_division=0)
    recall[~np.isin(labels, truth)] = math.nan
    np.testing.assert_allclose(within, recall)


def _ignore(*_: object) -> None:
    pass


def test_scores_do_not_depend_on_how_units_travel(digits: Dataset, tmp_path: Path) -> None:
    """Run in one process one by one, and on two workers in tasks; then damage some and go on."""
    units = make_units(digits, 6, 60, "rf", "svc", "gnb", "mlp-1", "mlp-3")
    broken = Unit(TrainingSet(digits.fingerprint, np.array([10**6])), Model.parse("gnb"))
    alone = [engine.fit(digits, [unit], "cpu")[0] for unit in units]
    store = Store(tmp_path)
    store.add_scores(alone[:3])
    said: list[str] = []
    reports: list[tuple[str, int, int, float | None]] = []
    with cluster.connect(None) as client:
        engine.score(
            client,
            digits,
            [*units, broken, *units],
            store,
            lambda *progress: reports.append(progress),
            said.append,
            lambda: False,
        )
        more = make_units(digits, 30, 61, "rf")
        with pytest.raises(JobCancelled):
            engine.score(client, digits, more, store, _ignore, _ignore, lambda: True)
        faults = client.submit(_page_faults, 200).result()
    assert faults < 20_000, "what a worker frees goes back to the system and is taken again"
    frame = store.scores([unit.key for unit in units]).set_index("unit")
    for score in alone:
        row = frame.loc[score.unit]
        for name in ("accuracy", "macro_f1", "train_accuracy", "epochs", "seed", "label", "size"):
            assert row[name] == getattr(score, name), (score.label, name)
        np.testing.assert_array_equal(row["class_accuracy"], score.class_accuracy)
    assert reports[0][1:3] == (3, len(units) + 1)
    assert reports[-1][1:] == (len(units), len(units) + 1, 0.0)
    assert [done for _, done, _, _ in reports] == sorted(done for _, done, _, _ in reports)
    (failure,) = store.failures([broken.key])["reason"]
    assert "IndexError" in failure
    assert "gnb on 1 images" in said[0]


def _page_faults(times: int) -> int:
    """Of a worker that allocates and frees a MiB, which is 256 pages, so many times."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    for _ in range(times):
        np.ones(2**17)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


def test_errors_travel_between_processes() -> None:
    error = UnknownName("model", "vgg", iter(["rf", "svc"]))
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (UnknownName, str(error))


def test_a_scheduler_that_is_not_there_is_named() -> None:
    with pytest.raises(JobError, match="No Dask scheduler"), cluster.connect("tcp://127.0.0.1:9"):
        pass
