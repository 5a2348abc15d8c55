"""Which detector of near-duplicates is asked, and how: widgets that stand in the address."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from core.quality import DETECTORS, fastdup
from pages.shared import layout
from pages.shared.text import plain

HASH = "hash"
STEP = 0.01
OWN_BITS, OWN_COSINE = 6, 0.1


@dataclass(frozen=True)
class Choice:
    """A detector, its cut (None adapts it to the data), and whether pixels confirm its pairs."""

    detector: str = HASH
    radius: float | None = None
    confirm: bool = True

    @property
    def unit(self) -> str:
        """What its distances are measured in."""
        return DETECTORS[self.detector].unit

    def options(self) -> list[str]:
        """The same on the command line; what is at its default is left out."""
        words = [] if self.detector == HASH else ["--detector", self.detector]
        words += [] if self.radius is None else ["--radius", f"{self.radius:g}"]
        return words + ["--no-confirm"] * (not self.confirm)


def choose() -> Choice:
    """Detector, cut and confirmation."""
    listed = " ".join(f"{one.name}: {one.summary}" for one in DETECTORS.values())
    detector = st.segmented_control(
        "Detector",
        list(DETECTORS),
        default=HASH,
        required=True,
        key="detector",
        bind="query-params",
        help=plain(listed),
    )
    detector = detector or HASH
    own = st.toggle(
        "My own cut",
        key="own_cut",
        bind="query-params",
        help="The default cut adapts to the data: the more images, the smaller it is, because "
        "pairs by chance grow with the square of their number.",
    )
    radius = _bits(own) if detector == HASH else _cosine(detector, own)
    confirm = st.toggle(
        "Confirm by pixels",
        value=True,
        key="confirm",
        bind="query-params",
        help="Keep only pairs whose pixels agree, brightness and contrast aside. Without it "
        "pictures of one layout, such as digits, are taken for copies.",
    )
    return Choice(detector, radius if own else None, confirm)


def _bits(own: bool) -> float:
    return st.slider(
        "Distance cut, bits",
        0,
        int(DETECTORS[HASH].largest),
        OWN_BITS,
        key="radius",
        bind="query-params",
        disabled=not own,
        width=layout.WIDGET,
        help="Two images are a pair when their perceptual hashes differ in at most so many of "
        "64 bits. Large data sets take long at 8 and more, longest at 12 and more.",
    )


def _cosine(detector: str, own: bool) -> float:
    return st.slider(
        "Distance cut, 1 - cosine",
        0.0,
        DETECTORS[detector].largest,
        OWN_COSINE,
        step=STEP,
        key=f"{detector}_radius",
        bind="query-params",
        disabled=not own,
        width=layout.WIDGET,
        help="Two images are a pair when the cosine of their vectors is at least 1 less this.",
    )


def is_here(choice: Choice) -> bool:
    """Whether the detector can be asked; says how to add it when it cannot."""
    if choice.detector != "fastdup":
        return True
    version = fastdup.available()
    if version is None:
        st.info(plain(fastdup.ABSENT), icon=":material/extension:")
        return False
    st.caption(f"fastdup {version} is installed in an environment of its own.")
    return True
