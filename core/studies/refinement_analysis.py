"""What the rounds of a refinement study say: curves, comparisons, and one sentence each."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd

from core.stats.paired import Comparison, compare, mean_interval
from core.stats.tracking import Correlation, correlate
from core.studies.refinement_spec import GUIDED, RefinementSpec

METRICS = {
    "dcs": "DCS",
    "accuracy": "test accuracy",
    "macro_f1": "macro F1",
    "validation_loss": "validation loss",
    "validation_accuracy": "validation accuracy",
}
COMPARED = (("accuracy", "Test accuracy in points", 100), ("macro_f1", "Macro F1", 1))
NONE = "no removal"
ROUNDING = 1e-9
NAMES = {GUIDED: "influence", "random": "random removal", "loss": "removal by loss"}


@dataclass(frozen=True, eq=False)
class Analysis:
    """The tables of a refinement study.

    Args:
        curves: `mean` of each `metric` by `arm` and `round`, with the 95 % interval of the mean
            over seeds, `low` to `high` (NaN for one seed), `sd` and `seeds`.
        best: The round with the lowest validation loss of each `seed` and `arm`, and what it
            gained over round 0 in accuracy and macro F1.
        comparisons: Paired over seeds, best round of influence against no removal and against
            the best round of each control; tested together.
        tracking: Correlation of DCS with test accuracy inside seeds, by arm.
        warnings: What stands against trusting the gains.
        notes: What could not be computed, and why.
    """

    curves: pd.DataFrame
    best: pd.DataFrame
    comparisons: tuple[Comparison, ...]
    tracking: dict[str, Correlation]
    warnings: tuple[str, ...]
    notes: tuple[str, ...]

    def tables(self) -> dict[str, pd.DataFrame]:
        """Tables by file name, without its ending."""
        compared = [
            {
                **{name: value for name, value in vars(one).items() if name != "effect"},
                **{"d": one.effect.d, "d_low": one.effect.low, "d_high": one.effect.high},
                "significant": one.significant,
            }
            for one in self.comparisons
        ]
        tracked = [{"arm": arm, **asdict(found)} for arm, found in self.tracking.items()]
        return {
            "curves": self.curves,
            "best": self.best,
            "comparisons": pd.DataFrame(compared),
            "tracking": pd.DataFrame(tracked),
        }

    def sentences(self) -> tuple[str, ...]:
        """What the numbers say, the most telling first."""
        return (
            *_gains(self.best),
            *map(compared, self.comparisons),
            *self.warnings,
            *_tracked(self.tracking),
            *self.notes,
        )


def analyse(table: pd.DataFrame, spec: RefinementSpec) -> Analysis:
    """Analyse the rounds of a study, finished or still running.

    Args:
        table: `refinement_rounds.rounds_table`.
        spec: The study; comparisons take the seeds that went through all of it.
    """
    notes = []
    if len(table) and np.ptp(table["dcs"].to_numpy(float)) < ROUNDING:
        notes.append(
            f"DCS is {table['dcs'].iloc[0]:.2f} in every round: without a penalty, helpful and "
            "harmful influence of boosted trees balance whatever the rows, so it cannot follow "
            "accuracy; read the other curves."
        )
    done = table.groupby("seed")["round"].size()
    whole = table[table["seed"].map(done) == len(spec.arms) * (spec.rounds + 1)]
    comparisons, lacking = _compare(whole)
    return Analysis(
        curves=_curves(table),
        best=_best(whole),
        comparisons=tuple(comparisons),
        tracking=_tracking(table),
        warnings=tuple(_warnings(whole)),
        notes=(*notes, *lacking),
    )


def _curves(table: pd.DataFrame) -> pd.DataFrame:
    rows = []
    for (arm, number), cell in table.groupby(["arm", "round"], sort=False):
        for metric in METRICS:
            values = cell[metric].dropna().to_numpy(float)
            if not values.size:
                continue
            mean, low, high = float(values.mean()), np.nan, np.nan
            if values.size > 1:
                mean, low, high = mean_interval(values)
            sd = float(values.std(ddof=1)) if values.size > 1 else np.nan
            rows.append((arm, number, metric, mean, low, high, sd, values.size))
    columns = ["arm", "round", "metric", "mean", "low", "high", "sd", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def _best(table: pd.DataFrame) -> pd.DataFrame:
    start = table[table["round"] == 0].set_index(["seed", "arm"])
    best = table[table["best"]].set_index(["seed", "arm"])
    columns = ["round", "rows", "dcs", "validation_loss", "accuracy", "macro_f1"]
    gains = {
        f"{metric}_gain": best[metric] - start.loc[best.index, metric]
        for metric in ("accuracy", "macro_f1")
    }
    return best[columns].assign(**gains).reset_index()


def _compare(table: pd.DataFrame) -> tuple[list[Comparison], list[str]]:
    seeds = table["seed"].nunique()
    if seeds < 2:
        text = "Comparisons need at least two seeds that went through all rounds"
        return [], [f"{text}; there {'is one' if seeds else 'are none'}."]
    best = table[table["best"]].pivot_table(["accuracy", "macro_f1"], "seed", "arm", sort=False)
    start = table[(table["round"] == 0) & (table["arm"] == GUIDED)].set_index("seed")
    differences = {}
    for metric, title, scale in (
        ("accuracy", "Test accuracy in points", 100),
        ("macro_f1", "Macro F1", 1),
    ):
        guided = best[metric][GUIDED]
        others = {NONE: start[metric]}
        others |= {NAMES[arm]: best[metric][arm] for arm in best[metric] if arm != GUIDED}
        for name, other in others.items():
            differences[f"{title}, influence against {name}"] = scale * (guided - other).to_numpy(
                float
            )
    return compare(differences), []


def _tracking(table: pd.DataFrame) -> dict[str, Correlation]:
    """By arm, and over all arms, round 0 of a seed once."""
    found = {}
    once = table[(table["round"] > 0) | (table["arm"] == GUIDED)]
    parts = {arm: table[table["arm"] == arm] for arm in table["arm"].unique()}
    for name, part in (*parts.items(), ("all", once)):
        known = part.dropna(subset="dcs")
        found[name] = correlate(known["dcs"], known["accuracy"], known["seed"])
    return found


def _warnings(table: pd.DataFrame) -> Iterator[str]:
    """Rounds in which validation gains stop carrying over to the test split."""
    guided = table[table["arm"] == GUIDED]
    if guided.empty:
        return
    loss, accuracy = (
        guided.pivot_table(metric, "seed", "round") for metric in ("validation_loss", "accuracy")
    )
    for number in range(1, int(guided["round"].max()) + 1):
        gained = (loss[number - 1] - loss[number]).mean()
        change = accuracy[number] - accuracy[number - 1]
        if gained > 0 and change.mean() < 0 and (change < 0).mean() > 0.5:
            yield (
                f"In round {number} the validation loss still fell (by {gained:.3g} on average) "
                f"but test accuracy fell too, by {-100 * change.mean():.2f} points, in "
                f"{int((change < 0).sum())} of {len(change)} seeds: from there on gains on the "
                "validation rows do not carry over to the test split."
            )
            return


def _gains(best: pd.DataFrame) -> Iterator[str]:
    guided = best[best["arm"] == GUIDED]
    if guided.empty:
        return
    stayed = int((guided["round"] == 0).sum())
    yield (
        f"Keeping the round with the lowest validation loss, removal by influence changed test "
        f"accuracy by {100 * guided['accuracy_gain'].mean():+.2f} points and macro F1 by "
        f"{guided['macro_f1_gain'].mean():+.3f} on average over {len(guided)} seeds"
        + (f"; in {stayed} of them nothing was removed." if stayed else ".")
    )


def compared(one: Comparison) -> str:
    """A comparison in a sentence; nothing is called significant that could not have been."""
    d = one.effect
    size = (
        f"{one.name}: {one.mean:+.3g} (95 % CI {one.low:+.3g} to {one.high:+.3g}), "
        f"Cohen's d {d.d:.2f} ({d.low:.2f} to {d.high:.2f})"
    )
    if not one.attainable:
        return (
            f"{size}; {one.pairs} seeds cannot be significant: the smallest p that they allow is "
            f"{one.smallest_p:.3g}."
        )
    verdict = "significant" if one.significant else "not significant"
    return f"{size}, p = {one.p:.3g}, {verdict} (q = {one.q:.3g} over the comparisons)."


def _tracked(tracking: dict[str, Correlation]) -> Iterator[str]:
    for arm, name in ((GUIDED, "Over the rounds of influence"), ("all", "Over all arms")):
        found = tracking.get(arm)
        if found is None or not np.isfinite(found.pearson):
            continue
        if arm == "all" and len(tracking) == 2:
            continue
        sure = found.pearson_low > 0 or found.pearson_high < 0
        verdict = "follow each other" if found.pearson_low > 0 else "do not follow each other"
        if found.pearson_high < 0:
            verdict = "move against each other"
        hedge = "" if sure else ", as far as these seeds can tell"
        yield (
            f"{name}, DCS and test accuracy {verdict} within a seed{hedge}: Pearson "
            f"{found.pearson:.2f} (95 % CI {found.pearson_low:.2f} to {found.pearson_high:.2f}), "
            f"Spearman {found.spearman:.2f} ({found.spearman_low:.2f} to "
            f"{found.spearman_high:.2f}), {found.points} rounds."
        )
