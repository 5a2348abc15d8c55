"""Unions of subsets: what is planned, what is said where the answer is known, a study that ran."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from core import datasets, jobs, studies
from core.bundle import bundled, opened
from core.cli import main
from core.errors import InputError
from core.figures import figures
from core.store import Store
from core.studies import STUDIES, union_choice
from core.studies.union import RANDOM, UNION, plan, united
from core.studies.union_analysis import PAIRS, Unions, analyse, sentences, verdict
from core.studies.union_spec import Pair, UnionSpec, subset_selection
from core.studies.xfactor_spec import XFactorSpec
from core.studies.xfactor_subsets import plan as xfactor_plan
from core.studies.xfactor_subsets import recipes
from tests import study
from tests.core.studies.serial import serial

NAMES = [f"random_n4_m0_r{i}" for i in range(10)]
SPEC = UnionSpec(
    dataset="digits",
    pairs=(
        *(f"at random: {a} & {b}" for a, b in zip(NAMES[::2], NAMES[1::2], strict=True)),
        "own_mean+_n4_m12_r0 & own_mean+_n4_m12_r1",
    ),
    random=6,
    models=("gnb", "svc", "rf"),
)


def test_an_id_is_the_recipe_that_the_x_factor_study_gives() -> None:
    spec = XFactorSpec(dataset="digits", per_class=(4,), excess=(12,), seed=3)
    groups = xfactor_plan(spec)
    selections = [one for group in groups for one in group.selections()]
    for name, expected in zip(recipes(groups)["subset"], selections, strict=True):
        assert subset_selection(name, 3) == expected


def test_a_union_is_balanced_and_keeps_what_both_hold() -> None:
    y = np.repeat([0, 1], 50)
    a, b = np.array([*range(10), *range(50, 60)]), np.array([*range(4, 14), *range(60, 70)])
    rows, size = united(a, b, y, seed=1)
    assert size == 14  # class 0 has 14, class 1 has 20
    assert np.bincount(y[rows]).tolist() == [14, 14]
    assert set(range(4, 10)) <= set(rows.tolist()) <= set(a) | set(b)
    assert rows.tolist() == united(a, b, y, seed=1)[0].tolist()
    assert rows.tolist() != united(a, b, y, seed=2)[0].tolist()
    whole, size = united(a, a + 20, y, seed=1)
    assert (size, whole.tolist()) == (20, sorted({*a, *(a + 20)}))


def test_sizes_of_unions_go_in_tenths() -> None:
    y = np.zeros(300, dtype=np.int64)
    rows, size = united(np.arange(100), np.arange(63, 163), y, seed=0)
    assert (size, rows.size) == (160, 160)


def test_every_size_has_random_subsets_and_every_pair_one_union() -> None:
    planned, pairs = plan(SPEC, datasets.load("digits"))
    sizes = {4, *pairs["per_class"]}
    assert sum(one.part == RANDOM for one in planned) == 6 * len(sizes)
    assert sum(one.part == UNION for one in planned) == len(SPEC.pairs)
    assert list(pairs) == PAIRS
    assert pairs["kind"].tolist() == [*["at random"] * 5, "by hand"]


@pytest.mark.parametrize(
    ("pairs", "message"),
    [
        ((), "at least one pair"),
        (("random_n4_m0_r0",), "two different subsets"),
        (("random_n4_m0_r0 & random_n4_m0_r0",), "two different subsets"),
        (("random_n4_m0_r0 & best",), "A subset is called as in an X-Factor study"),
        (("random_n4_m0_r0 & random_n8_m0_r0",), "of one size; these have 4, 8"),
        (("random_n4_m0_r0 & nothing+_n4_m2_r0",), "Unknown|unknown|known"),
        (("x: random_n4_m0_r0 & random_n4_m0_r1", "random_n4_m0_r0 & random_n4_m0_r1"), "twice"),
    ],
)
def test_pairs_that_cannot_be_are_refused(pairs: tuple[str, ...], message: str) -> None:
    with pytest.raises(InputError, match=message):
        UnionSpec(dataset="digits", pairs=pairs)


def made(slope: float, noise: float, count: int = 60, seed: int = 0) -> Unions:
    """Two models, pairs of subsets ranked by noisy scores, unions that keep `slope` of them."""
    rng = np.random.default_rng(seed)
    true = rng.normal(0, 2, size=2 * count * 3)
    first = {model: true + rng.normal(0, noise, true.size) for model in "ab"}
    order = np.argsort(sum(first.values()))
    names = [f"s{k}" for k in order]
    texts = union_choice.pairs(names, union_choice.KINDS[:3], count // 3)
    found = [Pair.parse(text) for text in texts]
    pairs = pd.DataFrame([(p.name, p.kind, p.a, p.b, 0, 10, 20) for p in found], columns=PAIRS)
    rows = []
    for model in "ab":
        second = true + rng.normal(0, noise, true.size)
        for size in (10, 20):
            errors = rng.permutation(np.linspace(-1, 1, 50))
            errors = (errors - errors.mean()) / errors.std(ddof=1)
            rows += [(RANDOM, f"r{size}-{i}", size, model, e) for i, e in enumerate(errors)]
        rows += [("subset", f"s{k}", 10, model, z) for k, z in enumerate(first[model])]
        rows += [("subset again", f"s{k}", 10, model, z) for k, z in enumerate(second)]
        for pair in found:
            z = slope * sum(true[int(name[1:])] for name in (pair.a, pair.b)) / math.sqrt(2)
            rows.append((UNION, pair.name, 20, model, z + rng.normal(0, noise)))
    scores = pd.DataFrame(rows, columns=["part", "name", "per_class", "model", "error"])
    return analyse(scores, pairs)


@pytest.mark.parametrize("slope", [1.0, 0.5, 0.0, -0.6, 1.6])
def test_the_slope_is_found_whatever_the_noise(slope: float) -> None:
    found = made(slope, noise=1.5).slopes.iloc[-1]
    assert found["low"] < slope < found["high"]
    assert found["slope"] == pytest.approx(slope, abs=0.12)
    assert found["on_sum"] == pytest.approx(found["slope"] / math.sqrt(2))
    if slope:
        assert abs(found["plain"]) < abs(found["slope"])


@pytest.mark.parametrize(
    ("slope", "words"),
    [(1.6, "Super-additive"), (1.0, "additive"), (0.5, "Sub-additive"), (-0.6, "Interfering")],
)
def test_the_verdict_is_said(slope: float, words: str) -> None:
    said = sentences(made(slope, noise=0.3))
    assert words in said[0]
    assert "60 pairs" in said[0]
    assert any(text.startswith("Best with best: mean Z −") for text in said)


def test_what_interval_gives_what_verdict() -> None:
    ends = [(1.1, 2), (0.5, 1.5), (0.2, 0.8), (-0.1, 0.4), (-2, -1), (-1, 3)]
    assert [verdict(*both) for both in ends] == [
        *("super-additive", "additive", "sub-additive", "not carried over", "interfering"),
        "undecided",
    ]


def test_the_rule_that_made_the_data_fits_best() -> None:
    rules = made(1.0, noise=0.0).rules
    assert rules.groupby("model")["rms_difference"].idxmin().map(rules["rule"]).eq("expected").all()
    assert rules.loc[rules["rule"] == "expected", "rms_difference"].max() < 1e-9


def test_no_subset_is_in_two_pairs() -> None:
    order = [f"s{i}" for i in range(40)]
    texts = union_choice.pairs(order, union_choice.KINDS, 5)
    names = [name for text in texts for name in (Pair.parse(text).a, Pair.parse(text).b)]
    assert len(texts) == 20
    assert len(set(names)) == 40
    assert texts[0] == "best with best: s0 & s1"
    with pytest.raises(InputError, match=r"take 48 subsets; this size has 40. Take at most 5"):
        union_choice.pairs(order, union_choice.KINDS, 6)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    root = tmp_path_factory.mktemp("unions")
    with serial(root):
        store = Store(root)
        jobs.submit(store, "union", SPEC)
        jobs.submit(store, "xfactor", study.SPEC)
        jobs.run_queue(store)
        yield store


def test_the_command_writes_a_study_of_a_finished_one(
    store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "together.toml"
    command = ["study", "combine", "tiny", "--per-class", "4", "--out", str(out), "--pairs"]
    assert main([*command, "3"]) == 0
    kind, spec = studies.from_toml(out)
    assert isinstance(spec, UnionSpec)
    assert (kind.name, spec.name, spec.per_class, len(spec.pairs)) == ("union", "together", 4, 12)
    assert main([*command, "9"]) == 2
    assert "Take at most 3 of each" in capsys.readouterr().err
    assert main(["study", "combine", "union", *command[3:], "3"]) == 2
    assert "name an X-Factor study" in capsys.readouterr().err


def test_a_study_that_ran(store: Store, tmp_path: Path) -> None:
    job = jobs.find(store, "union")
    assert (job.state, job.done) == ("done", job.total)
    found = STUDIES["union"].report(job, store)
    assert found.tables["slopes"]["model"].tolist() == ["gnb", "svc", "rf", "without gnb"]
    assert len(found.tables["unions"]) == 3 * len(SPEC.pairs)
    again = found.tables["unions"].set_index("model")
    assert (again.loc["svc", "expected"] == again.loc["svc", "expected_first"]).all()
    assert (again.loc["rf", "expected"] != again.loc["rf", "expected_first"]).any()
    assert (found.tables["unions"]["random"] == 6).all()
    assert found.sentences[-1].startswith("Some Z-scores rest on 6 random subsets")
    (figure,) = figures(job, found)
    assert figure.chart.to_dict()["layer"]
    assert STUDIES["union"].estimate(SPEC, datasets.load("digits"), store)[0] == 0
    there = opened(io.BytesIO(bundled(job, store)), Store(tmp_path), "f.zip")
    assert STUDIES["union"].report(there, Store(tmp_path)).sentences == found.sentences
