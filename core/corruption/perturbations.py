"""Every perturbation of pixels by name.

To add one, write a function of (images, level, generator, peak) and list it here.
"""

from __future__ import annotations

from core.corruption.base import Perturbation
from core.registry import Registry

PERTURBATIONS = Registry[Perturbation]("perturbation")
