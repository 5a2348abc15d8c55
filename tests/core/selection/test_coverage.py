"""k-centre, facility location and herding against the definition in the plainest Python."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import InputError
from core.selection import base, select
from core.specs import Selection
from tests.core.selection.oracle import Image, dataset, mean_image, squared

Pick = Callable[[list[Image], list[Fraction], int], list[int]]


def best(candidates: dict[int, Fraction]) -> int:
    """The lowest place with the lowest cost."""
    return min(candidates, key=lambda place: (candidates[place], place))


def k_center(pool: list[Image], mean: list[Fraction], keep: int) -> list[int]:
    kept = [best({i: squared(x, mean) for i, x in enumerate(pool)})]
    while len(kept) < keep:
        rest = [i for i in range(len(pool)) if i not in kept]
        kept.append(best({i: -min(squared(pool[i], pool[j]) for j in kept) for i in rest}))
    return sorted(kept)


def facility_location(pool: list[Image], mean: list[Fraction], keep: int) -> list[int]:
    furthest = max(squared(a, b) for a in pool for b in pool)

    def cost(some: list[int]) -> Fraction:
        return sum(min([furthest, *(squared(x, pool[j]) for j in some)]) for x in pool)

    kept: list[int] = []
    while len(kept) < keep:
        rest = [i for i in range(len(pool)) if i not in kept]
        kept.append(best({i: cost([*kept, i]) for i in rest}))
    return sorted(kept)


def herding(pool: list[Image], mean: list[Fraction], keep: int) -> list[int]:
    kept: list[int] = []
    while len(kept) < keep:
        rest = [i for i in range(len(pool)) if i not in kept]
        kept.append(
            best(
                {
                    i: sum(
                        (m - a) ** 2
                        for m, a in zip(
                            mean, mean_image([pool[j] for j in (*kept, i)]), strict=True
                        )
                    )
                    for i in rest
                }
            )
        )
    return sorted(kept)


ORACLES: dict[str, Pick] = {
    "k_center": k_center,
    "facility_location": facility_location,
    "herding": herding,
}


@st.composite
def images(draw: st.DrawFn) -> np.ndarray:
    """Images of one class; few grey levels, so that there are many ties."""
    count, pixels = draw(st.integers(2, 9)), draw(st.integers(1, 4))
    levels = draw(st.sampled_from([1, 3, 255]))
    values = st.lists(st.integers(0, levels), min_size=pixels, max_size=pixels)
    return np.array(draw(st.lists(values, min_size=count, max_size=count)), dtype=np.uint8)


@pytest.mark.parametrize("strategy", ORACLES)
@settings(deadline=None, max_examples=120)
@given(x=images(), data=st.data())
def test_the_same_rows_as_by_definition(strategy: str, x: np.ndarray, data: st.DataObject) -> None:
    size = data.draw(st.integers(1, len(x)))
    keep = data.draw(st.integers(1, size))
    subset = select(dataset(x, [0] * len(x)), Selection(strategy, "+", keep, size - keep, seed=1))
    pool = [x[row].tolist() for row in subset.pool[0]]
    expected = ORACLES[strategy](pool, mean_image(x.tolist()), keep)
    assert np.flatnonzero(subset.kept[0]).tolist() == expected


@pytest.mark.parametrize("strategy", ORACLES)
def test_of_identical_images_the_lowest_rows_are_kept(strategy: str) -> None:
    made = dataset([[5]] * 6 + [[9]] * 6, [0] * 6 + [1] * 6)
    subset = select(made, Selection(strategy, "+", 3, 3, seed=0))
    assert subset.rows.tolist() == [0, 1, 2, 6, 7, 8]


def test_k_center_keeps_what_lies_further_than_its_cover_reaches() -> None:
    x = np.random.default_rng(0).integers(0, 256, size=(60, 8))
    subset = select(dataset(x, [0] * 60), Selection("k_center", "+", 12, 48, seed=0))
    kept, judged = subset.kept[0], subset.distances[0]
    assert judged[kept].min() >= judged[~kept].max()
    pool = x[subset.pool[0]]
    nearest = np.sqrt(((pool[:, None] - pool[kept]) ** 2).mean(axis=2)).min(axis=1)
    np.testing.assert_allclose(judged[~kept], nearest[~kept])


def test_herding_follows_the_mean_closer_than_chance() -> None:
    x = np.random.default_rng(0).integers(0, 256, size=(200, 30))
    made, mean = dataset(x, [0] * 200), x.mean(axis=0)
    off = {
        name: np.abs(x[select(made, Selection(name, d, 20, m, 0)).rows].mean(axis=0) - mean).mean()
        for name, d, m in (("herding", "+", 100), ("random", "", 0))
    }
    assert off["herding"] < off["random"] / 3


@pytest.mark.parametrize("strategy", ORACLES)
def test_pools_whose_distances_would_not_fit_are_refused(
    strategy: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(base, "LARGEST_POOL", 3)
    made = dataset([[1], [2], [3], [4]], [0] * 4)
    with pytest.raises(InputError, match=f"{strategy} compares every pair.* at most 3; got 4"):
        select(made, Selection(strategy, "+", 1, 3, seed=0))
