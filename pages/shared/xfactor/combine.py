"""Putting subsets of a study together: the panel that starts such a study, and those there are."""

from __future__ import annotations

import streamlit as st

from core import jobs
from core.errors import InputError
from core.models import Model
from core.studies import union, union_choice
from core.studies.union_spec import UnionSpec, text_of
from pages.shared import jobs_panel, layout, loaders, machines, people, picker
from pages.shared.text import duration
from pages.shared.xfactor.found import Found

MOST_PAIRS = 1000


def show(found: Found) -> None:
    """What can be put together, what it costs, and the studies of it."""
    st.markdown(
        "Train on two subsets together and on random subsets of the same size: does their quality "
        "add up?"
    )
    own = found.results.spec
    if picker.of_study(own.dataset, found.results.fingerprint) is not None:
        with st.container(border=True):
            spec = _compose(found)
        if spec is not None:
            _start(spec)
    for job in jobs.all_jobs(loaders.store()):
        asked = (own.dataset, own.seed)
        if job.study == UnionSpec.study and asked == (job.spec["dataset"], job.spec["seed"]):
            jobs_panel.card(job, log=False)


def _compose(found: Found) -> UnionSpec | None:
    own = found.results.spec
    with st.container(horizontal=True, vertical_alignment="bottom"):
        size = st.selectbox(
            "Images per class",
            own.per_class,
            key="union_size",
            width=layout.WIDGET,
            help="Subsets of one size are put together; their union has up to twice as many.",
        )
        order = union_choice.ranked(found.analysis.z_scores, size)
        fitting = len(order) // (2 * len(union_choice.KINDS))
        count = st.number_input(
            "Pairs of each kind",
            1,
            MOST_PAIRS,
            max(1, min(10, fitting)),
            key="union_count",
            help="More give a narrower interval. No subset is in two pairs.",
        )
        random = st.number_input(
            "Random subsets", 2, max(2, own.random), min(30, max(2, own.random)),
            key="union_random", help=UnionSpec.help("random"),
        )  # fmt: skip
    kinds = st.pills(
        "Pairs by rank",
        union_choice.KINDS,
        selection_mode="multi",
        default=union_choice.KINDS,
        key="union_kinds",
        help="Subsets are ranked by their mean Z-score over models, the lowest first.",
    )
    a, b = _by_hand(order)
    models = st.pills(
        "Models",
        own.models,
        selection_mode="multi",
        default=own.models,
        key="union_models",
        help=UnionSpec.help("models"),
    )
    chosen = union_choice.pairs(order, [kind for kind in union_choice.KINDS if kind in kinds],
                                int(count), own.seed)  # fmt: skip
    if a and b:
        pair = text_of(a, b)
        chosen = [text for text in chosen if not text.endswith(f": {pair}")] + [pair]
    if not chosen or not models:
        st.caption("Choose at least one pair and one model.")
        return None
    ordered = tuple(Model.parse(text).label for text in own.models if text in models)
    return UnionSpec(
        dataset=own.dataset, name=f"{own.name}-unions-{size}", pairs=tuple(chosen),
        random=int(random), models=ordered, seed=own.seed,
    )  # fmt: skip


def _by_hand(order: list[str]) -> tuple[str | None, str | None]:
    with st.container(horizontal=True):
        chosen = [
            st.selectbox(
                label,
                order,
                index=None,
                placeholder="By hand, the best first",
                key=key,
                width=layout.WIDGET,
                help="A subset of your own choice; both make one more pair.",
            )
            for label, key in (("First subset", "union_a"), ("Second subset", "union_b"))
        ]
    if chosen[0] is not None and chosen[0] == chosen[1]:
        raise InputError("The two subsets by hand are the same; choose another.")
    return chosen[0], chosen[1]


@st.cache_data(max_entries=50, ttl=loaders.COST_SECONDS, show_spinner="Putting subsets together …")
def _cost(toml: str, _spec: UnionSpec) -> tuple[int, float, bool]:
    return union.estimate(_spec, loaders.dataset(_spec.dataset), loaders.store())


def _start(spec: UnionSpec) -> None:
    left, seconds, measured = _cost(spec.to_toml(), spec)
    seconds, where = machines.wait(seconds, left)
    st.caption(
        f"{len(spec.pairs):,} pairs; {left:,} models to train, "
        + (f"{duration(seconds)} {where}" if left else "all known already")
        + ("." if measured else "; a rough figure, as some sizes are new.")
    )
    if people.button(
        "Combine subsets",
        icon=":material/join_full:",
        help="Queue the study and open it. It runs on when you close this page.",
    ):
        jobs_panel.submit("union", spec)
    jobs_panel.as_file(spec)
