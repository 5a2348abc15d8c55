"""One fault at one level, shown on the data as the slider moves."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import streamlit as st

from core.charts import style
from core.corruption import damaged
from core.corruption.fault import SPLITS, Choice, Fault
from core.corruption.faults import FAULTS
from core.datasets.base import Dataset
from core.errors import InputError
from core.specs import TrainingSet
from core.studies.faults_spec import Line
from pages.shared import gallery, layout
from pages.shared.text import plain

SHOWN = 10
ASPECTS = {
    "equilibrium": "Equilibrium",
    "size": "Size",
    "labels": "Labels",
    "contamination": "Contamination",
}


def widgets(dataset: Dataset) -> Line:
    """The fault that the widgets describe, at one level.

    Args:
        dataset: Faults that do not go with it are not offered.
    """
    fitting = [fault for fault in FAULTS.values() if dataset.kind in fault.kinds]
    aspects = [name for name in ASPECTS if any(fault.aspect == name for fault in fitting)]
    with st.container(horizontal=True):
        aspect = st.segmented_control(
            "Aspect", aspects, format_func=lambda name: ASPECTS[name], default=aspects[-1],
            required=True, key="aspect",
            help="Which of the four aspects of data quality is damaged.",
        )  # fmt: skip
        titles = {fault.title: fault for fault in fitting if fault.aspect == aspect}
        title = st.selectbox(
            "Fault", list(titles), key=f"fault-{aspect}", width=layout.WIDGET,
            help="  \n".join(f"**{one.title}**: {one.summary}" for one in titles.values()),
        )  # fmt: skip
    fault = titles[title]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        where = "train"
        if fault.aspect == "contamination":
            where = st.segmented_control(
                "Split", SPLITS, default="train", required=True, key="where",
                help="Which images are damaged: those trained on, those tested on, or both.",
            ) or "train"  # fmt: skip
        given = {
            name: _choice(fault, name, choice, dataset)
            for name, choice in fault.choices.items()
            if choice.kind in ("class", "share", "switch")
        }
    choices = {name: value for name, value in given.items() if value != fault.choices[name].default}
    return Line(fault.name, (_level(fault),), where, tuple(sorted(choices.items())))


def _choice(fault: Fault, name: str, choice: Choice, dataset: Dataset) -> Any:
    key = f"choice-{fault.name}-{name}"
    label = name.capitalize()
    if choice.kind == "class":
        names = list(dataset.classes)
        chosen = st.selectbox(
            "Class" if name == "label" else label, names,
            index=min(int(choice.default), len(names) - 1), key=key, width=160, help=choice.help,
        )  # fmt: skip
        return names.index(chosen)
    if choice.kind == "switch":
        return st.toggle(label, value=bool(choice.default), key=key, help=choice.help)
    return st.slider(
        label, 0.0, 1.0, float(choice.default), 0.05, key=key, width=layout.WIDGET,
        help=choice.help,
    )  # fmt: skip


def _level(fault: Fault) -> float:
    """A slider over the levels that people try."""
    ends = [*fault.levels, *([] if fault.clean is None else [fault.clean])]
    low, high = min(ends), max(ends)
    if low == high:
        low, high = fault.least, min(fault.most, high)
    if all(float(level).is_integer() for level in fault.levels) and low >= 1 and high > low:
        step = 2.0 if all(level % 2 == 1 for level in fault.levels) else 1.0
    else:
        step = max((high - low) / 100, 1e-3)
    middle = fault.levels[len(fault.levels) // 2]
    return st.slider(
        fault.parameter.capitalize(), float(low), float(high), float(middle), step,
        key=f"level-{fault.name}", help="Move it and look at what it does below.",
    )  # fmt: skip


def show(dataset: Dataset, line: Line) -> None:
    """What the fault does: images before and after, or the classes before and after."""
    fault, choices = FAULTS[line.fault], dict(line.choices)
    try:
        made = fault.plan(dataset, line.levels[0], seed=0, where=line.where, **choices)
    except InputError as error:
        st.info(plain(str(error)), icon=":material/info:")
        return
    if fault.aspect == "contamination":
        _before_and_after(dataset, made)
    else:
        _classes(dataset, made)
        if made.labels is not None and dataset.kind == "image":
            _relabelled(dataset, made)


def _before_and_after(dataset: Dataset, made: TrainingSet) -> None:
    split = dataset.train if made.train_damage else dataset.test
    rows = np.sort(np.random.default_rng(0).permutation(len(split))[:SHOWN])
    before = np.ascontiguousarray(split.x[rows])
    after = damaged(before, made.train_damage or made.test_damage, dataset.peak)
    images = np.concatenate([before, after])
    gallery.show(
        gallery.stretched(images, dataset.peak),
        [dataset.classes[label] for label in split.y[rows]] * 2,
        "Images before the fault in the first row, after it in the second",
        columns=SHOWN,
        titles=("before", "after"),
    )


def _classes(dataset: Dataset, made: TrainingSet) -> None:
    labels = dataset.train.y[made.rows] if made.labels is None else made.labels
    counts = [np.bincount(y, minlength=len(dataset.classes)) for y in (dataset.train.y, labels)]
    table = pd.DataFrame(
        [
            {"class": name, "rows": int(count[place]), "state": state}
            for state, count in zip(("before", "after"), counts, strict=True)
            for place, name in enumerate(dataset.classes)
        ]
    )
    bars = (
        alt.Chart(table)
        .mark_bar()
        .encode(
            x=alt.X("class:N", sort=list(dataset.classes), title="class"),
            xOffset=alt.XOffset("state:N", sort=["before", "after"]),
            y=alt.Y("rows:Q", title="training rows"),
            color=alt.Color("state:N", title=None)
            .scale(domain=["before", "after"], range=[style.MUTED, style.BLUE])
            .legend(style.legend()),
            tooltip=["class:N", "state:N", alt.Tooltip("rows:Q", format=",")],
        )
    )
    st.altair_chart(style.sized(bars, 200), alt="Training rows by class before and after the fault")
    st.caption(f"{made.rows.size:,} of {len(dataset.train):,} training rows are left.")


def _relabelled(dataset: Dataset, made: TrainingSet) -> None:
    assert made.labels is not None
    given = dataset.train.y[made.rows]
    changed = np.flatnonzero(made.labels != given)[:SHOWN]
    if changed.size:
        images = dataset.train.x[made.rows[changed]]
        gallery.show(
            gallery.stretched(images, dataset.peak),
            [f"{dataset.classes[given[i]]} → {dataset.classes[made.labels[i]]}" for i in changed],
            "Images whose label is changed",
            columns=SHOWN,
        )
