"""What is said of rounds: from made-up tables whose answer is known."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from core.charts import influence as charts
from core.charts.export import svg
from core.stats.paired import smallest_p
from core.studies.refinement_analysis import analyse
from core.studies.refinement_rounds import COLUMNS
from core.studies.refinement_spec import RefinementSpec


def rounds(seeds: int, gain: float = 0.02, carry: bool = True, dcs: bool = True) -> pd.DataFrame:
    """Influence gains in each round, random removal nothing, loss half as much."""
    rng = np.random.default_rng(3)
    lines = []
    for seed in range(seeds):
        start = 0.8 + rng.normal(0, 0.01)
        for arm, share in (("influence", 1.0), ("random", 0.0), ("loss", 0.5)):
            for number in range(4):
                moved = share * gain * number
                kept = moved if carry or number < 3 else moved - 2 * gain
                accuracy = start + kept + rng.normal(0, 0.001)
                line = dict.fromkeys(COLUMNS, 0.0) | {
                    "seed": seed, "arm": arm, "round": number, "rows": 100 - number,
                    "dcs": 0.5 + 3 * moved * dcs, "validation_loss": 0.6 - moved,
                    "validation_accuracy": start + moved, "accuracy": accuracy,
                    "macro_f1": accuracy - 0.01,
                }  # fmt: skip
                lines.append(line)
    table = pd.DataFrame(lines)
    table["best"] = table.index.isin(table.groupby(["seed", "arm"])["validation_loss"].idxmin())
    return table


def spec(seeds: int) -> RefinementSpec:
    return RefinementSpec("digits", seeds=seeds)


def test_gains_are_those_put_in() -> None:
    found = analyse(rounds(10), spec(10))
    assert "macro F1 by +0.060" in found.sentences()[0]
    by_name = {one.name: one for one in found.comparisons}
    against_none = by_name["Test accuracy in points, influence against no removal"]
    assert against_none.mean == pytest.approx(6, abs=0.2)
    assert against_none.significant
    assert against_none.p == smallest_p(10)
    against_loss = by_name["Macro F1, influence against removal by loss"]
    assert against_loss.mean == pytest.approx(0.03, abs=0.002)
    assert not found.warnings
    assert found.tracking["influence"].pearson > 0.99
    assert "follow each other within a seed: Pearson 1.00" in "\n".join(found.sentences())


@pytest.mark.parametrize("seeds", [2, 5])
def test_few_seeds_are_never_significant(seeds: int) -> None:
    found = analyse(rounds(seeds), spec(seeds))
    assert not any(one.significant for one in found.comparisons)
    said = "\n".join(found.sentences())
    assert f"{seeds} seeds cannot be significant: the smallest p that they allow is" in said
    assert "0.0625" in said or seeds == 2


def test_gains_that_do_not_carry_over_are_warned_of() -> None:
    found = analyse(rounds(6, carry=False), spec(6))
    (warning,) = found.warnings
    assert warning.startswith("In round 3 the validation loss still fell")
    assert "in 6 of 6 seeds" in warning


def test_a_constant_dcs_is_said() -> None:
    found = analyse(rounds(3, dcs=False), spec(3))
    assert any("DCS is 0.50 in every round" in note for note in found.notes)
    assert "follow each other" not in "\n".join(found.sentences())


def test_only_whole_seeds_are_compared() -> None:
    table = rounds(4)
    running = table[~((table["seed"] == 3) & (table["round"] == 3))]
    found = analyse(running, spec(4))
    assert {one.pairs for one in found.comparisons} == {3}
    assert analyse(table[table["seed"] == 0], spec(4)).comparisons == ()
    nothing = analyse(table.head(0), spec(4))
    assert "there are none" in nothing.notes[0]
    assert nothing.curves.empty


def test_curves_hold_means_and_intervals() -> None:
    table = rounds(8)
    curves = analyse(table, spec(8)).curves
    cell = curves[
        (curves["arm"] == "loss") & (curves["round"] == 2) & (curves["metric"] == "accuracy")
    ].iloc[0]
    values = table[(table["arm"] == "loss") & (table["round"] == 2)]["accuracy"]
    assert cell["mean"] == pytest.approx(values.mean())
    assert cell["high"] - cell["mean"] == pytest.approx(2.3646 * values.std() / 8**0.5, rel=1e-4)


@pytest.mark.parametrize("metric", charts.MEASURES)
def test_every_metric_is_drawn(metric: str) -> None:
    found = analyse(rounds(3), spec(3))
    assert b"influence" in svg(charts.curves(found.curves, metric))


def test_points_are_drawn() -> None:
    assert b"DCS" in svg(charts.tracking(rounds(3)))
    rng = np.random.default_rng(0)
    rows = pd.DataFrame(
        {
            "row": np.arange(12_000),
            "influence": rng.normal(size=12_000),
            "suspicion": rng.random(12_000),
            "label": 0,
            "given_label": rng.integers(2, size=12_000),
            "own": "a",
            "given": "b",
        }
    )
    chart = charts.harm_and_suspicion(rows)
    assert b"4,000 of 12,000 rows" in svg(chart)
    check = pd.DataFrame({"row": [1, 2], "predicted": [-1e-3, 1e-3], "true": [-2e-3, 1e-3]})
    assert b"true change" in svg(charts.spot_check(check.assign(sd=np.nan)))
