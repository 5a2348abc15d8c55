"""A data root and a cache of its own for every test, and the shared data where they are."""

from __future__ import annotations

import gzip
import os
import struct
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.datasets import idx

SHARED = os.environ.get("XFACTOR_DATA")


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data root; nothing else may be read."""
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("XFACTOR_DATA", str(folder))
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("XFACTOR_FOLDERS", raising=False)
    return folder


@pytest.fixture
def shared(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The data root that the tests were started with."""
    if not SHARED:
        pytest.skip("XFACTOR_DATA is not set")
    folder = Path(SHARED).resolve()
    monkeypatch.setenv("XFACTOR_DATA", str(folder))
    return folder


@pytest.fixture
def write() -> Callable[..., np.ndarray]:
    """Writes a random image and returns its pixels, shape (height, width[, channels])."""
    random = np.random.default_rng(0)

    def write(path: Path, shape: tuple[int, ...] = (8, 6, 3), **options: object) -> np.ndarray:
        pixels = random.integers(0, 256, shape, dtype=np.uint8)
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path, format="PNG", **options)
        return pixels

    return write


@pytest.fixture
def write_idx() -> Callable[[Path, np.ndarray], None]:
    """Writes an array of bytes in MNIST's format, gzipped where the name says so."""

    def write_idx(path: Path, array: np.ndarray) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        header = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
        data = header + array.tobytes()
        path.write_bytes(gzip.compress(data) if path.suffix == ".gz" else data)

    return write_idx


@pytest.fixture
def write_set(write_idx: Callable[[Path, np.ndarray], None]) -> Callable[..., list[np.ndarray]]:
    """Writes 30 + 20 random images as the four files of MNIST and returns the four arrays."""

    def write_set(folder: Path, suffix: str = "") -> list[np.ndarray]:
        random = np.random.default_rng(0)
        arrays = [
            random.integers(0, 256, (30, 28, 28), np.uint8),
            np.arange(30, dtype=np.uint8) % 10,
            random.integers(0, 256, (20, 28, 28), np.uint8),
            np.arange(20, dtype=np.uint8) % 10,
        ]
        for name, array in zip(idx.NAMES, arrays, strict=True):
            write_idx(folder / (name + suffix), array)
        return arrays

    return write_set
