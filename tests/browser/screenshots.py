"""Pictures of every page for people to look at: `python -m tests.browser.screenshots OUT`.

Uses the cache and data folders of the environment, so it shows the studies that are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core import settings
from tests.browser import harness

WIDTHS = (1440, 800)
SCHEMES = ("light", "dark")
TABS = (
    *("Findings", "Scaling", "CDFs", "Z against Z", "R²", "Classes"),
    *("Strategies", "Overlap", "Variance", "Scores"),
)


def views(dataset: str, study: str | None) -> dict[str, str]:
    """Address of each picture by file name."""
    found = {
        "home": "",
        "datasets": f"datasets?dataset={dataset}",
        "explorer": f"explorer?dataset={dataset}&strategy=Own+mean",
        "study-new": f"study?dataset={dataset}",
        "study-own-grid": f"study?dataset={dataset}&start=Own+grid",
        "quality": f"quality?dataset={dataset}",
        "duplicates": f"duplicates?dataset={dataset}&own_cut=true&confirm=false",
        "leaks": f"duplicates?dataset={dataset}&view=Train–test+leaks",
        "jobs": "jobs",
    }
    for tab in TABS if study else ():
        name = tab.lower().replace(" ", "-").replace("²", "2")
        found[f"study-{name}"] = f"study?study={study}&tab={tab}"
    return found


def main() -> None:
    """Shoot every view at every width in both themes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--study", help="as the study page lists it, such as `quick · 1a2b3c4d`")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    with harness.launched() as browser, harness.serving(settings.cache_root()) as address:
        for width in WIDTHS:
            for scheme in SCHEMES:
                with harness.tab(browser, address, width, scheme) as tab:
                    for name, path in views(options.dataset, options.study).items():
                        tab.page.set_viewport_size({"width": width, "height": 900})
                        tab.open(path)
                        tab.page.wait_for_timeout(1000)
                        harness.whole_page(tab.page)
                        tab.page.screenshot(path=options.out / f"{name}-{width}-{scheme}.png")


if __name__ == "__main__":
    main()
