"""What the X-Factor study's scores say: every figure of the paper as a tidy table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.studies.xfactor_analysis import agreement, better, ceiling, spread
from core.studies.xfactor_analysis.agreement import overlap_by_group
from core.studies.xfactor_analysis.scores import CLASS_PREFIX, prepare

__all__ = ["Analysis", "analyse", "overlap_by_group"]


@dataclass(frozen=True, eq=False)
class Analysis:
    """The tables of an X-Factor study; each is one CSV file of that name.

    Args:
        scaling: Error by `model`, `per_class` and `group` (random, selected): mean, sd, min, max.
        slopes: Slope of log mean error against log images per class, by `model` and `group`.
        z_scores: `z` of every (`subset`, `model`): above 0 is worse than random subsets are.
        strategies: Z-scores by `strategy`, `direction` and `excess`, over subsets and models.
        better: Mean Z, and the share of subsets that beat the best random one, by `strategy`,
            `direction`, `per_class` and `model`, and over models together.
        cdf: Distribution of `z`: `group`, pooled `by` per_class, model or all, at `value`.
        ks: Kolmogorov-Smirnov tests of the random subsets' Z-scores against N(0, 1).
        variance: Share of the error's variance that size and model explain.
        r_squared: R² of Z-scores for every pair of models and `group` of subsets.
        r_squared_mean: Its mean over pairs, with all models and without naive Bayes.
        spearman: Spearman's ρ of the class errors for every pair of models and class.
        spearman_mean: Its mean over pairs, by class.
        overlap: Percent of images that subsets of one size share, by `per_class` and the
            `strategy`, `direction` and `excess` of both; None where rows were not given.
        reliability: How far each model agrees with itself, trained again; this and the two
            below are those of `ceiling.Ceiling`, None where nothing was.
        ceiling: R² of every pair of models, the most that it can be, and R² corrected for it.
        ceiling_mean: Their means over pairs.
        notes: What could not be computed, or rests on little, and why.
    """

    scaling: pd.DataFrame
    slopes: pd.DataFrame
    z_scores: pd.DataFrame
    strategies: pd.DataFrame
    better: pd.DataFrame
    cdf: pd.DataFrame
    ks: pd.DataFrame
    variance: pd.DataFrame
    r_squared: pd.DataFrame
    r_squared_mean: pd.DataFrame
    spearman: pd.DataFrame
    spearman_mean: pd.DataFrame
    overlap: pd.DataFrame | None
    reliability: pd.DataFrame | None
    ceiling: pd.DataFrame | None
    ceiling_mean: pd.DataFrame | None
    notes: tuple[str, ...]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by file name, without its ending."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, pd.DataFrame)}

    @property
    def models(self) -> list[str]:
        """Models in the order of the tables."""
        return list(dict.fromkeys(self.z_scores["model"]))


def analyse(
    scores: pd.DataFrame,
    rows: Mapping[str, npt.NDArray[np.int32]] | None = None,
    seed: int = 0,
    resamples: int = 1000,
    models: Sequence[str] | None = None,
    replicates: pd.DataFrame | None = None,
) -> Analysis:
    """Analyse the scores of an X-Factor study, finished or still running.

    Args:
        scores: One row a (subset, model); needs the columns `subset`, `per_class`, `strategy`,
            `direction`, `excess`, `repeat`, `model`, `error` and, for Spearman's ρ,
            `class_accuracy_<name>`.
        rows: Row numbers of every scored subset by its id, for the overlap, which takes longer
            than all the rest on a large study; without them there is none.
        seed: Seed of bootstrap and simulation.
        resamples: Bootstrap resamples, and simulated studies for the Monte Carlo p.
        models: Order of the models; by default the order in which they come.
        replicates: Scores of subsets trained again, with `replicate` besides; without any,
            there is no ceiling.

    Raises:
        InputError: A column is missing, there is no score, or a (subset, model) comes twice.

    References:
        X-Factor, sections 2.5, 2.6 and 3, figures 2, 3, 6 and 7.
    """
    table, notes = prepare(scores, models)
    r_squared, r_squared_mean = agreement.r_squared(table, resamples, seed)
    spearman = agreement.spearman(table)
    z_scores = spread.z_scores(table)
    again = None
    if replicates is not None and len(replicates):
        again = ceiling.ceiling(z_scores, replicates, resamples, seed)
    return Analysis(
        scaling=spread.scaling(table),
        slopes=spread.slopes(table),
        z_scores=z_scores,
        strategies=spread.strategies(table),
        better=better.better(table, resamples, seed),
        cdf=spread.cdf(table),
        ks=spread.ks(table, resamples, seed),
        variance=spread.variance(table),
        r_squared=r_squared,
        r_squared_mean=r_squared_mean,
        spearman=spearman,
        spearman_mean=agreement.spearman_mean(spearman),
        overlap=agreement.overlap(table, rows) if rows else None,
        reliability=None if again is None else again.reliability,
        ceiling=None if again is None else again.pairs,
        ceiling_mean=None if again is None else again.mean,
        notes=(*notes, *_limits(table)),
    )


def _limits(table: pd.DataFrame) -> list[str]:
    """What a study of this shape cannot say."""
    notes = []
    if table["model"].nunique() < 2:
        notes.append("R² and Spearman's ρ need at least two models; there is one.")
    if table["per_class"].nunique() < 2:
        notes.append("What size explains, and how error scales, needs at least two sizes.")
    for group in ("random", "selected"):
        if not (table["group"] == group).any():
            notes.append(f"There are no {group} subsets, so nothing is said of them.")
    if not any(str(name).startswith(CLASS_PREFIX) for name in table):
        notes.append("Spearman's ρ by class needs class accuracies; the table has none.")
    return notes
