import dataclasses
import pickle

import numpy as np
import pytest
from sklearn.ensemble import RandomForestClassifier
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from core.errors import InputError, TrainingDiverged, UnknownName
from core.models import MODELS, Model, resolve
from core.specs import TrainingSet
from tests.core.training.plain_training import blobs, perceptron, some, train

DATA = blobs((6, 6, 1), classes=4, train=200, noise=60)
SETS = [some(DATA, 40, seed) for seed in range(3)]


def test_the_papers_ten_models_are_there_first():
    assert list(MODELS)[:10] == [
        *("rf", "svc", "gnb"),
        *("mlp-1", "mlp-2", "mlp-3", "mlp-4", "mlp-5"),
        *("resnet18", "resnet34"),
    ]


@pytest.mark.parametrize(
    ("text", "label", "options"),
    [
        ("rf", "rf", {}),
        ("mlp-2", "mlp-2", {"width": 128}),
        ("mlp-2:width=128", "mlp-2", {"width": 128}),
        ("mlp-2:width=064", "mlp-2:width=64", {"width": 64}),
        ("resnet18:pretrained=0", "resnet18:pretrained=0", {"pretrained": 0, "bf16": 0}),
    ],
)
def test_a_model_is_read_from_its_text(text, label, options):
    model = Model.parse(text)
    assert (model.label, model.options) == (label, options)
    assert Model.parse(model.label) == model == pickle.loads(pickle.dumps(model))
    assert model.family is MODELS[model.name]


@pytest.mark.parametrize(
    ("text", "error", "match"),
    [
        ("forest", UnknownName, "known: rf, svc, gnb, mlp-1"),
        ("", UnknownName, "Unknown model ''"),
        ("rf:trees=5", UnknownName, "option of rf 'trees'; known: none"),
        ("mlp-1:depth=5", UnknownName, "known: width"),
        ("mlp-1:width=0", InputError, "from 1 to 4096; got 0"),
        ("mlp-1:width=5000", InputError, "from 1 to 4096; got 5000"),
        ("mlp-1:width=-5", InputError, "name=number"),
        ("mlp-1:width", InputError, "name=number"),
        ("mlp-1:", InputError, "name=number"),
        ("mlp-1:width=5,width=6", InputError, "each once"),
        ("resnet34:pretrained=2", InputError, "from 0 to 1"),
    ],
)
def test_bad_text_is_an_error_that_says_what_there_is(text, error, match):
    with pytest.raises(error, match=match):
        Model.parse(text)


def test_keys_differ_by_family_version_and_every_option(monkeypatch):
    texts = ["mlp-1", "mlp-2", "mlp-1:width=64", "resnet18", "resnet18:pretrained=0", "rf"]
    assert len({Model.parse(text).key for text in texts}) == len(texts)
    before = Model.parse("rf").key
    newer = dataclasses.replace(MODELS["rf"], version=99)
    monkeypatch.setitem(MODELS._entries, "rf", newer)
    assert Model.parse("rf").key != before


@pytest.mark.parametrize(
    ("name", "classifier"),
    [
        ("rf", lambda seed: RandomForestClassifier(random_state=seed)),
        ("svc", lambda seed: SVC()),
        ("gnb", lambda seed: GaussianNB()),
    ],
)
def test_classical_models_are_scikit_learns(name, classifier):
    seeds = [3, 2**32 + 4, 5]
    fits = Model.parse(name).fit_many(DATA, SETS, seeds, "cpu")
    test = DATA.test.x.reshape(len(DATA.test), -1).astype(float)
    for training_set, seed, fit in zip(SETS, [3, 4, 5], fits, strict=True):
        x = DATA.train.x[training_set.rows].reshape(40, -1).astype(float)
        y = DATA.train.y[training_set.rows]
        expected = classifier(seed).fit(x, y)
        np.testing.assert_array_equal(fit.predictions, expected.predict(test))
        assert fit.train_accuracy == expected.score(x, y)
        assert (fit.epochs, fit.weights) == (0, "")
        assert fit.predictions.dtype == np.int64
        assert fit.seconds > 0


@pytest.mark.parametrize("name", ["rf", "svc", "gnb", "mlp-1:width=8"])
def test_a_class_without_training_images_is_fine(name):
    rows = np.flatnonzero(DATA.train.y % 2 == 0)[:20]
    training_set = TrainingSet(DATA.fingerprint, rows)
    fit = Model.parse(name).fit_many(DATA, [training_set], [0], "cpu")[0]
    assert fit.predictions.shape == (60,)
    if not name.startswith("mlp"):
        assert set(fit.predictions) == {0, 2}


def test_one_class_alone_is_an_error():
    training_set = TrainingSet(DATA.fingerprint, np.flatnonzero(DATA.train.y == 1)[:5])
    with pytest.raises(InputError, match="two classes"):
        Model.parse("svc").fit_many(DATA, [training_set], [0], "cpu")


@pytest.mark.parametrize("depth", [1, 5])
def test_an_mlp_has_its_depth_and_width(depth):
    import torch

    from core.training import PAPER

    fit = Model.parse(f"mlp-{depth}:width=24").fit_many(DATA, SETS[:1], [11], "cpu")[0]
    with torch.random.fork_rng():
        torch.manual_seed(11)
        network = perceptron(DATA, [24] * depth)
        plain, _, epochs = train(network, DATA, SETS[0], PAPER, torch.default_generator)
    assert fit.epochs == pytest.approx(epochs, abs=2)
    assert (fit.predictions == plain).mean() > 0.95
    assert fit.weights == "random"


def test_training_sets_that_do_not_fit_together_are_errors():
    model = Model.parse("gnb")
    with pytest.raises(InputError, match="a seed; got 2 and 1"):
        model.fit_many(DATA, SETS[:2], [0], "cpu")
    with pytest.raises(InputError, match=r"sizes \[30, 40\]"):
        model.fit_many(DATA, [SETS[0], some(DATA, 30, 0)], [0, 1], "cpu")
    with pytest.raises(InputError, match="not of the data set blobs"):
        model.fit_many(DATA, [TrainingSet("other", np.arange(5))], [0], "cpu")
    with pytest.raises(InputError, match="at least one image"):
        model.fit_many(DATA, [TrainingSet(DATA.fingerprint, np.arange(0))], [0], "cpu")
    assert model.fit_many(DATA, [], [], "cpu") == []


def test_divergence_names_the_model(monkeypatch):
    def diverge(*_):
        raise TrainingDiverged

    monkeypatch.setattr("core.training.mlp.train_mlps", diverge)
    with pytest.raises(TrainingDiverged, match="mlp-1:width=8 diverged on blobs with 40 images"):
        Model.parse("mlp-1:width=8").fit_many(DATA, SETS[:1], [0], "cpu")


@pytest.mark.parametrize("name", list(MODELS))
def test_estimates_grow_with_the_work_and_batches_are_positive(name):
    model = Model.parse(name)
    sizes = [100, 300, 1_000, 3_000, 10_000]
    seconds = [model.family.seconds(size, 784, 10_000) for size in sizes]
    assert seconds[0] > 0
    assert seconds == sorted(seconds)
    for device in ("cpu", "cuda", "cuda:1"):
        batches = [model.batch(size, device) for size in sizes]
        assert batches == sorted(batches, reverse=True)
        assert batches[-1] >= 1


def test_only_pretrained_models_have_something_to_settle():
    models = [Model.parse(text) for text in ("rf", "mlp-1:width=8", "resnet18:pretrained=0")]
    assert resolve(models) == (models, [])
