"""Strategies that have one direction are planned once, and never in the other."""

from __future__ import annotations

import pytest

from core.errors import InputError
from core.studies.xfactor_spec import PRESETS, XFactorSpec
from core.studies.xfactor_subsets import plan, recipes


def kinds(directions: tuple[str, ...], strategies: tuple[str, ...]) -> list[str]:
    spec = XFactorSpec(
        dataset="digits", per_class=(5,), random=0, strategies=strategies, directions=directions,
        excess=(10,), repeats=1,
    )  # fmt: skip
    return recipes(plan(spec))["subset"].tolist()


def test_a_strategy_with_one_direction_is_planned_once() -> None:
    found = kinds(("+", "-"), ("own_mean", "k_center"))
    assert found == ["own_mean+_n5_m10_r0", "own_mean-_n5_m10_r0", "k_center+_n5_m10_r0"]


def test_a_strategy_without_the_directions_asked_for_is_refused() -> None:
    with pytest.raises(InputError, match=r'herding has direction "\+" alone; .* only "-"'):
        kinds(("-",), ("own_mean", "herding"))


def test_the_preset_draws_every_strategy_that_aims_to_improve() -> None:
    spec = XFactorSpec.from_dict({"dataset": "digits", **PRESETS["better"].settings})
    table = recipes(plan(spec))
    counts = table.groupby(["per_class", "strategy"]).size()
    assert counts[10].to_dict() == {
        "facility_location": 10, "herding": 10, "k_center": 10, "prototype": 20, "random": 50
    }  # fmt: skip
    assert counts[10].to_dict() == counts[30].to_dict()
