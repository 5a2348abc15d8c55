"""Texts against scikit-learn's TF-IDF, and the two layouts of IMDB."""

from __future__ import annotations

import io
import random
import tarfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from scipy import sparse
from sklearn.feature_extraction.text import TfidfVectorizer

from core import datasets
from core.datasets import base, imdb, summary, words
from core.datasets.packing import pack, unpack
from core.datasets.source import silent
from core.errors import DatasetUnavailable, InputError

VOCABULARY = [f"word{number}" for number in range(60)] + ["café", "a", "…"]


def reviews(count: int, seed: int) -> list[str]:
    draw = random.Random(seed)
    return [" ".join(draw.choices(VOCABULARY, k=draw.randint(2, 30))) for _ in range(count)]


def write(path: Path, texts: list[str | None], labels: list[int], column: str = "text") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({column: texts, "label": labels}), path)


def write_archive(path: Path, members: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_weights_are_scikit_learns(monkeypatch: pytest.MonkeyPatch) -> None:
    train, test = reviews(80, 0), [*reviews(40, 1), "unseen words only", "a"]
    for most in (20_000, 25):
        monkeypatch.setattr(words, "VOCABULARY", most)
        weights = words.weigh(train, test, silent)
        known = TfidfVectorizer(vocabulary=weights.words, sublinear_tf=True)
        expected = known.fit_transform(train).toarray()
        np.testing.assert_allclose(weights.train.toarray(), expected, atol=1e-7)
        np.testing.assert_allclose(
            weights.test.toarray(), known.transform(test).toarray(), atol=1e-7
        )
        assert len(weights.words) == min(most, 61)
        assert list(weights.words) == sorted(weights.words)
    every = TfidfVectorizer(max_features=25).fit(train)
    assert set(weights.words) <= set(every.vocabulary_) | _as_frequent(train, every)


def _as_frequent(train: list[str], chosen: TfidfVectorizer) -> set[str]:
    """Words that occur as often as the rarest one chosen: any of them may be."""
    counts = {word: sum(text.split().count(word) for text in train) for word in VOCABULARY}
    least = min(counts[word] for word in chosen.vocabulary_)
    return {word for word, count in counts.items() if count == least}


def test_parquet_of_texts(root: Path) -> None:
    train, test = [*reviews(9, 0), None, "  "], reviews(6, 1)
    write(root / "talk" / "train-0.parquet", train, [0, 1] * 5 + [1], "review")
    write(root / "talk" / "test-0.parquet", test, [0, 1] * 3, "review")
    (listing,) = (one for one in datasets.catalogue() if one.name == "talk")
    assert listing.kind == "text"
    for _ in range(2):  # The second time from the cache.
        data = datasets.load("talk")
        assert data.kind == data.train.kind == "text"
        assert data.train.shown == tuple(train[:9])
        assert data.test.shown == tuple(test)
        assert data.train.x.format == "csr"
        assert data.train.x.dtype == np.float32
        assert data.train.x[[0, 2]].indices.dtype == data.train.x.indptr.dtype == np.int32
        assert data.train.x.shape == (9, len(data.features))
        assert data.row_values == -(-data.train.x.nnz // 9)
        assert [name for name, _ in data.left_out] == ["train-0.parquet:9", "train-0.parquet:10"]
        assert not data.train.x.data.flags.writeable
        assert data.fingerprint == base.fingerprint(data.train, data.test, data.classes)
        has = [text is not None and data.features[5] in text.split() for text in train[:9]]
        np.testing.assert_array_equal(data.train.x[:, [5]].toarray()[:, 0] > 0, has)


def test_a_lone_file_of_texts_gets_a_fixed_split(root: Path) -> None:
    write(root / "lone.parquet", reviews(20, 0), [0, 1] * 10)
    data = datasets.load("lone.parquet")
    assert (len(data.train), len(data.test)) == (16, 4)
    assert "4 texts, a fifth" in data.notes[0]


def test_texts_without_words_are_an_error(root: Path) -> None:
    write(root / "none.parquet", ["a", "b", "!"] * 4, [0, 1] * 6)
    with pytest.raises(InputError, match="no words of two letters or more"):
        datasets.load("none.parquet")


def test_the_fingerprint_covers_every_weight(root: Path) -> None:
    write(root / "set.parquet", reviews(20, 0), [0, 1] * 10)
    data = datasets.load("set.parquet")
    other = data.train.x.copy()
    other.data[0] *= 2
    changed = base.Split(other, data.train.y, data.train.shown)
    assert base.fingerprint(changed, data.test, data.classes) != data.fingerprint


def test_packing_gives_the_same_split_back() -> None:
    x = sparse.csr_array(np.eye(3, dtype=np.float32))
    split = base.Split(x, np.arange(3), ("", "naïve", "日本\n\0"))
    again = unpack("train", pack("train", split))
    assert again.shown == split.shown
    np.testing.assert_array_equal(again.x.toarray(), np.eye(3))


def test_weights_that_are_not_sorted_are_refused() -> None:
    x = sparse.csr_array((np.ones(2, np.float32), [1, 0], [0, 2]), shape=(1, 2))
    with pytest.raises(InputError, match="sorted indices"):
        base.Split(x, np.zeros(1, np.int64))


def test_imdb_is_read_from_its_archive_or_from_parquet(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = reviews(24, 3)
    names = [
        f"aclImdb/{split}/{label}/{number}_7.txt"
        for split in ("train", "test")
        for label in ("neg", "pos")
        for number in range(6)
    ]
    members = {name: text.encode() for name, text in zip(names, texts, strict=True)}
    write_archive(
        root / imdb.ARCHIVE,
        {**members, "aclImdb/train/unsup/0_0.txt": b"no label", "aclImdb/README": b"words"},
    )
    data = datasets.load("imdb")
    assert data.classes == ("neg", "pos")
    assert data.train.shown == tuple(texts[:12])
    assert data.test.shown == tuple(texts[12:])
    assert data.test.y.tolist() == [0] * 6 + [1] * 6
    write(root / "imdb" / "train-0.parquet", list(texts[:12]), [0] * 6 + [1] * 6)
    write(root / "imdb" / "test-0.parquet", list(texts[12:]), [0] * 6 + [1] * 6)
    write(root / "imdb" / "unsupervised-0.parquet", list(texts), [-1] * 24)  # The hub has one.
    again = datasets.load("imdb")
    assert (again.train.x != data.train.x).nnz == 0


def test_imdb_that_cannot_be_had_says_which_file_to_put_where(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imdb, "URL", "http://127.0.0.1:9/nothing.tar.gz")
    with pytest.raises(DatasetUnavailable, match=r"put http.* into .*data"):
        datasets.load("imdb")
    (root / imdb.ARCHIVE).write_bytes(b"half of it")
    with pytest.raises(InputError, match="cannot be read"):
        datasets.load("imdb")


def test_shared_imdb(shared: Path) -> None:
    if not (shared / "imdb").is_dir():
        pytest.skip("XFACTOR_DATA has no imdb/")
    data = datasets.load("imdb")
    assert data.train.x.shape == data.test.x.shape == (25_000, 20_000)
    assert np.bincount(data.train.y).tolist() == np.bincount(data.test.y).tolist() == [12_500] * 2
    assert data.classes == ("neg", "pos")
    assert data.notes[-1].startswith("Features: TF-IDF of 20,000 words")
    lean = base.without_shown(data)
    assert lean.train.x is data.train.x
    assert lean.train.shown is lean.test.shown is None


def test_summary_of_words_against_slow_loops(root: Path) -> None:
    write(root / "set.parquet", [*reviews(30, 0), *(["rare"] * 3)], [0, 1, 2] * 11)
    data = datasets.load("set.parquet")
    dense, y = data.train.x.toarray(), data.train.y
    lengths = summary.word_counts(data)
    for k in range(3):
        known = [int((row > 0).sum()) for row in dense[y == k]]
        assert lengths["texts"][k] == len(known)
        assert lengths["median"][k] == np.median(known)
        assert lengths["95 %"][k] == np.percentile(known, 95)
    words_of = summary.telling_words(data, 5)
    assert words_of["class"].tolist() == [name for name in data.classes for _ in range(5)]
    gain = dense[y == 1].mean(0) - dense.mean(0)
    best = [gain[data.features.index(word)] for word in words_of["word"][5:10]]
    np.testing.assert_allclose(best, np.sort(gain)[::-1][:5], atol=1e-6)
