"""Every fault by name, in the order of the four aspects of data quality.

To add one, write a function that makes a training set from a `Case` and list it here; a
perturbation becomes a fault by being listed in `PERTURBATIONS`.

References:
    Four-aspects paper, section II.
"""

from __future__ import annotations

from core.corruption import labels, rows
from core.corruption.contamination import contamination
from core.corruption.fault import Case, Choice, Fault, touched
from core.corruption.perturbations import PERTURBATIONS
from core.registry import Registry

__all__ = ["FAULTS", "Case", "Choice", "Fault", "touched"]

FAULTS: Registry[Fault] = Registry(
    "fault",
    rows.REMOVE_CLASS,
    labels.RELABEL_CLASS,
    rows.LONG_TAIL,
    rows.KEEP,
    labels.FLIP_RANDOM,
    labels.FLIP_TO_CLASS,
    labels.FLIP_CONFUSABLE,
    *(contamination(perturbation) for perturbation in PERTURBATIONS.values()),
)
