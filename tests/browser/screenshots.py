"""Pictures of every page for people to look at: `python -m tests.browser.screenshots OUT`.

Uses the cache and data folders of the environment, so it shows the studies that are there.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from core import jobs, settings
from core.store import Store
from core.studies import STUDIES
from pages.shared import jobs_panel
from tests.browser import harness

WIDTHS = (1440, 800)
SCHEMES = ("light", "dark")
TABS = {
    "xfactor": (
        *("Findings", "Scaling", "CDFs", "Z against Z", "R²", "Ceiling", "Classes"),
        *(
            "Strategies",
            "Better than random",
            "Combine",
            "Overlap",
            "Variance",
            "Quality",
            "Scores",
        ),
    ),
    "refinement": ("Findings", "Curves", "DCS", "Rounds"),
    "faults": ("Findings", "Curves", "Ranking", "Classes", "Predictions", "Epochs", "Agreement"),
}


def views(dataset: str) -> dict[str, str]:
    """Address of each picture by file name; of each kind of study the one finished last."""
    found = {
        "home": "",
        "datasets": f"datasets?dataset={dataset}",
        "explorer": f"explorer?dataset={dataset}&strategy=Own+mean",
        "study-new": f"study?dataset={dataset}",
        "study-own-grid": f"study?dataset={dataset}&start=Own+grid",
        "quality": f"quality?dataset={dataset}",
        "duplicates": f"duplicates?dataset={dataset}&own_cut=true&confirm=false",
        "leaks": f"duplicates?dataset={dataset}&view=Train–test+leaks",
        "faults-new": f"faults?dataset={dataset}",
        "influence-new": f"influence?dataset={dataset}",
        "refinement-new": f"influence?dataset={dataset}&view=Refinement",
        "comparison-new": f"comparison?dataset={dataset}&remove=3,17-40",
        "scoreboard-new": f"scoreboard?dataset={dataset}",
        "curation": f"curation?dataset={dataset}",
        "jobs": "jobs",
    }
    done = {job.study: job for job in reversed(jobs.all_jobs(Store())) if job.state == "done"}
    for name, job in done.items():
        for tab in TABS.get(name, ("",)):
            view = f"{name}-{tab.lower().replace(' ', '-').replace('²', '2')}".rstrip("-")
            address = f"{STUDIES[name].page}?study={jobs_panel.label(job)}"
            found[view] = f"{address}&tab={tab}" if tab else address
    return found


def main() -> None:
    """Shoot every view at every width in both themes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--dataset", default="digits")
    parser.add_argument("--only", default="", help="shoot views whose names begin so")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    chosen = {k: v for k, v in views(options.dataset).items() if k.startswith(options.only)}
    with harness.launched() as browser, harness.serving(settings.cache_root()) as address:
        for width in WIDTHS:
            for scheme in SCHEMES:
                with harness.tab(browser, address, width, scheme) as tab:
                    for name, path in chosen.items():
                        tab.page.set_viewport_size({"width": width, "height": 900})
                        tab.open(path)
                        tab.page.wait_for_timeout(1000)
                        harness.whole_page(tab.page)
                        tab.page.screenshot(path=options.out / f"{name}-{width}-{scheme}.png")


if __name__ == "__main__":
    main()
