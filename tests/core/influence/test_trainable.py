"""The models that influence looks into are those that the engine trains, and draws are fair."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import sparse

from core import datasets
from core.datasets.base import Dataset, Split
from core.engine import fit
from core.errors import InputError
from core.influence import influence
from core.influence.draw import Draw, Sample, default_sizes, share_of
from core.influence.rows import harm, judge, own_influence, unseen_loss
from core.influence.trainable import TRAINABLE, train
from core.models import MODELS, Model
from core.units import Unit


@pytest.fixture(scope="module")
def sets(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Dataset]:
    """A data set of each kind; the texts are made up."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XFACTOR_CACHE", str(tmp_path_factory.mktemp("cache")))
        found = {name: datasets.load(name) for name in ("digits", "wine")}
    rng = np.random.default_rng(0)

    def split(rows: int) -> Split:
        y = np.arange(rows) % 2
        weights = rng.random((rows, 12)) * (rng.random((rows, 12)) < 0.3)
        weights[np.arange(rows), y] = 1
        return Split(sparse.csr_array(weights.astype(np.float32)), y.astype(np.int64))

    train_split, test = split(160), split(40)
    found["words"] = Dataset("words", "", train_split, test, ("a", "b"), "words", "", "", peak=1)
    return {one.kind: one for one in found.values()}


MODELS_BY_KIND = [
    ("logistic", "image"),
    ("logistic", "text"),
    ("logistic", "table"),
    ("mlp-1:width=6", "image"),
    ("mlp-2:width=5", "table"),
    ("boosting:rounds=4", "table"),
    ("boosting:rounds=4", "image"),
    ("embedding:width=4", "text"),
]


def drawn(dataset: Dataset) -> Draw:
    return Sample(90, 40, 0.1, 3).draw(dataset)


@pytest.mark.parametrize(("text", "kind"), MODELS_BY_KIND)
def test_the_model_is_the_engines(sets: dict[str, Dataset], text: str, kind: str) -> None:
    dataset, model = sets[kind], Model.parse(text)
    one = drawn(dataset)
    unit = Unit(one.training_set, model)
    (score,) = fit(dataset, [unit], "cpu")
    trained = train(dataset, one.training_set, model, unit.seed)
    assert (trained.fit.predictions == dataset.test.y).mean() == score.accuracy
    assert trained.fit.train_accuracy == score.train_accuracy
    log_p = trained.log_probabilities(trained.features(dataset.test.x))
    assert (log_p.argmax(1) == trained.fit.predictions).mean() > 0.98
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1, rtol=1e-6)


@pytest.mark.parametrize(("text", "kind"), MODELS_BY_KIND)
def test_its_rows_are_scored(sets: dict[str, Dataset], text: str, kind: str) -> None:
    dataset, model = sets[kind], Model.parse(text)
    one = drawn(dataset)
    trained = train(dataset, one.training_set, model, 1)
    found = harm(dataset, one, trained)
    x = trained.features(dataset.train.x[one.training_set.rows])
    vx = trained.features(dataset.train.x[one.validation])
    again = influence(trained.model, (x, one.given), (vx, dataset.train.y[one.validation]))
    np.testing.assert_allclose(found.scores, again.scores)
    assert found.certificate.train_share is not None
    training, validation = judge(dataset, one, trained)
    assert len(training.losses) == 90
    assert len(validation.losses) == 40
    assert training.accuracy == pytest.approx(trained.fit.train_accuracy, abs=0.02)
    own = own_influence(dataset, one.training_set, trained)
    assert np.isnan(own).all() if model.name == "boosting" else (own >= 0).all()


def test_every_row_is_judged_by_a_model_that_has_not_seen_it(sets: dict[str, Dataset]) -> None:
    dataset, model = sets["image"], Model.parse("logistic")
    one = drawn(dataset)
    seen = []

    def spy(part, seed):
        seen.append(set(part.rows.tolist()))
        return train(dataset, part, model, seed)

    whole = unseen_loss(dataset, one.training_set, spy, 5)
    assert np.isfinite(whole).all()
    assert len(seen) == 5
    assert all(len(rows) == 72 for rows in seen)
    folds = [unseen_loss(dataset, one.training_set, spy, 5, only=k) for k in range(5)]
    np.testing.assert_array_equal(np.isfinite(folds).sum(0), 1)
    np.testing.assert_allclose(np.nansum(folds, axis=0), whole)


def test_families_without_gradients_are_refused(sets: dict[str, Dataset]) -> None:
    for name in MODELS:
        if name not in TRAINABLE:
            with pytest.raises(InputError, match=f"which {name} has not; choose one of"):
                train(sets["image"], drawn(sets["image"]).training_set, Model.of(name), 0)
    with pytest.raises(InputError, match="takes data sets of texts"):
        train(sets["image"], drawn(sets["image"]).training_set, Model.parse("embedding"), 0)


def test_a_class_that_training_lacked_has_no_probability(sets: dict[str, Dataset]) -> None:
    dataset = sets["table"]
    one = drawn(dataset)
    two = one.without(np.flatnonzero(one.given == 2))
    trained = train(dataset, two.training_set, Model.parse("boosting:rounds=3"), 0)
    log_p = trained.log_probabilities(trained.features(dataset.test.x))
    assert np.isneginf(log_p[:, 2]).all()
    np.testing.assert_allclose(np.exp(log_p).sum(1), 1)


def test_draws_are_by_class_and_apart(sets: dict[str, Dataset]) -> None:
    dataset = sets["image"]
    one = Sample(300, 200, 0.2, 7).draw(dataset)
    rows = one.training_set.rows
    assert not np.intersect1d(rows, one.validation).size
    for some, size in ((rows, 300), (one.validation, 200)):
        counts = np.bincount(dataset.train.y[some], minlength=10)
        assert counts.sum() == size
        assert counts.max() - counts.min() <= 2
    assert (one.given != one.labels).sum() == 60
    np.testing.assert_array_equal(one.labels, dataset.train.y[rows])
    clean = Sample(300, 200, 0.0, 7).draw(dataset)
    np.testing.assert_array_equal(clean.training_set.rows, rows)
    assert clean.training_set.labels is None
    assert not np.array_equal(Sample(300, 200, 0.2, 8).draw(dataset).training_set.rows, rows)


def test_a_draw_is_what_was_stored(sets: dict[str, Dataset], tmp_path: Path) -> None:
    for flip in (0.0, 0.3):
        one = Sample(50, 20, flip, 1).draw(sets["table"])
        again = Draw.from_arrays(one.training_set.dataset, one.arrays())
        assert again.training_set.key == one.training_set.key
        fewer = one.without(np.array([0, 3]))
        np.testing.assert_array_equal(fewer.given, np.delete(one.given, [0, 3]))
        assert len(fewer.training_set.rows) == 48


def test_sizes(sets: dict[str, Dataset]) -> None:
    assert default_sizes(sets["image"]) == (867, 433)
    with pytest.raises(InputError, match="lower one of them"):
        Sample(1200, 101, 0.0, 0).draw(sets["image"])
    assert [share_of(share, 100) for share in (0.03, 0.07, 0.29, 0.005)] == [3, 7, 29, 0]
