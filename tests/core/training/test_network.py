import numpy as np
import pytest
import torch
from torch import nn

from core.errors import TrainingDiverged
from core.specs import seed_from
from core.training import Recipe
from core.training.network import build, train_network
from tests.core.training.plain_training import blobs, some, train

FEW = Recipe(batch=20, min_epochs=4, max_epochs=4)


def convolutional(channels=1, classes=3):
    return nn.Sequential(
        nn.Conv2d(channels, 4, 3, bias=False),
        nn.BatchNorm2d(4),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.BatchNorm1d(4),
        nn.Linear(4, classes),
    )


@pytest.mark.parametrize(("shape", "images"), [((8, 8, 1), 41), ((6, 9, 3), 50)])
def test_same_as_a_plain_loop(shape, images):
    dataset = blobs(shape, noise=10)
    training_set = some(dataset, images, 0)
    network, expected = (build(lambda: convolutional(shape[2]), 5) for _ in range(2))
    fit = train_network(network, dataset, training_set, 9, "cpu", FEW)
    order = torch.Generator().manual_seed(seed_from("order", 9))
    predictions, accuracy, epochs = train(expected, dataset, training_set, FEW, order)
    plain = expected.state_dict()
    for name, value in network.state_dict().items():
        torch.testing.assert_close(value, plain[name], atol=1e-4, rtol=1e-4)
    assert fit.epochs == epochs == 4
    assert fit.train_accuracy == pytest.approx(accuracy, abs=0.03)
    assert (fit.predictions == predictions).mean() > 0.95


def test_training_stops_once_the_set_is_learnt():
    dataset = blobs(noise=1, classes=2)
    quick = Recipe(batch=20, min_epochs=2, max_epochs=200, rates=((1, 3e-2),))
    fit = train_network(
        build(lambda: convolutional(classes=2), 5), dataset, some(dataset, 40, 0), 0, "cpu", quick
    )
    assert 2 <= fit.epochs < 200
    assert fit.train_accuracy >= 0.99
    assert fit.weights == "random"


def test_a_built_network_has_the_weights_of_its_seed_and_leaves_the_global_seed_alone():
    before = torch.get_rng_state()
    first, again, other = (build(convolutional, seed) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        expected = convolutional()
    for a, b, c in zip(
        *(net.state_dict().values() for net in (first, again, expected)), strict=True
    ):
        assert torch.equal(a, b)
        assert torch.equal(a, c)
    assert not torch.equal(first[0].weight, other[0].weight)


def test_diverged_training_is_an_error():
    dataset = blobs()
    hot = Recipe(min_epochs=5, max_epochs=60, rates=((1, 1e38),))
    with pytest.raises(TrainingDiverged):
        train_network(build(convolutional, 0), dataset, some(dataset, 20, 0), 0, "cpu", hot)


def test_history_is_recorded_when_asked_for_and_changes_nothing():
    dataset = blobs(noise=10)
    plain, traced = (
        train_network(
            build(convolutional, 5), dataset, some(dataset, 41, 0), 9, "cpu", FEW, history=asked
        )
        for asked in (False, True)
    )
    assert plain.history is None
    assert traced.history.shape == (4, 2)
    assert np.array_equal(plain.predictions, traced.predictions)
    assert (plain.train_accuracy, plain.epochs) == (traced.train_accuracy, traced.epochs)
    test_accuracy = (traced.predictions == dataset.test.y).mean()
    assert traced.history[-1].tolist() == pytest.approx([traced.train_accuracy, test_accuracy])


@pytest.mark.parametrize("accuracy", [0.7, 0.85])
def test_training_ends_at_the_first_epoch_whose_full_pass_is_good_enough(accuracy):
    """Looking at few images first may spare full passes, never an epoch."""
    dataset = blobs(noise=90, train=400)
    recipe = Recipe(batch=20, min_epochs=3, max_epochs=60, accuracy=accuracy, rates=((1, 1e-2),))
    fit, traced = (
        train_network(
            build(convolutional, 5), dataset, some(dataset, 350, 0), 9, "cpu", recipe, history=asked
        )
        for asked in (False, True)
    )
    reached = np.flatnonzero(traced.history[:, 0] >= accuracy)
    reached = reached[reached >= 2]
    assert fit.epochs == traced.epochs == (reached[0] + 1 if reached.size else 60)


def test_what_is_dropped_at_random_is_decided_by_the_seed():
    dataset = blobs(noise=10)

    def dropping():
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(64, 3))

    before = torch.get_rng_state()
    weights = []
    for noise in (1, 2):
        torch.manual_seed(noise)
        network = build(dropping, 5)
        train_network(network, dataset, some(dataset, 41, 0), 9, "cpu", FEW)
        weights.append(network[2].weight)
    torch.set_rng_state(before)
    assert torch.equal(*weights)
