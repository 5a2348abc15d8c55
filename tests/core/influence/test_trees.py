"""Boosted trees: the replay is the library's model, the reverse sweep its derivative."""

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer, load_digits
from sklearn.ensemble import HistGradientBoostingClassifier

from core.errors import InputError
from core.influence import influence
from core.influence.trees import leaf_influence, mean_loss, predict, replay, structure


def boosted(**options) -> HistGradientBoostingClassifier:
    return HistGradientBoostingClassifier(
        **{"max_iter": 12, "max_leaf_nodes": 6, "early_stopping": False, **options}
    )


@pytest.fixture(scope="module")
def binary():
    x, y = load_breast_cancer(return_X_y=True)
    return (x[:300], y[:300]), (x[300:], y[300:])


@pytest.fixture(scope="module")
def multiclass():
    x, y = load_digits(n_class=4, return_X_y=True)
    return (x[:300], y[:300]), (x[300:500], y[300:500])


def val_loss(boosting, leaves, val_leaves, targets, val_targets, weights) -> float:
    replayed = replay(boosting, leaves, targets, weights)
    return mean_loss(predict(boosting, replayed, val_leaves), val_targets)


@pytest.mark.parametrize("which", ["binary", "multiclass"])
@pytest.mark.parametrize("options", [{}, {"learning_rate": 0.4, "l2_regularization": 0.7}])
def test_scores_are_finite_differences_of_the_replay(which, options, request) -> None:
    train, val = request.getfixturevalue(which)
    model = boosted(**options).fit(*train)
    scores, certificate = leaf_influence(model, train, val)
    assert certificate.margin_error <= 1e-5
    boosting = structure(model)
    fixed = (
        boosting,
        boosting.leaves(train[0]),
        boosting.leaves(val[0]),
        boosting.targets(train[1]),
        boosting.targets(val[1]),
    )
    n, step = len(scores), 1e-4
    difference = []
    rows = np.append(np.argsort(-np.abs(scores))[:10], np.arange(0, n, 29))
    for row in rows:
        change = np.zeros(n)
        change[row] = step
        ends = [val_loss(*fixed, 1 + sign * change) for sign in (2, 1, -1, -2)]
        difference.append(np.dot(ends, [-1, 8, -8, 1]) / (12 * step))
    reached = np.abs(scores[rows] / n - difference).max() / np.abs(difference).max()
    assert reached <= 1e-6


def test_the_mean_loss_is_the_librarys(binary, multiclass) -> None:
    for train, (vx, vy) in (binary, multiclass):
        model = boosted().fit(*train)
        boosting = structure(model)
        margins = model.decision_function(vx).reshape(len(vx), -1)
        probabilities = model.predict_proba(vx)[np.arange(len(vy)), vy]
        assert mean_loss(margins, boosting.targets(vy)) == pytest.approx(
            -np.log(probabilities).mean()
        )


def test_planted_flips_are_harmful_and_the_dispatch_finds_the_trees(binary) -> None:
    (x, y), val = binary
    y = y.copy()
    flipped = np.random.default_rng(0).permutation(len(y))[:30]
    y[flipped] = 1 - y[flipped]
    scores, certificate = influence(boosted().fit(x, y), (x, y), val, train_seconds=1.0)
    assert scores[flipped].mean() > 0 > np.delete(scores, flipped).mean()
    assert certificate.method == "leaf"
    assert certificate.train_share == certificate.seconds
    assert "12 trees replayed" in certificate.words


def test_trees_without_a_split_change_nothing(multiclass) -> None:
    train, val = multiclass
    model = boosted(max_iter=150, max_leaf_nodes=31).fit(*train)
    assert any(len(tree.nodes) == 1 for trees in model._predictors for tree in trees)
    scores, certificate = leaf_influence(model, train, val)
    assert certificate.margin_error <= 1e-5
    assert np.isfinite(scores).all()


def test_class_numbers_may_have_gaps(multiclass) -> None:
    (x, y), (vx, vy) = multiclass
    plain = leaf_influence(boosted().fit(x, y), (x, y), (vx, vy)).scores
    gaps = leaf_influence(boosted().fit(x, 3 * y + 1), (x, 3 * y + 1), (vx, 3 * vy + 1)).scores
    np.testing.assert_allclose(gaps, plain)


@pytest.mark.parametrize(
    ("options", "weights", "message"),
    [
        ({"early_stopping": True}, False, "early_stopping=False"),
        ({"class_weight": "balanced"}, False, "class weights"),
        ({}, True, "sample or class weights"),
        ({"categorical_features": [0]}, False, "one-hot"),
    ],
)
def test_models_that_cannot_be_replayed_are_refused(options, weights: bool, message: str) -> None:
    rng = np.random.default_rng(0)
    x = np.column_stack([rng.integers(0, 4, 200), rng.normal(size=200)]).astype(float)
    y = ((x[:, 0] % 2) + rng.normal(size=200) > 0.3).astype(int)
    weight = rng.uniform(0.5, 2, 200) if weights else None
    model = boosted(**options).fit(x, y, sample_weight=weight)
    with pytest.raises(InputError, match=message):
        leaf_influence(model, (x, y), (x, y))


def test_other_rows_than_the_model_was_fitted_on_are_refused(binary) -> None:
    (x, y), val = binary
    model = boosted().fit(x[:200], y[:200])
    with pytest.raises(InputError, match="exactly these rows"):
        leaf_influence(model, (x, y), val)
    with pytest.raises(InputError, match="class 2 that the training set lacks"):
        leaf_influence(model, (x, y), (x, np.full(len(x), 2)))
    with pytest.raises(InputError, match="NaN or infinite"):
        leaf_influence(model, (x * np.nan, y), val)
