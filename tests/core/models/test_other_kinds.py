"""Models of tables and texts against the same models written with scikit-learn and torch."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import sparse
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from core import datasets
from core.datasets.base import Dataset, Split
from core.errors import InputError, TrainingDiverged
from core.influence import influence
from core.models import MODELS, Model
from core.models.logistic import penalty
from core.specs import TrainingSet
from core.training.embedding import BagOfWords, recipe, tokens, train_embedding
from tests.core.training.plain_training import blobs, some

WORDS = 50


def texts(rows: int, seed: int) -> Split:
    """Bags of words; those of class 1 prefer the second half of the vocabulary."""
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 2
    chance = np.where((np.arange(WORDS) >= WORDS // 2) == (y[:, None] == 1), 0.3, 0.1)
    bags = (rng.random((rows, WORDS)) < chance) * rng.uniform(0.1, 1, (rows, WORDS))
    bags[3] = 0
    shown = tuple(f"text {row}" for row in range(rows))
    return Split(sparse.csr_array(bags.astype(np.float32)), y, shown)


def numbers(rows: int, seed: int) -> Split:
    rng = np.random.default_rng(seed)
    y = np.arange(rows) % 3
    x = rng.normal(size=(rows, 7))
    x[:, :3] += 2 * np.eye(3)[y]
    return Split(x, y)


def of(make, names: tuple[str, ...]) -> Dataset:
    return Dataset("made-up", "", make(200, 0), make(100, 1), names, make.__name__, "", "", peak=1)


TEXTS, TABLE, IMAGES = of(texts, ("a", "b")), of(numbers, ("a", "b", "c")), blobs()


def fitted(name: str, data: Dataset, size: int = 80):
    training_set = some(data, size, 0)
    (fit,) = Model.parse(name).fit_many(data, [training_set], [5], "cpu")
    return training_set.rows, fit


def test_every_family_says_which_kinds_it_takes() -> None:
    kinds = {name: family.kinds for name, family in MODELS.items()}
    assert kinds["logistic"] == {"image", "text", "table"}
    assert kinds["embedding"] == {"text"}
    for name in ("rf", "svc", "gnb", "mlp-1", "mlp-5", "boosting"):
        assert kinds[name] == {"image", "table"}
    assert kinds["resnet18"] == {"image"}


@pytest.mark.parametrize("data", [TEXTS, TABLE, IMAGES], ids=lambda data: data.kind)
@pytest.mark.parametrize("name", list(MODELS))
def test_a_kind_is_taken_or_refused_in_one_sentence(name: str, data: Dataset) -> None:
    model = Model.parse(f"{name}:rounds=5" if name == "boosting" else name)
    if data.kind in model.family.kinds:
        if not model.family.gpu:  # Networks are trained below and in their own tests.
            (fit,) = model.fit_many(data, [some(data, 40, 0)], [0], "cpu")
            assert fit.predictions.shape == (len(data.test),)
    else:
        with pytest.raises(
            InputError, match=f"The model {model.label} takes data sets of .*: choose"
        ):
            model.fit_many(data, [some(data, 40, 0)], [0], "cpu")


@pytest.mark.parametrize("data", [TEXTS, TABLE, IMAGES], ids=lambda data: data.kind)
@pytest.mark.parametrize("ppm", [0, 1000])
def test_logistic_regression_is_scikit_learns(data: Dataset, ppm: int) -> None:
    rows, fit = fitted(f"logistic:l2_ppm={ppm}", data)
    l2 = penalty(data, {"l2_ppm": ppm})
    assert l2 == (ppm / 1e6 or (1e-4 if data.kind == "text" else 0.01))

    def with_bias(x):
        x = x.toarray() if data.kind == "text" else x.reshape(len(x), -1) / data.peak
        return np.hstack([x.astype(float), np.ones((len(x), 1))])

    # Of two classes scikit-learn has one row of parameters, ours two that mirror each other.
    c = 2 / (l2 * len(rows)) if len(data.classes) == 2 else 1 / (l2 * len(rows))
    peer = LogisticRegression(C=c, fit_intercept=False, tol=1e-10, max_iter=10_000)
    peer.fit(with_bias(data.train.x[rows]), data.train.y[rows])
    np.testing.assert_array_equal(fit.predictions, peer.predict(with_bias(data.test.x)))


@pytest.mark.parametrize(
    ("name", "classifier"),
    [
        ("rf", RandomForestClassifier(random_state=5)),
        ("boosting:rounds=20", HistGradientBoostingClassifier(max_iter=20, early_stopping=False)),
    ],
)
def test_trees_on_tables_are_scikit_learns(name: str, classifier) -> None:
    rows, fit = fitted(name, TABLE)
    classifier.fit(TABLE.train.x[rows], TABLE.train.y[rows])
    np.testing.assert_array_equal(fit.predictions, classifier.predict(TABLE.test.x))


def test_perceptrons_see_the_features_of_tables_as_they_are() -> None:
    rows, fit = fitted("mlp-1:width=16", TABLE, 150)
    assert (fit.predictions == TABLE.test.y).mean() > 0.55
    moved = replace(TABLE, train=Split(TABLE.train.x * 2, TABLE.train.y), peak=2)
    moved = replace(moved, test=Split(TABLE.test.x * 2, TABLE.test.y))
    (again,) = Model.parse("mlp-1:width=16").fit_many(
        moved, [TrainingSet(TABLE.fingerprint, rows)], [5], "cpu"
    )
    np.testing.assert_array_equal(again.predictions, fit.predictions)


def test_the_embedding_bag_is_what_torch_gives() -> None:
    """Training, written with autograd on dense bags: mean of embeddings, linear layer, Adam."""
    rows, fit = fitted("embedding:width=4", TEXTS)
    kept: list[BagOfWords] = []
    train_embedding(TEXTS, TrainingSet(TEXTS.fingerprint, rows), 5, 4, kept.append)
    (network,) = kept
    assert not network.training
    bags = torch.tensor(TEXTS.test.x.toarray() > 0, dtype=torch.float32)
    means = bags @ network.embedding.weight[1:] / bags.sum(1, keepdim=True).clamp(min=1)
    expected = network.output(means)
    given = network(torch.tensor(tokens(TEXTS.test.x)))
    torch.testing.assert_close(given, expected)
    torch.testing.assert_close(network.outputs(TEXTS.test.x), expected)
    np.testing.assert_array_equal(fit.predictions, expected.argmax(1).numpy())
    assert (fit.predictions == TEXTS.test.y).mean() > 0.8
    assert not network.embedding.weight[0].any()
    assert fit.epochs == recipe(80).max_epochs == 50


def test_the_embedding_bag_depends_on_its_seed_alone() -> None:
    sets = [some(TEXTS, 60, seed) for seed in range(2)]
    model = Model.parse("embedding:width=4")
    together = model.fit_many(TEXTS, sets, [1, 2], "cpu")
    torch.manual_seed(9)
    alone = model.fit_many(TEXTS, sets[1:], [2], "cpu")[0]
    np.testing.assert_array_equal(alone.predictions, together[1].predictions)


def test_epochs_shrink_with_the_rows() -> None:
    assert [recipe(rows).max_epochs for rows in (10, 1_500, 5_000, 25_000, 10**6)] == [
        *(50, 50, 15, 3, 3)
    ]


def test_tokens_are_the_words_of_each_row() -> None:
    x = sparse.csr_array(np.array([[0, 0, 0], [0.5, 0, 1], [0, 2, 0]], np.float32))
    assert tokens(x).tolist() == [[0, 0], [1, 3], [2, 0]]
    assert tokens(x[:1]).tolist() == [[0]]


def test_influence_looks_into_the_embedding_bag() -> None:
    """The score of a row is what training without it would change, to first order."""
    kept: list[BagOfWords] = []
    training_set = some(TEXTS, 60, 0)
    train_embedding(TEXTS, training_set, 5, 4, kept.append)
    data = TEXTS.train.x[training_set.rows], TEXTS.train.y[training_set.rows]
    found = influence(
        kept[0], (tokens(data[0]), data[1]), (tokens(TEXTS.test.x), TEXTS.test.y), rtol=1e-6
    )
    exact = influence(
        kept[0], (tokens(data[0]), data[1]), (tokens(TEXTS.test.x), TEXTS.test.y), method="exact"
    )
    assert found.certificate.residual < 1e-5
    assert np.corrcoef(found.scores, exact.scores)[0, 1] > 0.9999


def test_divergence_names_the_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("core.training.embedding.RATE", float("nan"))
    with pytest.raises(TrainingDiverged, match="embedding:width=4 diverged on made-up with 80"):
        fitted("embedding:width=4", TEXTS)


@pytest.mark.skipif(not os.environ.get("XFACTOR_DATA"), reason="XFACTOR_DATA is not set")
@pytest.mark.parametrize(
    ("name", "model", "low", "high"),
    [
        ("adult", "logistic", 0.845, 0.855),
        ("imdb", "logistic", 0.88, 0.895),
        ("imdb", "embedding", 0.875, 0.895),
    ],
)
def test_accuracy_on_the_real_data(
    name: str, model: str, low: float, high: float, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path))
    data = datasets.load(name)
    everything = TrainingSet(data.fingerprint, np.arange(len(data.train)))
    (fit,) = Model.parse(model).fit_many(data, [everything], [0], "cpu")
    assert low < (fit.predictions == data.test.y).mean() < high


def test_breast_cancer_and_wine() -> None:
    for name in ("breast-cancer", "wine"):
        data = datasets.load(name)
        everything = TrainingSet(data.fingerprint, np.arange(len(data.train)))
        for model in ("logistic", "boosting", "rf", "mlp-1"):
            (fit,) = Model.parse(model).fit_many(data, [everything], [0], "cpu")
            assert (fit.predictions == data.test.y).mean() > 0.93, (name, model)
