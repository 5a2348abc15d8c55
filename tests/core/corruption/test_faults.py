"""Faults: exact shares, no label flipped to itself, levels that hold each other, their ends."""

from itertools import pairwise

import numpy as np
import pytest
from scipy import sparse

from core import datasets
from core.corruption import prepared
from core.corruption.confusion import confusable
from core.corruption.faults import FAULTS, touched
from core.datasets.base import Dataset, Split, fingerprint
from core.errors import InputError, UnknownName
from core.specs import TrainingSet

OF_IMAGES = [name for name, fault in FAULTS.items() if fault.aspect == "contamination"]
FLIPS = ["flip-random", "flip-to-class", "flip-confusable"]
# How well a perturbation's own clean level leaves images alone is tested with it.
WITH_SHARE = ["remove-class", "relabel-class", *FLIPS]


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture(scope="module")
def colour() -> Dataset:
    """Forty training images of three classes, of which the last has none."""
    rng = np.random.default_rng(0)
    splits = [
        Split(rng.integers(0, 256, (n, 6, 5, 3), dtype=np.uint8), rng.integers(0, 2, n))
        for n in (40, 20)
    ]
    names = ("a", "b", "none")
    return Dataset("colour", "Colour", *splits, names, fingerprint(*splits, names), "", "")


def labels_of(dataset: Dataset, training_set: TrainingSet) -> np.ndarray:
    return prepared(dataset, training_set).y


def flipped(dataset: Dataset, training_set: TrainingSet) -> np.ndarray:
    return np.flatnonzero(labels_of(dataset, training_set) != dataset.train.y[training_set.rows])


def plain(dataset: Dataset) -> TrainingSet:
    return TrainingSet(dataset.fingerprint, np.arange(len(dataset.train)))


@pytest.mark.parametrize("name", FAULTS)
def test_what_changes_nothing_is_the_clean_set(colour, name):
    fault = FAULTS[name]
    if fault.clean is not None:
        assert fault.plan(colour, fault.clean, seed=3).key == plain(colour).key
    if fault.aspect == "contamination":
        level = fault.levels[-1]
        for where in ("train", "test", "both"):
            found = fault.plan(colour, level, seed=3, where=where, share=0)
            assert found.key == plain(colour).key
    elif fault.clean == 0:
        assert fault.levels[-1] > 0
        assert fault.plan(colour, fault.levels[-1], seed=3).key != plain(colour).key


@pytest.mark.parametrize("name", FAULTS)
def test_a_seed_decides_everything(colour, name):
    fault = FAULTS[name]
    level = 0.5 if name in ("remove-class", "keep") else fault.levels[0]
    again = [fault.plan(colour, level, seed=seed, where="train").key for seed in (1, 1, 2)]
    assert again[0] == again[1]
    assert again[0] != again[2] or name == "relabel-class"  # The whole class, whatever the seed.


@pytest.mark.parametrize("share", [0.0, 0.101, 0.5, 1.0])
def test_random_flips_are_an_exact_share_and_never_to_themselves(digits, share):
    for name in ("flip-random", "flip-confusable"):
        found = FAULTS[name].plan(digits, share, seed=0)
        assert flipped(digits, found).size == round(share * len(digits.train))
        assert touched(digits, found) == pytest.approx(share, abs=1e-3)
        assert set(labels_of(digits, found)) <= set(range(10))


def test_random_flips_go_to_all_other_classes_alike(digits):
    found = labels_of(digits, FAULTS["flip-random"].plan(digits, 1, seed=0))
    counts = np.histogram2d(digits.train.y, found, bins=10)[0]
    assert (np.diag(counts) == 0).all()
    off = counts[~np.eye(10, dtype=bool)]
    assert off.min() > 0
    assert ((off - off.mean()) ** 2 / off.mean()).sum() < 80 + 5 * 160**0.5


def test_flips_to_one_class_leave_that_class_alone(digits):
    half = FAULTS["flip-to-class"].plan(digits, 0.5, seed=0, to=3)
    assert (labels_of(digits, half)[flipped(digits, half)] == 3).all()
    assert flipped(digits, half).size == round(0.5 * (digits.train.y != 3).sum())
    assert set(labels_of(digits, FAULTS["flip-to-class"].plan(digits, 1, seed=0, to=3))) == {3}


def test_confusable_flips_follow_the_matrix(digits):
    transition = np.eye(10)
    transition[:, 4] = 3
    transition[:, 7] = 1
    transition[4, 1] = transition[7, 1] = 1e-9
    found = FAULTS["flip-confusable"].plan(digits, 1, seed=0, transition=transition)
    new = labels_of(digits, found)
    others = ~np.isin(digits.train.y, (4, 7))
    assert (new[others] == 4).mean() == pytest.approx(0.75, abs=0.04)
    assert (new[others] == 7).mean() == pytest.approx(0.25, abs=0.04)
    assert set(new[digits.train.y == 4]) == {7}
    for wrong, match in (
        (np.ones((3, 3)), "10 rows"), (-np.ones((10, 10)), "numbers from 0 up"),
        (np.eye(10), "another class"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=match):
            FAULTS["flip-confusable"].plan(digits, 0.1, seed=0, transition=wrong)


def test_classes_alike_are_found_without_the_test_split(digits):
    odds = confusable(digits)
    np.testing.assert_allclose(odds.sum(axis=1), 1)
    assert (np.diag(odds) == 0).all()
    assert odds[8, 1] > 2 * odds[8, 6]  # Eights of 8 x 8 pixels look like ones, not like sixes.
    scrambled = Dataset(
        "scrambled", "", digits.train, Split(digits.test.x[::-1].copy(), digits.test.y),
        digits.classes, "other", "", "", peak=16,
    )  # fmt: skip
    np.testing.assert_array_equal(confusable(scrambled), odds)


@pytest.mark.parametrize("name", WITH_SHARE)
def test_higher_levels_hold_lower_ones(digits, name):
    sets = [FAULTS[name].plan(digits, level, seed=5) for level in (0.1, 0.35, 0.9)]
    if name == "remove-class":
        assert set(sets[0].rows) > set(sets[1].rows) > set(sets[2].rows)
        return
    for less, more in pairwise(sets):
        rows = flipped(digits, less)
        assert set(rows) < set(flipped(digits, more))
        assert np.array_equal(labels_of(digits, less)[rows], labels_of(digits, more)[rows])


@pytest.mark.parametrize("share", [0.25, 1.0])
def test_a_class_is_removed_or_relabelled_by_an_exact_share(digits, share):
    of_class = int((digits.train.y == 7).sum())
    removed = FAULTS["remove-class"].plan(digits, share, seed=0, label=7)
    assert np.bincount(digits.train.y[removed.rows], minlength=10).tolist() == [
        130 if number != 7 else of_class - round(share * of_class) for number in range(10)
    ]
    relabelled = FAULTS["relabel-class"].plan(digits, share, seed=0, label=7, to=1)
    rows = flipped(digits, relabelled)
    assert rows.size == round(share * of_class)
    assert (digits.train.y[rows] == 7).all()
    assert (labels_of(digits, relabelled)[rows] == 1).all()
    for found in (removed, relabelled):
        assert touched(digits, found) == pytest.approx(
            share * of_class / len(digits.train), rel=0.02
        )


def test_a_long_tail_has_its_ratio(digits):
    sets = [FAULTS["long-tail"].plan(digits, ratio, seed=1) for ratio in (2, 10, 100)]
    for ratio, found in zip((2, 10, 100), sets, strict=True):
        counts = np.sort(np.bincount(digits.train.y[found.rows]))[::-1]
        expected = [round(130 * ratio ** (-place / 9)) for place in range(10)]
        assert counts.tolist() == expected
    assert set(sets[0].rows) > set(sets[1].rows) > set(sets[2].rows)


@pytest.mark.parametrize("stratified", [False, True])
def test_a_share_is_kept_exactly(digits, stratified):
    sets = [
        FAULTS["keep"].plan(digits, share, seed=1, stratified=stratified)
        for share in (1.0, 0.5, 0.123, 0.01)
    ]
    assert [found.rows.size for found in sets] == [1300, 650, 160, 13]
    assert all(set(a.rows) > set(b.rows) for a, b in pairwise(sets))
    counts = np.bincount(digits.train.y[sets[2].rows], minlength=10)
    assert bool(np.ptp(counts) <= 1) is stratified
    with pytest.raises(InputError, match="leaves no training row"):
        FAULTS["keep"].plan(digits, 0, seed=1)


@pytest.mark.parametrize("name", [*WITH_SHARE, "keep"])
def test_a_class_without_images_is_no_obstacle(colour, name):
    fault = FAULTS[name]
    for level in {fault.least, fault.most, 0.5} - ({0} if name == "keep" else set()):
        assert fault.plan(colour, level, seed=0).rows.size
    if "label" in fault.choices:
        empty = fault.plan(colour, 1, seed=0, label=2)
        assert empty.key == plain(colour).key
    assert FAULTS["long-tail"].plan(colour, 4, seed=0).rows.size < 40


def test_faults_start_from_given_rows(digits):
    rows = np.arange(0, 600, 2)
    for name in ("remove-class", "flip-random", "keep", "gamma"):
        found = FAULTS[name].plan(digits, 0.5, seed=0, rows=rows)
        assert set(found.rows) <= set(rows)
    assert touched(digits, FAULTS["keep"].plan(digits, 0.5, seed=0, rows=rows), 300) == 0.5


@pytest.mark.parametrize("name", OF_IMAGES)
@pytest.mark.parametrize(("where", "trained", "tested"), [("train", 20, 0), ("both", 20, 10)])
def test_pixels_are_damaged_where_asked(colour, name, where, trained, tested):
    found = FAULTS[name].plan(colour, FAULTS[name].levels[-1], seed=0, where=where, share=0.5)
    data = prepared(colour, found)
    differ = [
        (a != b).any(axis=(1, 2, 3)).sum()
        for a, b in ((data.x, colour.train.x), (data.test_x, colour.test.x))
    ]
    assert differ == [trained, tested]
    assert found.labels is None
    assert touched(colour, found) == 0.5


def test_two_perturbations_hit_the_same_images(colour):
    found = FAULTS["gaussian-noise"].plan(
        colour, 16, seed=0, where="test", share=0.5, second=("gaussian-blur", 5)
    )
    assert [damage.name for damage in found.test_damage] == ["gaussian-noise", "gaussian-blur"]
    data = prepared(colour, found)
    assert (data.test_x != colour.test.x).any(axis=(1, 2, 3)).sum() == 10
    assert touched(colour, found) == 0.5
    with pytest.raises(InputError, match="odd"):
        FAULTS["gaussian-noise"].plan(colour, 16, seed=0, second=("gaussian-blur", 4))


def test_noise_of_the_test_split_is_not_that_of_the_training_split(digits):
    found = FAULTS["gaussian-noise"].plan(digits, 200, seed=0, where="both")
    assert found.train_damage[0].seed != found.test_damage[0].seed


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("flip-random", {"level": 1.1}, "from 0 to 1; got 1.1"),
        ("flip-random", {"where": "test"}, "training split alone"),
        ("flip-random", {"where": "nowhere"}, "nowhere"),
        ("remove-class", {"label": 10}, "from 0 to 9; got 10"),
        ("relabel-class", {"label": 1, "to": 1}, "another one"),
        ("keep", {"stratified": 1}, "true or false"),
        ("gamma", {"share": 2}, "from 0 to 1"),
        ("gamma", {"share": "half"}, "from 0 to 1"),
        ("gamma", {"second": "jpeg"}, "name of a perturbation and a level"),
        ("gamma", {"second": ("blurred", 3)}, "Unknown perturbation"),
        ("gaussian-blur", {"level": 4}, "odd"),
        ("grey", {}, "no colour"),
    ],
)
def test_what_cannot_be_is_refused_in_one_sentence(digits, name, options, match):
    level = options.pop("level", FAULTS[name].levels[0])
    with pytest.raises(InputError, match=match):
        FAULTS[name].plan(digits, level, seed=0, **options)


def test_unknown_choices_and_names_are_refused(digits):
    with pytest.raises(UnknownName, match="choice of keep"):
        FAULTS["keep"].plan(digits, 0.5, seed=0, label=3)
    with pytest.raises(UnknownName, match="fault"):
        FAULTS["nothing"]


def test_pixels_of_a_table_cannot_be_damaged():
    rng = np.random.default_rng(0)
    splits = [Split(rng.random((n, 4)), np.arange(n) % 2) for n in (30, 10)]
    table = Dataset("table", "Table", *splits, ("a", "b"), "table", "", "")
    with pytest.raises(InputError, match="image data; table is table data"):
        FAULTS["gamma"].plan(table, 2, seed=0)
    found = FAULTS["flip-confusable"].plan(table, 0.5, seed=0)
    assert flipped(table, found).size == 15


def test_words_tell_which_classes_of_texts_are_alike():
    """Texts of the first two classes share their words, those of the last have their own."""
    rng = np.random.default_rng(0)
    y = np.arange(300) % 3
    counts = rng.poisson(np.array([[3, 3, 0.01], [3, 3, 0.01], [0.01, 0.01, 3]])[y])
    x = sparse.csr_array(counts.astype(np.float32))
    texts = Dataset("texts", "", Split(x, y), Split(x[:3], y[:3]), ("a", "b", "c"), "texts", "", "")
    odds = confusable(texts)
    assert min(odds[0, 1], odds[1, 0]) > 0.9
    assert flipped(texts, FAULTS["flip-confusable"].plan(texts, 0.5, seed=0)).size == 150
