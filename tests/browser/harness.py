"""A real server and a real Chromium, for the browser tests and the screenshots."""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import psutil
from playwright.sync_api import Browser, ConsoleMessage, Page, Playwright, sync_playwright
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg

T = TypeVar("T")
PROJECT = Path(__file__).resolve().parents[2]
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking")
START_SECONDS = 120
ANSWER_SECONDS = 120
# On a deep link Streamlit's front end looks for its server below the page's address first.
BASE_PATH_SEARCH = re.compile(r"/\w+/_stcore/(health|host-config)$")
DRAWN = """() => {
  const app = document.querySelector('[data-testid="stApp"]');
  return app !== null && app.getAttribute("data-test-script-state") === "notRunning"
    && document.querySelector('[data-testid="stSkeleton"]') === null
    && [...document.images].every(image => image.complete);
}"""
TWO_FRAMES = "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


class NoBrowser(Exception):
    """No Chromium is installed."""


def chromium(playwright: Playwright) -> str:
    """Path of an installed Chromium: the system's, else Playwright's own.

    Raises:
        NoBrowser: There is none.
    """
    for name in BROWSERS:
        if path := shutil.which(name):
            return path
    if Path(playwright.chromium.executable_path).exists():
        return playwright.chromium.executable_path
    raise NoBrowser(
        "The browser tests need Chromium; install your system's package (such as `chromium`) "
        "or run `python -m playwright install chromium`."
    )


@contextmanager
def launched() -> Iterator[Browser]:
    """A headless Chromium."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium(playwright), args=list(ARGUMENTS)
        )
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def serving(cache: Path, data: Path | None = None) -> Iterator[str]:
    """The app on a free port; yields its address.

    Args:
        cache: Cache folder of this server.
        data: Data root; that of the environment when None.
    """
    with socket.socket() as probe:
        probe.bind(("localhost", 0))
        port = probe.getsockname()[1]
    environment = {**os.environ, "XFACTOR_CACHE": str(cache), "XFACTOR_DEVICE": "cpu"}
    if data is not None:
        environment["XFACTOR_DATA"] = str(data)
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.headless", "true"]
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "server.log").open("wb") as log:
        server = subprocess.Popen(
            [*command, "--server.port", str(port)],
            cwd=PROJECT,
            env=environment,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_until_healthy(f"http://localhost:{port}/_stcore/health", server)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(timeout=30)


def awaited(coroutine: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns; run in a thread of its own, as Playwright's loop is in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, coroutine).result()


def server_of(address: str) -> psutil.Process:
    """The process of `serving` that listens at an address."""
    port = address.rpartition(":")[2]
    children = psutil.Process().children()
    # A child that has ended but was not waited for has no command line to read.
    alive = (one for one in children if one.status() != psutil.STATUS_ZOMBIE)
    (server,) = (one for one in alive if port in one.cmdline())
    return server


def wait_until_healthy(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait until a server answers at its health address; fails when it ends before."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            raise RuntimeError(f"the server ended with code {server.returncode}")
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except (urllib.error.URLError, TimeoutError):
            time.sleep(0.1)
    raise RuntimeError(f"the server did not answer within {START_SECONDS} s")


@dataclass
class Tab:
    """A browser tab that remembers what went wrong in it.

    It reads along on the web socket: a page that answers at once never shows that it ran.
    """

    page: Page
    address: str
    faults: list[str] = field(default_factory=list)
    runs: int = 0

    def __post_init__(self) -> None:
        self.page.on("websocket", lambda socket: socket.on("framereceived", self._message))
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.faults.append(f"page error: {error}"))
        self.page.on("request", lambda request: self._request(request.url))

    def _message(self, payload: str | bytes) -> None:
        if isinstance(payload, bytes):
            message = ForwardMsg.FromString(payload)
            if message.WhichOneof("type") == "script_finished":
                self.runs += message.script_finished != ForwardMsg.FINISHED_EARLY_FOR_RERUN

    def _console(self, message: ConsoleMessage) -> None:
        url = message.location.get("url", "")
        if message.type == "error" and not BASE_PATH_SEARCH.search(url):
            self.faults.append(f"console error: {message.text} {url}")

    def _request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in ("http", "https") and parts.hostname != "localhost":
            self.faults.append(f"request that leaves this machine: {url}")

    def open(self, path: str = "") -> None:
        """Load an address of the app, such as `study?dataset=mnist`, and wait for it."""
        self.settle(lambda: self.page.goto(f"{self.address}/{path}"))

    def settle(self, action: Callable[[], object]) -> float:
        """Do something that the app answers; returns the milliseconds until it is drawn."""
        runs = self.runs
        start = time.perf_counter()
        action()
        while self.runs == runs:
            self.page.wait_for_timeout(5)
            assert time.perf_counter() < start + ANSWER_SECONDS, f"no answer on {self.page.url}"
        self.page.wait_for_function(DRAWN, timeout=ANSWER_SECONDS * 1000)
        self.page.evaluate(TWO_FRAMES)
        milliseconds = (time.perf_counter() - start) * 1000
        self.check()
        return milliseconds

    def check(self) -> None:
        """Fail on an exception box, a console error or a request to another machine."""
        boxes = self.page.locator('[data-testid="stException"]').all_inner_texts()
        assert not boxes, f"exception box on {self.page.url}: {boxes}"
        assert not self.faults, f"on {self.page.url}: {self.faults}"


def whole_page(page: Page) -> None:
    """Make the window as high as what is in it; Streamlit scrolls a part of the page only."""
    height = page.evaluate("document.querySelector('[data-testid=\"stMain\"]').scrollHeight")
    size = page.viewport_size
    assert size is not None
    page.set_viewport_size({"width": size["width"], "height": max(900, height)})
    page.wait_for_timeout(500)


@contextmanager
def tab(browser: Browser, address: str, width: int = 1440, scheme: str = "light") -> Iterator[Tab]:
    """A tab without memory of others.

    Args:
        browser: What `launched` yields.
        address: What `serving` yields.
        width: Of the window in pixels.
        scheme: `"light"` or `"dark"`.
    """
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        accept_downloads=True,
    )
    try:
        yield Tab(context.new_page(), address)
    finally:
        context.close()
