"""The refinement study against a plain loop, killed and taken up again, and what it refuses."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from core import datasets, jobs
from core.datasets.base import Dataset
from core.errors import InputError, JobCancelled
from core.influence import Certificate, influence
from core.influence.draw import Draw
from core.specs import TrainingSet, seed_from
from core.store import Store
from core.studies import from_toml, refinement
from core.studies.assess import Assessment
from core.studies.refinement_rounds import rows_of
from core.studies.refinement_spec import RefinementSpec
from core.training.mlp import train_mlps
from tests.core.studies.serial import Runs, serial

SPEC = RefinementSpec(
    "digits", "tiny", model="mlp-1:width=8", train=200, validation=80, flip=0.1, rounds=2, seeds=2
)


@pytest.fixture(scope="module")
def digits() -> Dataset:
    return datasets.load("digits")


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("whole")
    with serial(root):
        assert refinement.run(SPEC, Runs(root)) == "14 models trained and their rows scored."
    return root


def read(root: Path, spec: RefinementSpec = SPEC) -> refinement.Results:
    """The results as a page reads them, without the data set."""
    store = Store(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "ensure_runner", lambda store: None)
        job = jobs.submit(store, "refinement", spec)
        patch.setattr(datasets, "load", None)
        return refinement.results(job, store)


def plain_loop(
    dataset: Dataset, drawn: Draw, arm: str, counts: list[int], repeat: int
) -> list[Mapping[str, Any]]:
    """As a script would do it: train, score, sort, drop; one arm of one seed."""
    rows, labels = drawn.training_set.rows, drawn.given
    vx = torch.tensor(dataset.train.x[drawn.validation]).flatten(1) / 16
    vy = torch.tensor(dataset.train.y[drawn.validation])
    steps = []
    for number in range(SPEC.rounds + 1):
        training_set = TrainingSet(dataset.fingerprint, rows, labels)
        kept = {}
        seed = seed_from("refinement-fit", SPEC.seed, repeat)
        (fit,) = train_mlps(dataset, [training_set], [seed], [8], "cpu", keep=kept.__setitem__)
        x = torch.tensor(dataset.train.x[rows]).flatten(1) / 16
        scores = influence(kept[0], (x.numpy(), labels), (vx.numpy(), vy.numpy())).scores
        with torch.no_grad():
            logits = kept[0](vx)
            losses = cross_entropy(kept[0](x), torch.tensor(labels), reduction="none").numpy()
        steps.append(
            {
                "rows": rows,
                "loss": float(cross_entropy(logits, vy)),
                "validation_accuracy": float((logits.argmax(1) == vy).float().mean()),
                "accuracy": float((fit.predictions == dataset.test.y).mean()),
                "dcs": -scores[scores < 0].sum() / np.abs(scores).sum(),
            }
        )
        if arm == "influence":
            counts.append(min(int(0.03 * len(rows)), int((scores > 0).sum())))
        score = {"influence": scores, "loss": losses}.get(arm)
        if arm == "random":
            seed = seed_from("removal", SPEC.seed, repeat, number)
            out = np.random.default_rng(seed).permutation(len(rows))[: counts[number]]
        else:
            out = np.argsort(score)[::-1][: counts[number]]
            assert set(np.delete(labels, out)) == set(labels), "choose another seed"
        stay = np.setdiff1d(np.arange(len(rows)), out)
        rows, labels = rows[stay], labels[stay]
    return steps


def test_every_arm_keeps_the_rows_of_a_plain_loop(finished: Path, digits: Dataset) -> None:
    found = read(finished)
    assert len(found.rounds) == 2 * 3 * 3
    for repeat in range(2):
        start = next(one for one in found.rounds if one.repeat == repeat)
        counts: list[int] = []
        for arm in ("influence", "random", "loss"):
            chain = [one for one in found.rounds if (one.repeat, one.arm) == (repeat, arm)]
            steps = plain_loop(digits, start.drawn, arm, counts, repeat)
            for one, step in zip(chain, steps, strict=True):
                np.testing.assert_array_equal(one.drawn.training_set.rows, step["rows"])
                assert one.found.validation_loss == pytest.approx(step["loss"], rel=1e-5)
                assert one.found.accuracy == pytest.approx(step["accuracy"])
                assert one.found.contribution.dcs == pytest.approx(step["dcs"], rel=1e-4)
            table = found.table[(found.table["seed"] == repeat) & (found.table["arm"] == arm)]
            assert table["best"].tolist().index(True) == np.argmin([s["loss"] for s in steps])
            assert table["removed"].tolist() == [6, 5, 0]
            assert table["rows"].tolist() == [200, 194, 189]


def test_no_decision_sees_the_test_split(finished: Path, digits: Dataset) -> None:
    for one in read(finished).rounds:
        rows, validation = one.drawn.training_set.rows, one.drawn.validation
        assert not set(rows.tolist()) & set(validation.tolist())
        np.testing.assert_array_equal(one.drawn.labels, digits.train.y[rows])
        if one.arm == "influence":
            assert (one.found.influence[one.removed] > 0).all()
    starts = [one for one in read(finished).rounds if one.number == 0 and one.arm == "influence"]
    assert [int((one.drawn.given != one.drawn.labels).sum()) for one in starts] == [20, 20]
    assert not np.array_equal(starts[0].drawn.training_set.rows, starts[1].drawn.training_set.rows)


def blobs(root: Path) -> dict[str, dict[str, Any]]:
    found = {}
    for path in (root / "blobs").glob("*.npz"):
        with np.load(path) as file:
            found[path.stem] = {name: file[name] for name in file.files}
    return found


@pytest.mark.parametrize("most", [1, 5])
def test_stopped_and_taken_up_again_it_ends_with_the_same_arrays(
    finished: Path, tmp_path: Path, most: int
) -> None:
    again = Runs(tmp_path)
    with serial(tmp_path):
        with pytest.raises(JobCancelled):
            refinement.run(SPEC, Runs(tmp_path, most))
        assert len(blobs(tmp_path)) == len(("data", "draw", "draw")) + most
        refinement.run(SPEC, again)
    assert again.told[0][1] == most, "what was answered is not asked again"
    whole, resumed = blobs(finished), blobs(tmp_path)
    assert whole.keys() == resumed.keys()
    for key, arrays in whole.items():
        for name, values in arrays.items():
            np.testing.assert_array_equal(values, resumed[key][name])


def test_what_is_left_is_estimated_before_it_runs(finished: Path, digits: Dataset) -> None:
    store = Store(finished)
    assert refinement.estimate(SPEC, digits, store) == (0, 0.0, True)
    more = RefinementSpec.from_dict({**SPEC.to_dict(), "seeds": 4})
    left, seconds, measured = refinement.estimate(more, digits, store)
    assert (left, measured) == (14, True)
    each = read(finished).runs["seconds"].mean()
    assert seconds / left == pytest.approx(each)
    other = RefinementSpec.from_dict({**SPEC.to_dict(), "train": 400})
    left, rough, measured = refinement.estimate(other, digits, store)
    assert (left, measured) == (14, False)
    assert rough > 0
    with pytest.raises(InputError, match="which gnb has not"):
        refinement.estimate(RefinementSpec("digits", model="gnb"), digits, store)


def test_more_rounds_and_seeds_keep_what_is_done(finished: Path) -> None:
    more = RefinementSpec.from_dict({**SPEC.to_dict(), "rounds": 3, "seeds": 3})
    known = read(finished, more)
    assert len(known.rounds) == 2 * 3 * 3
    assert known.spec.total == 3 * (1 + 3 * 3)
    report = refinement.report(_job(finished, more), Store(finished))
    assert any("at least two seeds" in text for text in report.sentences)


def _job(root: Path, spec: RefinementSpec) -> jobs.Job:
    store = Store(root)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jobs, "ensure_runner", lambda store: None)
        return jobs.submit(store, "refinement", spec)


def test_the_report_has_every_table(finished: Path) -> None:
    report = refinement.report(_job(finished, SPEC), Store(finished))
    assert set(report.tables) == {"rounds", "curves", "best", "comparisons", "tracking", "runs"}
    assert len(report.tables["runs"]) == SPEC.total
    assert (report.tables["runs"]["device"] == "cpu").all()
    assert report.tables["runs"]["versions"].str.contains("torch").all()
    assert len(report.tables["comparisons"]) == 6
    assert not report.tables["comparisons"]["significant"].any()
    text = "\n".join(report.sentences)
    assert "2 seeds cannot be significant: the smallest p that they allow is 0.5" in text
    assert "removal by influence changed test accuracy by" in report.sentences[0]
    curves = report.tables["curves"]
    assert set(curves["metric"]) >= {"dcs", "accuracy", "macro_f1", "validation_loss"}
    assert (curves["low"] <= curves["mean"]).all()


def test_a_rounds_rows_can_be_exported(finished: Path) -> None:
    one = read(finished).rounds[0]
    rows = rows_of(one)
    assert list(rows) == ["row", "influence", "loss", "label", "given_label", "removed"]
    kept = set(rows.loc[~rows["removed"], "row"])
    following = next(r for r in read(finished).rounds if (r.arm, r.number) == ("influence", 1))
    assert kept == set(following.drawn.training_set.rows.tolist())


def test_a_round_that_cannot_be_trained_is_said(tmp_path: Path) -> None:
    spec = RefinementSpec(
        "digits", "few", model="logistic", train=10, validation=80, share=0.5, flip=0.9, rounds=2,
        seeds=1, controls=(),
    )  # fmt: skip
    context = Runs(tmp_path)
    with serial(tmp_path):
        assert "could not be" in refinement.run(spec, context)
    assert any("training set lacks" in text for text in context.said)
    assert any("training set lacks" in note for note in read(tmp_path, spec).notes)


def test_the_last_row_of_a_class_stays() -> None:
    found = Assessment(
        np.array([5.0, 4, -3, 2, 1]), np.zeros(5), Certificate("cg", "ggn", 0, 0, 0, 0, 0, 0),
        0.0, 0.0, 0.0, 0.0, 0.0, 0.0,
    )  # fmt: skip
    labels = np.array([0, 1, 2, 1, 2])
    drawn = Draw(TrainingSet("", np.arange(5)), labels, np.arange(1))
    np.testing.assert_array_equal(refinement.choose("influence", drawn, found, 5, 0), [1, 4])
    np.testing.assert_array_equal(refinement.choose("influence", drawn, found, 1, 0), [1])
    assert len(refinement.choose("random", drawn, found, 5, 0)) == 2


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"flip": 1.0}, "flip must be a number from 0 to 0.9; got 1.0"),
        ({"share": 0.6}, "share must be a number from 0 to 0.5"),
        ({"share": "3 %"}, "share must be a number"),
        ({"share": 0.001}, "less than one row"),
        ({"rounds": 0}, "rounds must be a whole number from 1 to 10,000"),
        ({"seeds": 0}, "seeds must be"),
        ({"controls": ("age",)}, "Unknown control 'age'; known: random, loss"),
        ({"model": "rf"}, "which rf has not; choose one of"),
        ({"model": "mlp-9"}, "Unknown model 'mlp-9'"),
        ({"train": 2000}, "1,300 training rows; 2,000 to train on and 80 to validate on are 2,080"),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_sentence(
    settings: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        refinement.prepare(RefinementSpec.from_dict({**SPEC.to_dict(), **settings}))


def test_the_spec_is_a_toml_file(tmp_path: Path) -> None:
    path = tmp_path / "noisy.toml"
    path.write_text(SPEC.to_toml())
    study, spec = from_toml(path)
    assert (study.name, spec) == ("refinement", SPEC)
    path.write_text('study = "refinement"\ndataset = "digits"\nflip = 0\n')
    assert from_toml(path)[1] == RefinementSpec("digits", "noisy")


def test_a_damaged_draw_is_said_and_the_other_seeds_are_read(
    finished: Path, tmp_path: Path
) -> None:
    root = tmp_path / "copy"
    shutil.copytree(finished, root)
    draw = refinement.samples(SPEC)[0].key(datasets.load("digits").fingerprint)
    (root / "blobs" / f"{draw}.npz").write_bytes(b"damaged")
    found = read(root)
    assert {one.repeat for one in found.rounds} == {1}
    assert any("does not match its checksum" in note for note in found.notes)
