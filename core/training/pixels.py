"""Features on their way into a model: pixels scaled to [0, 1], in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from scipy import sparse

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
        pixels: uint8, any shape and device; or features of a table.
        peak: The value of a fully white pixel; 1 for features that are used as they are.
    """
    return pixels.float().div_(peak)


def matrix(rows: Any, peak: int) -> Any:
    """Rows as float64 of shape (n, features), pixels in [0, 1]; CSR arrays as they are.

    Args:
        rows: As in `Split.x`.
        peak: The value of a fully white pixel; 1 for features that are used as they are.
    """
    return rows if sparse.issparse(rows) else rows.reshape(len(rows), -1) / peak


def chunks(images: npt.NDArray[Any], peak: int, device: str) -> Iterator[torch.Tensor]:
    """Rows on the device, scaled, a bounded number at a time.

    Args:
        images: uint8, or float64 for tables, shape (n, …).
        peak: The value of a fully white pixel.
        device: A torch device.

    Yields:
        float32, shape (chunk, …), in order.
    """
    size = max(1, CHUNK_VALUES // int(np.prod(images.shape[1:])))
    for start in range(0, len(images), size):
        # torch.tensor copies: torch does not share read-only arrays.
        yield scaled(torch.tensor(images[start : start + size], device=device), peak)
