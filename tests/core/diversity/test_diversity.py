"""Measures of subsets against closed forms, the packages, scikit-learn and naive loops."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from sklearn.metrics import calinski_harabasz_score, silhouette_score

from core import datasets, diversity
from core.diversity import MEASURES, Points, lcr, neighbours, separability, spectrum
from core.errors import InputError
from core.selection.distances import squared_distances
from core.specs import TrainingSet


def cloud(per_class: int = 5, classes: int = 3, seed: int = 0, scale: float = 40.0) -> Points:
    """Random images whose classes differ in brightness."""
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(classes), per_class)
    images = rng.integers(0, 120, size=(len(labels), 12)) + 40 * labels[:, None]
    return Points(squared_distances(images.astype(np.uint8)), labels, 12, scale)


def far_apart(per_class: int = 4, classes: int = 3) -> Points:
    """Images that are alike in nothing."""
    n = per_class * classes
    squared = np.full((n, n), 1e12)
    np.fill_diagonal(squared, 0)
    return Points(squared, np.repeat(np.arange(classes), per_class), 1, 1.0)


class TestClosedForms:
    def test_equal_images_count_as_one(self) -> None:
        labels = np.repeat([0, 1, 2], 4)
        same = Points(np.zeros((12, 12), dtype=np.int32), labels, 9, 30.0)
        found = diversity.measure(same)
        for q in (0, 1, 2):
            assert found[f"gamma_q{q}"] == pytest.approx(1)
            assert found[f"alpha_q{q}"] == pytest.approx(3)  # one for each class, counted apart
            assert found[f"rho_q{q}"] == pytest.approx(3)
            assert found[f"beta_q{q}_near"] == pytest.approx(1 / 3)
        assert found["vendi"] == pytest.approx(1)
        assert found["nearest"] == found["nearest_same"] == found["nearest_other"] == 0
        assert np.isnan(found["calinski_harabasz"])

    def test_images_alike_in_nothing_count_each(self) -> None:
        found = diversity.measure(far_apart())
        for q in (0, 1, 2):
            assert found[f"alpha_q{q}"] == found[f"gamma_q{q}"] == pytest.approx(12)
            assert found[f"beta_q{q}"] == found[f"rho_q{q}"] == pytest.approx(1)
        assert found["vendi"] == pytest.approx(12)
        assert found["nearest"] == pytest.approx(1e6)

    def test_two_images(self) -> None:
        """Gamma at q = 2 is 1 / mean similarity; the spectrum of two is (1 ± s) / 2."""
        pair = Points(np.array([[0, 4], [4, 0]]), np.array([0, 1]), 1, 3.0)
        s = np.exp(-2 / 3)
        assert lcr.diversities(pair)["gamma", 2] == pytest.approx(2 / (1 + s))
        halves = np.array([(1 + s) / 2, (1 - s) / 2])
        assert spectrum.vendi(pair) == pytest.approx(np.exp(-(halves * np.log(halves)).sum()))
        assert neighbours.nearest_other(pair) == 2
        assert np.isnan(neighbours.nearest_same(pair))
        assert np.isnan(separability.silhouette(pair))

    def test_without_similarity_balanced_subsets_do_not_differ(self) -> None:
        """Why diversities without similarity are no measures here."""
        found = lcr.diversities(replace(cloud(), scale=1e-9))
        assert [found[name, 1] for name in lcr.MEASURES] == pytest.approx([15, 1, 15, 1])

    def test_a_single_image(self) -> None:
        found = diversity.measure(Points(np.zeros((1, 1)), np.array([3]), 4, 1.0))
        assert found["vendi"] == found["alpha_q1"] == pytest.approx(1)
        assert np.isnan(found["nearest"])


class TestOracles:
    def test_lcr_by_its_definition(self) -> None:
        """Reeve et al., table 2: power means of order 1 − q of the diversity of each image."""
        points = cloud()
        z, n = points.similarity, 15
        p = points.members / n
        whole = z @ p.sum(axis=1, keepdims=True)
        ratios = {
            "alpha": 1 / (z @ p), "gamma": np.broadcast_to(1 / whole, p.shape),
            "rho": whole / (z @ p), "beta": whole / (z @ p),
        }  # fmt: skip
        found = lcr.diversities(points)
        for name, ratio in ratios.items():
            inside = [ratio[p[:, c] > 0, c] for c in range(3)]
            arithmetic = np.array([values.mean() for values in inside])
            if name == "beta":
                arithmetic = 1 / arithmetic
            assert found[name, 0] == pytest.approx(arithmetic.mean())
            if name != "beta":
                geometric = np.exp(np.mean(np.log(np.concatenate(inside))))
                harmonic = 1 / np.mean(1 / np.concatenate(inside))
                assert found[name, 1] == pytest.approx(geometric)
                assert found[name, 2] == pytest.approx(harmonic)

    def test_the_vendi_score_is_that_of_the_other_package(self) -> None:
        from sentropy.spectral import vendi_score

        points = cloud(8)
        other = vendi_score(np.ones((24, 1)), similarity=points.similarity, level="overall")
        assert spectrum.vendi(points) == pytest.approx(float(other))

    def test_nearest_by_a_naive_loop(self) -> None:
        points = cloud(6)
        allowed = {
            neighbours.nearest: lambda a, b: True,
            neighbours.nearest_same: lambda a, b: a == b,
            neighbours.nearest_other: lambda a, b: a != b,
        }
        for function, fits in allowed.items():
            distances = [
                min(
                    (points.squared[i, j] / 12) ** 0.5
                    for j in range(18)
                    if i != j and fits(points.labels[i], points.labels[j])
                )
                for i in range(18)
            ]
            assert function(points) == pytest.approx(np.mean(distances))

    def test_separability_is_scikit_learn_s_on_the_pixels(self) -> None:
        digits = datasets.load("digits")
        rows = np.concatenate([np.flatnonzero(digits.train.y == c)[:7] for c in range(10)])
        pixels, labels = digits.train.x[rows].reshape(70, -1), digits.train.y[rows]
        points = diversity.of_subset(
            digits, TrainingSet(digits.fingerprint, rows.astype(np.int32)), 4.0
        )
        assert separability.calinski_harabasz(points) == pytest.approx(
            calinski_harabasz_score(pixels, labels)
        )
        assert separability.silhouette(points) == pytest.approx(silhouette_score(pixels, labels))


def test_order_of_images_and_names_of_classes_do_not_matter() -> None:
    points = cloud(6)
    order = np.random.default_rng(1).permutation(18)
    moved = Points(points.squared[np.ix_(order, order)], 7 - points.labels[order], 12, 40.0)
    before, after = diversity.measure(points), diversity.measure(moved)
    assert list(before) == list(after) == list(MEASURES)
    for name, value in before.items():
        assert after[name] == pytest.approx(value), name


def test_typical_distance_is_the_mean_over_all_pairs() -> None:
    digits = datasets.load("digits")
    squared = squared_distances(digits.train.x.reshape(len(digits.train), -1))
    n = len(squared)
    expected = (squared.sum(dtype=np.int64) / (n * (n - 1)) / 64) ** 0.5
    assert diversity.typical_distance(digits) == pytest.approx(expected, rel=1e-12)


def test_of_a_large_subset_as_many_images_of_each_class(monkeypatch: pytest.MonkeyPatch) -> None:
    digits = datasets.load("digits")
    rows = np.concatenate([np.flatnonzero(digits.train.y == c)[:9] for c in range(10)])
    training_set = TrainingSet(digits.fingerprint, rows.astype(np.int32))
    assert len(diversity.of_subset(digits, training_set, 1.0).labels) == 90
    monkeypatch.setattr(diversity, "MOST_IMAGES", 40)
    some = diversity.of_subset(digits, training_set, 1.0)
    assert np.bincount(some.labels).tolist() == [4] * 10
    again = diversity.of_subset(digits, training_set, 1.0)
    assert (some.squared == again.squared).all()


@pytest.mark.parametrize(("shape", "scale"), [((3, 2), 1.0), ((3, 3), 0.0)])
def test_what_does_not_fit_is_refused(shape: tuple[int, int], scale: float) -> None:
    with pytest.raises(InputError, match=r"distances of shape|scale"):
        Points(np.zeros(shape), np.zeros(3, dtype=np.int64), 4, scale)
