"""Seconds, and the line that a ratio is printed on."""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter, process_time
from typing import Any

from core import settings


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What a function returns, and its CPU seconds; where there is a GPU, those by the clock."""
    now = process_time if settings.device() == "cpu" else perf_counter
    start = now()
    result = function(*arguments)
    return result, now() - start


def line(what: str, plain: float, ours: float, target: float | None = None) -> None:
    """Print one ratio.

    Args:
        what: At most 34 characters.
        plain: Seconds of the straightforward way.
        ours: Seconds of the product.
        target: The ratio that is asked for; None where none is.
    """
    wanted = f"{f'≥ {target:g}×':>9}" if target else ""
    print(f"{what:34}{plain:9.3g}{ours:9.3g}{plain / ours:8.1f}×{wanted}", flush=True)
