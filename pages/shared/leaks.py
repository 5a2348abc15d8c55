"""Test images that are in the training split too."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.datasets.base import Dataset
from pages.shared import audits, export, gallery, tags
from pages.shared.detectors import Choice
from pages.shared.images import Images

PAIRS = 24
COLUMNS = 8


def leak_table(dataset: Dataset, found: pd.DataFrame) -> pd.DataFrame:
    """Pairs of a test and a training image with their classes."""
    names = np.array(dataset.classes)
    return found.assign(
        train_label=names[dataset.train.y[found["train"]]],
        test_label=names[dataset.test.y[found["test"]]],
    )


def show(images: Images, choice: Choice) -> None:
    """The view of test images that are in the training split.

    Args:
        images: The training split of a data set.
        choice: How they are looked for.
    """
    dataset = images.dataset
    assert dataset is not None
    found = leak_table(dataset, audits.leaks(dataset, choice))
    count = found["test"].nunique()
    differ = int((found["train_label"] != found["test_label"]).sum())
    audits.metrics(
        (
            ("Leaked test images", f"{count:,}", "Models may have seen them in training."),
            ("Share of the test split", f"{count / len(dataset.test):.2%}", "Of its images."),
            ("Pairs", f"{len(found):,}", "A test image may have several training images."),
            ("Labels differ", f"{differ:,}", "Pairs with another class in training than in test."),
        )
    )
    if not len(found):
        st.caption("No test image is in the training split.")
        return
    st.caption("Each training image with the test image right of it; numbers are rows.")
    page = audits.turned_to(-(-len(found) // PAIRS), "leak_page")
    shown = found.iloc[(page - 1) * PAIRS : page * PAIRS]
    pictures = [
        audits.pixels(dataset, split, shown[split].to_numpy()) for split in ("train", "test")
    ]
    captions = [text for one in shown.itertuples() for text in (f"{one.train}", f"test {one.test}")]
    gallery.show(
        np.stack(pictures, axis=1).reshape(-1, *dataset.image_shape),
        captions,
        f"Pairs of training and test images: {', '.join(captions)}",
        columns=COLUMNS,
    )
    st.dataframe(found, hide_index=True)
    st.caption("The training images of these pairs can be tagged, to train without them.")
    tags.all_button(images, sorted(found["train"].unique().tolist()), "remove")
    export.table(found, f"{dataset.name}-leaks", "Leaks as CSV")
    audits.command("leaks", dataset.name, *choice.options(), "--out", "leaks.csv")
