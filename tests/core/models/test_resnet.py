import hashlib
import urllib.error
import urllib.request
from functools import partial

import numpy as np
import pytest
import torch
import torchvision

from core.errors import InputError, JobError
from core.models import Model, resnet, resolve
from core.specs import content_key
from core.training import Recipe, network
from core.training.network import build, train_networks
from tests.core.training.plain_training import blobs, some


@pytest.fixture
def hub(tmp_path, monkeypatch):
    """An empty cache of torch's, and no network."""

    def offline(*_, **__):
        raise urllib.error.URLError("no network")

    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    monkeypatch.setattr(urllib.request, "urlopen", offline)
    (tmp_path / "checkpoints").mkdir()
    return tmp_path / "checkpoints"


@pytest.fixture
def weights(hub, monkeypatch):
    """Made-up ImageNet weights in the cache, under a name of torchvision's kind."""
    with torch.random.fork_rng():
        state = torchvision.models.resnet18().state_dict()
    torch.save(state, hub / "new.pth")
    digits = hashlib.sha256((hub / "new.pth").read_bytes()).hexdigest()[:8]
    (hub / "new.pth").rename(hub / f"resnet18-{digits}.pth")
    url = f"https://example.org/models/resnet18-{digits}.pth"
    monkeypatch.setattr(resnet, "weights_url", lambda depth: url)
    return state


@pytest.fixture
def quick(monkeypatch):
    """One epoch is enough."""
    recipe = Recipe(min_epochs=1, max_epochs=1)
    monkeypatch.setattr(
        "core.training.network.train_networks", partial(train_networks, recipe=recipe)
    )


def test_weights_are_looked_for_where_torchvision_keeps_them():
    url = torchvision.models.ResNet34_Weights.DEFAULT.url
    assert resnet.weights_url(34) == url


@pytest.mark.parametrize("depth", [18, 34])
def test_first_and_last_layer_are_replaced_and_nothing_else(depth):
    original = getattr(torchvision.models, f"resnet{depth}")()
    changed = resnet.network(depth, 1, 7, None)
    shapes = [{k: v.shape for k, v in net.state_dict().items()} for net in (original, changed)]
    differ = {name for name in shapes[0] if shapes[0][name] != shapes[1][name]}
    assert differ == {"conv1.weight", "fc.weight", "fc.bias"}
    assert shapes[1]["conv1.weight"] == (64, 1, 7, 7)
    assert shapes[1]["fc.weight"] == (7, 512)
    assert changed(torch.rand(2, 1, 8, 8)).shape == (2, 7)


def test_imagenet_weights_are_used_but_for_the_replaced_layers(weights):
    net = build(lambda: resnet.network(18, 3, 10, resnet.imagenet_weights(18)), 0)
    for name, value in net.state_dict().items():
        replaced = name.startswith(("conv1", "fc"))
        same = value.shape == weights[name].shape and torch.equal(value, weights[name])
        assert same is not replaced, name


def test_seeds_decide_the_new_layers(weights):
    one, again, other = (
        build(lambda: resnet.network(18, 1, 10, weights), seed).conv1.weight for seed in (1, 1, 2)
    )
    assert torch.equal(one, again)
    assert not torch.equal(one, other)


@pytest.mark.usefixtures("quick", "weights")
@pytest.mark.parametrize(
    ("text", "start", "shape"),
    [("resnet18", "ImageNet", (8, 8, 1)), ("resnet18:pretrained=0", "random", (16, 16, 3))],
)
def test_a_fit_says_what_it_started_from_and_does_not_depend_on_company(text, start, shape):
    dataset = blobs(shape, test=5)
    sets = [some(dataset, 4, seed) for seed in range(2)]
    fits = Model.parse(text).fit_many(dataset, sets, [0, 1], "cpu")
    alone = Model.parse(text).fit_many(dataset, sets[1:], [1], "cpu")
    assert [(fit.weights, fit.epochs) for fit in fits] == [(start, 1), (start, 1)]
    np.testing.assert_array_equal(fits[1].predictions, alone[0].predictions)


def test_one_image_is_too_few_for_batch_normalisation():
    dataset = blobs()
    with pytest.raises(InputError, match="two training images"):
        Model.parse("resnet18").fit_many(dataset, [some(dataset, 1, 0)], [0], "cpu")


@pytest.mark.usefixtures("weights")
def test_with_weights_at_hand_nothing_changes():
    models = [Model.parse("resnet18")]
    assert resolve(models) == (models, [])


def test_without_weights_or_network_a_job_starts_from_random_weights_and_says_so(hub):
    settled, notes = resolve([Model.parse("rf"), Model.parse("resnet34")])
    assert [model.label for model in settled] == ["rf", "resnet34:pretrained=0"]
    assert len(notes) == 1
    assert notes[0].startswith("ResNet-34 starts from random weights: ")
    assert "no network" in notes[0]
    assert f"put it at {hub}/resnet34-" in notes[0]
    assert settled[1].key != Model.parse("resnet34").key


@pytest.mark.usefixtures("hub")
def test_a_worker_without_weights_never_falls_back_silently():
    dataset = blobs()
    with pytest.raises(JobError, match="cannot be downloaded"):
        Model.parse("resnet18").fit_many(dataset, [some(dataset, 9, 0)], [0], "cpu")


def test_without_bfloat16_a_job_computes_in_float32_and_says_so(monkeypatch):
    monkeypatch.setattr(network, "has_bf16", lambda: False)
    settled, notes = resolve([Model.parse("resnet18:pretrained=0,bf16=1")])
    assert settled == [Model.parse("resnet18:pretrained=0")]
    assert notes[0].startswith("ResNet-18 computes in float32: this processor has no bfloat16")
    monkeypatch.setattr(network, "has_bf16", lambda: True)
    models = [Model.parse("resnet18:pretrained=0,bf16=1")]
    assert resolve(models) == (models, [])


def test_an_option_that_came_late_leaves_the_keys_of_stored_scores():
    plain, fast = (Model.parse(f"resnet18{text}") for text in ("", ":bf16=1"))
    values = {"family": "resnet18", "version": 1, "options": {"pretrained": 1}}
    assert plain.key == content_key("model", values)
    assert fast.key != plain.key


@pytest.mark.usefixtures("quick")
def test_bfloat16_gives_nearly_the_same_network():
    dataset = blobs((28, 28, 1), noise=10)
    sets = [some(dataset, 60, 0)]
    full, fast = (
        Model.parse(f"resnet18:pretrained=0{text}").fit_many(dataset, sets, [1], "cpu")[0]
        for text in ("", ",bf16=1")
    )
    assert fast.train_accuracy == pytest.approx(full.train_accuracy, abs=0.2)
    assert np.isfinite(fast.predictions).all()


@pytest.mark.usefixtures("weights")
def test_damaged_weights_are_not_loaded(hub):
    file = next(hub.glob("resnet18-*.pth"))
    file.write_bytes(file.read_bytes()[:-1] + b"?")
    with pytest.raises(JobError, match="is damaged"):
        resnet.imagenet_weights(18)
    settled, notes = resolve([Model.parse("resnet18")])
    assert settled == [Model.parse("resnet18:pretrained=0")]
    assert "delete it" in notes[0]


def test_weights_are_downloaded_into_the_cache_and_checked(weights, hub, monkeypatch, tmp_path):
    file = next(hub.glob("resnet18-*.pth"))
    remote = tmp_path / "remote.pth"
    file.rename(remote)
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, timeout: remote.open("rb"))
    got = []

    def download(url, target, hash_prefix, progress):
        got.append((url, hash_prefix))
        remote.rename(target)

    monkeypatch.setattr(torch.hub, "download_url_to_file", download)
    state = resnet.imagenet_weights(18)
    assert got == [(resnet.weights_url(18), file.stem.removeprefix("resnet18-"))]
    assert torch.equal(state["fc.weight"], weights["fc.weight"])


@pytest.mark.parametrize(
    ("side", "device", "together"), [(28, "cuda", 32), (224, "cuda", 13), (28, "cpu", 1)]
)
def test_a_gpu_trains_fewer_at_once_of_large_images(monkeypatch, side, device, together):
    seen = []

    def watched(make, dataset, sets, seeds, device, most, **options):
        seen.append(most)
        return []

    monkeypatch.setattr("core.training.network.train_networks", watched)
    dataset = blobs((side, side, 1), train=6, test=3)
    Model.parse("resnet18:pretrained=0").fit_many(dataset, [some(dataset, 3, 0)], [1], device)
    assert seen == [together]
