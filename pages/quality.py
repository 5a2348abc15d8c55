"""Which images are dark, light, blurry or empty, where that is cut, and why there."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st

from core.charts import quality as charts
from core.quality import JUDGES, SCORES, THRESHOLDS, Decision
from core.quality.policy import decide
from core.quality.scores import Score
from core.quality.thresholds import li_restarts
from pages.shared import audits, cuts, export, leave_out, picks, shell, source
from pages.shared.cuts import Cuts
from pages.shared.images import Images
from pages.shared.text import plain

Floats = npt.NDArray[np.float64]

SAME_CUT = 0.01


def values_of(table: pd.DataFrame, score: Score) -> Floats:
    """A score's column."""
    return np.asarray(table[score.column], dtype=np.float64)


def own_decision(values: Floats, score: Score, cut: float) -> Decision:
    """The user's cut as a decision."""
    flagged = int((values < cut).sum())
    share = flagged / max(int((~np.isnan(values)).sum()), 1)
    reason = f"Your cut at {cut:.3f} flags {flagged:,} images ({share:.1%})."
    return Decision(score.name, "own", cut, flagged, reason)


def decisions(table: pd.DataFrame, own_cuts: Cuts) -> dict[str, Decision]:
    """What is cut where, by issue: by the user where they cut, else the default."""
    found = {}
    for issue, judge in JUDGES.items():
        own = [name for name in own_cuts if SCORES[name].issue == issue]
        score = SCORES[own[0] if own else judge]
        values = values_of(table, score)
        found[issue] = (
            own_decision(values, score, own_cuts[score.name]) if own else decide(values, score)
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


def any_issue(flagged: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which images have at least one issue."""
    columns = [name for name in flagged if str(name).startswith("is_")]
    return np.asarray(flagged[columns].any(axis=1))


def overview(flagged: pd.DataFrame, found: dict[str, Decision], stem: str) -> None:
    """Every issue with its cut and why, and the flags to save."""
    faulty = any_issue(flagged)
    count = int(faulty.sum())
    audits.metrics(
        (
            ("Images", f"{len(flagged):,}", "Images that are looked at here."),
            ("Flagged", f"{count:,}", "With at least one issue."),
            ("Share", f"{count / len(flagged):.1%}", "Of the images, with at least one issue."),
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
        names = flagged["path" if "path" in flagged else "row"].to_numpy()
        export.lines(names[faulty], f"{stem}-flagged", "Flagged as a list")


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


def around(images: Images, flagged: pd.DataFrame, values: Floats, cut: float, stem: str) -> None:
    """Images on both sides of the cut, and all that have any issue."""
    st.subheader("Around the cut", anchor=False)
    order = np.argsort(values, kind="stable")
    order = order[: int((~np.isnan(values)).sum())]
    below = int(np.searchsorted(values[order], cut))
    anywhere = np.flatnonzero(any_issue(flagged))
    st.caption(
        f"{below:,} flagged, {len(order) - below:,} kept, {len(anywhere):,} with any issue. The "
        "nearest to the cut first; below each its name and score."
    )
    groups = {"Flagged": order[:below][::-1], "Kept": order[below:], "Any issue": anywhere}
    picks.show(images, groups, values, stem)
    leave_out.show(
        images,
        {
            "flagged with any issue": list(images.rows[anywhere]),
            "flagged by this score": list(images.rows[order[:below]]),
        },
    )


def one_score(images: Images, flagged: pd.DataFrame, own_cuts: Cuts) -> None:
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
    values = values_of(images.table, score)
    default = decide(values, score)
    own = score.name in own_cuts
    used = own_decision(values, score, own_cuts[score.name]) if own else default
    cuts.slider(images.place, score, default)
    st.markdown(plain(used.reason) + (f"  \nDefault: {plain(default.reason)}" if own else ""))
    stem = f"{images.stem}-{score.name}"
    around(images, flagged, values, used.threshold, stem)
    draw_cuts(values[~np.isnan(values)], score, default, used, stem)


def body() -> None:
    """The data set, what is flagged in it, and one score at a time."""
    with st.container(border=True, horizontal=True):
        name = source.choose("Where the images come from.")
        split = source.split(name)
    if not source.is_here(name):
        return
    images = source.images(name, split)
    if images.folder is not None:
        source.folder_widgets(images)
    own_cuts = cuts.read(images.place)
    found = decisions(images.table, own_cuts)
    flagged = flags(images.table, found)
    overview(flagged, found, images.stem)
    one_score(images, flagged, own_cuts)
    st.subheader("Take it with you", anchor=False)
    st.caption("The same scores, with the default cuts:")
    where = [str(images.folder)] if images.folder else [name, "--split", images.place.split]
    audits.command("scan", *where, "--out", "flags.parquet")


with shell.page("quality"):
    body()
