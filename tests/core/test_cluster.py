"""What is done when workers die: the innocent run, the guilty are named, nothing is guessed."""

from __future__ import annotations

from typing import Any

import pytest
from distributed.comm import CommClosedError

from core import cluster, datasets
from core.errors import JobError


def test_whose_worker_died_is_tried_once_more_while_nothing_else_runs() -> None:
    turns = cluster._Turns(["killer", "behind it", "elsewhere", "last"])
    assert [turns.next(flying, 1) for flying in (0, 1)] == ["killer", "behind it"]
    assert turns.next(2, 2) == "elsewhere"
    assert turns.died("killer")
    assert turns.died("behind it")
    assert turns.next(1, 2) is None  # It waits for what runs elsewhere.
    turns.ended("elsewhere")
    assert turns.next(0, 2) == "behind it"
    assert turns.next(1, 2) is None
    turns.ended("behind it")
    assert turns.next(0, 2) == "killer"
    assert not turns.died("killer")
    turns.ended("killer", ["one half", "other half"])
    assert [turns.next(flying, 2) for flying in range(4)] == [
        "other half", "one half", "last", None,
    ]  # fmt: skip


class Client:
    """A client whose workers die, or whose scheduler does."""

    id, status, loop = "one", "running", object()

    def __init__(self, scheduler: bool) -> None:
        self.scheduler = scheduler

    def register_plugin(self, plugin: Any) -> None:
        raise CommClosedError("a worker closed the connection")

    def cancel(self, futures: list[Any]) -> None:
        assert not futures

    def nthreads(self) -> dict[str, int]:
        if not self.scheduler:
            raise CommClosedError("the scheduler closed the connection")
        return {}


@pytest.mark.parametrize(
    ("scheduler", "words"),
    [(True, "died while it took in digits; .* too little memory"), (False, "scheduler has gone")],
)
def test_a_data_set_that_no_worker_can_hold_is_told_from_a_scheduler_that_has_gone(
    scheduler: bool, words: str
) -> None:
    client: Any = Client(scheduler)
    data = datasets.load("digits")
    with pytest.raises(JobError, match=words):
        cluster.run(client, data, pytest.fail, [1], pytest.fail, pytest.fail, lambda: False)
