"""Cuts of scores that the user sets: in the address, so that a link has them, or by name."""

from __future__ import annotations

import streamlit as st

from core import curation
from core.curation import Place
from core.quality import SCORES, Decision
from core.quality.scores import Score
from pages.shared import actions, layout, loaders, people, tags
from pages.shared.text import ago, plain

Cuts = dict[str, float]

CUTS = "cuts"
STEP = 0.005


def read(place: Place) -> Cuts:
    """Cuts of the user's own by score, from the address; those of other data are not used."""
    whose, *parts = st.query_params.get(CUTS, "").split(",")
    if whose != owner(place):
        return {}
    pairs = (part.partition(":") for part in parts)
    return {name: float(cut) for name, _, cut in pairs if name in SCORES and _is_cut(cut)}


def _is_cut(text: str) -> bool:
    """Whether a text in the address is a number from 0 to 1, as a slider gives it."""
    return text.replace(".", "", 1).isdecimal() and 0 <= float(text) <= 1


def owner(place: Place) -> str:
    """What cuts in the address belong to."""
    return f"{place.dataset[:8]}-{place.split}"


def write(place: Place, cuts: Cuts) -> None:
    """Put cuts into the address, or take them out when there are none; sliders follow."""
    for name in SCORES:
        st.session_state.pop(_slider(place, name), None)
    if cuts:
        parts = [f"{name}:{cut:g}" for name, cut in cuts.items()]
        st.query_params[CUTS] = ",".join([owner(place), *parts])
    else:
        st.query_params.pop(CUTS, None)


def _slider(place: Place, score: str) -> str:
    return f"cut-{owner(place)}-{score}"


def _set(place: Place, score: Score) -> None:
    """Take over what the slider says; it judges the issue in place of any other score."""
    others = {name: cut for name, cut in read(place).items() if SCORES[name].issue != score.issue}
    write(place, others | {score.name: st.session_state[_slider(place, score.name)]})


def _reset(place: Place, score: Score) -> None:
    write(place, {name: cut for name, cut in read(place).items() if name != score.name})


def _save(place: Place) -> None:
    name = st.session_state["cuts_name"]
    with actions.in_passing():
        actions.save_cuts(place, name, read(place), tags.who())
        st.toast(f"Saved as {plain(name)}", icon=":material/bookmark:")


def _load(place: Place) -> None:
    found = curation.saved_cuts(loaders.store(), place).get(st.session_state["cuts_saved"])
    if found is not None:
        write(place, {name: cut for name, cut in found.cuts.items() if name in SCORES})


def _delete(place: Place) -> None:
    with actions.in_passing():
        actions.delete_cuts(place, st.session_state["cuts_saved"])
        st.session_state.pop("cuts_saved")


def slider(place: Place, score: Score, default: Decision) -> None:
    """The slider that overrides a cut, the way back, and what was saved."""
    cuts, key = read(place), _slider(place, score.name)
    st.session_state.setdefault(key, cuts.get(score.name, round(default.threshold / STEP) * STEP))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        st.slider(
            "Cut",
            0.0,
            1.0,
            step=STEP,
            format="%.3f",
            key=key,
            width=2 * layout.WIDGET,
            on_change=_set,
            args=(place, score),
            help="Images that score below are flagged. Your cut stands in the address, judges "
            "this issue in place of other scores, and is in what you save.",
        )
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            disabled=score.name not in cuts,
            on_click=_reset,
            args=(place, score),
            help="Back to the default cut of this score.",
        )
        st.button(
            "Reset all",
            icon=":material/restart_alt:",
            disabled=not cuts,
            on_click=write,
            args=(place, {}),
            help=f"Back to the default cut of every score; {len(cuts)} are your own.",
        )
        with st.popover("Saved cuts", icon=":material/bookmark:", help="Keep cuts by name."):
            _saved_widgets(place, cuts)


def _saved_widgets(place: Place, cuts: Cuts) -> None:
    st.text_input(
        "Save your cuts as",
        key="cuts_name",
        max_chars=curation.MOST_LETTERS,
        help="Everybody who uses this server finds them here, for this split of this data set.",
    )
    people.button(
        "Save",
        disabled=not cuts,
        on_click=_save,
        args=(place,),
        help="Cuts saved under this name before are replaced." if cuts else "Move a slider first.",
    )
    saved = curation.saved_cuts(loaders.store(), place)
    chosen = st.selectbox(
        "Saved",
        list(saved),
        index=None,
        key="cuts_saved",
        placeholder="Choose" if saved else "Nothing is saved yet",
        help="Cuts that somebody saved for this split of this data set.",
    )
    if chosen is not None:
        one = saved[chosen]
        listed = ", ".join(f"{name} {cut:.3f}" for name, cut in one.cuts.items())
        st.caption(f"{plain(listed)}. By {plain(one.who)}, {ago(one.created)}.")
    with st.container(horizontal=True):
        for button, label, action, help in (
            (st.button, "Use", _load, "In place of your own cuts now."),
            (people.button, "Delete", _delete, "Forget them, for everybody."),
        ):
            button(label, disabled=chosen is None, on_click=action, args=(place,), help=help)
