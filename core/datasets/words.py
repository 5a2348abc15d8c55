"""Texts → weights of words, TF-IDF fitted on the training split.

TF-IDF rather than hashing, because a column then is a word that people can read and no two words
share one. The vocabulary is bounded: the words that occur most often in the training split.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import sparse

from core.datasets.assemble import Rows, divide
from core.datasets.base import Split
from core.datasets.source import Content, Progress
from core.errors import InputError

VOCABULARY = 20_000
LARGEST_CHARACTERS = 1 << 30


@dataclass(frozen=True, eq=False)
class Weights:
    """Weights of words in two splits.

    Args:
        train: float32 CSR array, shape (n_train, words).
        test: float32 CSR array, shape (n_test, words).
        words: The word of each column, sorted.
    """

    train: Any
    test: Any
    words: tuple[str, ...]


def assemble_texts(texts: Sequence[str | None], rows: Rows, progress: Progress) -> Content:
    """Leave out the texts that cannot be used, split, and weigh words.

    Args:
        texts: n texts; None or nothing but white space cannot be used.
        rows: What is known of them.
        progress: Told how far it is.

    Raises:
        InputError: As `divide`, or the texts are too long or without words.
    """
    if sum(len(text or "") for text in texts) > LARGEST_CHARACTERS:
        raise InputError(
            f"The texts have over {LARGEST_CHARACTERS:,} characters, more than are read: make a "
            "copy with fewer or shorter ones."
        )
    readable = np.array([bool(text and text.strip()) for text in texts], dtype=bool)
    empty = [(rows.names[row], "no text") for row in np.flatnonzero(~readable).tolist()]
    parts = divide(rows, readable, empty)
    train, test = (
        tuple(texts[row] or "" for row in numbers.tolist()) for numbers in (parts.train, parts.test)
    )
    weights = weigh(train, test, progress)
    note = (
        f"Features: TF-IDF of {len(weights.words):,} words (at most {VOCABULARY:,}, the most "
        "frequent of the training split), fitted on the training split; 1 + log of the count, "
        "each row of length 1."
    )
    return Content(
        Split(weights.train, parts.y_train, train),
        Split(weights.test, parts.y_test, test),
        parts.classes,
        notes=(*parts.notes, note),
        left_out=parts.left_out,
        peak=1,
        features=weights.words,
    )


def weigh(train: Sequence[str], test: Sequence[str], progress: Progress) -> Weights:
    """TF-IDF with sublinear counts, smoothed document frequencies and rows of length 1.

    The same as scikit-learn's `TfidfVectorizer(max_features=20_000, sublinear_tf=True)`, but of
    words that are equally frequent the first in the alphabet stay, on every machine.

    Raises:
        InputError: No training text has a word.
    """
    from sklearn.feature_extraction.text import CountVectorizer

    progress(0, 2, "Counting words")
    counter = CountVectorizer()
    try:
        counts = sparse.csr_array(counter.fit_transform(train))
    except ValueError as error:  # All texts are without words of two letters or more.
        raise InputError(
            "The training texts have no words of two letters or more: choose another text column."
        ) from error
    progress(1, 2, "Counting words")
    frequent = np.argsort(-counts.sum(axis=0), kind="stable")[:VOCABULARY]
    frequent.sort()
    seen = np.diff(counts.tocsc().indptr)[frequent]
    idf = np.log((1 + len(train)) / (1 + seen)) + 1
    weights = [
        _weights(sparse.csr_array(part)[:, frequent], idf)
        for part in (counts, counter.transform(test))
    ]
    progress(2, 2, "Counting words")
    words = counter.get_feature_names_out()[frequent]
    return Weights(weights[0], weights[1], tuple(map(str, words)))


def _weights(counts: Any, idf: Any) -> Any:
    """(1 + log count) · idf, rows scaled to length 1; rows without a known word stay 0."""
    counts.sort_indices()
    values = (1 + np.log(counts.data)) * idf[counts.indices]
    rows = np.repeat(np.arange(counts.shape[0]), np.diff(counts.indptr))
    length = np.sqrt(np.bincount(rows, values**2, counts.shape[0]))
    values = (values / length[rows]).astype(np.float32)
    # scikit-learn's trees take 32-bit indices only; LARGEST_CHARACTERS keeps them far below 2³¹.
    indices, indptr = counts.indices.astype(np.int32), counts.indptr.astype(np.int32)
    return sparse.csr_array((values, indices, indptr), shape=counts.shape)
