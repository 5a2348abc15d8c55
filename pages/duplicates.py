"""Which images show the same thing, which of them to keep, and which test images are no test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
from scipy.cluster import hierarchy

from core.charts import quality as charts
from core.errors import InputError
from core.quality import Duplicates
from core.quality.clusters import LINKAGES, dendrogram
from core.quality.pairs import LARGEST_RADIUS
from pages.shared import (
    audits,
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
from pages.shared.images import Images
from pages.shared.text import plain

VIEWS = ("Clusters", "Train–test leaks")
STRIPS = 12
STRIP = 8
MOST_LEAVES = 40
OWN_CUT = 6


def search_widgets() -> tuple[int | None, bool]:
    """The distance cut, None for the default, and whether pixels confirm what hashes find."""
    own = st.toggle(
        "My own cut",
        key="own_cut",
        bind="query-params",
        help="The default cut adapts to the data: the more images, the smaller it is, because "
        "pairs by chance grow with the square of their number.",
    )
    radius = st.slider(
        "Distance cut, bits",
        0,
        LARGEST_RADIUS,
        OWN_CUT,
        key="radius",
        bind="query-params",
        disabled=not own,
        width=layout.WIDGET,
        help="Two images are a pair when their perceptual hashes differ in at most so many of "
        "64 bits. Large data sets take long at 8 and more, longest at 12 and more.",
    )
    confirm = st.toggle(
        "Confirm by pixels",
        value=True,
        key="confirm",
        bind="query-params",
        help="Keep only pairs whose pixels correlate, brightness and contrast aside. Without it "
        "pictures of one layout, such as digits, are taken for copies.",
    )
    return radius if own else None, confirm


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
    images: Images, linkage: str, flips: bool, confirm: bool
) -> tuple[Duplicates | None, str]:
    """What the default cut finds, or None and why there is none."""
    try:
        found = audits.duplicates(images, None, linkage, flips, confirm)
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
            [f"{'keep ' if one.keep else ''}{one.image}" for one in shown.itertuples()],
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


def branches(tree: npt.NDArray[np.float64]) -> tuple[pd.DataFrame, list[int]]:
    """The corners of a tree's joins, as `charts.tree` takes them, and the order of its leaves."""
    drawn = hierarchy.dendrogram(tree, no_plot=True)
    x, y = np.array(drawn["icoord"]), np.array(drawn["dcoord"])
    table = pd.DataFrame(
        {
            "branch": np.repeat(np.arange(len(x)), 4),
            "point": np.tile(np.arange(4), len(x)),
            "place": x.ravel(),
            "height": y.ravel(),
        }
    )
    return table, list(drawn["leaves"])


def draw_tree(
    table: pd.DataFrame, members: pd.DataFrame, linkage: str, flips: bool, radius: int, stem: str
) -> None:
    """The dendrogram of a cluster.

    Args:
        table: The scan.
        members: As for `strip`, of all clusters.
        linkage: How it is built.
        flips: Whether mirror images count.
        radius: The cut in bits.
        stem: Begins the names of files.
    """
    st.subheader("Inside one cluster", anchor=False)
    chosen = st.selectbox(
        "Cluster",
        [str(number) for number in by_size(members)],
        key="cluster",
        bind="query-params",
        width=layout.WIDGET,
        help="Its number stands above its images.",
    )
    rows = members.loc[members["cluster"] == int(chosen), "row"].to_numpy()
    inside = table.iloc[rows[:MOST_LEAVES]]
    if len(rows) > MOST_LEAVES:
        st.caption(f"The first {MOST_LEAVES} of {len(rows)} images.")
    hashes, mirrored = (
        inside[name].to_numpy(dtype=np.uint64) for name in ("phash", "phash_mirrored")
    )
    corners, order = branches(dendrogram(hashes, linkage, mirrored if flips else None))
    # SciPy sets leaves at 5, 15, 25, …
    places = 5 + 10 * np.arange(len(order))
    names = inside["path" if "path" in inside else "row"].to_numpy()[order].astype(str)
    leaves = pd.DataFrame({"place": places, "image": names})
    figure = charts.tree(corners, leaves, radius)
    st.altair_chart(figure, alt=f"Dendrogram of cluster {chosen}")
    export.chart(figure, corners, f"{stem}-cluster-{chosen}")


def draw_curve(default: Duplicates | None, used: Duplicates, stem: str) -> None:
    """Pairs by distance with the cuts."""
    st.subheader("Pairs by distance", anchor=False)
    st.caption("Copies stand on the left; pictures alike by chance make the wall on the right.")
    table = charts.pair_table((default or used).curve)
    figure = charts.pairs(table, default.radius if default else None, used.radius)
    st.altair_chart(figure, alt="Number of pairs at each distance, with the cut")
    export.chart(figure, table, f"{stem}-distances")


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


def act(images: Images, members: pd.DataFrame) -> None:
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
    st.caption("Below each image its name and its distance to the middle of its cluster, in bits.")
    picks.show(images, groups, distance, f"{images.stem}-duplicates")
    leave_out.show(images, {"more than needed": list(extra["image"])})


def clusters(images: Images, radius: int | None, confirm: bool) -> None:
    """The view of clusters in the training split or a folder."""
    with st.container(horizontal=True):
        linkage, flips = cluster_widgets()
    default, reason = default_of(images, linkage, flips, confirm)
    if radius is None and default is None:
        st.error(plain(reason), icon=":material/error:")
        return
    found = default
    if radius is not None:
        found = audits.duplicates(images, radius, linkage, flips, confirm)
    assert found is not None
    members = described(images.table, found)
    numbers(images, found, members)
    st.markdown(plain(found.reason) + (f"  \nDefault: {plain(reason)}" if radius else ""))
    stem = f"{images.stem}-duplicates"
    with layout.panels():
        with layout.panel():
            draw_curve(default, found, stem)
        if len(members):
            with layout.panel():
                draw_tree(images.table, members, linkage, flips, found.radius, stem)
    st.subheader("Clusters", anchor=False)
    if len(members):
        st.caption("Largest first; in each, the one to keep first.")
        strips(images, members)
        act(images, members)
    else:
        st.caption("No two of these images show the same thing.")
    options = [] if radius is None else ["--radius", str(radius)]
    options += ["--linkage", linkage, *["--flips"] * flips, *["--hash-only"] * (not confirm)]
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
        with st.container(horizontal=True, vertical_alignment="center"):
            radius, confirm = search_widgets()
    if not source.is_here(name):
        return
    images = source.images(name)
    if images.folder is not None:
        source.folder_widgets(images)
    if images.dataset is not None and view == VIEWS[1]:
        leaks.show(images.dataset, radius, confirm)
    else:
        clusters(images, radius, confirm)


with shell.page("duplicates"):
    body()
