"""Every error this package raises on purpose.

XFactorError
├── InputError              what the user gave cannot be used; one sentence, exit code 2
│   ├── UnknownName         a name that no registry entry has
│   ├── NotEnoughImages     a class has fewer images than a selection needs
│   └── DatasetUnavailable  a data set that is not on disk and cannot be downloaded
├── NotAllowed              the operator does not let this person do it
├── StoreError              the cache folder cannot be read or written
│   └── DamagedBlob         a stored array does not match its checksum
└── JobError                a job ended without its result
    ├── JobCancelled        somebody asked for it to stop
    ├── OverLimit           it is larger, or has run for longer, than the operator allows
    └── TrainingDiverged    a network's outputs are no longer finite
"""

from __future__ import annotations

from collections.abc import Iterable


class XFactorError(Exception):
    """Base of all errors raised on purpose; its text is one sentence for the user."""


class InputError(XFactorError):
    """The input cannot be used. Says what was expected, what came and what to do."""


class UnknownName(InputError):
    """A name that no registry entry has; the message lists the names that exist."""

    def __init__(self, kind: str, name: object, known: Iterable[str]) -> None:
        known = tuple(known)
        super().__init__(f"Unknown {kind} {name!r}; known: {', '.join(known)}.")
        self._parts = kind, name, known

    def __reduce__(self) -> tuple[type[UnknownName], tuple[str, object, tuple[str, ...]]]:
        return type(self), self._parts  # Errors travel back from the workers.


class NotEnoughImages(InputError):
    """A class has fewer training images than `per_class + excess`."""


class DatasetUnavailable(InputError):
    """A data set is neither on disk nor to be downloaded now."""


class NotAllowed(XFactorError):
    """The operator does not let this person do what they asked for."""


class StoreError(XFactorError):
    """The cache folder cannot be read or written."""


class DamagedBlob(StoreError):
    """A stored array does not match its checksum; delete it and it is computed again."""


class JobError(XFactorError):
    """A job ended without its result."""


class JobCancelled(JobError):
    """The job was asked to stop; everything finished before that is kept."""


class OverLimit(JobError):
    """A study is larger than the operator allows, or has run for as long as it may."""


class TrainingDiverged(JobError):
    """Training a network gave outputs that are not finite; the message names the model."""
