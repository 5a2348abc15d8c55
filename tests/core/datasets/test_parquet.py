"""Parquet files written here, against Pillow on the very bytes; and the shared CIFAR-10."""

from __future__ import annotations

import io
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from core import datasets
from core.errors import InputError

NAMES = ["cat", "dog"]


def images(count: int, seed: int = 0) -> list[bytes | None]:
    encoded: list[bytes | None] = []
    for pixels in np.random.default_rng(seed).integers(0, 256, (count, 6, 5, 3), np.uint8):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG")
        encoded.append(file.getvalue())
    return encoded


def decoded(encoded: list[bytes | None]) -> np.ndarray:
    return np.stack([np.asarray(Image.open(io.BytesIO(data))) for data in encoded if data])


def write(
    path: Path,
    encoded: list[bytes | None],
    labels: object,
    names: object = None,
    image: str = "img",
    label: str = "label",
) -> None:
    column = [{"bytes": data, "path": None} for data in encoded]
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    table = pa.table({image: pa.array(column, kind), label: labels})
    if names is not None:
        features = {image: {"_type": "Image"}, label: {"names": names, "_type": "ClassLabel"}}
        text = json.dumps({"info": {"features": features}})
        table = table.replace_schema_metadata({"huggingface": text})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=4)


@pytest.mark.parametrize("where", ["pets", "pets/data"])
@pytest.mark.parametrize("image", ["img", "image", "picture"])
def test_rows_are_those_that_pillow_decodes(root: Path, where: str, image: str) -> None:
    train, more, test = images(6), images(5, seed=1), images(4, seed=2)
    write(root / where / "train-00000-of-00002.parquet", train, [0, 1] * 3, NAMES, image)
    write(root / where / "train-00001-of-00002.parquet", more, [1] * 5, NAMES, image)
    write(root / where / "test-00000-of-00001.parquet", test, [1, 0, 1, 0], NAMES, image)
    data = datasets.load("pets")
    np.testing.assert_array_equal(data.train.x, decoded(train + more))
    np.testing.assert_array_equal(data.test.x, decoded(test))
    assert data.train.y.tolist() == [0, 1] * 3 + [1] * 5
    assert data.test.y.tolist() == [1, 0, 1, 0]
    assert data.classes == ("cat", "dog")
    assert data.notes == ()


def test_a_lone_file_gets_a_fixed_split(root: Path) -> None:
    write(root / "train-lone.parquet", images(20), ["b", "a"] * 10)
    data = datasets.load("train-lone.parquet")
    assert data.classes == ("a", "b")
    assert np.bincount(data.train.y).tolist() == [8, 8]
    assert np.bincount(data.test.y).tolist() == [2, 2]
    assert "There is no test split" in data.notes[0]
    assert datasets.load(str(root / "train-lone.parquet")).fingerprint == data.fingerprint


@pytest.mark.parametrize(
    ("labels", "classes"),
    [
        (pa.array([3, -1] * 5, pa.int8()), ("-1", "3")),
        (pa.array(["b", "a"] * 5, pa.large_string()), ("a", "b")),
        (pa.array(["b", "a"] * 5).dictionary_encode(), ("a", "b")),
    ],
)
def test_labels_without_declared_names(root: Path, labels: object, classes: object) -> None:
    write(root / "a.parquet", images(10), labels)
    data = datasets.load("a.parquet")
    assert data.classes == classes
    assert np.bincount(np.concatenate([data.train.y, data.test.y])).tolist() == [5, 5]


def test_rows_without_image_or_label_are_left_out(root: Path) -> None:
    encoded = images(12)
    encoded[2] = None
    encoded[3] = b"<svg/>"
    write(root / "a.parquet", encoded, [0, 1, 0, 1, -1, 7, None, 0, 1, 0, 1, 0], NAMES)
    data = datasets.load("a.parquet")
    assert len(data.train) + len(data.test) == 7
    reasons = dict(data.left_out)
    assert reasons["a.parquet:2"] == "no bytes"
    assert reasons["a.parquet:3"].startswith("not an image")
    assert reasons["a.parquet:4"] == "-1 is not a class number"
    assert reasons["a.parquet:5"] == "7 is not a class number"
    assert reasons["a.parquet:6"] == "no label"


@pytest.mark.parametrize(
    ("labels", "names", "label", "sentence"),
    [
        ([0.5] * 4, None, "label", "whole numbers or texts as labels; got double"),
        ([0, 1] * 2, {"0": "cat"}, "label", "declare its class names as a list of texts"),
        ([0, 1] * 2, None, "kind", "got img: struct<bytes: binary, path: string>, kind: int64"),
        ([[0]] * 4, None, "label", "got list"),
        ([None] * 4, None, "label", "got null"),
    ],
)
def test_columns_that_cannot_be_used(
    root: Path, labels: object, names: object, label: str, sentence: str
) -> None:
    write(root / "a.parquet", images(4), labels, names, label=label)
    with pytest.raises(InputError, match=sentence):
        datasets.load("a.parquet")


@pytest.mark.parametrize("text", ["{", "[]", "null", '{"info": 3}', "[" * 100_000])
def test_malformed_metadata_are_refused(root: Path, text: str) -> None:
    table = pa.table({"label": [0, 1]}).replace_schema_metadata({"huggingface": text})
    pq.write_table(table, root / "a.parquet")
    with pytest.raises(InputError, match="metadata that are not as the hub writes them"):
        datasets.load("a.parquet")
    assert "a.parquet" not in {item.name for item in datasets.catalogue()}


@pytest.mark.parametrize("keep", [0, 10, 300, -1])
def test_a_damaged_file_is_refused(root: Path, keep: int) -> None:
    write(root / "a.parquet", images(20), [0, 1] * 10, NAMES)
    path = root / "a.parquet"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match="is not a Parquet file that can be read"):
        datasets.load("a.parquet")


@pytest.mark.parametrize("word", [b"label", b"text", b"good", b"a film"])
def test_names_and_texts_that_are_no_utf_8_are_refused(root: Path, word: bytes) -> None:
    rows = pa.table({"text": ["a film that I saw"] * 6, "label": ["good", "poor"] * 3})
    pq.write_table(rows.replace_schema_metadata({}), root / "a.parquet", store_schema=False)
    content = (root / "a.parquet").read_bytes()
    assert word in content
    (root / "a.parquet").write_bytes(content.replace(word, b"\xff" + word[1:]))
    with pytest.raises(InputError, match=r"a\.parquet"):
        datasets.load("a.parquet")


def test_files_must_agree(root: Path) -> None:
    write(root / "set" / "train-0.parquet", images(4), [0, 1] * 2, NAMES)
    write(root / "set" / "test-0.parquet", images(4), [0, 1] * 2, ["dog", "cat"])
    with pytest.raises(InputError, match="must have the columns and class names of"):
        datasets.load("set")
    write(root / "set" / "test-0.parquet", images(4), [0, 1] * 2, NAMES)
    write(root / "set" / "extra.parquet", images(4), [0, 1] * 2, NAMES)
    with pytest.raises(InputError, match=r"1 file\(s\) of no split"):
        datasets.load("set")


def test_no_rows_are_no_data_set(root: Path) -> None:
    write(root / "a.parquet", [], pa.array([], pa.int64()), NAMES)
    with pytest.raises(InputError, match="There are no images in it"):
        datasets.load("a.parquet")


def test_other_columns_are_not_taken_for_images(root: Path) -> None:
    (root / "other").mkdir()
    pq.write_table(pa.table({"word": ["a"], "label": [0]}), root / "other" / "train-0.parquet")
    assert "other" not in {item.name for item in datasets.catalogue()}
    with pytest.raises(InputError, match=r"must have a column of images .* got word: string"):
        datasets.load("other")


def test_links_that_lead_out_are_refused(root: Path, tmp_path: Path) -> None:
    write(tmp_path / "secret.parquet", images(10), [0, 1] * 5, NAMES)
    (root / "set").mkdir()
    (root / "set" / "train-0.parquet").symlink_to(tmp_path / "secret.parquet")
    with pytest.raises(InputError, match="no Parquet files in the folders that may be read"):
        datasets.load("set")
    assert "set" not in {item.name for item in datasets.catalogue()}


def test_shared_cifar10_rows_against_pillow(shared: Path) -> None:
    if not (shared / "cifar10").is_dir():
        pytest.skip("XFACTOR_DATA has no cifar10/")
    data = datasets.load("cifar10")
    assert data.train.x.shape == (50_000, 32, 32, 3)
    assert np.bincount(data.train.y).tolist() == [5000] * 10
    assert np.bincount(data.test.y).tolist() == [1000] * 10
    assert data.classes[0] == "airplane"
    assert "where it holds JPEG" in data.notes[0]
    table = pq.read_table(shared / "cifar10" / "test-00000-of-00001.parquet")
    for row in (0, 1234, 9999):
        data_bytes = table["img"][row].as_py()["bytes"]
        image = np.asarray(Image.open(io.BytesIO(data_bytes)).convert("RGB"))
        np.testing.assert_array_equal(data.test.x[row], image)
        assert data.test.y[row] == table["label"][row].as_py()
