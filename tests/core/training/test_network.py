import weakref
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import TrainingDiverged
from core.specs import seed_from
from core.training import Recipe, network
from core.training.dropout import Dropout
from core.training.network import _pixels, build, train_networks
from core.training.stacked import Stacked
from tests.core.training.plain_training import blobs, some, train

FEW = Recipe(batch=20, min_epochs=4, max_epochs=4)


class Built:
    """Makes networks and remembers them."""

    def __init__(self, make):
        self.make, self.networks = make, []

    def __call__(self):
        self.networks.append(self.make())
        return self.networks[-1]


def train_one(make, dataset, training_set, recipe, seed=9, history=False):
    return train_networks(make, dataset, [training_set], [seed], "cpu", 1, recipe, history=history)[
        0
    ]


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
    make = Built(lambda: convolutional(shape[2]))
    fit = train_one(make, dataset, training_set, FEW)
    expected = build(make, 9)
    order = torch.Generator().manual_seed(seed_from("order", 9))
    predictions, accuracy, epochs = train(expected, dataset, training_set, FEW, order)
    plain = expected.state_dict()
    for name, value in make.networks[0].state_dict().items():
        torch.testing.assert_close(value, plain[name], atol=1e-4, rtol=1e-4)
    assert fit.epochs == epochs == 4
    assert fit.train_accuracy == pytest.approx(accuracy, abs=0.03)
    assert (fit.predictions == predictions).mean() > 0.95


def test_training_stops_once_the_set_is_learnt():
    dataset = blobs(noise=1, classes=2)
    quick = Recipe(batch=20, min_epochs=2, max_epochs=200, rates=((1, 3e-2),))
    fit = train_one(lambda: convolutional(classes=2), dataset, some(dataset, 40, 0), quick)
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
        train_one(convolutional, dataset, some(dataset, 20, 0), hot)


def test_history_is_recorded_when_asked_for_and_changes_nothing():
    dataset = blobs(noise=10)
    plain, traced = (
        train_one(convolutional, dataset, some(dataset, 41, 0), FEW, history=asked)
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
        train_one(convolutional, dataset, some(dataset, 350, 0), recipe, history=asked)
        for asked in (False, True)
    )
    reached = np.flatnonzero(traced.history[:, 0] >= accuracy)
    reached = reached[reached >= 2]
    assert fit.epochs == traced.epochs == (reached[0] + 1 if reached.size else 60)


def test_what_is_dropped_at_random_is_decided_by_the_seed():
    dataset = blobs(noise=10)

    def dropping():
        return nn.Sequential(nn.Flatten(), Dropout(0.5, 64), nn.Linear(64, 3))

    make = Built(dropping)
    for seed in (9, 9, 10):
        torch.rand(3)  # The global generator is not what decides.
        train_one(make, dataset, some(dataset, 41, 0), FEW, seed)
    first, again, other = (network[2].weight for network in make.networks)
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def mixed(networks=5):
    """Networks that learn their sets in different epochs, with everything that a stack handles."""
    dataset = blobs(noise=120, train=300)
    sets = [some(dataset, 41, seed) for seed in range(networks)]

    def dropping():
        return nn.Sequential(
            nn.Conv2d(1, 8, 3, bias=False),
            nn.BatchNorm2d(8),
            nn.ReLU(),
            Dropout(0.3, 8, 6, 6),
            nn.Flatten(),
            nn.Linear(288, 3),
        )

    recipe = Recipe(batch=16, min_epochs=1, max_epochs=30, accuracy=1.0, rates=((1, 1e-3),))
    return Built(dropping), dataset, sets, list(range(networks)), recipe


@pytest.mark.parametrize("history", [False, True])
def test_a_stack_trains_each_network_as_if_alone(history):
    make, dataset, sets, seeds, recipe = mixed()
    alone, stacked, by_twos = (
        train_networks(make, dataset, sets, seeds, "cpu", most, recipe, history=history)
        for most in (1, 5, 2)
    )
    assert len({fit.epochs for fit in alone}) > 2
    for one, *others in zip(alone, stacked, by_twos, strict=True):
        for other in others:
            assert (other.epochs, other.train_accuracy) == (one.epochs, one.train_accuracy)
            assert (other.predictions == one.predictions).mean() > 0.98
            if history:
                np.testing.assert_allclose(other.history, one.history, atol=0.05)
    for one, other in zip(make.networks[:5], make.networks[5:10], strict=True):
        for name, value in one.state_dict().items():
            torch.testing.assert_close(other.state_dict()[name], value, atol=2e-3, rtol=2e-3)


@pytest.mark.parametrize("channels", [1, 3])
def test_images_of_one_channel_do_not_pass_for_channels_last_ones(channels):
    """On a GPU batch normalisation under vmap refuses those; torch tells them by their strides."""
    pixels = _pixels(np.zeros((5, 4, 6, channels), np.uint8), "cpu")
    assert pixels.shape == (5, channels, 4, 6)
    assert pixels.stride() == (channels * 24, 24, 6, 1)


@pytest.mark.parametrize("fits_in", [2, 0])
def test_a_stack_too_large_for_the_memory_is_halved(monkeypatch, fits_in):
    make, dataset, sets, seeds, recipe = mixed()
    train = partial(train_networks, make, dataset, sets, seeds, "cpu", recipe=recipe)
    expected = train(1)
    outputs = Stacked.outputs
    tried, held = [], weakref.WeakSet()

    def small(self, images):
        held.add(self)
        assert list(held) == [self], "what did not fit is held while its halves train"
        tried.append(len(self.networks))
        if images.dim() == 5 and len(self.networks) > fits_in:
            raise torch.OutOfMemoryError
        return outputs(self, images)

    monkeypatch.setattr(Stacked, "outputs", small)
    if fits_in:
        assert [fit.epochs for fit in train(5)] == [fit.epochs for fit in expected]
    else:
        with pytest.raises(torch.OutOfMemoryError):
            train(5)
        assert tried == [5, 2, 1]


def test_a_large_stack_predicts_as_much_at_once_as_eight_networks(monkeypatch):
    dataset, recipe = blobs(train=300), Recipe(batch=16, min_epochs=1, max_epochs=1)
    sets, seeds = [some(dataset, 24, seed) for seed in range(20)], list(range(20))
    monkeypatch.setattr(network, "CHUNK_VALUES", 5 * dataset.test.x[0].size)
    outputs = Stacked.outputs
    seen = []

    def watched(self, images):
        if not self.body.training:
            seen.append((len(self.networks), images.shape[-4]))
        return outputs(self, images)

    monkeypatch.setattr(Stacked, "outputs", watched)
    for together in (1, 7, 20):
        seen.clear()
        fits = train_networks(convolutional, dataset, sets, seeds, "cpu", together, recipe)
        assert max(seen) == (together, 5 if together < 8 else 2)
        assert all(networks * images <= 8 * 5 for networks, images in seen)
        assert all(len(fit.predictions) == len(dataset.test.y) for fit in fits)
