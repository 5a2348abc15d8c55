"""What each kind of damage to the data costs each model."""

from __future__ import annotations

from core.studies.faults_spec import FaultsSpec
from pages.shared import jobs_panel, loaders, people, picker, shell
from pages.shared.faults import compose, results


def new_study() -> None:
    """The preview, the widgets, what the study would cost, and the button that starts it."""
    listing = picker.listing(FaultsSpec.help("dataset"), kinds=picker.EVERYTHING)
    if not picker.is_here(listing):
        return
    dataset = loaders.dataset(listing.name)
    spec = compose.spec(dataset)
    jobs_panel.cost(spec)
    if people.button(
        "Run",
        icon=":material/play_arrow:",
        help="Queue the study. It runs on when you close this page, and what it shares with "
        "earlier studies is not trained again.",
    ):
        jobs_panel.submit("faults", spec)
    jobs_panel.as_file(spec)


with shell.page("faults"):
    job = jobs_panel.choose("faults", "New study", "Start a new one, or read one that has run.")
    if job is None:
        new_study()
    else:
        jobs_panel.read(job, results.show)
