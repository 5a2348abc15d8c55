"""Which images are dark, light, blurry or empty, where that is cut, and why there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.charts import quality as charts
from core.datasets.base import Dataset
from core.quality import JUDGES, SCORES, THRESHOLDS, Decision
from core.quality.policy import decide
from core.quality.scores import Score
from core.quality.thresholds import li_restarts
from pages.shared import audits, export, gallery, layout, loaders, picker, shell
from pages.shared.text import plain

Floats = npt.NDArray[np.float64]
Cuts = dict[str, float]

CUTS = "cuts"
STEP = 0.005
SAME_CUT = 0.01


def read_cuts(dataset: Dataset, split: str) -> Cuts:
    """Cuts of the user's own by score, from the address; those of other data are not used."""
    whose, *parts = st.query_params.get(CUTS, "").split(",")
    if whose != owner(dataset, split):
        return {}
    pairs = (part.partition(":") for part in parts)
    return {name: float(cut) for name, _, cut in pairs if name in SCORES and is_cut(cut)}


def is_cut(text: str) -> bool:
    """Whether a text in the address is a number from 0 to 1, as a slider gives it."""
    return text.replace(".", "", 1).isdecimal() and 0 <= float(text) <= 1


def owner(dataset: Dataset, split: str) -> str:
    """What cuts in the address belong to."""
    return f"{dataset.fingerprint[:8]}-{split}"


def write_cuts(dataset: Dataset, split: str, cuts: Cuts) -> None:
    """Put cuts into the address, or take them out when there are none."""
    if cuts:
        parts = [f"{name}:{cut:g}" for name, cut in cuts.items()]
        st.query_params[CUTS] = ",".join([owner(dataset, split), *parts])
    else:
        st.query_params.pop(CUTS, None)


def set_cut(dataset: Dataset, split: str, score: Score, key: str) -> None:
    """Take over what the slider says; it judges the issue in place of any other score."""
    cuts = read_cuts(dataset, split)
    others = {name: cut for name, cut in cuts.items() if SCORES[name].issue != score.issue}
    write_cuts(dataset, split, others | {score.name: st.session_state[key]})


def reset_cut(dataset: Dataset, split: str, score: Score, key: str) -> None:
    """Forget the user's cut of a score."""
    st.session_state.pop(key, None)
    cuts = read_cuts(dataset, split)
    cuts.pop(score.name, None)
    write_cuts(dataset, split, cuts)


def values_of(table: pd.DataFrame, score: Score) -> Floats:
    """A score's column."""
    return np.asarray(table[score.column], dtype=np.float64)


def own_decision(values: Floats, score: Score, cut: float) -> Decision:
    """The user's cut as a decision."""
    flagged = int((values < cut).sum())
    reason = f"Your cut at {cut:.3f} flags {flagged:,} images ({flagged / len(values):.1%})."
    return Decision(score.name, "own", cut, flagged, reason)


def decisions(table: pd.DataFrame, cuts: Cuts) -> dict[str, Decision]:
    """What is cut where, by issue: by the user where they cut, else the default."""
    found = {}
    for issue, judge in JUDGES.items():
        own = [name for name in cuts if SCORES[name].issue == issue]
        score = SCORES[own[0] if own else judge]
        values = values_of(table, score)
        found[issue] = (
            own_decision(values, score, cuts[score.name]) if own else decide(values, score)
        )
    return found


def flags(table: pd.DataFrame, found: dict[str, Decision]) -> pd.DataFrame:
    """The scores with a column `is_<issue>_issue` for each issue."""
    return table.assign(
        **{
            f"is_{issue}_issue": values_of(table, SCORES[one.score]) < one.threshold
            for issue, one in found.items()
        }
    )


def overview(table: pd.DataFrame, found: dict[str, Decision], stem: str) -> None:
    """Every issue with its cut and why, and the flags to save."""
    flagged = flags(table, found)
    columns = [name for name in flagged if str(name).startswith("is_")]
    any_issue = int(flagged[columns].any(axis=1).sum())
    audits.metrics(
        (
            ("Images", f"{len(table):,}", "In this split."),
            ("Flagged", f"{any_issue:,}", "With at least one issue."),
            ("Share", f"{any_issue / len(table):.1%}", "Of the images, with at least one issue."),
        )
    )
    rows = [
        {
            "issue": issue.replace("_", " "),
            "judged by": SCORES[one.score].title,
            "cut": one.threshold,
            "flagged": one.flagged,
            "why": one.reason,
        }
        for issue, one in found.items()
    ]
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "cut": st.column_config.NumberColumn(format="%.3f", width="small"),
            "flagged": st.column_config.NumberColumn(format="localized", width="small"),
        },
    )
    with st.container(horizontal=True, horizontal_alignment="right"):
        export.table(flagged, f"{stem}-flags", "All scores and flags as CSV")
        audits.parquet(flagged, f"{stem}-flags")


def thresholds(values: Floats, score: Score, default: Decision, used: Decision) -> pd.DataFrame:
    """Every threshold's cut: columns `threshold`, `cut`, `flagged`, `chosen`, `rule`."""
    rows = [("Default", default.threshold, default.reason)]
    if used.method == "own":
        rows.insert(0, ("Yours", used.threshold, "The slider."))
    rows += [(one.title, one(values, score), one.summary) for one in THRESHOLDS.values()]
    table = pd.DataFrame(rows, columns=["threshold", "cut", "rule"])
    table.insert(2, "flagged", [int((values < cut).sum()) for cut in table["cut"]])
    table.insert(3, "chosen", table.index == 0)
    return table


def draw_cuts(values: Floats, score: Score, default: Decision, used: Decision, stem: str) -> None:
    """The histogram, where each threshold cuts it, and how far Li depends on its start."""
    st.subheader("Scores and cuts", anchor=False)
    st.caption(plain(score.summary))
    histogram = charts.score_table(values, used.threshold)
    table = thresholds(values, score, default, used)
    figure = charts.scores(histogram, table, score.title)
    st.altair_chart(figure, alt=f"Histogram of {score.title} with the cut of every threshold")
    export.chart(figure, histogram, f"{stem}-histogram")
    st.caption("Each threshold's cut, and how many images it would flag.")
    figure = charts.cuts(table, score.title)
    st.altair_chart(figure, alt="Cut and number of flagged images of every threshold")
    export.chart(figure, table.drop(columns="chosen"), f"{stem}-thresholds")
    starts = li_restarts(values)
    ends = [end for _, end in starts]
    if ends and max(ends) - min(ends) > SAME_CUT:
        st.caption(
            f"Li's cut depends on its starting point here: {len(starts)} starts end between "
            f"{min(ends):.2f} and {max(ends):.2f}."
        )


def sheet(
    dataset: Dataset, split: str, title: str, rows: npt.NDArray[np.intp], values: Floats, key: str
) -> None:
    """A page of images with their scores."""
    st.subheader(f"{title}: {len(rows):,}", anchor=False)
    if not len(rows):
        st.caption("None.")
        return
    st.caption("The nearest to the cut first; below each its row and score.")
    page = audits.turned_to(-(-len(rows) // audits.SHEET), key)
    shown = rows[(page - 1) * audits.SHEET : page * audits.SHEET]
    gallery.show(
        audits.pixels(dataset, split, shown),
        [f"{row} · {values[row]:.2f}" for row in shown],
        f"{title} images, rows {', '.join(map(str, shown))}",
    )


def around(dataset: Dataset, split: str, values: Floats, cut: float) -> None:
    """Images on both sides of the cut."""
    order = np.argsort(values, kind="stable")
    below = int(np.searchsorted(values[order], cut))
    with layout.panels():
        with layout.panel():
            sheet(dataset, split, "Flagged", order[:below][::-1], values, "flagged")
        with layout.panel():
            sheet(dataset, split, "Kept", order[below:], values, "kept")


def cut_widgets(dataset: Dataset, split: str, score: Score, default: Decision, cuts: Cuts) -> None:
    """The slider that overrides a cut, and the way back."""
    key = f"cut-{owner(dataset, split)}-{score.name}"
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
            on_change=set_cut,
            args=(dataset, split, score, key),
            help="Images that score below are flagged. Your cut stands in the address, judges "
            "this issue in place of other scores, and is in what you save.",
        )
        st.button(
            "Reset",
            icon=":material/restart_alt:",
            disabled=score.name not in cuts,
            on_click=reset_cut,
            args=(dataset, split, score, key),
            help="Back to the default cut.",
        )


def one_score(dataset: Dataset, split: str, table: pd.DataFrame, cuts: Cuts) -> None:
    """One score: its cut, why there, and the images on both sides."""
    titles = {score.title: score for score in SCORES.values()}
    title = st.selectbox(
        "Score",
        list(titles),
        key="score",
        bind="query-params",
        help="CleanVision's own scores, and ours, which depend less on what a picture shows.",
    )
    score = titles[title]
    values = values_of(table, score)
    default = decide(values, score)
    own = score.name in cuts
    used = own_decision(values, score, cuts[score.name]) if own else default
    cut_widgets(dataset, split, score, default, cuts)
    st.markdown(plain(used.reason) + (f"  \nDefault: {plain(default.reason)}" if own else ""))
    draw_cuts(values, score, default, used, f"{dataset.name}-{split}-{score.name}")
    around(dataset, split, values, used.threshold)


def body() -> None:
    """The data set, what is flagged in it, and one score at a time."""
    with st.container(border=True, horizontal=True):
        listing = picker.listing("Where the images come from.", layout.WIDGET)
        split = st.segmented_control(
            "Split",
            ["train", "test"],
            default="train",
            required=True,
            key="split",
            bind="query-params",
            help="Training images, or the test images that models are measured on.",
        )
    if not picker.is_here(listing):
        return
    dataset = loaders.dataset(listing.name)
    table = audits.scan(dataset, split)
    cuts = read_cuts(dataset, split)
    overview(table, decisions(table, cuts), f"{dataset.name}-{split}")
    one_score(dataset, split, table, cuts)
    st.subheader("Take it with you", anchor=False)
    st.caption("The same scores, with the default cuts:")
    audits.command("scan", listing.name, "--split", split, "--out", "flags.parquet")


with shell.page("quality"):
    body()
