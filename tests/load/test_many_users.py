"""Several people at once on one server: each sees their own choices, and memory stays bounded."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import psutil

from benchmarks.load import view
from tests.browser.harness import awaited, server_of, serving
from tests.load.session import session
from tests.load.visitor import Timed, Visitor

VIEWS = 54
MOST_GROWTH = 60e6


async def all_parts(address: str, number: int, label: str) -> int:
    """Do everything that a visitor does, once; returns the number of acts."""

    async def count(part: AsyncIterator[Timed]) -> int:
        return len([timed async for timed in part])

    async with session(address) as tab:
        one = Visitor(tab, number, label)
        parts = [one.pass_by, one.explore, one.read, one.look]
        order = [parts[(number + step) % 4] for step in range(4)]
        return sum([await count(part()) for part in order])


async def crowd(address: str, people: int, label: str) -> list[int]:
    """Let some people in at once."""
    return await asyncio.gather(*(all_parts(address, n, label) for n in range(people)))


def test_visitors_see_their_own_choices_and_memory_stays_bounded(
    tiny: tuple[Path, str], tmp_path: Path
) -> None:
    finished, key = tiny
    label = f"tiny · {key[:8]}"
    cache = tmp_path / "cache"
    shutil.copytree(finished, cache)
    with serving(cache) as address:
        assert awaited(crowd(address, 5, label)) == [18] * 5
        awaited(view(address, VIEWS, label))
        before = memory(server_of(address))
        awaited(view(address, VIEWS, label))
        assert memory(server_of(address)) - before < MOST_GROWTH


def memory(server: psutil.Process) -> int:
    """Bytes that the server holds."""
    return int(server.memory_info().rss)
