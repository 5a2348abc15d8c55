"""How alike models judge subsets: R² of Z-scores, Spearman's ρ by class, shared images."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import stats
from core.errors import InputError
from core.selection.overlap import overlap as selection_overlap
from core.studies.xfactor_analysis.scores import CLASS_PREFIX, WITHOUT, left_out

GROUPS = ("all", "selected", "random")
MOST_COMPARED = 2_000


def _models(table: pd.DataFrame) -> list[str]:
    return list(dict.fromkeys(table["model"]))


def _pairs(models: list[str]) -> pd.DataFrame:
    """`model_a` and `model_b` of every pair, in the order that `core.stats` returns them."""
    first, second = np.triu_indices(len(models), 1)
    names = np.array(models, dtype=object)
    return pd.DataFrame({"model_a": names[first], "model_b": names[second]}, dtype=str)


def _wide(table: pd.DataFrame, value: str, models: list[str]) -> pd.DataFrame:
    """One row a subset, one column a model."""
    rows = table.set_index(["per_class", "subset", "model"])[value]
    return rows.unstack("model").reindex(columns=models)  # noqa: PD010


def r_squared(table: pd.DataFrame, resamples: int, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """R² of every pair by group of subsets, and its mean over pairs; figure 6."""
    models = _models(table)
    pairs = _pairs(models)
    out = left_out(pairs["model_a"]) | left_out(pairs["model_b"])
    scopes = [("all", np.ones(len(pairs), dtype=np.bool_))]
    if 0 < out.sum() < len(pairs):
        scopes.append((WITHOUT, ~out))
    tables, means = [], []
    for group in GROUPS:
        part = table if group == "all" else table[table["group"] == group]
        z = _wide(part, "z", models).to_numpy(dtype=np.float64)
        result = stats.r_squared_pairs(z, resamples, seed)
        low, high = result.interval()
        found = pairs.assign(group=group, r_squared=result.r_squared, ci_low=low, ci_high=high)
        tables.append(found.assign(r=result.r, n=result.n))
        for scope, used in scopes:
            defined = int((used & np.isfinite(result.r)).sum())
            means.append((group, scope, *result.mean(used), defined, len(z)))
    columns = ["group", "models", "r_squared", "ci_low", "ci_high", "pairs", "subsets"]
    return pd.concat(tables, ignore_index=True), pd.DataFrame(means, columns=columns)


def spearman(table: pd.DataFrame) -> pd.DataFrame:
    """ρ of the class errors of every pair, over all subsets, ranked within sizes; figure 7."""
    models = _models(table)
    pairs = _pairs(models)
    parts = [pd.DataFrame(columns=["model_a", "model_b", "class", "rho", "n"])]
    for column in (str(name) for name in table if str(name).startswith(CLASS_PREFIX)):
        errors = 1 - _wide(table, column, models)
        sizes = errors.index.get_level_values("per_class").to_numpy(dtype=np.int64)
        rho, n = stats.spearman_pairs(errors.to_numpy(dtype=np.float64), sizes)
        parts.append(pairs.assign(**{"class": column.removeprefix(CLASS_PREFIX)}, rho=rho, n=n))
    return pd.concat(parts[1:] or parts, ignore_index=True)


def spearman_mean(spearman: pd.DataFrame) -> pd.DataFrame:
    """Mean, least and largest ρ over pairs, by class and with `class` "all classes" over all."""
    out = left_out(spearman["model_a"]) | left_out(spearman["model_b"])
    scopes = [("all", spearman)] + ([(WITHOUT, spearman[~out])] if 0 < out.sum() < len(out) else [])
    rows = []
    for scope, part in scopes:
        classes = [(str(name), of_class) for name, of_class in part.groupby("class", sort=False)]
        for name, of_class in [("all classes", part), *classes]:
            rho = of_class["rho"]
            rows.append((name, scope, rho.mean(), rho.min(), rho.max(), rho.count()))
    return pd.DataFrame(rows, columns=["class", "models", "rho", "rho_min", "rho_max", "pairs"])


def overlap(table: pd.DataFrame, rows: Mapping[str, npt.NDArray[np.int32]]) -> pd.DataFrame:
    """`overlap_by_group` of the scored subsets of each size, with `per_class`; figure 5.

    Of a size with more than 2,000 subsets the first repeats of each kind, equally many.

    Raises:
        InputError: The rows of a scored subset are not there.
    """
    subsets = table.drop_duplicates("subset")
    unknown = [subset for subset in subsets["subset"] if subset not in rows]
    if unknown:
        raise InputError(
            f"The overlap needs the rows of every scored subset; {unknown[0]} has none."
        )
    parts = []
    for per_class, of_size in subsets.groupby("per_class"):
        if len(of_size) > MOST_COMPARED:
            kinds = of_size.sort_values("repeat").groupby(["strategy", "direction", "excess"])
            of_size = kinds.head(max(2, MOST_COMPARED // kinds.ngroups)).sort_index()
        percent = selection_overlap(np.stack([rows[subset] for subset in of_size["subset"]]))
        found = overlap_by_group(percent, of_size)
        found.insert(0, "per_class", per_class)
        parts.append(found)
    return pd.concat(parts, ignore_index=True)


def overlap_by_group(percent: npt.ArrayLike, subsets: pd.DataFrame) -> pd.DataFrame:
    """Mean percent of images that subsets of one size share, by (strategy, direction, excess).

    Args:
        percent: Percent of images that two subsets share, shape (S, S), 0 to 100.
        subsets: The S subsets in that order, with `strategy`, `direction` and `excess`.

    Returns:
        One row a pair of groups, both orders: `strategy_a`, `direction_a`, `excess_a`, the same
        with `_b`, `percent` (mean), `percent_max` and `pairs`. No subset is compared with
        itself, so a group of one has no row with itself.

    Raises:
        InputError: The matrix does not fit the table.

    References:
        X-Factor, figure 5.
    """
    matrix = np.asarray(percent, dtype=np.float64)
    if matrix.shape != (len(subsets), len(subsets)):
        raise InputError(
            f"The overlap matrix must have shape ({len(subsets)}, {len(subsets)}), one row a "
            f"subset; got {matrix.shape}."
        )
    keys = ["strategy", "direction", "excess"]
    kinds = list(subsets[keys].drop_duplicates().itertuples(index=False, name=None))
    kind = np.array([kinds.index(row) for row in subsets[keys].itertuples(index=False, name=None)])
    rows = []
    for a, key_a in enumerate(kinds):
        for b, key_b in enumerate(kinds):
            block = matrix[np.ix_(kind == a, kind == b)]
            shared = block[~np.eye(len(block), dtype=np.bool_)] if a == b else block.ravel()
            if shared.size:
                rows.append((*key_a, *key_b, shared.mean(), shared.max(), shared.size))
    columns = [f"{key}_{side}" for side in "ab" for key in keys]
    return pd.DataFrame(rows, columns=[*columns, "percent", "percent_max", "pairs"])
