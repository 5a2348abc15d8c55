"""Which images show the same thing, which of them to keep, and which test images are no test."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pandas as pd
import streamlit as st
from scipy.cluster import hierarchy

from core.charts import quality as charts
from core.datasets.base import Dataset
from core.errors import InputError
from core.quality import Duplicates
from core.quality.clusters import LINKAGES, dendrogram
from core.quality.pairs import LARGEST_RADIUS
from pages.shared import audits, export, gallery, layout, leaks, loaders, picker, shell
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
    dataset: Dataset, linkage: str, flips: bool, confirm: bool
) -> tuple[Duplicates | None, str]:
    """What the default cut finds, or None and why there is none."""
    try:
        found = audits.duplicates(dataset, None, linkage, flips, confirm)
    except InputError as error:
        return None, str(error)
    return found, found.reason


def why_kept(kept: pd.Series, others: pd.DataFrame) -> str:
    """Why one image of a cluster is the one to keep; all images of a data set have one size."""
    if kept["sharp"] > others["sharp"].max():
        return f"the sharpest: {kept['sharp']:.3f} against {others['sharp'].max():.3f}"
    return f"none is sharper than its {kept['sharp']:.3f}, and it comes first of those"


def strip(dataset: Dataset, members: pd.DataFrame) -> None:
    """One cluster: its images, the one to keep first.

    Args:
        dataset: The data set.
        members: Columns `row`, `cluster`, `distance`, `keep`, `sharp`, `label`.
    """
    members = members.sort_values(["keep", "distance", "row"], ascending=[False, True, True])
    kept, others = members.iloc[0], members.iloc[1:]
    labels = members["label"].unique()
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**Cluster {kept['cluster']}** · {len(members)} images", width="stretch")
            if len(labels) > 1:
                st.badge("labels differ", color="orange", icon=":material/warning:")
        shown = members.iloc[:STRIP]
        gallery.show(
            audits.pixels(dataset, "train", shown["row"].to_numpy()),
            [f"{'keep ' if one.keep else ''}{one.row}" for one in shown.itertuples()],
            f"Cluster {kept['cluster']}, rows {', '.join(map(str, shown['row']))}",
        )
        more = f" {len(members) - STRIP} more are not drawn." if len(members) > STRIP else ""
        named = plain(", ".join(labels[:5]))
        st.caption(f"Keep {kept['row']}: {why_kept(kept, others)}. Class {named}.{more}")


def by_size(members: pd.DataFrame) -> list[int]:
    """Numbers of the clusters, the largest first."""
    sizes = members["cluster"].value_counts(sort=False)
    return list(sizes.sort_values(ascending=False, kind="stable").index)


def strips(dataset: Dataset, members: pd.DataFrame) -> None:
    """All clusters, the largest first, some at a time."""
    order = by_size(members)
    page = audits.turned_to(-(-len(order) // STRIPS), "page")
    shown = order[(page - 1) * STRIPS : page * STRIPS]
    with layout.panels():
        for number in shown:
            with layout.panel():
                strip(dataset, members[members["cluster"] == number])


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
    leaves = pd.DataFrame({"place": places, "image": inside["row"].to_numpy()[order].astype(str)})
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
    """Members of clusters with their class and sharpness."""
    rows = found.members["row"].to_numpy()
    return found.members.assign(
        label=table["label"].to_numpy()[rows],
        sharp=table["blurry_content_score"].to_numpy()[rows],
    )


def save(listing: str, found: Duplicates, members: pd.DataFrame, options: list[str]) -> None:
    """Pairs, members and the command that gives the same pairs."""
    st.subheader("Take it with you", anchor=False)
    with st.container(horizontal=True):
        export.table(found.pairs, f"{listing}-pairs", "Pairs as CSV")
        audits.parquet(found.pairs, f"{listing}-pairs", "Pairs as Parquet")
        export.table(members, f"{listing}-clusters", "Clusters, with which to keep, as CSV")
    audits.command("duplicates", listing, *options, "--out", "pairs.csv")


def clusters(dataset: Dataset, radius: int | None, confirm: bool) -> None:
    """The view of clusters in the training split."""
    with st.container(horizontal=True):
        linkage, flips = cluster_widgets()
    table = audits.scan(dataset)
    default, reason = default_of(dataset, linkage, flips, confirm)
    if radius is None and default is None:
        st.error(plain(reason), icon=":material/error:")
        return
    found = default
    if radius is not None:
        found = audits.duplicates(dataset, radius, linkage, flips, confirm)
    assert found is not None
    members = described(table, found)
    extra = int((~members["keep"]).sum())
    audits.metrics(
        (
            ("Pairs", f"{len(found.pairs):,}", "Of images in the same cluster."),
            ("Clusters", f"{members['cluster'].nunique():,}", "Images that show the same thing."),
            ("Images in clusters", f"{len(members):,}", f"Of {len(table):,} training images."),
            ("More than needed", f"{extra:,}", "What goes when one of each cluster is kept."),
        )
    )
    st.markdown(plain(found.reason) + (f"  \nDefault: {plain(reason)}" if radius else ""))
    stem = f"{dataset.name}-duplicates"
    with layout.panels():
        with layout.panel():
            draw_curve(default, found, stem)
        if len(members):
            with layout.panel():
                draw_tree(table, members, linkage, flips, found.radius, stem)
    st.subheader("Clusters", anchor=False)
    if len(members):
        st.caption(
            "Largest first; in each, the one to keep first. Numbers are rows of the training split."
        )
        strips(dataset, members)
    else:
        st.caption("No two training images show the same thing.")
    options = [] if radius is None else ["--radius", str(radius)]
    options += ["--linkage", linkage, *["--flips"] * flips, *["--hash-only"] * (not confirm)]
    save(dataset.name, found, members, options)


def body() -> None:
    """The data set, how to search, and one of two views."""
    with st.container(border=True):
        with st.container(horizontal=True, vertical_alignment="bottom"):
            listing = picker.listing("Where the images come from.", layout.WIDGET)
            view = st.segmented_control(
                "View",
                VIEWS,
                default=VIEWS[0],
                required=True,
                key="view",
                bind="query-params",
                help="Within the training split, or between it and the test split.",
            )
        with st.container(horizontal=True, vertical_alignment="center"):
            radius, confirm = search_widgets()
    if not picker.is_here(listing):
        return
    dataset = loaders.dataset(listing.name)
    draw = leaks.show if view == VIEWS[1] else clusters
    draw(dataset, radius, confirm)


with shell.page("duplicates"):
    body()
