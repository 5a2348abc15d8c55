"""What the scores of unions say: is quality additive, sub-additive, interfering?

With Z_A and Z_B the Z-scores of two subsets of n images per class, Z_AB that of their union of u,
each against random subsets of its own size: if every image has a worth that does not depend on
the others, the union's mean worth is the mean of both, and the spread of random means shrinks
with the root of the size, so that Z_AB = sqrt(u/n) (Z_A + Z_B)/2. That is what is called expected
here, (Z_A + Z_B)/sqrt(2) for u = 2n.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import stats
from core.studies.xfactor_analysis.better import ALL
from core.studies.xfactor_analysis.scores import FEW_RANDOM, WITHOUT, left_out

PAIRS = ["pair", "kind", "a", "b", "shared", "subset_size", "per_class"]
RESAMPLES = 2000
FEWEST = 4  # pairs: with fewer a slope says nothing
Floats = npt.NDArray[np.float64]

RULES: dict[str, Callable[[pd.DataFrame], pd.Series]] = {
    "expected": lambda table: table["expected"],
    "sum": lambda table: table["z_a"] + table["z_b"],
    "mean": lambda table: (table["z_a"] + table["z_b"]) / 2,
    "better of the two": lambda table: table[["z_a", "z_b"]].min(axis=1),
    "worse of the two": lambda table: table[["z_a", "z_b"]].max(axis=1),
    "random": lambda table: 0 * table["z_a"],
}


@dataclass(frozen=True, eq=False)
class Unions:
    """The tables of a study of unions; each is one CSV file of that name.

    Args:
        unions: One row a (pair, model): what the pair is, `z_a` and `z_b` of the second
            training of both subsets, `z_union`, `expected`, and `expected_first`, the same from
            the first training, by which subsets are ranked; `random`, the fewest random subsets
            that one of the three stands against.
        slopes: Slope of `z_union` on `expected`, by `model` and over models together, with its
            95 % bootstrap interval over pairs; `plain` is that of least squares, which the noise
            of training flattens; `on_sum` is the slope on Z_A + Z_B; `verdict` in a word.
        kinds: Means over pairs and models by `kind` of pair, and the `difference` of `z_union`
            from `expected` with its 95 % bootstrap interval.
        rules: How far Z_AB is from what each rule says, with nothing fitted: root of the mean
            squared difference, and mean difference.
    """

    unions: pd.DataFrame
    slopes: pd.DataFrame
    kinds: pd.DataFrame
    rules: pd.DataFrame

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by file name, without its ending."""
        return {item.name: getattr(self, item.name) for item in fields(self)}


def analyse(scores: pd.DataFrame, pairs: pd.DataFrame, seed: int = 0) -> Unions:
    """Analyse the scores of a study of unions, finished or still running.

    Args:
        scores: One row a (part, name, model) with `per_class` and `error`; the parts are random,
            subset, subset again and union.
        pairs: One row a pair, columns `PAIRS`.
        seed: Seed of the bootstrap.
    """
    unions = _unions(scores, pairs)
    scopes = list(_scopes(unions))
    slopes = [(name, *_slope(table, seed)) for name, table in scopes]
    columns = ["model", "pairs", "slope", "low", "high", "plain", "on_sum", "verdict"]
    together = scopes[-1][1] if scopes else unions
    return Unions(
        unions, pd.DataFrame(slopes, columns=columns), _kinds(together, seed), _rules(scopes)
    )


def _unions(scores: pd.DataFrame, pairs: pd.DataFrame) -> pd.DataFrame:
    parts = []
    for model, of_model in scores.groupby("model", sort=False):
        z: dict[tuple[str, str], float] = {}
        counts: dict[Hashable, int] = {}
        for size, cell in of_model.groupby("per_class"):
            random = cell.loc[cell["part"] == "random", "error"]
            counts[size] = len(random)
            found = stats.z_scores(cell["error"], random)
            z.update(zip(zip(cell["part"], cell["name"], strict=True), found, strict=True))

        def of(part: str, names: pd.Series, z: dict[tuple[str, str], float] = z) -> list[float]:
            return [z.get((part, name), np.nan) for name in names]

        table = pairs.assign(model=model)
        table["z_a"], table["z_b"] = of("subset again", pairs["a"]), of("subset again", pairs["b"])
        table["z_union"] = of("union", pairs["pair"])
        sizes = pairs[["per_class", "subset_size"]]
        table["random"] = sizes.apply(lambda size, of=counts: size.map(of)).min(axis=1)
        first = np.add(of("subset", pairs["a"]), of("subset", pairs["b"]))
        scale = np.sqrt(pairs["per_class"] / pairs["subset_size"]) / 2
        table["expected"] = scale * (table["z_a"] + table["z_b"])
        table["expected_first"] = scale * first
        parts.append(table.dropna(subset=["expected", "expected_first", "z_union"]))
    columns = [*PAIRS, "model", "z_a", "z_b", "z_union", "random", "expected", "expected_first"]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)


def _scopes(unions: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Each model's rows; last those of the models that means are taken over, if several."""
    found = [(str(model), table) for model, table in unions.groupby("model", sort=False)]
    out = left_out(unions["model"])
    kept = unions[~out]
    if len(set(kept["model"])) > 1:
        found.append((WITHOUT if out.any() else ALL, kept))
    return found


def _slope(table: pd.DataFrame, seed: int) -> tuple[int, float, float, float, float, float, str]:
    """Slope over pairs, each model about its own means; the first training is the instrument.

    Subsets are ranked by scores that hold the noise of their training, and least squares on a
    noisy x are flat. The second training has noise of its own: cov(Z_AB, first) over cov(second,
    first) is free of both.
    """
    wide = table.pivot_table(
        index="pair", columns="model", values=["z_union", "expected", "expected_first"]
    ).dropna()
    n = len(wide)
    if n < FEWEST:
        return n, np.nan, np.nan, np.nan, np.nan, np.nan, "too few pairs"
    y, x, first = (
        wide[name].to_numpy(dtype=np.float64) for name in ("z_union", "expected", "expected_first")
    )
    counts = np.vstack([np.ones(n), stats.bootstrap_counts(n, RESAMPLES, seed)])
    scatter = _cross(x, first, counts)
    slopes = np.divide(_cross(y, first, counts), scatter, where=scatter != 0, out=scatter * np.nan)
    low, high = (float(end) for end in np.nanpercentile(slopes[1:], [2.5, 97.5]))
    plain = float(_cross(y, x, counts[:1])[0] / _cross(x, x, counts[:1])[0])
    ratio = np.sqrt(table["per_class"] / table["subset_size"]).mean() / 2
    slope = float(slopes[0])
    return n, slope, low, high, plain, slope * float(ratio), verdict(low, high)


def _cross(a: Floats, b: Floats, counts: Floats) -> Floats:
    """Sum of products about the means, over pairs and models, for each weighting of the pairs."""
    n = counts.sum(axis=1, keepdims=True)
    sums: Floats = (counts @ (a * b) - (counts @ a) * (counts @ b) / n).sum(axis=1)
    return sums


def verdict(low: float, high: float) -> str:
    """What the interval of a slope says; 1 is additive."""
    if low > 1:
        return "super-additive"
    if high < 0:
        return "interfering"
    if low > 0:
        return "sub-additive" if high < 1 else "additive"
    return "not carried over" if high < 1 else "undecided"


def _kinds(table: pd.DataFrame, seed: int) -> pd.DataFrame:
    rows = []
    for kind, part in table.groupby("kind", sort=False):
        means = part.groupby("pair")[["z_a", "z_b", "z_union", "expected"]].mean()
        off = (means["z_union"] - means["expected"]).to_numpy(dtype=np.float64)
        low = high = np.nan
        if len(off) > 1:
            resampled = stats.bootstrap_counts(len(off), RESAMPLES, seed) @ off / len(off)
            low, high = np.percentile(resampled, [2.5, 97.5])
        rows.append((kind, len(off), *means.mean(), off.mean(), low, high))
    columns = ["kind", "pairs", "z_a", "z_b", "z_union", "expected", "difference", "low", "high"]
    return pd.DataFrame(rows, columns=columns)


def _rules(scopes: list[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    rows = []
    for model, table in scopes:
        for name, rule in RULES.items():
            off = (table["z_union"] - rule(table)).to_numpy(dtype=np.float64)
            rows.append((model, name, float(np.sqrt((off**2).mean())), float(off.mean())))
    return pd.DataFrame(rows, columns=["model", "rule", "rms_difference", "mean_difference"])


SAID = {
    "super-additive": "Super-additive: together subsets are worth more than the sum of their "
    "images",
    "additive": "Over all pairs not distinguishable from additive",
    "sub-additive": "Sub-additive: part of the subsets' quality is kept in their union",
    "not carried over": "Not carried over: nothing of the subsets' quality is seen in their union",
    "interfering": "Interfering: unions of good subsets are worse than random ones",
    "undecided": "Undecided: these pairs are too few or too alike",
}


def sentences(found: Unions) -> tuple[str, ...]:
    """What the tables say, the verdict first."""
    if found.unions.empty:
        return ("No union has been scored yet.",)
    row = found.slopes.to_dict("records")[-1]
    if row["verdict"] not in SAID:
        return (f"{row['pairs']} pairs are too few for a slope; {FEWEST} are the least.",)
    said = [
        f"{SAID[row['verdict']]}: slope {_signed(row['slope'])} (95 % CI {_signed(row['low'])} to "
        f"{_signed(row['high'])}) of the union's Z-score on what adding up the worth of images "
        f"gives, over {row['pairs']} pairs, {row['model']}; 1 is additive. On Z_A + Z_B the slope "
        f"is {_signed(row['on_sum'])}."
    ]
    off = found.kinds[(found.kinds["low"] > 0) | (found.kinds["high"] < 0)]
    if len(off):
        kinds = ", ".join(
            f"{kind} ({side})" for kind, side in zip(off["kind"], _sides(off), strict=True)
        )
        said[0] += f" One slope is a summary; clearly off what adds up are {kinds}."
    for kind in found.kinds.dropna(subset="low").to_dict("records"):
        said.append(
            f"{str(kind['kind']).capitalize()}: mean Z {_signed(kind['z_a'])} and "
            f"{_signed(kind['z_b'])} give {_signed(kind['z_union'])} together, "
            f"{_signed(kind['expected'])} expected; difference {_signed(kind['difference'])} "
            f"(95 % CI {_signed(kind['low'])} to {_signed(kind['high'])}, {kind['pairs']} pairs)."
        )
    rules = found.rules[found.rules["model"] == row["model"]].sort_values("rms_difference")
    best = rules.to_dict("records")[0]
    said.append(
        f"With nothing fitted, the rule nearest to the unions' Z-scores is “{best['rule']}” "
        f"(root mean squared difference {best['rms_difference']:.2f})."
    )
    least = int(found.unions["random"].min())
    if least < FEW_RANDOM:
        said.append(
            f"Some Z-scores rest on {least} random subsets of their size, so their unit is "
            "uncertain by a fifth and more; let the study end, or draw more."
        )
    return tuple(said)


def _sides(kinds: pd.DataFrame) -> list[str]:
    """Whether unions of each kind are better or worse than the worth of images adds up to."""
    return ["worse" if difference > 0 else "better" for difference in kinds["difference"]]


def _signed(value: float) -> str:
    return f"{value:.2f}".replace("-", "−")
