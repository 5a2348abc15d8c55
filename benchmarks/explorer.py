"""How soon the subset explorer answers on MNIST, in a real browser.

    XFACTOR_DATA=... python -m benchmarks.explorer

Moves every control at n = 100 and m = 300, five times each, and prints the median seconds until
the page is drawn again. A button of an empty page, timed alike, is what Streamlit and the
browser take on this machine: the rest is the explorer's.
"""

from __future__ import annotations

import os
import statistics
import tempfile
from pathlib import Path

from tests.browser import harness
from tests.browser.test_explorer import SLIDERS, choose, pick, press

TITLES = ("Own mean", "Global mean", "Other mean", "Random", "Uniqueness")


def measure(tab: harness.Tab) -> dict[str, list[float]]:
    """Milliseconds of every move of every control."""
    tab.open("explorer?dataset=mnist&per_class=100&excess=300")
    moves = {name: [press(tab, name, "ArrowRight") for _ in range(5)] for name in SLIDERS}
    return moves | {
        "Class": [pick(tab, "Class", str(label)) for label in range(3, 8)],
        "Direction": [pick(tab, "Direction", sign) for sign in "-+-+-"],
        "Strategy": [choose(tab, "Strategy", title) for title in TITLES],
    }


def main() -> None:
    """Print a line a control."""
    with (
        tempfile.TemporaryDirectory() as cache,
        harness.launched() as browser,
        harness.serving(Path(cache)) as address,
        harness.tab(browser, address) as tab,
    ):
        tab.open("jobs")
        empty = [pick(tab, "Show", name) for name in ("Done", "All", "Done", "All", "Done")]
        rows = {"(empty page)": empty, **measure(tab)}
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for name, times in rows.items():
        print(f"{name:24} {statistics.median(times) / 1000:.2f} s")


if __name__ == "__main__":
    main()
