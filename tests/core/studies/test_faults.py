"""The study of faults: its grammar, its plan, its analysis against plain sums, and a run."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import linregress, ttest_1samp
from sklearn.metrics import confusion_matrix

from core import datasets, jobs
from core.corruption.faults import FAULTS
from core.datasets.base import Dataset
from core.details import Detail
from core.errors import InputError, UnknownName
from core.store import Store
from core.studies import STUDIES, faults, faults_analysis, faults_details
from core.studies.faults_published import beside_papers
from core.studies.faults_spec import PRESETS, FaultsSpec, Line

SPEC = FaultsSpec(
    "digits",
    faults=(
        "flip-random@0.2,0.6",
        "keep@0.1",
        "remove-class:label=each",
        "gaussian-noise:share=0.5,where=both@64",
    ),
    models=("gnb", "rf"),
    repeats=2,
    images=200,
)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.mark.parametrize("name", FAULTS)
def test_every_fault_is_a_line(name: str) -> None:
    line = Line.parse(name)
    assert line.levels == FAULTS[name].levels
    assert Line.parse(line.text) == line


@given(
    st.sampled_from(["gaussian-noise", "box-blur", "gamma"]),
    st.sampled_from(["train", "test", "both"]),
    st.floats(0, 1).map(lambda x: round(x, 3)),
    st.lists(st.integers(1, 9), min_size=1, max_size=4, unique=True),
)
def test_lines_as_text_and_back(name: str, where: str, share: float, levels: list[int]) -> None:
    choices = (("second", ("jpeg", 50.0)), ("share", share))
    line = Line(name, tuple(map(float, levels)), where, choices)
    assert Line.parse(line.text) == line


@pytest.mark.parametrize(
    "text",
    [
        *("nothing", "flip-random:label=3", "remove-class:label=x", "flip-random@a"),
        *("gamma:share=half", "gamma:where=here", "keep:stratified=2", ""),
    ],
)
def test_what_is_no_line_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        Line.parse(text)


def test_the_plan_holds_the_clean_set_and_every_level_of_each_repeat(digits: Dataset) -> None:
    planned = faults.plan(SPEC, digits)
    assert len(planned) == 2 * (1 + 2 + 1 + 10 + 1)
    for repeat in range(2):
        some = [one for one in planned if one.repeat == repeat]
        clean = some[0].training_set
        assert some[0].line == "clean"
        assert clean.rows.size == 200
        for one in some[1:]:
            assert set(one.training_set.rows) <= set(clean.rows)
        flips = [one.training_set for one in some if one.fault == "flip-random"]
        changed = [set(np.flatnonzero(f.labels != digits.train.y[f.rows])) for f in flips]
        assert [len(rows) for rows in changed] == [40, 120]
        assert changed[0] < changed[1]
        gone = {
            one.of_class: set(digits.train.y[one.training_set.rows])
            for one in some
            if one.fault == "remove-class"
        }
        assert all(label not in left and len(left) == 9 for label, left in gone.items())
        (noise,) = (one.training_set for one in some if one.fault == "gaussian-noise")
        assert noise.train_damage[0].share == noise.test_damage[0].share == 0.5
        assert noise.train_damage[0].seed != noise.test_damage[0].seed
    keys = [one.training_set.key for one in planned]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"images": 9000}, "images is 9000"),
        ({"faults": ("gaussian-noise@9999",)}, "must be from"),
        ({"faults": ("grey",)}, "no colour"),
        ({"faults": ("flip-random", "flip-random@0.1")}, "twice"),
        ({"faults": ()}, "at least one fault"),
        ({"models": ("embedding",)}, "text"),
        ({"details": 2}, "0 or 1"),
    ],
)
def test_what_cannot_be_studied_is_refused_before_it_is_queued(
    changes: dict[str, object], sentence: str
) -> None:
    with pytest.raises(InputError, match=sentence):
        faults.prepare(FaultsSpec.from_dict({**SPEC.to_dict(), **changes}))


@pytest.mark.parametrize("preset", PRESETS.values(), ids=lambda preset: preset.name)
def test_presets_are_studies(preset) -> None:  # type: ignore[no-untyped-def]
    spec = STUDIES["faults"].from_preset(preset.name, preset.dataset or "digits")
    assert isinstance(spec, FaultsSpec)
    assert all(Line.parse(line.text) == line for line in spec.lines())


def made_up(seed: int = 0) -> pd.DataFrame:
    """Scores of two models: losses that grow with the level, and noise."""
    rng = np.random.default_rng(seed)
    rows = []
    for model, factor in (("rf", 0.5), ("mlp-1", 1.0)):
        for repeat in range(4):
            clean = 0.9 + rng.normal(0, 0.01)
            rows.append(("clean", "clean", -1, np.nan, repeat, 0.0, model, clean))
            rows += [
                ("flip-random", "flip-random", -1, level, repeat, level, model,
                 clean - factor * level**2 + rng.normal(0, 1e-3))
                for level in (0.1, 0.2, 0.4, 0.6)
            ]  # fmt: skip
            rows += [
                ("remove-class:label=each", "remove-class", of_class, 1.0, repeat, 0.5, model,
                 clean - 0.1 * (1 + of_class))
                for of_class in range(2)
            ]  # fmt: skip
    columns = ["line", "fault", "of_class", "level", "repeat", "touched", "model", "accuracy"]
    table = pd.DataFrame(rows, columns=columns).assign(rows=100, epochs=50, train_accuracy=0.99)
    table["error"] = 1 - table["accuracy"]
    for place, name in enumerate("ab"):
        hit = table["of_class"] == place
        table[f"class_accuracy_{name}"] = np.where(hit, 0.0, table["accuracy"])
    return table


def test_curves_are_means_with_t_intervals_and_begin_at_the_clean_set() -> None:
    table = made_up()
    found = faults_analysis.analyse(table, ("a", "b")).curves
    part = found[(found["model"] == "rf") & (found["line"] == "flip-random")]
    assert part["level"].tolist() == [0.0, 0.1, 0.2, 0.4, 0.6]
    raw = table[(table["model"] == "rf")]
    clean = raw[raw["fault"] == "clean"]["accuracy"].to_numpy()
    assert part["accuracy"].iloc[0] == pytest.approx(clean.mean())
    at = raw[(raw["fault"] == "flip-random") & (raw["level"] == 0.4)]["accuracy"].to_numpy()
    row = part[part["level"] == 0.4].iloc[0]
    low, high = ttest_1samp(at, 0).confidence_interval()
    assert (row["accuracy"], row["low"], row["high"]) == pytest.approx((at.mean(), low, high))
    low, high = ttest_1samp(clean - at, 0).confidence_interval()
    assert (row["loss_low"], row["loss_high"]) == pytest.approx((low, high))


def test_trainings_that_the_limit_of_epochs_ended_are_counted_once() -> None:
    """The clean set begins every curve and is one training; a set learnt at last is not cut."""
    table = made_up()
    cut = (table["model"] == "mlp-1") & (table["repeat"] == 0)
    table.loc[cut, "epochs"] = 500
    table.loc[cut & (table["level"] == 0.6), "train_accuracy"] = 1.0
    found = faults_analysis.analyse(table, ("a", "b"))
    curve = found.curves[
        (found.curves["model"] == "mlp-1") & (found.curves["line"] == "flip-random")
    ]
    assert curve["at_limit"].tolist() == [1, 1, 1, 1, 0]
    assert found.limits.to_numpy().tolist() == [["rf", 28, 0], ["mlp-1", 28, 6]]
    (sentence,) = (text for text in faults_analysis.readings(found) if "limit of epochs" in text)
    assert "mlp-1: 6 of 28 trainings" in sentence


def test_published_figures_stand_beside_ours() -> None:
    analysis = faults_analysis.analyse(made_up(), ("a", "b"))
    found = beside_papers(analysis.curves)
    assert found["model"].tolist() == ["rf", "mlp-1"]
    assert found["published"].str.contains("20 % label errors").all()
    assert found["here"].str.contains("at 0.6").all()


def test_classes_removed_one_by_one_have_a_loss_each_and_on_themselves() -> None:
    table = made_up()
    found = faults_analysis.analyse(table, ("a", "b")).removed
    row = found[(found["model"] == "rf") & (found["of_class"] == "b")].iloc[0]
    assert row["loss"] == pytest.approx(0.2)
    clean = table[(table["model"] == "rf") & (table["fault"] == "clean")]["accuracy"].mean()
    assert row["loss_on_class"] == pytest.approx(clean)


def test_ranking_compares_at_about_the_same_share_and_puts_the_worst_first() -> None:
    table, _ = faults_analysis.with_losses(made_up())
    ranking = faults_analysis.ranking(table, share=0.55)
    for _, part in ranking.groupby("model"):
        assert (np.diff(part["loss"]) <= 0).all()
    flips = ranking[ranking["line"] == "flip-random"]
    assert flips["level"].tolist() == [0.6, 0.6]


def test_tolerance_is_where_the_curve_crosses() -> None:
    table, _ = faults_analysis.with_losses(made_up())
    found = faults_analysis.tolerance(table, points=10).set_index("model")
    # 0.5 x² and x², joined by straight lines between the levels.
    assert found.loc["rf", "level"] == pytest.approx(0.4 + 0.2 * (0.1 - 0.08) / 0.1, abs=0.01)
    assert found.loc["mlp-1", "level"] == pytest.approx(0.2 + 0.2 * 0.06 / 0.12, abs=0.01)
    assert found.loc["rf", "low"] < found.loc["rf", "level"] < found.loc["rf", "high"]
    never = faults_analysis.tolerance(table, points=60)
    assert never["level"].isna().all()
    assert (never["crossed"] == 0).all()


def test_agreement_is_the_square_of_pearsons_r_over_damaged_sets() -> None:
    table, _ = faults_analysis.with_losses(made_up())
    pairs, mean, _ = faults_analysis.agreement(table, seed=0)
    damaged = table[table["fault"] != "clean"]
    index = ["line", "of_class", "level", "repeat"]
    wide = damaged.pivot_table(index=index, columns="model", values="loss")
    expected = linregress(wide["rf"], wide["mlp-1"]).rvalue ** 2
    assert pairs["r_squared"].tolist() == [pytest.approx(expected)]
    assert mean["sets"].tolist() == [24]


def test_z_scores_are_against_the_clean_sets_of_the_same_size() -> None:
    table = made_up()
    table.loc[table["level"] == 0.6, "rows"] = 40
    scored, _ = faults_analysis.with_losses(table)
    z = faults_analysis.z_scores(scored)
    assert not (z["level"] == 0.6).any()
    part = table[table["model"] == "rf"]
    clean = part[part["fault"] == "clean"]["error"]
    row = part[(part["level"] == 0.2) & (part["repeat"] == 1)].iloc[0]
    found = z[(z["model"] == "rf") & (z["level"] == 0.2) & (z["repeat"] == 1)]["z"].iloc[0]
    assert found == pytest.approx((row["error"] - clean.mean()) / clean.std(ddof=1))


def test_one_model_and_nothing_scored_are_said_and_not_errors() -> None:
    table = made_up()
    alone = faults_analysis.analyse(table[table["model"] == "rf"], ("a", "b"))
    assert "two models" in faults_analysis.readings(alone)[-1]
    empty = faults_analysis.analyse(table.iloc[:0], ("a", "b"))
    assert faults_analysis.readings(empty)
    waiting = faults_analysis.analyse(table[table["fault"] != "clean"], ("a", "b"))
    assert "wait for the clean set" in " ".join(waiting.notes)


def test_a_run_from_the_queue_to_the_report(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, digits: Dataset
) -> None:
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path))
    monkeypatch.setattr(jobs, "ensure_runner", lambda store: None)
    store = Store(tmp_path)
    spec = replace(SPEC, models=("gnb", "svc"))
    left, seconds, _ = faults.estimate(spec, digits, store)
    assert (left, seconds > 0) == (60, True)
    job = jobs.submit(store, "faults", spec)
    assert STUDIES["faults"].report(job, store).sentences
    jobs.run_queue(store)
    job = jobs.find(store, job.key)
    assert (job.state, job.done, job.total) == ("done", 60, 60)
    assert faults.estimate(spec, digits, store)[0] == 0
    report = STUDIES["faults"].report(job, store)
    assert len(report.tables["scores"]) == 60
    assert "hurts most" in STUDIES["faults"].headline(job, store)
    noise = report.tables["curves"].set_index(["model", "line", "level"])
    assert noise.loc[("gnb", "flip-random", 0.6), "loss"] > 0.05


def test_unknown_faults_name_those_there_are() -> None:
    with pytest.raises(UnknownName, match="flip-random"):
        Line.parse("flip-randomly")


def predicted(seed: int = 0) -> tuple[pd.DataFrame, dict[str, Detail], np.ndarray]:
    """Scores of one model with made-up predictions, and the true labels."""
    rng = np.random.default_rng(seed)
    truth = rng.integers(3, size=50)
    rows, kept = [], {}
    for repeat in range(2):
        for fault, level in (("clean", np.nan), ("flip-random", 0.1), ("flip-random", 0.2)):
            key = f"{fault}{level}{repeat}"
            history = rng.random((3 + repeat, 2))
            kept[key] = Detail(key, rng.integers(3, size=50), history)
            rows.append((fault, fault, -1, level, repeat, "rf", key))
    columns = ["line", "fault", "of_class", "level", "repeat", "model", "key"]
    return pd.DataFrame(rows, columns=columns), kept, truth


def test_moved_predictions_are_counted_row_by_row() -> None:
    scores, kept, truth = predicted()
    found = faults_details.moved(scores, kept, truth)
    assert len(found) == 4
    for row in found.to_dict("records"):
        before = kept[f"cleannan{row['repeat']}"].predictions
        now = kept[f"flip-random{row['level']}{row['repeat']}"].predictions
        counts = [0, 0, 0]
        for t, b, n in zip(truth, before, now, strict=True):
            counts[0] += b != n
            counts[1] += b == t != n
            counts[2] += n == t != b
        assert [row["moved"], row["broken"], row["mended"]] == counts
    assert faults_details.moved(scores, {}, truth).empty


def test_confusion_differences_are_of_matrices() -> None:
    scores, kept, truth = predicted()
    some = scores[(scores["fault"] == "clean") | (scores["level"] == 0.2)]
    cells = faults_details.confusion_difference(some, kept, truth, ("a", "b", "c"))
    expected = np.mean(
        [
            confusion_matrix(truth, kept[f"flip-random0.2{repeat}"].predictions)
            - confusion_matrix(truth, kept[f"cleannan{repeat}"].predictions)
            for repeat in range(2)
        ],
        axis=0,
    )
    wide = cells.pivot_table(index="true", columns="predicted", values="difference")
    np.testing.assert_allclose(wide.to_numpy(), expected)


def test_a_repeat_that_has_ended_keeps_its_last_accuracy() -> None:
    scores, kept, _ = predicted()
    found = faults_details.by_epoch(scores, kept)
    assert len(found) == 3 * 2 * 4
    first, second = (kept[f"flip-random0.1{repeat}"].history for repeat in range(2))
    part = found[(found["level"] == 0.1) & (found["split"] == "test")].set_index("epoch")
    assert part.loc[2, "accuracy"] == pytest.approx((first[1, 1] + second[1, 1]) / 2)
    assert part.loc[4, "accuracy"] == pytest.approx((first[-1, 1] + second[3, 1]) / 2)
