"""What a visitor does: pages turned, sliders moved, tabs and filters chosen, images selected."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator

from tests.load.session import Session

# Tabs of a study, and the key of a button that no other tab has.
TABS = {
    "Findings": "csv-beside-paper",
    "Scaling": "csv-slopes",
    "CDFs": "csv-ks",
    "R²": "csv-r-squared-all",
    "Strategies": "csv-z-by-strategy",
    "Overlap": "csv-overlap-2",
    "Scores": "csv-scores",
}
FILTERS = ("All", "Waiting or running", "Done", "Failed or cancelled")
Timed = tuple[str, float]


class Visitor:
    """One person in one tab, whose choices are their own; says so when it sees another's.

    Args:
        tab: Where they look.
        number: Tells their choices from those of others.
        study: Label of a finished study, as it stands in addresses.
    """

    def __init__(self, tab: Session, number: int, study: str) -> None:
        self.tab, self.number, self.study = tab, number, study
        self.random = random.Random(number)

    async def acts(self) -> AsyncIterator[Timed]:
        """Go on for ever; gives what was done, and the seconds that it took."""
        while True:
            parts = self.random.sample((self.explore, self.read, self.look), 3)
            for part in (self.pass_by, *parts):  # So that none comes twice in a row.
                async for timed in part():
                    yield timed

    async def explore(self) -> AsyncIterator[Timed]:
        """Move the sliders of the subset explorer."""
        chosen = {
            "per_class": 20 + self.number,
            "excess": 30 + self.number,
            "seed": 60 + self.number,
        }
        yield "open explorer", await self.tab.open("explorer", dataset="digits", **chosen)
        self.expect(_options(chosen))
        for key in self.random.choices(("per_class", "excess", "seed"), k=4):
            chosen[key] = 1 + self.number + 20 * self.random.randrange(3)
            yield "slider", await self.tab.set(key, [float(chosen[key])])
            self.expect(_options(chosen))

    async def read(self) -> AsyncIterator[Timed]:
        """Go through the tabs of a finished study."""
        yield "open study", await self.tab.open("study", study=self.study)
        for name in self.random.sample(list(TABS), 3):
            yield "study tab", await self.tab.set("tab", name)
            assert self.tab.has(TABS[name]), f"visitor {self.number} chose {name}"

    async def look(self) -> AsyncIterator[Timed]:
        """Filter the gallery and select a page of images."""
        yield "open quality", await self.tab.open("quality", dataset="digits", group="Kept")
        size = (100, 500)[self.number % 2]
        yield "gallery", await self.tab.set("size", [str(size)])
        yield "gallery", await self.tab.set("select-Page", None)
        self.expect(f"**{size}** selected")
        for name in ("Any issue", "Kept"):
            yield "gallery", await self.tab.set("group", [name])
        self.expect(f"**{size}** selected")

    async def pass_by(self) -> AsyncIterator[Timed]:
        """See what runs."""
        yield "open home", await self.tab.open("")
        yield "open jobs", await self.tab.open("jobs")
        chosen = self.random.choice(FILTERS)
        yield "filter", await self.tab.set("show", [chosen])
        yield "open data sets", await self.tab.open("datasets")

    def expect(self, text: str) -> None:
        """Fail unless what was just drawn says this."""
        assert any(text in said for said in self.tab.said), (
            f"visitor {self.number} expected {text!r} on {self.tab.page}; got {self.tab.said}"
        )


def _options(chosen: dict[str, int]) -> str:
    """How a selection stands in the command that the page shows."""
    return " ".join(f"--{name.replace('_', '-')} {value}" for name, value in chosen.items())
