"""Widgets that make the studies on influence; their help texts are the specs' own."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import streamlit as st

from core.datasets.base import Dataset
from core.influence.draw import default_sizes
from core.influence.trainable import TRAINABLE
from core.models import MODELS
from core.studies.influence_spec import InfluenceSpec
from core.studies.refinement_spec import CONTROLS, PRESETS, RefinementSpec
from pages.shared import layout
from pages.shared.text import plain

OWN = "Own settings"


def scores(dataset: Dataset) -> InfluenceSpec:
    """A scoring of rows as the widgets stand.

    Raises:
        InputError: The widgets do not make a study; the sentence says why.
    """
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shared = _shared(dataset, InfluenceSpec, "score")
    name = f"influence-{dataset.name}-{shared['model'].replace(':', '-')}"
    return InfluenceSpec(dataset=dataset.name, name=_name(name, "score"), **shared)


def refinement(dataset: Dataset) -> RefinementSpec:
    """A refinement as the widgets stand.

    Raises:
        InputError: The widgets do not make a study; the sentence says why.
    """
    presets = {one.title: one for one in PRESETS.values() if one.dataset == dataset.name}
    lines = [f"**{one.title}**: {plain(one.summary)}" for one in presets.values()]
    start = OWN
    if presets:
        start = st.segmented_control(
            "Start from",
            [*presets, OWN],
            default=next(iter(presets)),
            required=True,
            key=f"refine_start_{dataset.name}",
            bind="query-params",
            help="  \n".join([*lines, f"**{OWN}**: every setting as you like it."]),
        )
    if start in presets:
        preset = presets[start]
        st.caption(plain(preset.summary))
        values = {"dataset": dataset.name, "name": f"{preset.name}-{dataset.name}"}
        spec = RefinementSpec.from_dict({**values, **preset.settings})
    else:
        spec = _own(dataset)
    return replace(spec, name=_name(spec.name, "refine"))


def _own(dataset: Dataset) -> RefinementSpec:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        shared = _shared(dataset, RefinementSpec, "refine")
        percent = st.number_input(
            "Removed a round, %", 0.1, 50.0, 3.0, 0.5, key="refine_percent", bind="query-params",
            width=layout.WIDGET // 2, help=RefinementSpec.help("share"),
        )  # fmt: skip
        rounds, seeds = (
            st.number_input(
                label, 1, most, value, key=f"refine_{field}", bind="query-params",
                width=layout.WIDGET // 2, help=RefinementSpec.help(field),
            )
            for label, field, most, value in (
                ("Rounds", "rounds", 50, 3),
                ("Seeds", "seeds", 100, 10),
            )
        )  # fmt: skip
    controls = st.pills(
        "Controls",
        CONTROLS,
        selection_mode="multi",
        default=CONTROLS,
        key="refine_controls",
        bind="query-params",
        help=RefinementSpec.help("controls"),
    )
    return RefinementSpec(
        dataset=dataset.name,
        name=f"refinement-{dataset.name}",
        share=percent / 100,
        rounds=int(rounds),
        seeds=int(seeds),
        controls=tuple(one for one in CONTROLS if one in controls),
        **shared,
    )


def _shared(
    dataset: Dataset, spec: type[InfluenceSpec] | type[RefinementSpec], prefix: str
) -> dict[str, Any]:
    """Settings that both kinds of study have."""
    usable = [name for name in TRAINABLE if dataset.kind in MODELS[name].kinds]
    key = f"{prefix}_{dataset.kind}"
    family = st.selectbox(
        "Model", usable, key=f"{key}_model", bind="query-params", width=layout.WIDGET,
        help=spec.help("model"),
    )  # fmt: skip
    options = MODELS[family].options
    given = st.text_input(
        "Its options", key=f"{key}_options", bind="query-params", width=layout.WIDGET,
        placeholder=", ".join(f"{name}={one.default}" for name, one in options.items()),
        help="  \n".join(f"**{name}**: {one.help}" for name, one in options.items()),
    )  # fmt: skip
    sizes = default_sizes(dataset)
    whole = len(dataset.train)
    train, validation = (
        st.number_input(
            label, 1, whole, value, key=f"{prefix}_{dataset.name}_{field}", bind="query-params",
            width=layout.WIDGET // 2, help=spec.help(field),
        )
        for label, field, value in (
            ("Training rows", "train", sizes[0]),
            ("Validation rows", "validation", sizes[1]),
        )
    )  # fmt: skip
    flip = st.number_input(
        "Wrong labels, %", 0.0, 90.0, 0.0, 5.0, key=f"{prefix}_flip", bind="query-params",
        width=layout.WIDGET // 2, help=spec.help("flip"),
    )  # fmt: skip
    seed = st.number_input(
        "Seed", 0, value=0, key=f"{prefix}_seed", bind="query-params", width=layout.WIDGET // 2,
        help=spec.help("seed"),
    )  # fmt: skip
    model = f"{family}:{given.replace(' ', '')}" if given.strip() else family
    return {
        "model": model,
        "train": int(train),
        "validation": int(validation),
        "flip": flip / 100,
        "seed": int(seed),
    }


def _name(default: str, prefix: str) -> str:
    name = st.text_input(
        "Name", key=f"{prefix}_name", bind="query-params", placeholder=default, max_chars=80,
        width=layout.WIDGET, help="What you call the study.",
    )  # fmt: skip
    return name.strip() or default
