"""A ResNet with products for its small maps against torchvision's whole one."""

import copy
from functools import partial

import numpy as np
import pytest
import torch
from torch import nn

from core.models import Model, resnet
from core.models.networks.small_maps import SIDES, Products, reduced
from core.specs import seed_from
from core.training import Recipe
from core.training.network import build, train_networks
from tests.core.training.plain_training import blobs, some, train


def pair(depth, channels, height, width):
    """A whole network in float64 and the one made of a copy."""
    full = build(lambda: resnet.network(depth, channels, 10, None), 0).double()
    return full, reduced(copy.deepcopy(full), height, width)


def logits(network, batches):
    """After five Adam steps, in training and in evaluation mode."""
    adam = torch.optim.Adam(network.parameters(), lr=1e-4)
    for x, y in batches:
        adam.zero_grad()
        nn.functional.cross_entropy(network(x), y).backward()
        adam.step()
    with torch.no_grad():
        return network(batches[0][0]), network.eval()(batches[0][0])


@pytest.mark.parametrize(
    ("depth", "channels", "side", "most"),
    # Twice as many layers of batch normalisation make more of a rounding.
    [(18, 1, 28, 1e-12), (18, 3, 32, 1e-12), (34, 1, 32, 1e-11), (34, 3, 28, 1e-11)],
)
def test_logits_after_five_steps_are_those_of_the_whole_network(depth, channels, side, most):
    draw = torch.Generator().manual_seed(3)
    batches = [
        (
            torch.rand(20, channels, side, side, generator=draw, dtype=torch.float64),
            torch.randint(10, (20,), generator=draw),
        )
        for _ in range(5)
    ]
    whole, small = (logits(net, batches) for net in pair(depth, channels, side, side))
    for expected, got in zip(whole, small, strict=True):
        assert (got - expected).abs().max() < most


@pytest.mark.parametrize("pixels", SIDES)
def test_each_product_is_its_convolution_and_leaves_dead_weights_out(pixels):
    for across in SIDES:
        if pixels[1:] != across[1:]:
            continue
        side, weights, stride = pixels
        conv = nn.Conv2d(3, 5, weights, stride, weights // 2, bias=False, dtype=torch.float64)
        maps = torch.rand(4, 3, side, across[0], dtype=torch.float64)
        products = Products(conv, (side, across[0]))
        expected = conv(maps)
        got = products(maps.permute(2, 3, 0, 1).flatten(0, 1))
        torch.testing.assert_close(got, expected.permute(2, 3, 0, 1).flatten(0, 1))
        expected.square().sum().backward()
        got.square().sum().backward()
        gradient = conv.weight.grad.flatten(2).permute(2, 1, 0)
        live = gradient.flatten(1).any(1)
        torch.testing.assert_close(products.weight.grad, gradient[live])


@pytest.mark.parametrize(
    ("height", "width", "millions"),
    [(28, 28, 4.2), (32, 32, 4.2), (8, 8, 1.6), (28, 14, 2.8), (3, 9, 1.7)],
)
def test_maps_of_any_size(height, width, millions):
    full, small = (net.eval() for net in pair(18, 1, height, width))
    images = torch.rand(3, 1, height, width, dtype=torch.float64)
    torch.testing.assert_close(small(images), full(images))
    parameters = sum(p.numel() for p in small.parameters())
    assert parameters / 1e6 == pytest.approx(millions, abs=0.05)


def test_large_images_keep_the_ordinary_network():
    full = resnet.network(18, 1, 10, None)
    assert reduced(full, 64, 65) is full


def test_a_short_run_gives_the_predictions_of_a_plain_loop(monkeypatch):
    dataset = blobs((28, 28, 1), noise=10)
    recipe = Recipe(batch=25, min_epochs=4, max_epochs=4)
    monkeypatch.setattr(
        "core.training.network.train_networks", partial(train_networks, recipe=recipe)
    )
    training_set = some(dataset, 50, 0)
    model = Model.parse("resnet18:pretrained=0")
    fit = model.fit_many(dataset, [training_set], [9], "cpu")[0]
    plain = build(lambda: resnet.network(18, 1, 3, None), 9)
    order = torch.Generator().manual_seed(seed_from("order", 9))
    predictions, accuracy, _ = train(plain, dataset, training_set, recipe, order)
    assert fit.train_accuracy == pytest.approx(accuracy, abs=0.03)
    assert np.mean(fit.predictions == predictions) > 0.95
