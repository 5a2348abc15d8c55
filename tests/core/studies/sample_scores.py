"""Made-up score tables with a planted structure: subset quality that all models share."""

from __future__ import annotations

import numpy as np
import pandas as pd

MODELS = ("rf", "svc", "gnb", "mlp-1", "mlp-2", "mlp-3", "mlp-4", "mlp-5", "resnet18", "resnet34")
STRATEGIES = ("uniqueness", "global_mean", "other_mean", "own_mean")
PAPER_EXCESS = (6, 10, 20, 30, 60, 100, 200, 300, 600, 1000)
PAPER_SIZES = (10, 30, 100, 300, 1000)


def subsets(
    sizes: tuple[int, ...] = (10, 30),
    random: int = 100,
    excess: tuple[int, ...] = (6, 20),
    repeats: int = 5,
    strategies: tuple[str, ...] = STRATEGIES,
) -> pd.DataFrame:
    """The subsets of a study, random ones first at each size."""
    rows = []
    for n in sizes:
        rows += [(f"{n}-random-{i}", n, "random", "", 0, i) for i in range(random)]
        rows += [
            (f"{n}-{name}{sign}{m}-{i}", n, name, sign, m, i)
            for name in strategies
            for sign in "+-"
            for m in excess
            for i in range(repeats)
        ]
    return pd.DataFrame(
        rows, columns=["subset", "per_class", "strategy", "direction", "excess", "repeat"]
    )


def scores(
    table: pd.DataFrame | None = None,
    models: tuple[str, ...] = MODELS,
    shared: float = 0.9,
    classes: int = 3,
    test_images: int = 10_000,
    seed: int = 0,
) -> pd.DataFrame:
    """Scores of `models` on the subsets, in which `shared` of the variance of Z is common.

    Naive Bayes goes its own way, as in the paper. Errors fall as a power of the size, and are
    multiples of 1 / test_images.
    """
    table = subsets() if table is None else table
    rng = np.random.default_rng(seed)
    chosen = (table["strategy"] != "random").to_numpy()
    harm = {name: 1.0 + place for place, name in enumerate(STRATEGIES)}
    push = table["strategy"].map(harm).fillna(0) * np.where(table["direction"] == "-", 1.0, 0.4)
    push *= np.log1p(table["excess"] / table["per_class"])
    quality = np.where(chosen, 1.5 * push, 0) + rng.standard_normal(len(table))
    parts = []
    for place, model in enumerate(models):
        own = rng.standard_normal(len(table)) * np.where(chosen, quality.std(), 1)
        weight = 0.05 if model.startswith("gnb") else shared
        z = np.sqrt(weight) * quality + np.sqrt(1 - weight) * own
        level = (0.55, -0.02) if model.startswith("gnb") else (0.9, -0.4 - 0.04 * place)
        mean = level[0] * table["per_class"].to_numpy() ** level[1]
        spread = 0.01 if model.startswith("gnb") else 0.05
        error = np.clip(mean * (1 + spread * z), 1 / test_images, 1)
        error = np.round(error * test_images) / test_images
        part = table.assign(model=model, accuracy=1 - error, error=error)
        for index in range(classes):
            noise = rng.standard_normal(len(table)) * 0.03
            part[f"class_accuracy_{index}"] = 1 - np.clip(error * (1 + 0.2 * index + noise), 0, 1)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def paper_scores() -> pd.DataFrame:
    """As many scores as in the paper: 2,500 subsets by 10 models, 10 classes."""
    return scores(subsets(PAPER_SIZES, 100, PAPER_EXCESS), classes=10)
