"""The tables inside scikit-learn: breast cancer and wine, no download."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from core.datasets.assemble import Rows
from core.datasets.digits import inside_scikit_learn
from core.datasets.source import Content, Files, Progress, Source
from core.datasets.table import assemble_table


def _read(loader: str, files: Files, progress: Progress) -> Content:
    """Read a table; scikit-learn gives no split, so a fifth of each class is set aside."""
    from sklearn import datasets

    bunch: Any = getattr(datasets, loader)()
    table = pd.DataFrame(bunch.data, columns=[str(name) for name in bunch.feature_names])
    progress(len(table), len(table), "Reading a table")
    rows = Rows(
        names=[str(row) for row in range(len(table))],
        labels=bunch.target.astype(np.int64),
        is_test=np.zeros(len(table), dtype=bool),
        classes=[str(name) for name in bunch.target_names],
        left_out=(),
        notes=(),
        what="rows",
    )
    return assemble_table(table, rows)


BREAST_CANCER = Source(
    name="breast-cancer",
    title="Breast cancer",
    summary="Measurements of 569 cell samples, malignant or benign; work without a network.",
    licence="Breast Cancer Wisconsin (Diagnostic), UCI, under CC BY 4.0.",
    version=1,
    files=partial(inside_scikit_learn, "breast_cancer.csv"),
    read=partial(_read, "load_breast_cancer"),
    kind="table",
)

WINE = Source(
    name="wine",
    title="Wine",
    summary="Chemical analyses of 178 wines of three growers; work without a network.",
    licence="Wine, UCI, under CC BY 4.0.",
    version=1,
    files=partial(inside_scikit_learn, "wine_data.csv"),
    read=partial(_read, "load_wine"),
    kind="table",
)
