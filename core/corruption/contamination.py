"""Faults of the pixels: every perturbation, on a share of the images of either split."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np

from core.corruption.base import Perturbation
from core.corruption.fault import IMAGES, Case, Choice, Fault
from core.corruption.perturbations import PERTURBATIONS
from core.errors import InputError
from core.specs import Damage, TrainingSet, seed_from

CHOICES = MappingProxyType(
    {
        "share": Choice("share", 1.0, "Share of the images that are damaged."),
        "second": Choice(
            "perturbation", None, "Another perturbation, with its level, of the same images."
        ),
    }
)


def contamination(perturbation: Perturbation) -> Fault:
    """The fault of images perturbed, before training, before testing or both.

    Both splits draw from seeds of their own, so that no test image has the noise of a training
    image.
    """

    def change(case: Case) -> TrainingSet:
        steps = [(perturbation.name, case.level), *filter(None, [case.choices["second"]])]
        share = float(case.choices["share"])
        kept = [(name, float(level)) for name, level in steps if _changes(name, level, case)]

        def damages(split: str, seed: int) -> tuple[Damage, ...]:
            if not share or case.where not in (split, "both"):
                return ()
            return tuple(Damage(name, level, share, seed) for name, level in kept)

        return TrainingSet(
            case.dataset.fingerprint,
            case.rows,
            train_damage=damages("train", case.seed),
            test_damage=damages("test", seed_from("test", case.seed)),
        )

    return Fault(
        name=perturbation.name,
        title=perturbation.title,
        summary=perturbation.summary,
        aspect="contamination",
        parameter=perturbation.parameter,
        levels=perturbation.levels,
        least=perturbation.least,
        most=perturbation.most,
        change=change,
        clean=perturbation.clean,
        choices=CHOICES,
        kinds=IMAGES,
    )


def _changes(name: str, level: float, case: Case) -> bool:
    """Whether a perturbation at a level changes any image at all.

    Raises:
        UnknownName: There is no such perturbation.
        InputError: It cannot have that level, or needs colour that the images lack.
    """
    perturbation = PERTURBATIONS[name]
    black = np.zeros((1, 1, 1, 1), dtype=np.uint8)
    perturbation(black, level, np.random.default_rng(0))  # Refuses what it cannot do.
    if name == "grey" and case.dataset.image_shape[2] == 1:
        raise InputError(f"The images of {case.dataset.name} have no colour to take away.")
    return level != perturbation.clean
