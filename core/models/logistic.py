"""Multinomial logistic regression, the very model that influence is exact for."""

from __future__ import annotations

import time
from collections.abc import Sequence

from core.corruption import prepared
from core.datasets.base import Dataset
from core.models.base import Family, Option, Options
from core.specs import TrainingSet
from core.training.fit import Fit

PENALTY = Option(
    0,
    0,
    1_000_000,
    "Weight l2 of the penalty (l2/2)‖θ‖², in millionths; 0 for the usual: 10,000, and 100 for "
    "texts, whose rows are of length 1.",
)
USUAL, USUAL_OF_TEXTS = 10_000, 100


def penalty(dataset: Dataset, options: Options) -> float:
    """The weight l2 that a model with these options has on a data set."""
    usual = USUAL_OF_TEXTS if dataset.kind == "text" else USUAL
    return (options["l2_ppm"] or usual) / 1_000_000


def _fit_many(
    dataset: Dataset,
    training_sets: Sequence[TrainingSet],
    seeds: Sequence[int],
    options: Options,
    device: str,
) -> list[Fit]:
    """Fit to a gradient norm below 1e-6; nothing is drawn at random."""
    from core.training.logistic import fit
    from core.training.pixels import matrix, one_thread

    fits = []
    for training_set in training_sets:
        start = time.perf_counter()
        with one_thread():
            data = prepared(dataset, training_set)
            x = matrix(data.x, dataset.peak)
            model = fit(x, data.y, l2=penalty(dataset, options), classes=len(dataset.classes))
            accuracy = float((model.predict(x) == data.y).mean())
            predictions = model.predict(matrix(data.test_x, dataset.peak))
        fits.append(Fit(predictions, accuracy, 0, time.perf_counter() - start))
    return fits


LOGISTIC = Family(
    name="logistic",
    title="Logistic regression",
    summary="Multinomial, with a bias, penalised and solved exactly; influence is exact for it.",
    fit_many=_fit_many,
    version=1,
    options={"l2_ppm": PENALTY},
    seconds=lambda images, features, test: 0.02 + features * (3e-7 * images + 2e-7 * test),
    gpu=False,
    kinds=frozenset({"image", "text", "table"}),
    deterministic=True,
)
