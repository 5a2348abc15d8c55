"""How soon a gallery of 500 flagged images is visible and answers, in a real browser.

    XFACTOR_DATA=... python -m benchmarks.gallery [DATASET]

CIFAR-10 unless another data set is named. Every image is flagged by a cut of 1, so that there are
many pages of 500. A time is that from the click until the sheet is decoded, all 500 images are
in the page and two frames are painted; medians of five. The baseline draws the same 500 images
with `st.image` each, in an app of its own that does nothing else.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import Browser

from core import datasets
from core.quality import SCORES
from tests.browser import harness

REPEATS = 5
PORT = 8765
PAINTED = """async (count) => {
  const grid = () => document.querySelector('[data-testid="stBidiComponentRegular"], '
    + '[data-testid="stBidiComponentIsolated"]');
  const root = () => grid()?.shadowRoot ?? grid();
  const sheet = () => root()?.querySelector(".sheet");
  while ((sheet()?.children.length ?? 0) !== count) await new Promise(requestAnimationFrame);
  const image = new Image();
  image.src = sheet().style.getPropertyValue("--sheet").slice(4, -1);
  await image.decode();
  await new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
}"""
BASELINE = """
import streamlit as st
from core import datasets
images = st.cache_resource(datasets.load)({name!r}).train.x
turn = st.session_state.get("turn", 0)
st.button("Next", on_click=lambda: st.session_state.update(turn=turn + 1))
for image in images[turn * 500 : turn * 500 + 500]:
    st.image(image.squeeze(), width=56)
"""


def seconds(action: Callable[[], object]) -> float:
    """Wall time of something done in the browser."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def ours(browser: Browser, address: str, name: str) -> dict[str, list[float]]:
    """Seconds until a page of 500 is visible, and until a click on an image is answered."""
    fingerprint = datasets.load(name).fingerprint
    cut = f"cuts={fingerprint[:8]}-train,dark:1&score={quote(SCORES['dark'].title)}"
    with harness.tab(browser, address) as tab:
        tab.open(f"quality?dataset={name}&{cut}&size=500")
        tab.page.evaluate(PAINTED, 500)
        tiles = tab.page.locator(".sheet button")

        def turn() -> None:
            first = tiles.first.get_attribute("title")
            tab.page.keyboard.press("n")
            while tiles.first.get_attribute("title") == first:
                tab.page.wait_for_timeout(5)
            tab.page.evaluate(PAINTED, 500)

        turns = [seconds(turn) for _ in range(REPEATS)]
        clicks = [tab.settle(tiles.nth(place).click) / 1000 for place in range(REPEATS)]
        reloads = [
            seconds(lambda: (tab.page.reload(), tab.page.evaluate(PAINTED, 500)))
            for _ in range(REPEATS)
        ]
    return {"next 500": turns, "click on an image": clicks, "whole page": reloads}


def theirs(browser: Browser, name: str, folder: Path) -> list[float]:
    """Seconds until the next 500 separate images are visible."""
    script = folder / "baseline.py"
    script.write_text(BASELINE.format(name=name), encoding="utf-8")
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.headless", "true"]
    server = subprocess.Popen(
        [*command, "--server.port", str(PORT)],
        env={**os.environ, "PYTHONPATH": str(harness.PROJECT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        harness.wait_until_healthy(f"http://localhost:{PORT}/_stcore/health", server)
        with harness.tab(browser, f"http://localhost:{PORT}") as tab:
            tab.open()
            press = tab.page.get_by_role("button", name="Next").click
            return [tab.settle(press) / 1000 for _ in range(REPEATS)]
    finally:
        server.terminate()
        server.wait(timeout=30)


def main(name: str) -> None:
    """Print a line a figure."""
    with tempfile.TemporaryDirectory() as folder, harness.launched() as browser:
        with harness.serving(Path(folder) / "cache") as address:
            rows = ours(browser, address, name)
        rows["separate st.image"] = theirs(browser, name, Path(folder))
    print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
    for what, times in rows.items():
        print(f"{what:20} {statistics.median(times):.2f} s")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "cifar10")
