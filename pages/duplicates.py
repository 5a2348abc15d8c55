"""Which images show the same thing, which of them to keep, and which test images are no test."""

from __future__ import annotations

from dataclasses import replace
from pathlib import PurePath

import numpy as np
import pandas as pd
import streamlit as st

from core.errors import InputError
from core.quality import Duplicates
from core.quality.clusters import LINKAGES
from pages.shared import (
    audits,
    cluster_charts,
    detectors,
    export,
    gallery,
    layout,
    leaks,
    leave_out,
    picks,
    shell,
    source,
    tags,
)
from pages.shared.detectors import Choice
from pages.shared.images import Images
from pages.shared.text import plain

VIEWS = ("Clusters", "Train–test leaks")
STRIPS = 12
STRIP = 8


def cluster_widgets() -> tuple[str, bool]:
    """Linkage, and whether mirror images count."""
    linkage = st.segmented_control(
        "Linkage",
        LINKAGES,
        default="single",
        required=True,
        key="linkage",
        bind="query-params",
        help="What is near to a cluster: the nearest of it (single), all of it (complete) or its "
        "average. Whatever it is, all members stay within the cut of the middle one.",
    )
    flips = st.toggle(
        "Mirror images too",
        key="flips",
        bind="query-params",
        help="An image and the mirror image of another are a pair too.",
    )
    return linkage or "single", flips


def default_of(
    images: Images, choice: Choice, linkage: str, flips: bool
) -> tuple[Duplicates | None, str]:
    """What the default cut finds, or None and why there is none."""
    try:
        found = audits.duplicates(images, replace(choice, radius=None), linkage, flips)
    except InputError as error:
        return None, str(error)
    return found, found.reason


def why_kept(kept: pd.Series, others: pd.DataFrame) -> str:
    """Why one image of a cluster is the one to keep."""
    if kept["pixels"] > others["pixels"].max():
        return f"the largest: {kept['pixels']:,} pixels against {others['pixels'].max():,}"
    others = others[others["pixels"] == kept["pixels"]]
    if kept["sharp"] > others["sharp"].max():
        return f"the sharpest: {kept['sharp']:.3f} against {others['sharp'].max():.3f}"
    return f"none is sharper than its {kept['sharp']:.3f}, and it comes first of those"


def strip(images: Images, members: pd.DataFrame) -> None:
    """One cluster: its images, the one to keep first.

    Args:
        images: What is looked through.
        members: As `described` gives them, of one cluster.
    """
    members = members.sort_values(["keep", "distance", "row"], ascending=[False, True, True])
    kept, others = members.iloc[0], members.iloc[1:]
    labels: list[str] = list(members["label"].unique()) if "label" in members else []
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Cluster {kept['cluster']}** · {len(members)} images", width="stretch")
            if len(labels) > 1:
                st.badge("labels differ", color="orange", icon=":material/warning:")
        shown = members.iloc[:STRIP]
        gallery.show(
            images.pixels(shown["row"].to_numpy()),
            [
                f"{'keep ' if one.keep else ''}{PurePath(str(one.image)).name}"
                for one in shown.itertuples()
            ],
            f"Cluster {kept['cluster']}: {', '.join(map(str, shown['image']))}",
        )
        more = f" {len(members) - STRIP} more are not drawn." if len(members) > STRIP else ""
        named = f" Class {plain(', '.join(labels[:5]))}." if labels else ""
        name = plain(str(kept["image"]))
        st.caption(f"Keep {name}: {why_kept(kept, others)}.{named}{more}")


def by_size(members: pd.DataFrame) -> list[int]:
    """Numbers of the clusters, the largest first."""
    sizes = members["cluster"].value_counts(sort=False)
    return list(sizes.sort_values(ascending=False, kind="stable").index)


def strips(images: Images, members: pd.DataFrame) -> None:
    """All clusters, the largest first, some at a time."""
    order = by_size(members)
    page = audits.turned_to(-(-len(order) // STRIPS), "page")
    shown = order[(page - 1) * STRIPS : page * STRIPS]
    with layout.panels():
        for number in shown:
            with layout.panel():
                strip(images, members[members["cluster"] == number])


def described(table: pd.DataFrame, found: Duplicates) -> pd.DataFrame:
    """Members of clusters with their size, sharpness and, of a data set, their class."""
    about = table.iloc[found.members["row"].to_numpy()].reset_index(drop=True)
    members = found.members.assign(
        pixels=(about["width"] * about["height"]).astype("int64"),
        sharp=about["blurry_content_score"],
    )
    return members.assign(label=about["label"]) if "label" in about else members


def save(images: Images, found: Duplicates, members: pd.DataFrame, options: list[str]) -> None:
    """Pairs, members and the command that gives the same pairs."""
    st.subheader("Take it with you", anchor=False)
    with st.container(horizontal=True):
        export.table(found.pairs, f"{images.stem}-pairs", "Pairs as CSV")
        audits.parquet(found.pairs, f"{images.stem}-pairs", "Pairs as Parquet")
        export.table(members, f"{images.stem}-clusters", "Clusters, with which to keep, as CSV")
        rest = members.loc[~members["keep"], "image"]
        export.lines(rest, f"{images.stem}-more-than-needed", "More than needed as a list")
    where = str(images.folder or images.name)
    audits.command("duplicates", where, *options, "--out", "pairs.csv")


def act(images: Images, members: pd.DataFrame, unit: str) -> None:
    """What is more than needed: to be tagged at one stroke, or looked through and tagged."""
    st.subheader("More than needed", anchor=False)
    extra = members.loc[~members["keep"]]
    tags.all_button(images, list(extra["image"]), "remove")
    distance = np.zeros(len(images.table))
    distance[members["row"]] = members["distance"]
    groups = {
        "More than needed": extra["row"].to_numpy(),
        "Kept": members.loc[members["keep"], "row"].to_numpy(),
    }
    st.caption(f"Below each image its name and its distance to the middle of its cluster, {unit}.")
    picks.show(images, groups, distance, f"{images.stem}-duplicates")
    leave_out.show(images, {"more than needed": list(extra["image"])})


def clusters(images: Images, choice: Choice) -> None:
    """The view of clusters in the training split or a folder."""
    with st.container(horizontal=True):
        linkage, flips = cluster_widgets()
    default, reason = default_of(images, choice, linkage, flips)
    found = default
    if choice.radius is not None:
        found = audits.duplicates(images, choice, linkage, flips)
    if found is None:
        st.error(plain(reason), icon=":material/error:")
        return
    members = described(images.table, found)
    numbers(images, found, members)
    own = f"  \nDefault: {plain(reason)}" if choice.radius is not None else ""
    st.markdown(plain(found.reason) + own)
    stem = f"{images.stem}-duplicates"
    order = by_size(members)
    with layout.panels():
        with layout.panel():
            cluster_charts.pairs(default, found, choice.unit, stem)
        if order:
            with layout.panel():
                cluster_charts.one_cluster(
                    images, members, order, found, linkage, choice.unit, stem
                )
    st.subheader("Clusters", anchor=False)
    if order:
        st.caption("Largest first; in each, the one to keep first.")
        strips(images, members)
        act(images, members, choice.unit)
    else:
        st.caption("No two of these images show the same thing.")
    options = [*choice.options(), "--linkage", linkage, *["--flips"] * flips]
    save(images, found, members, options)


def numbers(images: Images, found: Duplicates, members: pd.DataFrame) -> None:
    """How many pairs and clusters there are."""
    extra = int((~members["keep"]).sum())
    audits.metrics(
        (
            ("Pairs", f"{len(found.pairs):,}", "Of images in the same cluster."),
            ("Clusters", f"{members['cluster'].nunique():,}", "Images that show the same thing."),
            ("Images in clusters", f"{len(members):,}", f"Of {len(images.table):,} images."),
            ("More than needed", f"{extra:,}", "What goes when one of each cluster is kept."),
        )
    )


def body() -> None:
    """The data set, how to search, and one of two views."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            name = source.choose("Where the images come from.")
            view = st.segmented_control(
                "View",
                VIEWS,
                default=VIEWS[0],
                required=True,
                key="view",
                bind="query-params",
                disabled=name.endswith("/"),
                help="Within the training split, or between it and the test split. A folder has "
                "no splits.",
            )
        with st.container(horizontal=True, vertical_alignment="bottom"):
            choice = detectors.choose()
    if not source.is_here(name) or not detectors.is_here(choice):
        return
    images = source.images(name)
    if images.folder is not None:
        source.folder_widgets(images)
    if images.dataset is not None and view == VIEWS[1]:
        leaks.show(images, choice)
    else:
        clusters(images, choice)


with shell.page("duplicates"):
    body()
