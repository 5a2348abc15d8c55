"""What a page shows of a data set: counts, samples, mean images, size."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.base import Dataset, Split
from core.errors import InputError
from core.specs import seed_from


def class_counts(dataset: Dataset) -> pd.DataFrame:
    """How many rows each class has.

    Returns:
        One row a class, in class order: columns `class` (name), `train`, `test` (counts).
    """
    counts = {
        name: np.bincount(split.y, minlength=len(dataset.classes))
        for name, split in (("train", dataset.train), ("test", dataset.test))
    }
    return pd.DataFrame({"class": list(dataset.classes), **counts})


def mean_images(dataset: Dataset) -> npt.NDArray[np.float64]:
    """Mean training image of each class, from exact integer sums.

    Returns:
        float64 in [0, `dataset.peak`], shape (classes, height, width, channels), not rounded;
        NaN for a class without training images.
    """
    split = dataset.train
    sums = [split.x[split.y == k].sum(axis=0, dtype=np.int64) for k in range(len(dataset.classes))]
    counts = np.bincount(split.y, minlength=len(dataset.classes))
    with np.errstate(invalid="ignore"):
        means: npt.NDArray[np.float64] = np.stack(sums) / counts[:, None, None, None]
    return means


def sample_rows(split: Split, class_number: int, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Random rows of one class.

    Args:
        split: Where to draw from.
        class_number: Index into `Dataset.classes`.
        count: How many; all there are, when the class has fewer.
        seed: Gives the same rows every time; a larger `count` begins with the same rows.

    Returns:
        Row numbers in the order drawn, int64, shape (up to count,).

    Raises:
        InputError: `count` is negative.
    """
    if count < 0:
        raise InputError(f"The number of samples must be 0 or more; got {count}.")
    rows = np.flatnonzero(split.y == class_number)
    random = np.random.default_rng(seed_from("sample", class_number, seed))
    drawn: npt.NDArray[np.int64] = random.permutation(rows)[:count]
    return drawn


def word_counts(dataset: Dataset) -> pd.DataFrame:
    """How many different known words the training texts of each class have.

    Returns:
        One row a class, in class order: columns `class`, `texts`, and `5 %`, `median`, `95 %`
        of the words in a text.
    """
    split = dataset.train
    lengths = np.diff(split.x.indptr)
    of_class = [lengths[split.y == k] for k in range(len(dataset.classes))]
    shares = {"5 %": 5, "median": 50, "95 %": 95}
    quantiles = {
        name: [np.percentile(some, share) if some.size else np.nan for some in of_class]
        for name, share in shares.items()
    }
    return pd.DataFrame(
        {"class": list(dataset.classes), "texts": list(map(len, of_class)), **quantiles}
    )


def telling_words(dataset: Dataset, count: int) -> pd.DataFrame:
    """The words whose mean weight in a class is furthest above that in all training texts.

    Args:
        dataset: A data set of texts.
        count: Words a class; a class without training texts has none.

    Returns:
        One row a word, classes in order, the most telling first: columns `class`, `word`,
        `mean in class`, `mean in all`.
    """
    split = dataset.train
    everywhere = np.asarray(split.x.mean(axis=0)).ravel()
    tables = []
    for k in np.unique(split.y).tolist():
        within = np.asarray(split.x[split.y == k].mean(axis=0)).ravel()
        first = np.argsort(everywhere - within, kind="stable")[:count]
        tables.append(
            pd.DataFrame(
                {
                    "class": dataset.classes[k],
                    "word": [dataset.features[word] for word in first.tolist()],
                    "mean in class": within[first],
                    "mean in all": everywhere[first],
                }
            )
        )
    return pd.concat(tables, ignore_index=True)


def column_statistics(table: pd.DataFrame) -> pd.DataFrame:
    """What each column of a table holds.

    Returns:
        One row a column: `column`, `mean`, `deviation`, `least`, `median`, `most` of numbers,
        NaN for the others; `values` (how many different ones), `most common` and its `share`.
    """
    rows = []
    for name, column in table.items():
        numbers = pd.api.types.is_numeric_dtype(column.dtype)
        common = column.value_counts()
        figures = (
            (column.mean(), column.std(ddof=0), column.min(), column.median(), column.max())
            if numbers
            else (np.nan,) * 5
        )
        rows.append(
            (name, *figures, len(common), str(common.index[0]), common.iloc[0] / len(table))
        )
    names = ("column", "mean", "deviation", "least", "median", "most", "values", "most common")
    return pd.DataFrame(rows, columns=[*names, "share"])


def total_bytes(dataset: Dataset) -> int:
    """Bytes of the features and labels of both splits."""
    return dataset.train.nbytes + dataset.test.nbytes
