"""What is quality? Measures of subsets beside how well models do on them.

References:
    X-Factor, section 4: whether measures of diversity account for the correlations between models
    is left there for later work.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from core import stats
from core.diversity import MEASURES
from core.stats.association import Strata, associate, centred
from core.studies.xfactor_analysis.scores import SUBSET, WITHOUT, Floats, left_out

GROUPS = ("all", "selected", "random")
FOLDS = 10
# Of the regression, in units of a measure's standard deviation within a size.
PENALTIES = np.logspace(-6, 1, 15)
Places = npt.NDArray[np.intp]
NOTHING, TOGETHER = "size alone", "all measures"
LEVEL = 0.05
# Share of the mean R² between models that goes when measures are taken out.
VERDICTS = ((0.75, "most"), (0.5, "more than half"), (0.1, "a part"), (-np.inf, "hardly any"))
# Fewer subsets than this are not cut into folds.
LEAST = 3 * FOLDS


@dataclass(frozen=True, eq=False)
class Quality:
    """What measures of subsets say of mean Z.

    Args:
        subsets: One row a subset: what it is, `group`, every measure, and `z`, the mean Z over
            models, naive Bayes left out where there are others.
        correlations: One row a `group` of subsets and `measure`: Pearson's r, `partial` on size
            and Spearman's ρ within sizes with 95 % intervals, `p` of the partial one, `q`
            (Benjamini-Hochberg over the measures), `rank` by its size, and which `models` the
            mean is over.
        explained: One row a `group` and `measure`, and one for all together: share of the
            variance of mean Z within sizes that a regression on measures and their squares
            explains in subsets that it has not seen, `explained` (ten folds), and in strategies
            and directions that it has not seen, `explained_unseen`.
        remaining: Mean R² between models when size and a measure, or all, are taken out of
            their Z-scores, `r_squared`, with its 95 % interval, by `group` and `taken_out`.
        notes: What could not be computed, and why.
    """

    subsets: pd.DataFrame
    correlations: pd.DataFrame
    explained: pd.DataFrame
    remaining: pd.DataFrame
    notes: tuple[str, ...]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by file name, without its ending."""
        return {
            "measures": self.subsets,
            "measure_correlations": self.correlations,
            "measure_explained": self.explained,
            "measure_remaining": self.remaining,
        }


@dataclass(frozen=True, eq=False)
class _Part:
    """The subsets of one group, as arrays."""

    group: str
    names: list[str]
    x: Floats
    z: Floats
    mean: Floats
    sizes: Strata
    kinds: npt.NDArray[np.object_]


def quality(
    measured: pd.DataFrame, z_scores: pd.DataFrame, resamples: int = 1000, seed: int = 0
) -> Quality:
    """Set measures of subsets beside the Z-scores of models.

    Args:
        measured: One row a subset: the recipe's columns, then one column a measure.
        z_scores: `Analysis.z_scores`.
        resamples: Bootstrap resamples of subsets, the same for all that is computed.
        seed: Seed of resamples and folds.
    """
    names = [str(name) for name in measured if name not in SUBSET]
    models = list(dict.fromkeys(z_scores["model"]))
    out = left_out(models)
    used = [model for model, no in zip(models, out, strict=True) if not no] or models
    wide = z_scores.pivot(index="subset", columns="model", values="z")[used].dropna()  # noqa: PD010
    table = measured[measured["subset"].isin(wide.index)].reset_index(drop=True)
    z = wide.reindex(table["subset"]).to_numpy(dtype=np.float64)
    group = np.where(table["strategy"] == "random", "random", "selected")
    table = table.assign(group=group, z=z.mean(axis=1))
    parts = [part for part in _parts(table, names, z) if len(part.mean) >= LEAST]
    notes = _notes(measured, table, parts)
    scope = WITHOUT if len(used) < len(models) else "all"
    correlations = [_correlations(part, resamples, seed).assign(models=scope) for part in parts]
    explained = [_explained(part, seed) for part in parts]
    remaining = [_remaining(part, resamples, seed) for part in parts]
    return Quality(
        table,
        _joined(correlations),
        _joined(explained),
        _joined(remaining),
        notes,
    )


def _joined(parts: list[pd.DataFrame]) -> pd.DataFrame:
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"group": []}, dtype=str)


def _parts(table: pd.DataFrame, names: list[str], z: Floats) -> Iterator[_Part]:
    for group in GROUPS:
        inside = table["group"].isin(GROUPS if group == "all" else [group]).to_numpy()
        some = table[inside]
        yield _Part(
            group,
            names,
            some[names].to_numpy(dtype=np.float64),
            z[inside],
            some["z"].to_numpy(dtype=np.float64),
            some["per_class"].to_numpy(dtype=np.int64),
            (some["strategy"] + some["direction"]).to_numpy(dtype=object),
        )


def _notes(measured: pd.DataFrame, table: pd.DataFrame, parts: list[_Part]) -> tuple[str, ...]:
    notes = []
    if len(table) < len(measured):
        notes.append(
            f"Of {len(measured):,} measured subsets, {len(table):,} have a Z-score by every model; "
            "the others are left out."
        )
    done = {part.group for part in parts}
    few = [f"{len(table[table['group'] == g])} {g}" for g in GROUPS[1:] if g not in done]
    if "all" not in done:
        few = [f"{len(table)}"]
    if few:
        notes.append(
            f"Measures are set beside Z-scores from {LEAST} subsets on; there are "
            f"{' and '.join(few)} ones, of which nothing is said."
        )
    return tuple(notes)


def _correlations(part: _Part, resamples: int, seed: int) -> pd.DataFrame:
    found = associate(part.x, part.mean, part.sizes, resamples, seed)
    columns: dict[str, object] = {"group": part.group, "measure": part.names}
    for name in ("partial", "pearson", "spearman"):
        kind = getattr(found, name)
        columns |= {name: kind.r, f"{name}_low": kind.low, f"{name}_high": kind.high}
    table = pd.DataFrame({**columns, "p": found.p, "q": found.q, "subsets": len(part.mean)})
    table["rank"] = table["partial"].abs().rank(ascending=False, method="min")
    return table.sort_values("rank", kind="stable", ignore_index=True)


def _explained(part: _Part, seed: int) -> pd.DataFrame:
    order = np.random.default_rng(seed).permutation(len(part.mean))
    seen = np.empty(len(order), dtype=np.int64)
    seen[order] = np.arange(len(order)) % FOLDS
    kinds = np.unique(part.kinds, return_inverse=True)[1]
    several = kinds.max() > 1
    rows = [
        (
            part.group,
            name,
            len(columns),
            _predicted(part, columns, seen),
            _predicted(part, columns, kinds) if several else np.nan,
            len(part.mean),
        )
        for name, columns in _choices(part)
    ]
    names = ["group", "measure", "measures", "explained", "explained_unseen", "subsets"]
    table = pd.DataFrame(rows, columns=names)
    return table.sort_values("explained", ascending=False, kind="stable", ignore_index=True)


def _choices(part: _Part) -> list[tuple[str, Places]]:
    """Columns of each measure that is defined throughout, and of all of them."""
    known = np.flatnonzero(np.isfinite(part.x).all(axis=0))
    return [*((part.names[place], np.array([place])) for place in known), (TOGETHER, known)]


def _predicted(part: _Part, columns: Places, fold: Strata) -> float:
    """Share of the squares that predictions of each fold from the others take off.

    What they are taken off are the squares around the mean of the same size in the other folds,
    so 0 is no better than knowing the size, and it may be below.
    """
    from sklearn.linear_model import RidgeCV

    left = total = 0.0
    for one in np.unique(fold):
        inside = fold != one
        x = _scaled(part.x[:, columns], part.sizes, inside)
        # A curve says nothing beyond what it was fitted to; there its end is taken.
        x = _curve(np.clip(x, x[inside].min(axis=0), x[inside].max(axis=0)))
        y = _scaled(part.mean[:, None], part.sizes, inside)[:, 0]
        # In units that make its penalties mean the same whatever the number of subsets.
        model = RidgeCV(PENALTIES * inside.sum(), fit_intercept=True).fit(x[inside], y[inside])
        left += float(((y - model.predict(x))[~inside] ** 2).sum())
        total += float((y[~inside] ** 2).sum())
    return 1 - left / total if total else float("nan")


def _scaled(values: Floats, sizes: Strata, inside: npt.NDArray[np.bool_]) -> Floats:
    """Values less their mean inside, by their spread inside, at each size on its own.

    Measures grow with the size by orders of magnitude; so one slope serves all sizes.
    """
    scaled = np.zeros_like(values)
    for size in np.unique(sizes):
        some = sizes == size
        known = values[some & inside]
        if len(known) > 1:
            spread = known.std(axis=0)
            scaled[some] = (values[some] - known.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return scaled


def _curve(x: Floats) -> Floats:
    """Each column and its square: too little and too much of a measure may both harm."""
    return np.concatenate([x, x**2], axis=1)


def _remaining(part: _Part, resamples: int, seed: int) -> pd.DataFrame:
    everything = np.ones(len(part.mean), dtype=np.bool_)
    z = centred(part.z, part.sizes)
    pairs = np.ones(z.shape[1] * (z.shape[1] - 1) // 2, dtype=np.bool_)
    nothing = (NOTHING, np.empty(0, dtype=np.intp))
    rows = []
    for name, columns in [nothing, *_choices(part)]:
        taken = centred(_curve(_scaled(part.x[:, columns], part.sizes, everything)), part.sizes)
        left = z - taken @ np.linalg.lstsq(taken, z, rcond=None)[0]
        found = stats.r_squared_pairs(left, resamples, seed).mean(pairs)
        rows.append((part.group, name, *found, len(pairs), len(left)))
    names = ["group", "taken_out", "r_squared", "low", "high", "pairs", "subsets"]
    return pd.DataFrame(rows, columns=names)


def sentences(found: Quality) -> list[str]:
    """What the measures say, made from their numbers alone."""
    said = []
    for group in found.correlations["group"].unique():
        tables = (found.explained, found.remaining, found.correlations)
        explained, remaining, correlations = (one[one["group"] == group] for one in tables)
        said += [accounts(explained, remaining), closest(correlations)]
    return [sentence for sentence in said if sentence]


def closest(correlations: pd.DataFrame) -> str:
    """Which measure goes most closely with mean Z; empty where none is defined.

    Args:
        correlations: `Quality.correlations` of one group.
    """
    table = correlations.dropna(subset="partial")
    if table.empty:
        return ""
    best = table.to_dict("records")[0]
    scope = "" if best["models"] == "all" else f" {best['models']}"
    better = "better" if best["partial"] < 0 else "worse"
    sure = int((table["q"] < LEVEL).sum())
    return (
        f"{_of(best['group'], best['subsets'])}, {_title(best['measure'])} goes most closely with "
        f"the mean Z over models{scope}: correlation partial on size "
        f"{_signed(best['partial'])} (95 % CI {_signed(best['partial_low'])} to "
        f"{_signed(best['partial_high'])}), so more of it is {better}; {sure} of {len(table)} "
        "measures are significant after Benjamini-Hochberg."
    )


def accounts(explained: pd.DataFrame, remaining: pd.DataFrame) -> str:
    """What measures explain, and what is left of the agreement; empty where nothing is defined.

    Args:
        explained: `Quality.explained` of one group.
        remaining: `Quality.remaining` of the same.
    """
    alone = explained[explained["measure"] != TOGETHER].dropna(subset="explained")
    if alone.empty:
        return ""
    best = alone.sort_values("explained", kind="stable").to_dict("records")[-1]
    every = explained[explained["measure"] == TOGETHER].to_dict("records")[0]
    text = (
        f"{_of(every['group'], every['subsets'])}, {_title(best['measure'])} alone explains "
        f"{_share(best['explained'])} of the variance of mean Z within sizes, all measures "
        f"together {_share(every['explained'])}"
    )
    if np.isfinite(every["explained_unseen"]):
        one, all_of_them = (_share(row["explained_unseen"]) for row in (best, every))
        text += f"; on strategies not seen {one} and {all_of_them}"
    left = remaining.set_index("taken_out").loc[[NOTHING, TOGETHER]]
    if left["r_squared"].isna().any():
        return f"{text}."
    before, after = left.to_dict("records")
    share = 1 - after["r_squared"] / before["r_squared"]
    verdict = next(words for least, words in VERDICTS if share >= least)
    return (
        f"{text}. With all taken out, the mean R² between models goes from "
        f"{before['r_squared']:.2f} to {after['r_squared']:.2f} (95 % CI {after['low']:.2f} to "
        f"{after['high']:.2f}), so they account for {verdict} of the agreement."
    )


def _share(explained: float) -> str:
    """A share; below 0, where a fit does worse than the mean on what it has not seen, nothing."""
    return _percent(explained) if explained > 0 else "nothing"


def _of(group: str, count: int) -> str:
    return f"Of the {count:,} {'' if group == 'all' else group + ' '}subsets"


def _title(measure: object) -> str:
    return f"“{MEASURES[str(measure)].title}”"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %".replace("-", "−")


def _signed(value: float) -> str:
    return f"{value:+.2f}".replace("-", "−")
