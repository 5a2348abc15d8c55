"""What a source of data is: the files it has, how to fetch them and how to read them."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeVar

from core.datasets.base import Kind, Split

Progress = Callable[[int, int, str], None]
"""Told (done, total, what) while something long runs; may raise to stop it."""

T = TypeVar("T")
STEP = 256


@dataclass(frozen=True)
class Files:
    """What a data set is read from.

    Args:
        root: The folder that they lie in.
        paths: Files below it, in a fixed order.
        left_out: Files below it that may not or cannot be read, with the reason.
        notes: What else is there and not used.
    """

    root: Path
    paths: tuple[Path, ...]
    left_out: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def relative(self, path: Path) -> str:
        """A path as it is shown and remembered: below the root, with `/`."""
        return text(path.as_posix().removeprefix(f"{self.root.as_posix()}/"))


@dataclass(frozen=True, eq=False)
class Content:
    """What reading the files gives; the arguments are those of `Dataset`."""

    train: Split
    test: Split
    classes: tuple[str, ...]
    notes: tuple[str, ...] = ()
    left_out: tuple[tuple[str, str], ...] = ()
    peak: int = 255
    features: tuple[str, ...] = ()


@dataclass(frozen=True)
class Source:
    """One entry of the registry of data sets.

    Args:
        name: What is typed, such as `mnist`.
        title: What is shown.
        summary: One sentence.
        licence: One sentence on what may be done with the data.
        version: Raised whenever `read`, or what it calls, gives other arrays; part of the key
            that decoded arrays are cached by.
        files: What is on disk now, or None when it has to be fetched.
        read: Decodes those files.
        fetch: Downloads them; None for a source that needs no download.
        kind: What its rows are.
    """

    name: str
    title: str
    summary: str
    licence: str
    version: int
    files: Callable[[], Files | None]
    read: Callable[[Files, Progress], Content]
    fetch: Callable[[Progress], None] | None = None
    kind: Kind = "image"


State = Literal["ready", "on disk", "download"]


@dataclass(frozen=True)
class Listing:
    """A data set that can be loaded, found without decoding anything.

    Args:
        name: What `load` takes.
        title: What is shown.
        summary: One sentence.
        state: `"ready"` ships with the program, `"on disk"` was found, `"download"` is fetched
            on first use.
        kind: What its rows are.
    """

    name: str
    title: str
    summary: str
    state: State
    kind: Kind = "image"


def text(name: str) -> str:
    """A file name as text; bytes that are not UTF-8 are written in hex after a backslash."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def silent(done: int, total: int, what: str) -> None:
    """The progress callback that tells nobody."""


def tracked(items: Iterator[T] | Sequence[T], total: int, what: str, tell: Progress) -> Iterator[T]:
    """Pass items through and report every 256th."""
    for done, item in enumerate(items):
        if done % STEP == 0:
            tell(done, total, what)
        yield item
    tell(total, total, what)
