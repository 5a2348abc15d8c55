"""See that the browser tests have a Chromium: `python -m tests.browser.find_chromium`.

Uses one that is installed; else lets Playwright download its own, which needs the network.
"""

from __future__ import annotations

import subprocess
import sys

from playwright.sync_api import sync_playwright

from tests.browser.harness import NoBrowser, chromium


def main() -> int:
    """Print the browser that the tests will use."""
    with sync_playwright() as playwright:
        try:
            print(f"browser tests: {chromium(playwright)}")
            return 0
        except NoBrowser:
            pass
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command, check=False).returncode == 0:
        return 0
    print("No Chromium was found or downloaded; the browser tests will fail.", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
