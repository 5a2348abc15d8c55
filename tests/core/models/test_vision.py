"""Networks for small images: sizes from their papers, and training until all is known by heart."""

from importlib import import_module

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import interpolate, pad

from core.errors import InputError
from core.models import Model
from core.models.networks.field import Field
from core.models.networks.resnet20 import Block
from core.models.vision import by_heart
from core.specs import TrainingSet
from core.training.network import build
from tests.core.training.plain_training import blobs, some

NAMES = ("lenet5", "cnn", "resnet20", "nin", "vit")
COSTLY = ("nin",)


def network(name: str, channels: int = 3, classes: int = 10) -> nn.Module:
    make = import_module(f"core.models.networks.{name}").network
    return build(lambda: make(channels, classes), 0)


def parameters(net: nn.Module) -> int:
    return sum(values.numel() for values in net.parameters())


@pytest.mark.parametrize(
    ("name", "channels", "expected"),
    [
        # LeCun et al.: C1 156, C3 with all maps connected 2,416, C5 48,120, F6 10,164, output 850.
        ("lenet5", 1, 156 + 2_416 + 48_120 + 10_164 + 850),
        # He et al., table 6: 0.27M for ResNet-20; the weights of 19 convolutions, their
        # normalisation and the last layer.
        ("resnet20", 3, 269_722),
        # Lin et al.: five convolutions with a spatial extent and their 1 x 1 followers.
        ("nin", 3, 966_986),
        ("cnn", 3, 896 + 9_248 + 131_136 + 650),
    ],
)
def test_as_many_parameters_as_in_the_paper(name, channels, expected):
    assert parameters(network(name, channels)) == expected


def test_lenet5_has_61706_parameters():
    assert parameters(network("lenet5", 1)) == 61_706


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("channels", "side"), [(1, (8, 8)), (1, (28, 28)), (3, (45, 20))])
def test_images_of_every_size_give_one_output_a_class(name, channels, side):
    net = network(name, channels, 7).eval()
    with torch.no_grad():
        assert net(torch.rand(2, channels, *side)).shape == (2, 7)


@pytest.mark.parametrize(
    ("side", "expected"),
    [
        ((32, 32), lambda x: x),
        ((28, 28), lambda x: pad(x, (2, 2, 2, 2))),
        ((31, 28), lambda x: pad(x, (2, 2, 0, 1))),
        ((8, 8), lambda x: interpolate(x, (32, 32), mode="bilinear")),
        (
            (64, 28),
            lambda x: interpolate(x, (32, 32), mode="bilinear", antialias=True),
        ),
    ],
)
def test_the_field_pads_what_is_nearly_32_pixels_wide_and_resizes_the_rest(side, expected):
    images = torch.rand(3, 2, *side)
    torch.testing.assert_close(Field()(images), expected(images))


def test_shortcuts_of_resnet20_have_no_parameters():
    block = Block(4, 8)
    with torch.no_grad():
        block.norm2.weight.zero_()
        values = torch.rand(2, 4, 6, 6)
        expected = torch.cat(
            [torch.zeros(2, 2, 3, 3), values[:, :, ::2, ::2], torch.zeros(2, 2, 3, 3)], 1
        )
        torch.testing.assert_close(block(values), expected)


def test_the_learning_rate_falls_for_the_last_quarter():
    recipe = by_heart(1_000, 40, 1e-3)
    assert [recipe.learning_rate(epoch) for epoch in (1, 30)] == [1e-3, 1e-3]
    assert [recipe.learning_rate(epoch) for epoch in (31, 40)] == pytest.approx([1e-4, 1e-4])
    assert recipe.stops(3, 1.0)
    assert not recipe.stops(39, 0.9999)
    assert recipe.stops(40, 0.5)
    assert by_heart(1_000, 1, 1e-3).learning_rate(1) == 1e-4


def test_small_sets_have_small_batches():
    sizes = (10, 640, 1_300, 5_120, 60_000)
    assert [by_heart(size, 60, 1e-3).batch for size in sizes] == [16, 16, 32, 128, 128]


@pytest.mark.parametrize("name", NAMES)
def test_a_small_set_is_learnt_by_heart(name):
    data = blobs((8, 8, 3), classes=2, train=24, test=8, noise=30)
    model = Model.of(name, {"epochs": 60})
    fit = model.fit_many(data, [some(data, 6, 0)], [3], "cpu")[0]
    assert fit.train_accuracy == 1.0
    assert fit.epochs < 60
    assert fit.weights == "random"


@pytest.mark.parametrize("name", [name for name in NAMES if name not in COSTLY])
def test_results_do_not_depend_on_what_runs_beside(name):
    data = blobs((8, 8, 1), classes=3, noise=30)
    sets, seeds = [some(data, 20, seed) for seed in range(3)], [5, 6, 7]
    model = Model.of(name, {"epochs": 2})
    together = model.fit_many(data, sets, seeds, "cpu")
    for fit, training_set, seed in zip(together, sets, seeds, strict=True):
        torch.rand(3)  # The global generator is not what decides.
        alone = model.fit_many(data, [training_set], [seed], "cpu")[0]
        assert np.array_equal(fit.predictions, alone.predictions)
        assert (fit.epochs, fit.train_accuracy) == (alone.epochs, alone.train_accuracy)


def test_random_labels_are_learnt_by_heart_too():
    """Zhang et al. 2017: networks of this kind can memorise any labels."""
    data = blobs((8, 8, 1), classes=3, noise=30)
    rows = np.arange(30)
    labels = np.random.default_rng(0).integers(0, 3, 30)
    noisy = TrainingSet(data.fingerprint, rows, labels=labels)
    fit = Model.of("lenet5", {"epochs": 300}).fit_many(data, [noisy], [0], "cpu")[0]
    assert fit.train_accuracy == 1.0


def test_the_limit_of_epochs_is_an_option_and_shows():
    data = blobs((8, 8, 1), classes=3, noise=90)
    fit = Model.parse("cnn:epochs=2").fit_many(data, [some(data, 60, 0)], [0], "cpu")[0]
    assert fit.epochs == 2
    assert fit.train_accuracy < 1


def test_resnet20_refuses_a_single_image():
    data = blobs((8, 8, 1))
    with pytest.raises(InputError, match="2 training images or more"):
        Model.parse("resnet20").fit_many(data, [some(data, 1, 0)], [0], "cpu")
