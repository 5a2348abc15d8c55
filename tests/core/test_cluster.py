"""What is done when workers die: the innocent run, the guilty are named, nothing is guessed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from distributed.comm import CommClosedError

from core import cluster, datasets
from core.errors import JobError


def test_whose_worker_died_is_tried_once_more_while_nothing_else_runs() -> None:
    turns = cluster._Turns({"": ["killer", "behind it", "elsewhere", "last"]})

    def following(flying: int, slots: int) -> tuple[str, str] | None:
        return turns.next({"": flying}, {"": slots})

    killer, behind = following(0, 1), following(1, 1)
    elsewhere = following(2, 2)
    assert (killer, behind) == (("", "killer"), ("", "behind it"))
    assert elsewhere == ("", "elsewhere")
    assert turns.died(killer)
    assert turns.died(behind)
    assert following(1, 2) is None  # It waits for what runs elsewhere.
    turns.ended(elsewhere)
    assert following(0, 2) is behind
    assert following(1, 2) is None
    turns.ended(behind)
    assert following(0, 2) is killer
    assert not turns.died(killer)
    turns.ended(killer, ["one half", "other half"])
    left = [following(flying, 2) for flying in range(4)]
    assert left == [("", "other half"), ("", "one half"), ("", "last"), None]


def test_neither_of_two_kinds_of_workers_waits_for_the_other() -> None:
    turns = cluster._Turns({"GPU": ["g1", "g2", "g3"], "CPU": ["c1", "c2", "c3", "c4", "c5"]})
    slots = {"GPU": 1, "CPU": 2}
    flying: Counter[str] = Counter()
    handed = []
    while turn := turns.next(flying, slots):
        flying[turn[0]] += 1
        handed.append(turn)
    assert [task for _, task in handed] == ["g1", "g2", "c1", "c2", "c3", "c4"]
    flying["CPU"] -= 1
    turns.ended(handed[-1], ["c4 again"])
    again = turns.next(flying, slots)
    assert again == ("CPU", "c4 again")
    flying["CPU"] += 1
    # Two workers of one kind have died, and all of the other kind is waited for too.
    assert turns.died(handed[0])
    assert turns.next(flying, slots) is None
    assert turns.next({}, slots) is handed[0]


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
