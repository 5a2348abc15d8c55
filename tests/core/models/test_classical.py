"""Fast paths of scikit-learn's models against scikit-learn: not one label may differ."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from sklearn.naive_bayes import GaussianNB
from sklearn.svm import SVC

from core import datasets
from core.corruption import prepared
from core.datasets.base import Dataset, Split
from core.models import Model, naive_bayes, support_vectors
from core.specs import Damage, TrainingSet
from tests.core.training.plain_training import blobs, some

PEERS: dict[str, Callable[[], Any]] = {"svc": SVC, "gnb": GaussianNB}
NOISY = blobs((6, 6, 1), classes=4, train=400, test=150, noise=120)


def check(data: Dataset, sets: list[TrainingSet], name: str) -> None:
    """Fit all sets in one call, and each by scikit-learn."""
    fits = Model.parse(name).fit_many(data, sets, range(len(sets)), "cpu")
    for training_set, fit in zip(sets, fits, strict=True):
        seen = prepared(data, training_set)
        x, test = (a.reshape(len(a), -1).astype(float) for a in (seen.x, seen.test_x))
        peer = PEERS[name]().fit(x, seen.y)
        np.testing.assert_array_equal(fit.predictions, peer.predict(test))
        assert fit.predictions.dtype == np.int64
        assert fit.train_accuracy == peer.score(x, seen.y)


def with_pixels(data: Dataset, change: Callable[[np.ndarray], np.ndarray]) -> Dataset:
    train, test = (Split(change(part.x.copy()), part.y) for part in (data.train, data.test))
    return replace(data, train=train, test=test)


def relabelled(training_set: TrainingSet, labels: np.ndarray) -> TrainingSet:
    return replace(training_set, labels=labels.astype(np.int64))


@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("size", [5, 40, 300])
@pytest.mark.parametrize("shape", [(6, 6, 1), (5, 4, 3), (20, 20, 3)])
def test_random_subsets(name: str, size: int, shape: tuple[int, int, int]) -> None:
    """Classes differ in size; 1,200 pixels are past what one float32 product may hold."""
    data = blobs(shape, classes=5, train=400, test=100, noise=120)
    check(data, [some(data, size, seed) for seed in range(4)], name)


@pytest.mark.parametrize("name", PEERS)
def test_labels_changed_and_classes_missing_in_some_sets(name: str) -> None:
    rng = np.random.default_rng(0)
    sets = [some(NOISY, 60, seed) for seed in range(5)]
    sets[1] = relabelled(sets[1], rng.integers(0, 4, 60))
    sets[2] = relabelled(sets[2], rng.integers(0, 2, 60) * 3)
    sets[3] = relabelled(sets[3], np.arange(60) == 30)
    check(NOISY, sets, name)


@pytest.mark.parametrize("name", PEERS)
def test_damaged_images(name: str) -> None:
    blur = (Damage("gaussian-blur", 3.0, 0.5, 1),)
    noise = (Damage("gaussian-noise", 16.0, 1.0, 2),)
    sets = [some(NOISY, 40, seed) for seed in range(3)]
    sets[1] = replace(sets[1], train_damage=blur)
    check(NOISY, [replace(one, test_damage=noise) for one in sets], name)


@pytest.mark.parametrize("name", PEERS)
def test_constant_pixels_and_two_values(name: str) -> None:
    """Variances of almost nothing, and equal distances by the dozen."""

    def black_and_white(x: np.ndarray) -> np.ndarray:
        x = np.where(x > 128, 255, 0).astype(np.uint8)
        x[:, :3], x[:, 3] = 255, 0
        return x

    data = with_pixels(NOISY, black_and_white)
    check(data, [some(data, size, 0) for size in (12,)], name)
    check(data, [some(data, 200, seed) for seed in range(3)], name)


@pytest.mark.parametrize("name", PEERS)
def test_exact_ties(name: str) -> None:
    """Every image is there with either label, so that decisions and likelihoods are equal."""
    x = np.repeat(NOISY.train.x[:30], 2, axis=0)
    y = np.arange(60) % 2
    train = Split(x, y)
    data = replace(
        NOISY, train=train, classes=("a", "b"), test=Split(NOISY.test.x, y[:1].repeat(150))
    )
    check(data, [TrainingSet(data.fingerprint, np.arange(60))], name)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # scikit-learn's own, of variances of 0
@pytest.mark.parametrize("name", PEERS)
def test_images_all_of_one_colour(name: str) -> None:
    data = with_pixels(NOISY, lambda x: np.full_like(x, 7))
    check(data, [some(data, 20, 0)], name)


@pytest.mark.parametrize("name", PEERS)
def test_tables_are_fitted_by_scikit_learn(name: str) -> None:
    x = np.random.default_rng(3).normal(size=(300, 7)) + np.arange(300)[:, None] % 3
    splits = (
        Split(np.ascontiguousarray(x[a:b]), np.arange(a, b) % 3) for a, b in ((0, 200), (200, 300))
    )
    data = Dataset("made-up", "", *splits, ("a", "b", "c"), "made-up", "", "", peak=1)
    check(data, [some(data, 80, seed) for seed in range(2)], name)


@pytest.mark.parametrize("name", PEERS)
def test_a_fit_does_not_depend_on_the_sets_beside_it(name: str) -> None:
    sets = [some(NOISY, 60, seed) for seed in range(6)]
    model = Model.parse(name)
    together = model.fit_many(NOISY, sets, range(6), "cpu")
    for number in (0, 3, 5):
        (alone,) = model.fit_many(NOISY, sets[number : number + 1], [9], "cpu")
        np.testing.assert_array_equal(alone.predictions, together[number].predictions)
        assert alone.train_accuracy == together[number].train_accuracy


def test_sets_too_large_for_a_matrix_of_kernel_values(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(support_vectors, "LARGEST_GRAM", 8 * 59**2)
    check(NOISY, [some(NOISY, 60, seed) for seed in range(2)], "svc")


def test_sets_too_large_for_exact_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naive_bayes, "MOST_IMAGES", 59)
    check(NOISY, [some(NOISY, 60, seed) for seed in range(2)], "gnb")


@pytest.mark.parametrize("limit", [8 * 59**2, support_vectors.LARGEST_GRAM])
def test_where_rounding_could_decide_libsvm_is_asked(
    limit: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With errors taken to be huge, every image goes that way, to the same labels."""
    monkeypatch.setattr(support_vectors, "LARGEST_GRAM", limit)
    machine = support_vectors.Machine(NOISY.train.x[:60], NOISY.train.y[:60])
    points = support_vectors.Points.of(NOISY.test.x)
    labels = machine.labels(points)
    monkeypatch.setattr(machine, "_error", np.full_like(machine._error, np.inf))
    np.testing.assert_array_equal(machine.labels(points), labels)


def test_where_rounding_could_decide_scikit_learn_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(naive_bayes.Gaussians, "error", 1.0)
    asked = []
    fit = naive_bayes._naive_bayes
    monkeypatch.setattr(naive_bayes, "_naive_bayes", lambda *a: asked.append(a) or fit(*a))
    check(NOISY, [some(NOISY, 60, seed) for seed in range(2)], "gnb")
    assert len(asked) == 2


def test_kernel_values_are_those_that_libsvm_keeps() -> None:
    """In float32, of exact distances; some are forced to the last bit by NumPy's exp alone."""
    import math

    points = support_vectors.Points.of(NOISY.train.x)
    gamma = 1.7e-6
    x = NOISY.train.x.reshape(400, -1).astype(int)
    squared = ((x[:, None] - x) ** 2).sum(axis=2)
    expected = np.array([[math.exp(-gamma * value) for value in row] for row in squared.tolist()])
    found = support_vectors.gram(points, gamma)
    np.testing.assert_array_equal(found.astype(np.float32), expected.astype(np.float32))
    np.testing.assert_array_equal(found, found.T)


def test_where_single_precision_could_decide_double_is_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """One in three images lies between two classes to five digits: those alone go that way."""
    x = np.zeros((40, 20, 20, 1), np.uint8)
    y = np.arange(40) % 2
    x[:, :, :2] = np.random.default_rng(0).integers(0, 256, (40, 20, 2, 1))
    x[:, 2, 2, 0] = np.where(y, 254, 1) + np.arange(40) // 2 % 2
    test = x[:30].copy()
    test[::3] = 0
    test[::3, 2, 2] = 128
    data = replace(
        NOISY, train=Split(x, y), test=Split(test, y[:30]), classes=("a", "b"), left_out=()
    )
    asked: list[int] = []
    labels = naive_bayes.Gaussians.labels
    monkeypatch.setattr(
        naive_bayes.Gaussians,
        "labels",
        lambda self, some: asked.append(len(some)) or labels(self, some),
    )
    check(data, [TrainingSet(data.fingerprint, np.arange(40))], "gnb")
    assert asked == [10]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_bounds_hold_the_likelihoods_of_scikit_learn(dtype: type[np.floating[Any]]) -> None:
    """Squares and sums cancel most where a class never varies; the bounds must still hold."""
    x = NOISY.train.x[:200].copy()
    x[NOISY.train.y[:200] == 1, :4] = 250
    model = naive_bayes.Gaussians(x, NOISY.train.y[:200])
    peer = GaussianNB().fit(x.reshape(200, -1).astype(float), NOISY.train.y[:200])
    test = NOISY.test.x.reshape(150, -1)
    exact = peer.predict_joint_log_proba(test.astype(float)).T
    terms = [getattr(model, name).astype(dtype) for name in naive_bayes.TERMS]
    single = dtype is np.float32
    error = model.error + naive_bayes.single_error(36) * single
    least, most = naive_bayes.bounds(test, terms, error)
    assert least.dtype == most.dtype == dtype
    assert (least <= exact).all()
    assert (exact <= most).all()
    assert np.abs(least / 2 + most / 2 - exact).max() > 0
    assert (most - least < (1e-3 if single else 1e-6) * np.abs(exact) + 1).all()


@pytest.mark.skipif(not os.environ.get("XFACTOR_DATA"), reason="XFACTOR_DATA is not set")
@pytest.mark.parametrize("name", PEERS)
@pytest.mark.parametrize("data", ["digits", "mnist"])
def test_real_images(data: str, name: str, tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path))
    whole = datasets.load(data)
    test = Split(whole.test.x[:500], whole.test.y[:500])
    check(replace(whole, test=test), [some(whole, 150, seed) for seed in range(3)], name)
