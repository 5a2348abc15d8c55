"""Pixels on their way into a network: scaled to [0, 1], in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
import torch

CHUNK_VALUES = 1 << 20


@contextmanager
def one_thread() -> Iterator[None]:
    """Compute on one CPU thread inside, so that sums do not depend on the machine's cores.

    Workers are processes, one for each core, so more threads would not be faster either.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def scaled(pixels: torch.Tensor, peak: int) -> torch.Tensor:
    """Pixels as float32 in [0, 1].

    Args:
        pixels: uint8, any shape and device.
        peak: The value of a fully white pixel.
    """
    return pixels.float().div_(peak)


def chunks(images: npt.NDArray[np.uint8], peak: int, device: str) -> Iterator[torch.Tensor]:
    """Images on the device, scaled, a bounded number at a time.

    Args:
        images: uint8, shape (n, …).
        peak: The value of a fully white pixel.
        device: A torch device.

    Yields:
        float32, shape (chunk, …), in order.
    """
    size = max(1, CHUNK_VALUES // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), size):
        # torch.tensor copies: torch does not share read-only arrays.
        yield scaled(torch.tensor(images[start : start + size], device=device), peak)
