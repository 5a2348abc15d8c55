"""What a perturbation is, and how a list of them is put on images."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from core.errors import InputError

Images = npt.NDArray[np.uint8]
Apply = Callable[[Images, float, np.random.Generator, int], Images]


@dataclass(frozen=True, eq=False)
class Perturbation:
    """One entry of the perturbation registry.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence, with its source.
        parameter: What a level is, with its unit, such as `Standard deviation, grey levels`.
        levels: Levels to try unless others are asked for, from weak to strong.
        least: Smallest level allowed.
        most: Largest level allowed.
        apply: Takes images, uint8, shape (n, height, width, channels), the level, a random
            generator and the value of a white pixel; gives new images of the same shape.
        clean: The level that changes nothing, None where no level does.
    """

    name: str
    title: str
    summary: str
    parameter: str
    levels: tuple[float, ...]
    least: float
    most: float
    apply: Apply
    clean: float | None = None

    def __call__(
        self, images: Images, level: float, rng: np.random.Generator, peak: int = 255
    ) -> Images:
        """Images perturbed; those given stay as they are.

        Args:
            images: uint8, shape (n, height, width, channels).
            level: How strong.
            rng: Decides what is drawn at random.
            peak: The value of a white pixel.

        Raises:
            InputError: The level is out of bounds.
        """
        if not self.least <= level <= self.most:
            raise InputError(
                f"{self.title}: the level ({self.parameter}) must be from {self.least:g} to "
                f"{self.most:g}; got {level:g}."
            )
        return self.apply(images, level, rng, peak)
