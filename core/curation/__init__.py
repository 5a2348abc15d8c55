"""What people decide about rows, and the data sets that come of it."""

from core.curation.decisions import (
    COLUMNS,
    MOST_LETTERS,
    TAGS,
    Place,
    Row,
    SavedCuts,
    combine,
    delete_cuts,
    save_cuts,
    saved_cuts,
    tag,
    tags,
    untag,
)

__all__ = [
    "COLUMNS",
    "MOST_LETTERS",
    "TAGS",
    "Place",
    "Row",
    "SavedCuts",
    "combine",
    "delete_cuts",
    "save_cuts",
    "saved_cuts",
    "tag",
    "tags",
    "untag",
]
