"""ResNet-18 and ResNet-34 from torchvision, first and last layer replaced."""

from __future__ import annotations

import hashlib
import math
import urllib.request
from collections.abc import Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from core.datasets.base import Dataset
from core.errors import InputError, JobError
from core.models.base import Family, Option, Options, in_stacks
from core.specs import TrainingSet
from core.training import PAPER, Fit

if TYPE_CHECKING:
    import torch

PRETRAINED = Option(1, 0, 1, "1: start from ImageNet weights; 0: from random ones.")
BF16 = Option(
    0,
    0,
    1,
    "1: compute products in bfloat16; 0: in float32, the reference. The accuracy of ResNet-18 on "
    "76 subsets of MNIST was 0.7 points higher in bfloat16 (95 % CI −0.0 to +1.5).",
    late=True,
)
CONNECT_SECONDS = 5


def family(depth: int) -> Family:
    """The family of torchvision's ResNet of one depth, 18 or 34.

    References:
        X-Factor paper, section A.1.
    """
    # Launching the kernels of a step takes about as long for a stack as for one network, some ten
    # milliseconds; an H100 should compute 200 images of 28 × 28 in a fortieth of that.
    batch = in_stacks(32)

    def fit_many(
        dataset: Dataset,
        training_sets: Sequence[TrainingSet],
        seeds: Sequence[int],
        options: Options,
        device: str,
        history: bool = False,
    ) -> list[Fit]:
        from core.models.networks.small_maps import reduced
        from core.training.network import train_networks

        if any(training_set.rows.size < 2 for training_set in training_sets):
            raise InputError(f"ResNet-{depth} needs two training images or more; got one.")
        weights = imagenet_weights(depth) if options["pretrained"] else None
        height, width, channels = dataset.image_shape
        classes = len(dataset.classes)
        # cuDNN counts values in 32 bits; the first layer gives 64 maps of half the image's size.
        most = max(1, 2**31 // (PAPER.batch * 16 * height * width))
        return train_networks(
            lambda: reduced(network(depth, channels, classes, weights), height, width),
            dataset,
            training_sets,
            seeds,
            device,
            min(batch(training_sets[0].rows.size, device), most),
            weights="ImageNet" if weights else "random",
            history=history,
            bf16=bool(options["bf16"]),
        )

    def settle(options: Options) -> tuple[Options, str]:
        from core.training.network import has_bf16

        settled, notes = dict(options), []
        if options["bf16"] and not has_bf16():
            settled["bf16"] = 0
            notes.append(
                f"ResNet-{depth} computes in float32: this processor has no bfloat16; "
                "leave bf16 out, or run on one with AVX512-BF16 or AMX, or on a GPU."
            )
        try:
            if options["pretrained"]:
                imagenet_weights(depth)
        except JobError as error:
            settled["pretrained"] = 0
            notes.append(f"ResNet-{depth} starts from random weights: {error}")
        return settled, " ".join(notes)

    def seconds(images: int, features: int, test: int) -> float:
        # About 55 epochs; a forward pass is a third of a training step.
        image = (1e-3 + 7e-5 * math.sqrt(features)) * depth / 18
        return image * (55 * images + test / 3)

    return Family(
        name=f"resnet{depth}",
        title=f"ResNet-{depth}",
        summary=f"Residual convolutional network of {depth} layers, from torchvision.",
        fit_many=fit_many,
        fit_with_history=partial(fit_many, history=True),
        version=1,
        options={"pretrained": PRETRAINED, "bf16": BF16},
        batch=batch,
        settle=settle,
        seconds=seconds,
    )


def network(
    depth: int, channels: int, classes: int, weights: dict[str, torch.Tensor] | None
) -> torch.nn.Module:
    """A ResNet for images of other channels and classes than ImageNet's.

    Args:
        depth: 18 or 34.
        channels: Of the images.
        classes: Of the data set.
        weights: torchvision's state dict for ImageNet, or None for random weights. The first
            and the last layer are new in either case.
    """
    import torchvision
    from torch import nn

    net: nn.Module = torchvision.models.get_model(f"resnet{depth}")
    if weights is not None:
        net.load_state_dict(weights)
    net.conv1 = nn.Conv2d(channels, 64, kernel_size=7, stride=2, padding=3, bias=False)
    net.fc = nn.Linear(512, classes)
    return net


def weights_url(depth: int) -> str:
    """Where torchvision keeps its default ImageNet weights of a depth."""
    import torchvision

    url: str = torchvision.models.get_model_weights(f"resnet{depth}").DEFAULT.url
    return url


def imagenet_weights(depth: int) -> dict[str, torch.Tensor]:
    """The default ImageNet weights of torchvision, from torch's cache, else downloaded into it.

    Raises:
        JobError: They cannot be had; says why and what to do.
    """
    import torch

    url = weights_url(depth)
    file = Path(torch.hub.get_dir()) / "checkpoints" / PurePosixPath(url).name
    # torchvision names a file for the first digits of its SHA-256.
    digits = file.stem.rpartition("-")[2]
    if not file.exists():
        _download(url, file, digits)
    found = hashlib.sha256(file.read_bytes()).hexdigest()
    if not found.startswith(digits):
        raise JobError(
            f"{file} is damaged: its SHA-256 should start with {digits} but is {found}; "
            "delete it, so that it is downloaded again."
        )
    state: dict[str, torch.Tensor] = torch.load(file, map_location="cpu", weights_only=True)
    return state


def _download(url: str, file: Path, digits: str) -> None:
    import torch

    try:
        # torch's own download waits for ever on a network that drops packets; ask first.
        head = urllib.request.Request(url, method="HEAD")
        urllib.request.urlopen(head, timeout=CONNECT_SECONDS).close()
        file.parent.mkdir(parents=True, exist_ok=True)
        torch.hub.download_url_to_file(url, str(file), hash_prefix=digits, progress=False)
    except (OSError, HTTPException, RuntimeError) as error:
        raise JobError(
            f"ImageNet weights cannot be downloaded ({error}); "
            f"get {url} on another machine and put it at {file}."
        ) from error
