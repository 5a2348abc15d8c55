"""What holds for every strategy: the draw, balance, seeds, registry and errors."""

from itertools import pairwise

import numpy as np
import pytest

from core.errors import InputError, NotEnoughImages, UnknownName
from core.selection import STRATEGIES, geometry, select, select_many
from core.selection.single import select_class
from core.specs import Selection
from tests.core.selection.oracle import dataset, draw

CHOICES = [(s.name, d) for s in STRATEGIES.values() for d in s.directions]
SELECTED = [(name, direction) for name, direction in CHOICES if direction]
RNG = np.random.default_rng(0)
LABELS = RNG.permutation([0] * 40 + [1] * 55 + [2] * 70)
MADE = dataset(RNG.integers(0, 256, size=(165, 12)), LABELS, classes=["ant", "bee", "cow"])


def recipe(name, direction, per_class=10, excess=15, seed=5):
    return Selection(name, direction, per_class, excess if direction else 0, seed)


def test_the_registry_has_the_papers_strategies_and_those_that_aim_to_improve():
    paper, better = list(STRATEGIES)[:5], list(STRATEGIES)[5:]
    assert paper == ["random", "uniqueness", "global_mean", "other_mean", "own_mean"]
    assert better == ["prototype", "k_center", "herding", "facility_location"]
    assert {name for name, _ in SELECTED} == set(STRATEGIES) - {"random"}
    assert len(SELECTED) == 8 + 5
    assert all(entry.title and entry.summary.endswith(".") for entry in STRATEGIES.values())


@pytest.mark.parametrize(("name", "direction"), CHOICES)
def test_every_class_gives_the_same_number_of_its_own_images(name, direction):
    subset = select(MADE, recipe(name, direction))
    size = 25 if direction else 10
    assert subset.pool.shape == subset.kept.shape == subset.distances.shape == (3, size)
    assert (subset.pool.dtype, subset.kept.dtype) == (np.int32, np.bool_)
    assert subset.distances.dtype == np.float64
    assert (subset.kept.sum(axis=1) == 10).all()
    assert (LABELS[subset.pool] == np.arange(3)[:, None]).all()
    assert (np.diff(subset.pool, axis=1) > 0).all()
    assert subset.rows.tolist() == sorted(subset.pool[subset.kept].tolist())
    assert np.isnan(subset.distances).any() == (name in ("random", "herding"))
    assert not any(a.flags.writeable for a in (subset.pool, subset.kept, subset.distances))


@pytest.mark.parametrize(("name", "direction"), SELECTED)
def test_the_pool_depends_on_seed_class_and_size_alone(name, direction):
    subset = select(MADE, recipe(name, direction))
    for label, rows in enumerate(subset.pool):
        members = np.flatnonzero(label == LABELS).tolist()
        assert rows.tolist() == draw(members, 25, 5, label)
    assert (subset.pool == select(MADE, recipe("random", "", per_class=25)).pool).all()


def test_pools_are_nested_as_excess_grows():
    pools = [
        set(select(MADE, recipe("own_mean", "+", 10, m)).pool.ravel()) for m in range(0, 30, 5)
    ]
    assert all(smaller < larger for smaller, larger in pairwise(pools))


@pytest.mark.parametrize(("name", "direction"), CHOICES)
def test_same_seed_same_rows_another_seed_others(name, direction):
    rows = [select(MADE, recipe(name, direction, seed=seed)).rows.tolist() for seed in (1, 1, 2)]
    assert rows[0] == rows[1] != rows[2]


@pytest.mark.parametrize(("name", "direction"), SELECTED)
def test_without_excess_the_draw_is_kept_whole(name, direction):
    subset = select(MADE, recipe(name, direction, excess=0))
    assert subset.kept.all()
    assert subset.rows.tolist() == select(MADE, recipe("random", "")).rows.tolist()


@pytest.mark.parametrize("name", ["global_mean", "other_mean", "own_mean"])
@pytest.mark.parametrize("direction", ["+", "-"])
def test_more_to_choose_from_never_makes_a_mean_strategys_choice_worse(name, direction):
    sums = []
    for excess in (0, 5, 10, 20, 30):
        subset = select(MADE, recipe(name, direction, excess=excess))
        sums.append([d[k].sum() for d, k in zip(subset.distances, subset.kept, strict=True)])
    grows = (name == "own_mean") == (direction == "-")
    assert (np.diff(sums, axis=0) * (1 if grows else -1) >= 0).all()


def test_many_at_once_are_what_each_is_alone():
    selections = [
        recipe(name, direction, per_class, excess, seed)
        for name, direction in CHOICES
        for per_class, excess in ((1, 1), (5, 20), (20, 5), (20, 20), (5, 0))
        for seed in (0, 1)
    ]
    selections = [selections[k] for k in np.random.default_rng(0).permutation(len(selections))]
    together = select_many(MADE, selections)
    assert [subset.selection for subset in together] == selections
    for subset in together:
        alone = select(MADE, subset.selection, geometry(MADE))
        for field in ("pool", "kept", "distances"):
            np.testing.assert_array_equal(getattr(subset, field), getattr(alone, field))


@pytest.mark.parametrize(("name", "direction"), CHOICES)
def test_one_class_alone_is_what_it_is_among_the_others(name, direction):
    whole = select(MADE, recipe(name, direction))
    for label in range(3):
        alone = select_class(geometry(MADE), recipe(name, direction), label)
        for field in ("pool", "kept", "distances"):
            expected = getattr(whole, field)[label : label + 1]
            np.testing.assert_array_equal(getattr(alone, field), expected)


def test_one_class_alone_is_refused_where_another_has_too_few_images():
    with pytest.raises(NotEnoughImages, match="'ant' has 40 training images"):
        select_class(geometry(MADE), recipe("own_mean", "+", 30, 11), label=2)


def test_nothing_to_select_gives_nothing():
    assert select_many(MADE, []) == []


def test_too_few_images_names_class_need_and_what_there_is():
    with pytest.raises(NotEnoughImages, match=r"'ant' has 40 training images.* = 41 are needed"):
        select(MADE, recipe("own_mean", "+", 30, 11))
    assert select(MADE, recipe("own_mean", "+", 30, 10)).pool.shape == (3, 40)


def test_an_unknown_strategy_lists_the_known_ones():
    with pytest.raises(UnknownName, match="known: random, uniqueness, global_mean, other_mean"):
        select(MADE, recipe("best", "+"))


@pytest.mark.parametrize(
    ("name", "direction", "excess", "message"),
    [
        ("random", "+", 0, 'random takes direction ""; got "\\+"'),
        ("uniqueness", "", 5, 'uniqueness takes direction "\\+" or "-"; got ""'),
        ("herding", "-", 5, 'herding takes direction "\\+"; got "-"'),
        ("own_mean", "up", 5, 'own_mean takes direction "\\+" or "-"; got "up"'),
        ("random", "", 5, "random discards nothing, so excess must be 0; got 5"),
    ],
)
def test_direction_and_excess_must_suit_the_strategy(name, direction, excess, message):
    with pytest.raises(InputError, match=message):
        select(MADE, Selection(name, direction, 10, excess, 0))


def test_the_geometry_of_another_data_set_is_refused():
    other = dataset([[1], [2]], [0, 1])
    object.__setattr__(other, "fingerprint", "another")
    with pytest.raises(ValueError, match="another data set"):
        select(MADE, recipe("random", ""), geometry(other))
