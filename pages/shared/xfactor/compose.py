"""Widgets that make the spec of an X-Factor study; their help texts are the spec's own."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from core.errors import InputError
from core.models import MODELS
from core.studies.xfactor_spec import DIRECTIONS, PRESETS, SELECTING, XFactorSpec
from pages.shared import layout

OWN = "Own grid"
IMAGE_MODELS = tuple(name for name, family in MODELS.items() if "image" in family.kinds)


def spec(dataset: str) -> XFactorSpec:
    """A study of a data set as the widgets stand.

    Raises:
        InputError: The widgets do not make a study; the sentence says why.
    """
    titles = {preset.title: preset for preset in PRESETS.values()}
    lines = [f"**{preset.title}**: {preset.summary}" for preset in titles.values()]
    with st.container(horizontal=True):
        start = st.segmented_control(
            "Start from",
            [*titles, OWN],
            default="Quick",
            required=True,
            key="start",
            bind="query-params",
            help="  \n".join([*lines, f"**{OWN}**: every setting as you like it."]),
        )
        base = _preset(titles[start].name, dataset) if start in titles else _named(dataset)
        name = st.text_input(
            "Name",
            key="name",
            bind="query-params",
            placeholder=base.name,
            max_chars=80,
            width=layout.WIDGET,
            help=XFactorSpec.help("name"),
        )
    if start == OWN:
        base = _grid(dataset, base.name)
    return replace(base, name=name.strip() or base.name)


def _preset(name: str, dataset: str) -> XFactorSpec:
    settings = PRESETS[name].settings
    return XFactorSpec.from_dict({"name": f"{name}-{dataset}", "dataset": dataset, **settings})


def _named(dataset: str) -> XFactorSpec:
    return XFactorSpec(dataset=dataset, name=f"own-{dataset}")


def _grid(dataset: str, name: str) -> XFactorSpec:
    default = _named(dataset)
    with st.container(horizontal=True):
        per_class = _numbers("Images per class, n", "per_class", default.per_class)
        excess = _numbers("Excess per class, m", "excess", default.excess)
    with st.container(horizontal=True):
        random = _number("Random subsets of each size", "random", default.random, 0)
        repeats = _number("Repeats", "repeats", default.repeats, 1)
        seed = _number("Seed", "seed", default.seed, 0)
    with st.container(horizontal=True):
        replicates = _number("Trainings again", "replicates", default.replicates, 0)
        of_each = _number(
            "Subsets trained again", "replicate_subsets", default.replicate_subsets, 3
        )
    strategies = _several("Strategies", "strategies", SELECTING, default.strategies)
    directions = _several("Directions", "directions", DIRECTIONS, default.directions)
    models = _several("Models", "models", IMAGE_MODELS, default.models)
    with_options = st.text_input(
        "Models with options",
        key="grid_options",
        bind="query-params",
        placeholder="mlp-2:width=64; mlp-3:width=256",
        help="More models, separated by semicolons. Options: "
        + "; ".join(
            f"{family.name}: {', '.join(family.options)}"
            for family in map(MODELS.__getitem__, IMAGE_MODELS)
            if family.options
        )
        + ".",
    )
    more = tuple(text.strip() for text in with_options.split(";") if text.strip())
    return XFactorSpec(
        dataset=dataset,
        name=name,
        per_class=per_class,
        random=random,
        strategies=strategies,
        directions=directions,
        excess=excess,
        repeats=repeats,
        models=(*models, *more),
        seed=seed,
        replicates=replicates,
        replicate_subsets=of_each,
    )


def _numbers(label: str, field: str, default: tuple[int, ...]) -> tuple[int, ...]:
    text = st.text_input(
        label,
        ", ".join(map(str, default)),
        key=f"grid_{field}",
        bind="query-params",
        width=layout.WIDGET,
        help=f"{XFactorSpec.help(field)} Whole numbers, separated by commas.",
    )
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not all(part.isascii() and part.isdecimal() for part in parts):
        raise InputError(
            f"{label} must be whole numbers separated by commas, such as 10, 30; got {text!r}."
        )
    return tuple(map(int, parts))


def _number(label: str, field: str, default: int, least: int) -> int:
    return st.number_input(
        label,
        min_value=least,
        value=default,
        step=1,
        key=f"grid_{field}",
        bind="query-params",
        width=layout.WIDGET,
        help=XFactorSpec.help(field),
    )


def _several(
    label: str, field: str, options: tuple[str, ...], default: tuple[str, ...]
) -> tuple[str, ...]:
    chosen = st.pills(
        label,
        options,
        selection_mode="multi",
        default=default,
        key=f"grid_{field}",
        bind="query-params",
        help=XFactorSpec.help(field),
    )
    return tuple(option for option in options if option in chosen)
