"""Feature vectors of images, and all pairs of them that point the same way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import torch
from torch import nn

from core.datasets.base import Dataset
from core.errors import InputError, JobError
from core.models.resnet import imagenet_weights
from core.quality import contrastive
from core.quality.audit import Progress, scan
from core.quality.similarity import Thumbnails, loader
from core.registry import Registry
from core.training.pixels import one_thread

Floats = npt.NDArray[np.float32]
Rows = npt.NDArray[np.int64]
Images = npt.NDArray[np.uint8]

VERSION = 1
LEARNT_FROM = 10_000
CHUNK = 500
BLOCK = 2048
IMAGENET_SIDE = 64
IMAGENET_MEAN, IMAGENET_SPREAD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


@dataclass(frozen=True, eq=False)
class Vectors:
    """Where images stand to each other, by what a network sees in them.

    Args:
        array: float32, shape (n, d), each row of length 1; zeros for unreadable files.
        reason: One sentence that says which network made them.
    """

    array: Floats
    reason: str


@dataclass(frozen=True, eq=False)
class Network:
    """One entry of the registry of networks.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        side: Pixels of the thumbnails it sees.
        make: Takes thumbnails to learn from and gives a function from thumbnails to vectors, and
            the sentence for `Vectors`.
    """

    name: str
    title: str
    summary: str
    side: int
    make: Callable[[Images], tuple[Callable[[Images], torch.Tensor], str]]


def feature_vectors(
    source: Images | Dataset | Path | str,
    table: pd.DataFrame | None = None,
    network: str = "own",
    progress: Progress | None = None,
) -> Vectors:
    """A vector of length 1 for each image, the nearer the more alike two of them look.

    They are computed on the CPU, so that they are the same on every machine, and do not depend
    on the order of the images.

    Args:
        source: uint8 images, a data set (its training split), or a folder.
        table: What `scan(source)` gave, where the caller has it already.
        network: Name of an entry of `NETWORKS`.
        progress: Called with the number of images done so far.

    Raises:
        UnknownName: no such network.
        InputError: the network's weights cannot be had.
    """
    entry = NETWORKS[network]
    table = scan(source) if table is None else table
    rows = np.flatnonzero(table["phash"].notna())
    found = vectors_of(
        loader(source, table.iloc[rows], entry.side), table.iloc[rows], entry, progress
    )
    out = np.zeros((len(table), found.array.shape[1]), dtype=np.float32)
    out[rows] = found.array
    return Vectors(out, found.reason)


def vectors_of(
    load: Thumbnails,
    known: pd.DataFrame,
    network: Network | None = None,
    progress: Progress | None = None,
) -> Vectors:
    """`feature_vectors` of the readable rows of a scan, by their thumbnails."""
    with one_thread():
        entry = NETWORKS["own"] if network is None else network
        embed, reason = entry.make(load(_to_learn_from(known["digest"])))
        return Vectors(_embedded(load, len(known), embed, progress or (lambda done: None)), reason)


def pairs_above(values: Floats, cosine: float, most: int) -> tuple[Rows, Rows, Floats]:
    """The pairs of vectors with the largest cosines, exactly, in bounded memory.

    Args:
        values: float32, shape (n, d), rows of length 1.
        cosine: Least cosine of a pair.
        most: At most so many pairs; only ties at the last place may be cut off.

    Returns:
        Row numbers a < b, sorted by a then b, and the cosines; each of shape (pairs,).
    """
    best = [(np.zeros(0, dtype=np.int64),) * 2 + (np.zeros(0, dtype=np.float32),)]
    held = 0
    for first in range(0, len(values), BLOCK):
        for second in range(first, len(values), BLOCK):
            product = values[first : first + BLOCK] @ values[second : second + BLOCK].T
            if first == second:
                product[np.tril_indices(len(product))] = -2
            a, b = np.nonzero(product >= cosine)
            best.append((a + first, b + second, product[a, b]))
            held += len(a)
            if held > 2 * most + BLOCK:
                best = [_largest(best, most)]
                held = len(best[0][0])
                cosine = max(cosine, float(best[0][2].min()))
    a, b, value = _largest(best, most)
    order = np.lexsort((b, a))
    return a[order], b[order], value[order]


def _largest(parts: list[tuple[Rows, Rows, Floats]], most: int) -> tuple[Rows, Rows, Floats]:
    a, b, value = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    if len(value) > most:
        chosen = np.argpartition(-value, most - 1)[:most]
        a, b, value = a[chosen], b[chosen], value[chosen]
    return a, b, value


def _to_learn_from(digests: pd.Series) -> Rows:
    """At most 10,000 different images, drawn at random whatever the order: the least digests."""
    return np.unique(digests.to_numpy(dtype=str), return_index=True)[1][:LEARNT_FROM]


def _embedded(
    load: Thumbnails,
    images: int,
    embed: Callable[[Images], torch.Tensor],
    progress: Progress,
) -> Floats:
    parts = []
    with torch.no_grad():
        for first in range(0, images, CHUNK):
            rows = np.arange(first, min(first + CHUNK, images))
            parts.append(embed(load(rows)).numpy())
            progress(int(rows[-1]) + 1)
    return np.concatenate(parts) if parts else np.zeros((0, 1), dtype=np.float32)


def _own(images: Images) -> tuple[Callable[[Images], torch.Tensor], str]:
    if len(images) < 2:
        return lambda other: torch.ones(len(other), 1), "There are no two images to compare."
    network = contrastive.train(images)
    return lambda other: network(contrastive.tensor(other)), (
        f"Vectors by a small network that learnt from {len(images):,} of these images, without "
        "labels, to recognize a picture in a changed copy of it."
    )


def _imagenet(_: Images) -> tuple[Callable[[Images], torch.Tensor], str]:
    import torchvision

    try:
        weights = imagenet_weights(18)
    except JobError as error:
        raise InputError(f"{error} Or use the network 'own', which needs none.") from error
    network = torchvision.models.resnet18()
    network.load_state_dict(weights)
    network.fc = nn.Identity()
    network.eval()
    mean, spread = (
        torch.tensor(values).view(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_SPREAD)
    )

    def embed(images: Images) -> torch.Tensor:
        pictures = torch.tensor(images).permute(0, 3, 1, 2).float() / 255
        pictures = nn.functional.interpolate(pictures, (IMAGENET_SIDE,) * 2, mode="bilinear")
        pictures = (pictures.expand(-1, 3, -1, -1) - mean) / spread
        return nn.functional.normalize(network(pictures))

    return embed, "Vectors by torchvision's ResNet-18 with ImageNet weights, penultimate layer."


NETWORKS: Registry[Network] = Registry(
    "network",
    Network(
        "own",
        "Trained here",
        "Learns from the data set itself, without labels, to recognize changed copies.",
        contrastive.SIDE,
        _own,
    ),
    Network(
        "imagenet",
        "ImageNet",
        "Penultimate layer of torchvision's ResNet-18 with ImageNet weights.",
        IMAGENET_SIDE,
        _imagenet,
    ),
)
