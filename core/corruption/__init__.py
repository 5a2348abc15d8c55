"""Faults: pixels, labels and rows changed on purpose, to see what each costs."""

from core.corruption.base import Perturbation
from core.corruption.perturbations import PERTURBATIONS
from core.corruption.prepared import Prepared, damaged, prepared
from core.specs import Damage

__all__ = ["PERTURBATIONS", "Damage", "Perturbation", "Prepared", "damaged", "prepared"]
