"""A study's bundle is written."""

from __future__ import annotations

import hashlib
import io
import time
import zipfile
from collections.abc import Iterator
from typing import TYPE_CHECKING

from core.bundle.archive import MOST_BYTES, MOST_MEMBERS
from core.bundle.members import (
    DETAILS,
    FAILURES,
    FORMAT,
    JOB,
    MANIFEST,
    NOTES,
    SCORES,
    VERSION,
    from_scores,
    to_details,
    to_json,
    to_npz,
    to_scores,
)
from core.bundle.reading import watched, with_details
from core.details import details
from core.errors import InputError

if TYPE_CHECKING:
    from core.jobs import Job
    from core.store import Store
    from core.studies.reading import Watched

JOB_FIELDS = (
    *("key", "study", "name", "spec", "facts", "done", "total", "message"),
    *("submitted", "started", "finished"),
)
# Members that stay as they are gain nothing from a date.
DATE = (1980, 1, 1, 0, 0, 0)


def bundled(job: Job, store: Store) -> bytes:
    """A finished study as the bytes of a zip file.

    Args:
        job: The study.
        store: Where its results are.

    Raises:
        InputError: It has not ended well.
        DamagedBlob: An array that its results rest on is damaged.
    """
    if job.state != "done":
        raise InputError(
            f"Study {job.name!r} is {job.state}; a bundle takes a finished study, so let it end or "
            "take it up again first."
        )
    reader = watched(job, store)
    file = io.BytesIO()
    sums: dict[str, dict[str, str | int]] = {}
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in _members(job, reader):
            sums[name] = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
            archive.writestr(zipfile.ZipInfo(name, DATE), content, zipfile.ZIP_DEFLATED)
        _check_size(job, sum(info.file_size for info in archive.infolist()), len(sums))
        values = {"format": FORMAT, "version": VERSION, "written": time.time(), "members": sums}
        manifest = to_json(values)
        archive.writestr(zipfile.ZipInfo(MANIFEST, DATE), manifest, zipfile.ZIP_DEFLATED)
        archive.comment = hashlib.sha256(manifest).hexdigest().encode()
    return file.getvalue()


def _check_size(job: Job, size: int, members: int) -> None:
    """Refuse to write what would not be opened."""
    if size > MOST_BYTES or members >= MOST_MEMBERS:
        raise InputError(
            f"The results of {job.name!r} take {size / 1e9:.1f} GB in {members:,} parts; a bundle "
            f"holds {MOST_BYTES / 1e9:.1f} GB in {MOST_MEMBERS:,} at most."
        )


def _members(job: Job, reader: Watched) -> Iterator[tuple[str, bytes]]:
    units = list(reader.units)
    facts = {name: value for name, value in job.facts.items() if name != "imported"}
    yield JOB, to_json({**{name: getattr(job, name) for name in JOB_FIELDS}, "facts": facts})
    rows = reader.scores(units).sort_values("unit").to_dict("records")
    yield SCORES, to_json(to_scores(from_scores(rows)))
    yield FAILURES, to_json(reader.failures(units).sort_values("unit").to_numpy().tolist())
    yield NOTES, to_json({key: blob.meta for key, blob in reader.blobs.items()})
    kept = with_details(reader, units)
    if kept:
        found = details(reader, kept)
        yield DETAILS, to_npz(to_details(found[unit] for unit in kept))
    for key, blob in reader.blobs.items():
        yield f"blobs/{key}.npz", to_npz(blob.arrays)
