"""Tables against scikit-learn's StandardScaler and OneHotEncoder; Adult; CSV files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.compose import ColumnTransformer
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from core import datasets, selection
from core.datasets import adult, base, summary, table
from core.errors import DatasetUnavailable, InputError
from core.studies import xfactor
from core.studies.xfactor_spec import XFactorSpec

ROW = "39, State-gov, 77516, Bachelors, 13, Never-married, ?, Not-in-family, White, Male, 2, 0, 40"


def frame(count: int, seed: int) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "age": random.integers(17, 90, count),
            "colour": random.choice(["red", "green", "?", "blue, light"], count),
            "income": random.lognormal(10, 3, count),
            "constant": np.full(count, 7.0),
        }
    )


def test_features_are_scikit_learns() -> None:
    train, test = frame(200, 0), frame(50, 1)
    test.loc[0, "colour"] = "violet"
    encoded = table.encode(train, test)
    expected = ColumnTransformer(
        [
            ("age", StandardScaler(), ["age"]),
            ("colour", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["colour"]),
            ("numbers", StandardScaler(), ["income", "constant"]),
        ]
    )
    np.testing.assert_allclose(encoded.train, expected.fit_transform(train), atol=1e-12)
    np.testing.assert_allclose(encoded.test, expected.transform(test), atol=1e-12)
    assert encoded.features == (
        *("age", "colour=?", "colour=blue, light", "colour=green", "colour=red"),
        *("income", "constant"),
    )
    assert "1 test values are of categories that training lacks" in encoded.notes[-1]
    assert encoded.train.flags.c_contiguous


@pytest.mark.parametrize(
    ("name", "load", "fingerprint"),
    [
        ("breast-cancer", load_breast_cancer, "289e8f53ea7da059e624c820bdfc33a3"),
        ("wine", load_wine, "32028292ab39296de795a92bcc024b06"),
    ],
)
def test_scikit_learns_tables(name: str, load, fingerprint: str) -> None:
    for _ in range(2):  # The second time from the cache.
        data = datasets.load(name)
        bunch = load()
        assert data.kind == "table"
        assert data.peak == 1
        assert data.row_values == len(data.features) == bunch.data.shape[1]
        shown = pd.concat([data.train.shown, data.test.shown])
        merged = shown.sort_values(list(shown.columns)).to_numpy()
        raw = pd.DataFrame(bunch.data).sort_values(list(range(bunch.data.shape[1]))).to_numpy()
        np.testing.assert_array_equal(merged, raw)
        assert abs(len(data.test) / len(bunch.target) - 0.2) < 0.01
        scaler = StandardScaler().fit(data.train.shown)
        np.testing.assert_allclose(data.test.x, scaler.transform(data.test.shown), atol=1e-9)
        assert "a fifth of each class" in data.notes[0]
        assert data.fingerprint == fingerprint  # The same on every machine.
        assert data.fingerprint == base.fingerprint(data.train, data.test, data.classes)
        assert not data.train.x.flags.writeable


def test_adult_is_read_as_uci_writes_it(root: Path) -> None:
    (root / "adult").mkdir()
    lines = [f"{ROW}, United-States, {label}" for label in adult.CLASSES]
    (root / "adult" / "adult.data").write_text("\n".join(lines * 5) + "\n\n")
    (root / "adult" / "adult.test").write_text("|1x3 Cross validator\n" + ".\n".join(lines) + ".\n")
    data = datasets.load("adult")
    assert data.classes == ("<=50K", ">50K")
    assert data.train.y.tolist() == [0, 1] * 5
    assert data.test.y.tolist() == [0, 1]
    assert data.train.shown["occupation"].tolist() == ["?"] * 10
    assert data.train.shown["age"].dtype == np.int64
    assert data.notes[0].startswith("12 missing values")
    (root / "adult" / "adult.data").write_text(f"{ROW}, <=50K\n")
    with pytest.raises(InputError, match=r"adult\.data, line 1, must have 14 values"):
        datasets.load("adult")


def test_adult_that_cannot_be_had_says_which_files_to_put_where(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(adult, "URL", "http://127.0.0.1:9/")
    with pytest.raises(DatasetUnavailable, match=r"put adult.data, adult.test from .* into"):
        datasets.load("adult")


def test_shared_adult(shared: Path) -> None:
    if not (shared / "adult").is_dir():
        pytest.skip("XFACTOR_DATA has no adult/")
    data = datasets.load("adult")
    assert data.train.x.shape == (32_561, 108)
    assert len(data.test) == 16_281
    assert data.fingerprint == "7574988f6295c3bbbf716ccfb1d9d3e5"
    assert np.bincount(data.train.y).tolist() == [24_720, 7_841]
    missing = (data.train.shown == "?").to_numpy().sum()
    assert missing == (shared / "adult" / "adult.data").read_text().count("?")


def test_a_csv_file_is_a_data_set(root: Path) -> None:
    rows = frame(40, 0)
    rows["colour"] = rows["colour"].replace("?", None)
    rows["ok"] = [True, False] * 20
    rows["Target"] = ["yes", "no", None, "no"] * 10
    rows.to_csv(root / "people.csv", index=False)
    rows.drop(columns="Target").to_csv(root / "unlabelled.csv", index=False)
    listed = {one.name: one.kind for one in datasets.catalogue()}
    assert listed["people.csv"] == "table"
    assert "unlabelled.csv" not in listed
    data = datasets.load("people.csv")
    assert data.classes == ("no", "yes")
    assert len(data.left_out) == 10
    assert (len(data.train), len(data.test)) == (24, 6)
    assert {"colour=?", "ok=True", "age"} <= set(data.features)
    assert data.notes[0] == "The label is the column Target."
    assert "a column of 0 and 1 each: those of colour, ok." in data.notes[-1]
    assert datasets.load("unlabelled.csv").classes == ("False", "True")


def test_numbers_may_be_labels(root: Path) -> None:
    (root / "a.csv").write_text("x,label\n" + "1,0\n2,1\n3,\n" * 10)
    assert datasets.load("a.csv").classes == ("0", "1")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ("", "must begin with a line of 2 to 10,000 names"),
        ("x,label", "have rows below it"),
        (",".join(f"c{i}" for i in range(20_000)) + "\n1\n", "got 20000"),
        (",".join(f"c{i}" for i in range(1_000_000)) + "\n1\n", "over 262,144 characters"),
        ("x,x,label\n1,2,a\n", "another name for each column"),
        ("x,,label\n1,2,a\n", "none left empty"),
        ("x,label\n1,a\n2,b,c\n", "cannot be read as CSV"),
        ("x,label\n1,a,z\n2,b,c\n", "cannot be read as CSV"),
        ("x,label\n" + "1,a\n,b\n" * 9, "The column x must hold finite numbers; 9 of 18"),
        ("x,label\n" + "1,a\ninf,b\n" * 9, "must hold finite numbers"),
        ("x,label\n" + "1e200,a\n2,b\n" * 9, "missing, infinite or over 1e.150"),
        ("x,label\n1,a\n2,b\n", "two rows or more of some class"),
        ("x,label\n1,a\n2,a\n", "rows of at least two classes; got 1: a"),
        ("x,y\n" + "".join(f"1,{n}\n" for n in range(1_500)), "y has 1,500 different values"),
        (
            "x,label\n" + "".join(f"n{n},{n % 2}\n" for n in range(20_000)),
            "leave out columns such as names",
        ),
        ("x,label\n\xff,a\n", "UTF-8|cannot be read"),
        ('x,y,"a\nb"\n' + "1,2,3\n" * 9, "names of all its columns in its first line"),
    ],
    ids=range(17),
)
def test_csv_files_that_cannot_be_used(root: Path, content: str, match: str) -> None:
    (root / "bad.csv").write_bytes(content.encode("latin-1"))
    with pytest.raises(InputError, match=match):
        datasets.load("bad.csv")


def test_a_table_without_features_is_an_error(root: Path) -> None:
    with pytest.raises(InputError, match="a column besides the label"):
        table.encode(pd.DataFrame(index=range(3)), pd.DataFrame(index=range(2)))


def test_check_kind_names_both_kinds() -> None:
    data = datasets.load("wine")
    base.check_kind(data, ("image", "table"), "It")
    with pytest.raises(InputError, match=r"It takes data sets of images or texts; wine is one of"):
        base.check_kind(data, ("image", "text"), "It")


def test_a_split_checks_its_numbers() -> None:
    x, y = np.zeros((2, 3)), np.zeros(2, np.int64)
    with pytest.raises(InputError, match="finite"):
        base.Split(x + np.nan, y)
    with pytest.raises(InputError, match="float64"):
        base.Split(x.astype(np.float32), y)
    with pytest.raises(InputError, match="row after row"):
        base.Split(np.asfortranarray(x), y)
    with pytest.raises(InputError, match="1 rows are shown for 2 labels"):
        base.Split(x, y, ("one",))


def test_summary_of_columns() -> None:
    rows = frame(60, 0)
    found = summary.column_statistics(rows).set_index("column")
    assert found.loc["age", "mean"] == pytest.approx(rows["age"].mean())
    assert found.loc["age", "deviation"] == pytest.approx(np.std(rows["age"]))
    assert found.loc["constant", "values"] == 1
    assert np.isnan(found.loc["colour", "mean"])
    counts = {name: (rows["colour"] == name).sum() for name in set(rows["colour"])}
    assert counts[found.loc["colour", "most common"]] == max(counts.values())
    assert found.loc["colour", "share"] == max(counts.values()) / 60


def test_selection_and_studies_of_images_refuse_tables() -> None:
    with pytest.raises(InputError, match="Selecting subsets takes data sets of images; wine is"):
        selection.geometry(datasets.load("wine"))
    with pytest.raises(InputError, match="An X-Factor study takes data sets of images"):
        xfactor.prepare(XFactorSpec(dataset="wine"))
