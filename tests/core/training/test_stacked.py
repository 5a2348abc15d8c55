"""Several networks that compute as one against each of them alone, in float64."""

from functools import partial
from importlib import import_module

import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from core.models import resnet
from core.models.networks.small_maps import reduced
from core.training.network import build
from core.training.stacked import Stacked

NETWORKS = 3


def residual(channels, classes):
    return reduced(resnet.network(18, channels, classes, None), 28, 28)


def networks(name):
    make = residual if name == "resnet18" else import_module(f"core.models.networks.{name}").network
    return [build(partial(make, 2, 4), seed).double() for seed in range(NETWORKS)]


def droppers():
    return [torch.Generator().manual_seed(seed) for seed in range(NETWORKS)]


def images(seed, *shape):
    return torch.rand(
        *shape, 2, 28, 28, generator=torch.Generator().manual_seed(seed), dtype=torch.float64
    )


@pytest.mark.parametrize("name", ["lenet5", "cnn", "resnet20", "nin", "vit", "resnet18"])
def test_outputs_gradients_and_statistics_are_those_of_each_network_alone(name):
    x, labels = images(0, NETWORKS, 5), torch.arange(NETWORKS * 5).view(NETWORKS, 5) % 4
    same = images(1, 6)
    stack, originals = Stacked(networks(name)), networks(name)
    stack.train(5, droppers())
    torch.autograd.backward(cross_entropy(stack.outputs(x).flatten(0, 1), labels.flatten()))
    stack.eval()
    with torch.no_grad():
        tested = stack.outputs(same)
    for place, (network, dropper) in enumerate(zip(originals, droppers(), strict=True)):
        alone = Stacked([network])
        alone.train(5, [dropper])
        losses = cross_entropy(alone.outputs(x[[place]])[0], labels[place])
        torch.autograd.backward(losses / NETWORKS)
        for one, all_of_them in zip(alone.parameters, stack.parameters, strict=True):
            torch.testing.assert_close(all_of_them.grad[place], one.grad, atol=1e-10, rtol=1e-8)
        alone.eval()
        with torch.no_grad():
            # The running statistics of batch normalisation are part of what is compared here.
            torch.testing.assert_close(tested[place], alone.outputs(same)[0])


@pytest.mark.parametrize("name", ["lenet5", "resnet20", "nin", "vit", "resnet18"])
def test_products_in_bfloat16_give_nearly_the_same(name):
    x = images(0, NETWORKS, 8).float()
    stack, members = Stacked([net.float() for net in networks(name)]), networks(name)
    stack.train(8, droppers())
    with torch.autocast("cpu", torch.bfloat16):
        outputs = stack.outputs(x)
    assert all(weight.dtype == torch.float32 for weight in stack.parameters)
    for place, (network, dropper) in enumerate(zip(members, droppers(), strict=True)):
        alone = Stacked([network.float()])
        alone.train(8, [dropper])
        expected = alone.outputs(x[[place]])[0].detach()
        torch.testing.assert_close(
            outputs[place].detach().float(),
            expected,
            rtol=0,
            atol=0.05 * float(expected.abs().max()),
        )


def test_those_who_leave_take_their_weights_and_the_others_stay_as_they_were():
    members = networks("resnet20")
    stack = Stacked(members)
    stack.train(5, droppers())
    stack.outputs(images(0, NETWORKS, 5))
    with torch.no_grad():
        for parameter in stack.parameters:
            parameter += torch.arange(1.0, NETWORKS + 1).view(-1, *[1] * (parameter.dim() - 1))
    stack.eval()
    same = images(1, 4)
    before = stack.outputs(same)
    stack.keep([0, 2])
    torch.testing.assert_close(stack.outputs(same), before[[0, 2]])
    torch.testing.assert_close(members[1].eval()(same), before[1])
    stack.keep([])
    torch.testing.assert_close(members[2].eval()(same), before[2])


def test_layers_that_draw_random_numbers_are_refused():
    stack = Stacked([nn.Sequential(nn.Flatten(), nn.Dropout(0.5)) for _ in range(2)])
    stack.train(3, droppers())
    with pytest.raises(RuntimeError, match="random"):
        stack.outputs(torch.rand(2, 3, 1, 2, 2))
