"""How far errors spread: scaling, Z-scores, their distribution, variance explained."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core import stats
from core.studies.xfactor_analysis.scores import SUBSET, WITHOUT, is_left_out


def scaling(table: pd.DataFrame) -> pd.DataFrame:
    """Mean, sd (ddof = 1), min, max and count of the error; figure 2."""
    grouped = table.groupby(["model", "per_class", "group"], sort=False)["error"]
    summary = grouped.agg(["mean", "std", "min", "max", "count"]).reset_index()
    return summary.rename(columns={"std": "sd"})


def slopes(table: pd.DataFrame) -> pd.DataFrame:
    """Least-squares slope of log mean error on log size; NaN with one size or an error of 0."""
    means = table.groupby(["model", "group", "per_class"], sort=False)["error"].mean().reset_index()
    rows = []
    for (model, group), cell in means.groupby(["model", "group"], sort=False):
        slope = np.nan
        if len(cell) > 1 and (cell["error"] > 0).all():
            slope = np.polyfit(np.log(cell["per_class"]), np.log(cell["error"]), 1)[0]
        rows.append((model, group, slope, len(cell)))
    return pd.DataFrame(rows, columns=["model", "group", "slope", "sizes"])


def z_scores(table: pd.DataFrame) -> pd.DataFrame:
    """Z-score of every (subset, model), with what the subset is."""
    return table[["subset", "model", "z", *SUBSET[1:], "group", "error"]]


def strategies(table: pd.DataFrame) -> pd.DataFrame:
    """Z-scores by how subsets were chosen; `better` is the share below the random mean."""
    known = table[table["z"].notna()]
    grouped = known.assign(better=known["z"] < 0).groupby(["strategy", "direction", "excess"])
    return grouped.agg(
        z_mean=("z", "mean"), z_sd=("z", "std"), better=("better", "mean"), count=("z", "size")
    ).reset_index()


def cdf(table: pd.DataFrame) -> pd.DataFrame:
    """Empirical distribution functions of Z, one row a distinct value; figure 3."""
    known = table[table["z"].notna()].assign(all="all")
    columns = ["group", "by", "value", "z", "cdf", "n"]
    parts = [pd.DataFrame(columns=columns)]
    for by in ("per_class", "model", "all"):
        for (group, value), pool in known.groupby(["group", by], sort=False):
            z, count = np.unique(pool["z"], return_counts=True)
            curve = pd.DataFrame({"z": z, "cdf": np.cumsum(count) / len(pool)})
            parts.append(curve.assign(group=str(group), by=by, value=str(value), n=len(pool)))
    return pd.concat(parts[1:] or parts, ignore_index=True)[columns]


def ks(table: pd.DataFrame, resamples: int, seed: int) -> pd.DataFrame:
    """Random Z-scores against N(0, 1): pooled by size, by model and all; figure 3a."""
    random = table[table["group"] == "random"]
    columns = ["by", "value", "n", "statistic", "p", "p_monte_carlo"]
    if random.empty:
        return pd.DataFrame(columns=columns)
    models = list(dict.fromkeys(random["model"]))
    cells, steps, places = [], [], []
    for per_class, of_size in random.groupby("per_class"):
        wide = of_size.set_index(["subset", "model"])["z"].unstack("model").reindex(columns=models)  # noqa: PD010
        cells.append(wide.to_numpy(dtype=np.float64))
        step = of_size.groupby("model")["step"].first().reindex(models, fill_value=0.0)
        steps.append(step.to_numpy(dtype=np.float64))
        places += [(str(per_class), model, "all") for _ in range(len(wide)) for model in models]
    place = pd.DataFrame(places, columns=["per_class", "model", "all"])
    tests = [(by, value) for by in place for value in place[by].unique()]
    pools = [(place[by] == value).to_numpy(dtype=np.bool_) for by, value in tests]
    results = stats.ks_against_normal(cells, steps, pools, resamples, seed)
    rows = [
        (*test, result.n, result.statistic, result.p, result.p_monte_carlo)
        for test, result in zip(tests, results, strict=True)
    ]
    return pd.DataFrame(rows, columns=columns)


def variance(table: pd.DataFrame) -> pd.DataFrame:
    """Share of variance that (model, size) means explain, and each model's by size; section 3."""
    models = list(dict.fromkeys(table["model"]))
    kept = [model for model in models if not is_left_out(model)]
    scopes = [("all models", models)]
    if 0 < len(kept) < len(models):
        scopes.append((WITHOUT, kept))
    scopes += [(model, [model]) for model in models]
    rows = []
    for group, of_group in table.groupby("group"):
        for scope, members in scopes:
            part = of_group[of_group["model"].isin(members)]
            cells = part.groupby(["model", "per_class"]).ngroup()
            explained = stats.explained_variance(part["error"], cells)
            rows.append((group, scope, explained, 1 - explained, cells.nunique(), len(part)))
    return pd.DataFrame(rows, columns=["group", "scope", "explained", "residual", "cells", "n"])
