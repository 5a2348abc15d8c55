"""What people take away of a study, and what they bring: reports and bundles."""

from __future__ import annotations

import re

import streamlit as st

from core import jobs
from core.jobs import Job
from pages.shared import actions, loaders, people, shell
from pages.shared.text import plain


def downloads(job: Job) -> None:
    """Buttons that save a finished study; what they save is made when one is clicked."""
    stem = re.sub(r"[^\w.-]+", "-", job.name).strip("-.")[:80] or job.key[:8]

    def report() -> bytes:
        from core.report import report

        return report([jobs.find(loaders.store(), job.key)], loaders.store())

    def bundle() -> bytes:
        from core.bundle import bundled

        return bundled(jobs.find(loaders.store(), job.key), loaders.store())

    st.download_button(
        "Report",
        data=report,
        file_name=f"{stem}.html",
        mime="text/html",
        key=f"report-{job.key}",
        help="Save one HTML file with all figures and numbers; it opens without a network.",
        on_click="ignore",
        type="tertiary",
        icon=":material/description:",
    )
    st.download_button(
        "Bundle",
        data=bundle,
        file_name=f"{stem}.zip",
        mime="application/zip",
        key=f"bundle-{job.key}",
        help="Save the study with all its scores, to open it on another machine.",
        on_click="ignore",
        type="tertiary",
        icon=":material/inventory_2:",
    )


def run_again(job: Job) -> None:
    """The button that runs an imported study here."""
    if people.button(
        "Run again",
        key=f"again-{job.key}",
        icon=":material/replay:",
        help="Forget the results that came with the bundle and compute them here.",
    ):
        actions.run_again(job)
        st.rerun()


def upload() -> None:
    """Where a bundle is opened."""
    with st.expander("Open a study from a bundle", icon=":material/upload_file:"):
        file = st.file_uploader(
            "Bundle",
            type="zip",
            key="bundle",
            disabled=people.refusal() is not None,
            help=people.refusal()
            or "A zip file that the button Bundle or the command study bundle wrote.",
        )
        st.caption(
            "Checksums find damage and edits by hand. They are no signature: open bundles only of "
            "people whose numbers you would believe."
        )
        opening = people.button(
            "Open",
            key="open-bundle",
            icon=":material/folder_open:",
            disabled=file is None,
            help="Check it and list its study here. Thousands of scores take half a minute.",
        )
        if opening and file is not None:
            with shell.sentences(), st.spinner("Checking the bundle and reading its results …"):
                job = actions.open_bundle(file, file.name)
                st.success(f"Opened {plain(job.name)}.", icon=":material/check:")
