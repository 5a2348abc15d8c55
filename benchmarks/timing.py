"""CPU time, and the line that a ratio is printed on."""

from __future__ import annotations

from collections.abc import Callable
from time import process_time
from typing import Any


def timed(function: Callable[..., Any], *arguments: Any) -> tuple[Any, float]:
    """What the function returns, and its CPU time in seconds."""
    start = process_time()
    result = function(*arguments)
    return result, process_time() - start


def line(what: str, plain: float, ours: float, target: float | None = None) -> None:
    """Print one ratio.

    Args:
        what: At most 34 characters.
        plain: CPU seconds of the straightforward way.
        ours: CPU seconds of the product.
        target: The ratio that is asked for; None where none is.
    """
    wanted = f"{f'≥ {target:g}×':>9}" if target else ""
    print(f"{what:34}{plain:9.3g}{ours:9.3g}{plain / ours:8.1f}×{wanted}", flush=True)
