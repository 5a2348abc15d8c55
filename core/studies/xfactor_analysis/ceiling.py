"""How far models can agree at all, from subsets that were trained again under other seeds.

References:
    Spearman 1904, as in `core.stats.reliability`.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import stats
from core.models import Model
from core.stats.reliability import chance_variance, reliability
from core.studies.xfactor_analysis.scores import Floats, left_out

GROUPS = ("all", "selected", "random")
KEYS = ["group", "model_a", "model_b"]


@dataclass(frozen=True, eq=False)
class Ceiling:
    """What training again says of agreement.

    Args:
        reliability: One row a `group` of subsets, `per_class` ("all" or a size) and `model`:
            `reliability` r_xx, `own` = r_xx², the R² of the model with itself, both with 95 %
            intervals; `subsets` trained again and `runs` of each; `drawn`, False for a model
            that draws nothing at random, whose reliability is 1.
        pairs: One row a `group` and pair of models: `r_squared`; `ceiling` = r_xx·r_yy;
            `corrected` = R² / ceiling, at most 1, with its interval, which may go beyond.
        mean: Their means over pairs by `group`, naive Bayes left out where there are others.
    """

    reliability: pd.DataFrame
    pairs: pd.DataFrame
    mean: pd.DataFrame


@dataclass(frozen=True, eq=False)
class _Runs:
    """Z-scores of the subsets that every model has scored."""

    subsets: pd.DataFrame
    models: list[str]
    z: Floats
    chance: Floats
    runs: npt.NDArray[np.int64]


def ceiling(
    z_scores: pd.DataFrame, replicates: pd.DataFrame, resamples: int = 1000, seed: int = 0
) -> Ceiling:
    """Reliability of every model, and R² of every pair beside what it could be.

    Args:
        z_scores: `Analysis.z_scores`, with `error`.
        replicates: One row a (subset, model) that was trained again: `subset`, `model`,
            `replicate` and `error`; at least one.
        resamples: Bootstrap resamples of subsets, the same for all that is computed.
        seed: Their seed.
    """
    runs = _runs(z_scores, replicates)
    own, pairs, mean = [], [], []
    for group in GROUPS:
        inside = np.ones(len(runs.subsets), dtype=np.bool_)
        if group != "all":
            inside = (runs.subsets["group"] == group).to_numpy()
        if inside.sum() < 3:
            continue
        own.append(_own(runs, inside, resamples, seed).assign(group=group, per_class="all"))
        found, means = _pairs(runs, inside, resamples, seed)
        pairs.append(found.assign(group=group))
        mean.append(means.assign(group=group))
        for size in runs.subsets["per_class"].unique():
            some = inside & (runs.subsets["per_class"] == size).to_numpy()
            part = _own(runs, some, resamples, seed)
            own.append(part.assign(group=group, per_class=str(size)))
    return Ceiling(*(_joined(parts) for parts in (own, pairs, mean)))


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    table = pd.concat(parts, ignore_index=True)
    first = [name for name in ("group", "per_class") if name in table]
    return table[[*first, *(name for name in table if name not in first)]]


def _runs(z_scores: pd.DataFrame, replicates: pd.DataFrame) -> _Runs:
    """Z of the study's runs, and of those again by the same mean and standard deviation."""
    models = list(dict.fromkeys(z_scores["model"]))
    keys = ["per_class", "group", "subset"]
    wide = z_scores.set_index([*keys, "model"])["z"].unstack("model")  # noqa: PD010
    wide = wide.reindex(columns=models).dropna()
    random = z_scores[z_scores["group"] == "random"].groupby(["model", "per_class"])["error"]
    unit = random.agg(["mean", "std"])
    again = replicates[["subset", "model", "replicate", "error", "per_class"]]
    again = again.join(unit, on=["model", "per_class"])
    again = again.assign(z=(again["error"] - again["mean"]) / again["std"])
    subsets = wide.index.to_frame(index=False)
    scores = [wide.to_numpy(dtype=np.float64)]
    for _, of_one in again.groupby("replicate"):
        table = of_one.pivot(index="subset", columns="model", values="z")  # noqa: PD010
        scores.append(table.reindex(index=subsets["subset"], columns=models).to_numpy())
    stacked = np.stack(scores, axis=2)
    chance = chance_variance(stacked)
    steady = [Model.parse(model).family.deterministic for model in models]
    chance[:, steady] = 0.0
    return _Runs(subsets, models, scores[0], chance, np.isfinite(stacked).sum(axis=2))


def _drawn(runs: _Runs, inside: npt.NDArray[np.bool_], counts: Floats) -> Floats:
    """Reliability in each resample, shape (resamples, models)."""
    some = runs.subsets[inside]
    strata = some.groupby(["per_class", "group"]).ngroup().to_numpy()
    return reliability(runs.z[inside], runs.chance[inside], strata, counts)


def _own(runs: _Runs, inside: npt.NDArray[np.bool_], resamples: int, seed: int) -> pd.DataFrame:
    n = int(inside.sum())
    found = _drawn(runs, inside, np.ones((1, n)))[0]
    resampled = _drawn(runs, inside, stats.bootstrap_counts(n, resamples, seed))
    defined = np.isfinite(found)
    low, high = stats.percentile_interval(resampled, defined)
    steady = np.array([Model.parse(model).family.deterministic for model in runs.models])
    again = (runs.runs[inside] > 1).sum(axis=0)
    return pd.DataFrame(
        {
            "model": runs.models,
            "reliability": found,
            "low": low,
            "high": high,
            "own": _squared(found),
            "own_low": _squared(low),
            "own_high": _squared(high),
            "subsets": again,
            "runs": runs.runs[inside].max(axis=0),
            "drawn": ~steady,
        }
    )


def _squared(values: Floats) -> Floats:
    """Squares; 0 where chance outweighs everything and a reliability is below 0."""
    return np.maximum(values, 0.0) ** 2


def _pairs(
    runs: _Runs, inside: npt.NDArray[np.bool_], resamples: int, seed: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """R², ceiling and corrected R² of every pair, and their means over pairs."""
    n = int(inside.sum())
    z, first, second = runs.z[inside], *np.triu_indices(len(runs.models), 1)
    values = []
    for counts in (np.ones((1, n)), stats.bootstrap_counts(n, resamples, seed)):
        own = np.maximum(_drawn(runs, inside, counts), 0.0)
        r_squared = stats.pearson_pairs(z, counts) ** 2
        values.append((r_squared, own[:, first] * own[:, second]))
    (r_squared, most), (r_squared_drawn, most_drawn) = values
    names = np.array(runs.models, dtype=object)
    table = pd.DataFrame({"model_a": names[first], "model_b": names[second]}, dtype=str)
    figures = _figures(r_squared, most, r_squared_drawn, most_drawn)
    out = left_out(table["model_a"]) | left_out(table["model_b"])
    used = ~out if (~out).any() else np.ones_like(out)
    used &= np.isfinite(r_squared[0]) & np.isfinite(most[0])
    if not used.any():
        return table.assign(**figures), pd.DataFrame()
    means = [part[:, used].mean(axis=1, keepdims=True) for pair in values for part in pair]
    return table.assign(**figures), pd.DataFrame(_figures(*means)).assign(pairs=int(used.sum()))


def _figures(
    r_squared: Floats, most: Floats, r_squared_drawn: Floats, most_drawn: Floats
) -> dict[str, Floats]:
    corrected, corrected_drawn = _over(r_squared, most), _over(r_squared_drawn, most_drawn)
    found = {"r_squared": r_squared[0]}
    for name, values, drawn in (
        ("ceiling", most, most_drawn),
        ("corrected", corrected, corrected_drawn),
    ):
        low, high = stats.percentile_interval(drawn, np.isfinite(values[0]))
        found |= {name: np.minimum(values[0], 1.0), f"{name}_low": low, f"{name}_high": high}
    return found


def _over(r_squared: Floats, most: Floats) -> Floats:
    """R² by its ceiling; NaN where nothing but chance is left."""
    return np.divide(r_squared, most, out=np.full_like(r_squared, np.nan), where=most > 0)


def sentences(reliability: pd.DataFrame, mean: pd.DataFrame, group: str) -> list[str]:
    """How far models agree with themselves, and what that leaves between them.

    Args:
        reliability: `Ceiling.reliability`.
        mean: `Ceiling.mean`.
        group: Which subsets.
    """
    own = reliability[(reliability["group"] == group) & (reliability["per_class"] == "all")]
    own = own[own["drawn"]].dropna(subset="reliability").sort_values("own", kind="stable")
    if own.empty:
        return []
    rows = own.to_dict("records")
    which = "all" if group == "all" else f"the {group}"
    ends = list(dict.fromkeys(f"{row['own']:.2f} ({row['model']})" for row in (rows[0], rows[-1])))
    said = [
        f"Trained again under another seed, a model agrees with itself on {which} subsets by R² "
        f"{' to '.join(ends)}; {rows[0]['subsets']} subsets were trained again."
    ]
    means = mean[mean["group"] == group].dropna(subset="corrected").to_dict("records")
    for row in means[:1]:
        beyond = " or more" if row["corrected"] == 1 else ""
        said.append(
            f"So the mean R² over the {row['pairs']} model pairs could be {row['ceiling']:.2f} at "
            f"most (95 % CI {row['ceiling_low']:.2f} to {row['ceiling_high']:.2f}) and is "
            f"{row['r_squared']:.2f}; corrected for chance in training it is "
            f"{row['corrected']:.2f}{beyond} ({row['corrected_low']:.2f} to "
            f"{row['corrected_high']:.2f})."
        )
    return said
