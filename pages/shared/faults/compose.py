"""Widgets that make the spec of a study of faults; their help texts are the spec's own."""

from __future__ import annotations

import streamlit as st

from core.corruption.faults import FAULTS as REGISTRY
from core.datasets.base import Dataset
from core.models import MODELS
from core.studies.faults_spec import PRESETS, FaultsSpec, Line
from pages.shared import layout
from pages.shared.faults import preview

FAULTS = "faults"
START = "start"
FILLED_FOR = "faults_filled_for"


def spec(dataset: Dataset) -> FaultsSpec:
    """A study of a data set as the widgets stand.

    Raises:
        InputError: The widgets do not make a study; the sentence says why.
    """
    with st.expander("What a fault does", icon=":material/visibility:", expanded=True):
        line = preview.widgets(dataset)
        preview.show(dataset, line)
        st.button(
            "Add this fault to the study", icon=":material/add:", on_click=_add,
            args=(line.text,), help="Append it to the list below, at the level of the slider.",
        )  # fmt: skip
    with st.container(border=True):
        return _study(dataset)


def _presets(dataset: Dataset) -> list[str]:
    return [
        preset.name
        for preset in PRESETS.values()
        if preset.dataset in ("", dataset.name)
        and (dataset.kind == "image" or preset.name == "faults-quick")
    ]


def _fill(kind: str) -> None:
    """Put a preset's settings into the widgets, as far as they go with the kind of data."""
    settings = PRESETS[st.session_state[START]].settings
    fitting = [
        text for text in settings["faults"] if kind in REGISTRY[Line.parse(text).fault].kinds
    ]
    st.session_state[FILLED_FOR] = kind
    st.session_state[FAULTS] = "\n".join(fitting)
    st.session_state["fault-models"] = list(settings["models"])
    st.session_state["fault-repeats"] = settings.get("repeats", FaultsSpec.repeats)
    st.session_state["fault-details"] = bool(settings.get("details", FaultsSpec.details))


def _add(text: str) -> None:
    lines = st.session_state.get(FAULTS, "").splitlines()
    st.session_state[FAULTS] = "\n".join([*(line for line in lines if line.strip()), text])


def _study(dataset: Dataset) -> FaultsSpec:
    names = _presets(dataset)
    if st.session_state.get(START) not in names:
        st.session_state[START] = names[0]
        st.session_state.pop(FILLED_FOR, None)
    if st.session_state.get(FILLED_FOR) != dataset.kind:
        _fill(dataset.kind)
    with st.container(horizontal=True):
        st.selectbox(
            "Start from", names, key=START, on_change=_fill, args=(dataset.kind,),
            width=layout.WIDGET,
            help="  \n".join(f"**{name}**: {PRESETS[name].summary}" for name in names),
        )  # fmt: skip
        name = st.text_input(
            "Name", key="fault-name", placeholder=f"{st.session_state[START]}-{dataset.name}",
            max_chars=80, width=layout.WIDGET, help=FaultsSpec.help("name"),
        )  # fmt: skip
    text = st.text_area(
        "Faults, one a line", key=FAULTS, height=160, help=FaultsSpec.help("faults")
    )
    families = [family.name for family in MODELS.values() if dataset.kind in family.kinds]
    chosen = st.session_state.get("fault-models", [])
    st.session_state["fault-models"] = [model for model in chosen if model in families]
    models = st.pills(
        "Models", families, selection_mode="multi", key="fault-models",
        help=FaultsSpec.help("models"),
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="bottom"):
        repeats = st.number_input(
            "Repeats", 1, 100, key="fault-repeats", help=FaultsSpec.help("repeats")
        )
        images = st.number_input(
            "Rows drawn", 0, len(dataset.train), 0, key="fault-images",
            help=FaultsSpec.help("images"),
        )  # fmt: skip
        seed = st.number_input("Seed", 0, key="fault-seed", help=FaultsSpec.help("seed"))
        details = st.toggle("Details", key="fault-details", help=FaultsSpec.help("details"))
    return FaultsSpec(
        dataset=dataset.name,
        name=name.strip() or f"{st.session_state[START]}-{dataset.name}",
        faults=tuple(line.strip() for line in text.splitlines() if line.strip()),
        models=tuple(models),
        repeats=int(repeats),
        images=int(images),
        details=int(details),
        seed=int(seed),
    )
