"""Every perturbation of pixels by name.

To add one, write a function of (images, level, generator, peak) and list it here.
"""

from __future__ import annotations

from core.corruption import blur, noise, resolution, tones
from core.corruption.base import Perturbation
from core.registry import Registry

PERTURBATIONS: Registry[Perturbation] = Registry(
    "perturbation",
    tones.CONTRAST_WEAKER,
    tones.CONTRAST_STRONGER,
    noise.GAUSSIAN_NOISE,
    noise.SALT_AND_PEPPER,
    tones.GAMMA,
    blur.GAUSSIAN_BLUR,
    blur.BOX_BLUR,
    resolution.DOWNSCALE,
    resolution.JPEG,
    tones.BRIGHTNESS,
    tones.GREY,
    noise.OCCLUSION,
)
