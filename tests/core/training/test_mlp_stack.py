import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch

from core.corruption import prepared
from core.datasets.base import Split
from core.errors import TrainingDiverged
from core.specs import TrainingSet
from core.training import PAPER, Recipe
from core.training.mlp import Member, Stack, train_mlps
from tests.core.training.plain_training import blobs, perceptron, some, train

SMALL = Recipe(batch=20, min_epochs=5, max_epochs=60, rates=((1, 1e-2),))


def stack_of(dataset, sets, seeds, hidden, recipe=SMALL):
    members = [
        Member(number, prepared(dataset, training_set), seed)
        for number, (training_set, seed) in enumerate(zip(sets, seeds, strict=True))
    ]
    return Stack(dataset, members, hidden, "cpu", recipe)


def perceptron_at_first(dataset, seed, hidden):
    """Weights of the first layer before training."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return perceptron(dataset, hidden)[1].weight.detach()


def plain(dataset, training_set, seed, hidden, recipe):
    """As people write it: one seed for torch, a network, a loop. Gives the network too."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = perceptron(dataset, hidden)
        return network, train(network, dataset, training_set, recipe, torch.default_generator)


@pytest.mark.parametrize(
    ("shape", "hidden"), [((8, 8, 1), [16]), ((6, 5, 3), [24, 24, 24]), ((28, 28, 1), [128])]
)
def test_a_few_epochs_give_the_weights_of_plain_torch(shape, hidden):
    dataset = blobs(shape)
    recipe = Recipe(batch=20, min_epochs=4, max_epochs=4)
    sets = [some(dataset, 50, seed) for seed in range(3)]
    stack = stack_of(dataset, sets, [5, 6, 7], hidden, recipe)
    for epoch in range(1, 5):
        stack.train(recipe.learning_rate(epoch))
    for place, training_set in enumerate(sets):
        network, _ = plain(dataset, training_set, 5 + place, hidden, recipe)
        linear = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
        for layer, (weight, bias) in zip(linear, stack.layers, strict=True):
            for padded, expected in ((weight[place], layer.weight), (bias[place, 0], layer.bias)):
                inside = padded[tuple(slice(size) for size in expected.shape)]
                torch.testing.assert_close(inside, expected.data, atol=1e-5, rtol=0)
                assert padded.count_nonzero() == inside.count_nonzero()


def partly_dark():
    """Every second training image is black from row 20 down; so are no test images."""
    dataset = blobs((28, 28, 1), train=240)
    x = dataset.train.x.copy()
    x[::2, 20:] = 0
    return replace(dataset, train=Split(x, dataset.train.y))


def test_features_that_no_row_has_keep_the_weights_that_they_began_with():
    dataset = partly_dark()
    dark = TrainingSet(dataset.fingerprint, np.arange(0, 100, 2))
    recipe = Recipe(batch=20, min_epochs=4, max_epochs=4)
    stack = stack_of(dataset, [dark], [5], [16, 16], recipe)
    assert stack.images.shape[2] == 576, "560 features that vary, rounded up to 64s"
    for epoch in range(1, 5):
        stack.train(recipe.learning_rate(epoch))
    network, (predictions, *_) = plain(dataset, dark, 5, [16, 16], recipe)
    expected = [layer for layer in network if isinstance(layer, torch.nn.Linear)]
    with torch.no_grad():
        kept = stack.network(stack.whole(0))
    found = [layer for layer in kept if isinstance(layer, torch.nn.Linear)]
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.weight, other.weight, atol=1e-5, rtol=0)
        torch.testing.assert_close(one.bias, other.bias, atol=1e-5, rtol=0)
    first = perceptron_at_first(dataset, 5, [16, 16])
    assert torch.equal(found[0].weight[:, 576:], first[:, 576:])
    (fit,) = train_mlps(dataset, [dark], [5], [16, 16], "cpu", recipe)
    assert (fit.predictions == predictions).mean() > 0.98


def test_sets_that_use_other_features_train_as_if_alone():
    dataset = partly_dark()
    halves = [np.arange(start, 240, 2) for start in (0, 1)]
    sets = [TrainingSet(dataset.fingerprint, halves[i % 2][i : i + 43]) for i in range(5)]
    kept = {}
    fits = train_mlps(dataset, sets, range(5), [24], "cpu", SMALL, kept.__setitem__)
    for number, training_set in enumerate(sets):
        (alone,) = train_mlps(dataset, [training_set], [number], [24], "cpu", SMALL)
        assert same(fits[number], alone)
    assert sorted(kept) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("hidden", [[32], [32, 32, 32]])
def test_early_stop_and_predictions_are_those_of_plain_torch(hidden):
    dataset = blobs(noise=60)
    sets = [some(dataset, 100, seed) for seed in range(4)]
    fits = train_mlps(dataset, sets, range(4), hidden, "cpu")
    for seed, (training_set, fit) in enumerate(zip(sets, fits, strict=True)):
        _, (predictions, accuracy, epochs) = plain(dataset, training_set, seed, hidden, PAPER)
        # Sums are taken in another order: hundreds of steps later an epoch more or less is right.
        assert fit.epochs == pytest.approx(epochs, abs=2)
        assert fit.train_accuracy == pytest.approx(accuracy, abs=0.011)
        assert (fit.predictions == predictions).mean() > 0.98
    assert len({fit.epochs for fit in fits}) > 1, "the test wants stacks that thin out"


def same(a, b):
    return (a.epochs, a.train_accuracy) == (b.epochs, b.train_accuracy) and np.array_equal(
        a.predictions, b.predictions
    )


@pytest.mark.parametrize("size", [2, 4, 7])
def test_a_member_does_not_depend_on_its_stack(size):
    dataset = blobs((5, 7, 1), classes=10, train=400, noise=60)
    sets = [some(dataset, 43, seed) for seed in range(7)]
    alone = [train_mlps(dataset, [s], [i], [24, 24], "cpu", SMALL)[0] for i, s in enumerate(sets)]
    assert len({fit.epochs for fit in alone}) > 1
    for first in range(0, 7, size):
        members = [(first + i) % 7 for i in range(size)]
        fits = train_mlps(dataset, [sets[i] for i in members], members, [24, 24], "cpu", SMALL)
        assert all(same(fit, alone[i]) for i, fit in zip(members, fits, strict=True))


@pytest.mark.parametrize(("features", "hidden"), [((5, 7, 1), [13, 13]), ((28, 28, 1), [128])])
def test_weights_are_equal_to_the_bit_in_every_stack(features, hidden):
    dataset = blobs(features, classes=7)
    sets = [some(dataset, 43, seed) for seed in range(5)]

    def stack(members):
        return stack_of(dataset, [sets[i] for i in members], members, hidden)

    together, alone = stack([0, 1, 2, 3, 4]), stack([3])
    for epoch in range(1, 11):
        together.train(SMALL.learning_rate(epoch))
        alone.train(SMALL.learning_rate(epoch))
        if epoch in (3, 6):
            together.drop([1])
    assert together.members == [0, 3, 4]
    assert torch.equal(together.weights[1], alone.weights[0])


def test_the_short_check_of_accuracy_never_misses_the_end():
    dataset = blobs(noise=90)
    sets = [some(dataset, 100, seed) for seed in range(3)]
    stack = stack_of(dataset, sets, [1, 2, 3], [32])
    passed = set()
    for epoch, least in itertools.product(range(1, 40), (0.7, 0.9)):
        if least == 0.7:
            stack.train(1e-3)
        outputs = stack._outputs(stack.images, stack.layers)
        right = (outputs.argmax(2) == stack.labels).double().mean(1).tolist()
        expected = {place: share for place, share in enumerate(right) if share >= least}
        assert stack.learnt(least) == expected, epoch
        passed.add(len(expected))
    assert passed == {0, 1, 2, 3}


def test_training_leaves_global_state_alone():
    dataset = blobs()
    torch.set_num_threads(2)
    before = torch.get_rng_state()
    train_mlps(dataset, [some(dataset, 20, 0)], [0], [8], "cpu", SMALL)
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == 2


def test_seconds_are_shared_by_epochs():
    dataset = blobs(noise=60)
    sets = [some(dataset, 43, seed) for seed in range(4)]
    fits = train_mlps(dataset, sets, range(4), [24], "cpu", SMALL)
    rates = [fit.seconds / fit.epochs for fit in fits]
    assert min(rates) > 0
    assert rates == pytest.approx([rates[0]] * 4)


def test_pixels_are_scaled_by_the_data_sets_own_peak():
    coarse = blobs(peak=16)
    stack = stack_of(coarse, [some(coarse, 20, 0)], [0], [8])
    rows = some(coarse, 20, 0).rows
    expected = coarse.train.x[rows].reshape(20, -1) / np.float32(16)
    np.testing.assert_array_equal(stack.images[0], expected)


@pytest.mark.parametrize("images", [1, 2, 21])
def test_odd_sizes_and_absent_classes(images):
    dataset = blobs(classes=12)
    training_set = some(dataset, images, 0)
    fit = train_mlps(dataset, [training_set], [0], [1], "cpu", SMALL)[0]
    assert fit.predictions.shape == (60,)
    assert fit.predictions.dtype == np.int64
    assert set(fit.predictions) <= set(range(12))


def test_diverged_training_is_an_error():
    dataset = blobs()
    hot = Recipe(min_epochs=5, max_epochs=60, rates=((1, 1e30),))
    with pytest.raises(TrainingDiverged):
        train_mlps(dataset, [some(dataset, 20, 0)], [0], [8, 8], "cpu", hot)


def test_the_networks_that_are_kept_predict_what_was_predicted():
    dataset = blobs((5, 7, 1), classes=10, train=400, noise=60)
    sets = [some(dataset, 43, seed) for seed in range(4)]
    kept = {}
    fits = train_mlps(dataset, sets, range(4), [24, 13], "cpu", SMALL, kept.__setitem__)
    assert sorted(kept) == [0, 1, 2, 3]
    pixels = torch.tensor(dataset.test.x).flatten(1) / dataset.peak
    for number, fit in enumerate(fits):
        predicted = kept[number](pixels).argmax(1).numpy()
        assert (predicted == fit.predictions).mean() > 0.99
        assert all(p.requires_grad for p in kept[number].parameters())
