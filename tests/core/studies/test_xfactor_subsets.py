"""Subsets are planned as before, read from the store when asked for, and never held all at once."""

from __future__ import annotations

import hashlib
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from core import datasets, selection
from core.errors import DamagedBlob
from core.models import Model
from core.specs import TrainingSet
from core.store import Store
from core.studies import xfactor_subsets
from core.studies.xfactor_spec import PRESETS, XFactorSpec
from core.studies.xfactor_subsets import (
    Group,
    Subsets,
    Units,
    bunches,
    plan,
    recipes,
    selected,
    stored,
)
from core.units import Unit, pending

PRINT = "f" * 32


def paper() -> XFactorSpec:
    return XFactorSpec.from_dict({"dataset": "mnist", **PRESETS["paper"].settings})


def fill(groups: list[Group], store: Store) -> dict[str, np.ndarray]:
    """Store made-up rows for each group; gives them by subset."""
    ids, rng, rows = iter(recipes(groups)["subset"]), np.random.default_rng(0), {}
    for group in groups:
        matrix = np.arange(group.per_class) * 600 + rng.integers(
            600, size=(group.count, group.per_class)
        )
        store.put_blob(group.key(PRINT), {"rows": matrix.astype(np.int32)})
        rows |= {next(ids): one for one in matrix}
    return rows


def test_order_and_keys_are_those_that_stores_hold() -> None:
    """Pinned: another key would have every subset selected anew."""
    groups = plan(paper())
    keys = hashlib.sha256("".join(group.key(PRINT) for group in groups).encode()).hexdigest()
    table = hashlib.sha256(recipes(groups).to_csv(lineterminator="\n").encode()).hexdigest()
    assert (len(groups), len(recipes(groups))) == (405, 2500)
    assert (keys[:16], table[:16]) == ("dcb8f5323a29791e", "c309bf7c6668f47b")


def test_many_subsets_are_cut_into_groups(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = XFactorSpec("digits", per_class=(10, 30), random=25, repeats=7, excess=(6,))
    whole = plan(spec)
    monkeypatch.setattr(xfactor_subsets, "MOST_PER_CLASS", 90)
    cut = plan(spec)
    assert max(group.count * group.per_class for group in cut) == 90
    assert recipes(cut).equals(recipes(whole))
    assert [seed for group in cut for seed in group.seeds] == [
        seed for group in whole for seed in group.seeds
    ]


def test_every_group_is_in_one_bunch_with_others_of_its_strategy(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    groups = plan(paper())
    for most in (1, 20_000, 10**9):
        monkeypatch.setattr(xfactor_subsets, "MOST_TOGETHER", most)
        found = list(bunches(groups))
        assert all(len({group.strategy for group in bunch}) == 1 for bunch in found)
        together = [group for bunch in found for group in bunch]
        assert len(together) == len(set(together)) == len(groups)
        drawn = [sum(one.count * (one.per_class + one.excess) for one in b) for b in found]
        assert all(len(b) == 1 or size <= most for b, size in zip(found, drawn, strict=True))
    assert len(found) == 5
    assert list(bunches([])) == []


def test_a_bunch_is_selected_as_each_subset_is_alone() -> None:
    dataset = datasets.load("digits")
    spec = XFactorSpec("digits", per_class=(5, 10), random=3, repeats=2, excess=(6, 30))
    for bunch in bunches(plan(spec)):
        for group, rows in zip(bunch, selected(dataset, bunch), strict=True):
            alone = [selection.select(dataset, one).rows for one in group.selections()]
            np.testing.assert_array_equal(rows, alone)
            assert rows.dtype == np.int32


def test_units_are_those_of_all_subsets_in_order(tmp_path: Path) -> None:
    spec = XFactorSpec("digits", per_class=(4,), random=5, repeats=2, excess=(6,))
    groups, store = plan(spec), Store(tmp_path)
    rows = fill(groups, store)
    subsets = Subsets(groups, PRINT, store)
    assert list(subsets) == list(rows)
    for name in reversed(rows):
        np.testing.assert_array_equal(subsets[name], rows[name])
    with pytest.raises(KeyError):
        subsets["uniqueness+_n4_m6_r2"]

    models = [Model.parse(name) for name in ("gnb", "svc")]
    more = [Unit(TrainingSet(PRINT, rows["random_n4_m0_r0"]), models[1], replicate=1)]
    expected = [Unit(TrainingSet(PRINT, one), model) for one in rows.values() for model in models]
    units = Units(subsets, models, more)
    assert [unit.key for unit in units] == [unit.key for unit in (*expected, *more)]
    assert [unit.key for unit in units[3:5]] == [unit.key for unit in expected[3:5]]
    assert len(Units(Subsets([], PRINT, store), models)) == 0


def test_rows_that_are_damaged_or_gone_are_named(tmp_path: Path) -> None:
    spec = XFactorSpec("digits", per_class=(4,), random=5, repeats=2, excess=(6,))
    groups, store = plan(spec), Store(tmp_path)
    fill(groups[:-1], store)
    (tmp_path / "blobs" / f"{groups[0].key(PRINT)}.npz").write_bytes(b"damaged")
    said: list[str] = []
    assert stored(groups, PRINT, store, said.append) == groups[1:-1]
    assert "computed again" in said[0]
    with pytest.raises(DamagedBlob, match="gone from the store"):
        Subsets(groups, PRINT, store).at(len(recipes(groups)) - 1)


def test_planning_does_not_hold_the_subsets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """4,000 subsets of 1,000 images are 16 MB of rows alone."""
    monkeypatch.setattr(xfactor_subsets, "MOST_PER_CLASS", 20_000)
    monkeypatch.setattr(xfactor_subsets, "HELD", 4)
    monkeypatch.setattr("core.units.BATCH", 100)
    spec = XFactorSpec("digits", per_class=(1_000,), random=4_000, strategies=())
    groups, store = plan(spec), Store(tmp_path)
    for group in groups:
        rows = np.arange(1_000, dtype=np.int32) + np.arange(group.count)[:, None] + group.first
        store.put_blob(group.key(PRINT), {"rows": rows.astype(np.int32)})
    models = [Model.parse("gnb"), Model.parse("svc")]
    tracemalloc.start()
    try:
        work = pending(Units(Subsets(groups, PRINT, store), models), store)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert len(work) == 8_000
    assert peak < 5e6
