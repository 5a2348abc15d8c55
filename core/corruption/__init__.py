"""Faults: pixels, labels and rows changed on purpose, to see what each costs."""

from core.corruption.base import Perturbation
from core.corruption.faults import FAULTS, Fault, touched
from core.corruption.perturbations import PERTURBATIONS
from core.corruption.prepared import Prepared, damaged, prepared
from core.specs import Damage

__all__ = [
    "FAULTS",
    "PERTURBATIONS",
    "Damage",
    "Fault",
    "Perturbation",
    "Prepared",
    "damaged",
    "prepared",
    "touched",
]
