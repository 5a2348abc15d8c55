"""A finished study as one file to take to another machine, with the numbers that it has here.

A bundle is a zip of JSON and uncompressed arrays: what was asked for, and every score, failure,
prediction and array that reading the results takes. Each member's SHA-256 stands in a manifest,
and the manifest's own in the comment of the zip. That finds damage and edits by hand; it is no
signature, so open bundles only of people whose numbers you would believe.
"""

from __future__ import annotations

from core.bundle.opening import again, opened
from core.bundle.writing import bundled

__all__ = ["again", "bundled", "opened"]
