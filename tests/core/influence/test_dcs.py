"""The Dataset Contribution Score is what its definition says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.errors import InputError
from core.influence.dcs import dataset_contribution


@pytest.mark.parametrize(
    ("scores", "dcs", "raw"),
    [
        ([-1, -2], 1.0, 1.5),
        ([3], 0.0, -3),
        ([-3, 1, 0, 0], 0.75, 0.5),
        ([0, 0], math.nan, 0),
    ],
)
def test_known_scores(scores: list[float], dcs: float, raw: float) -> None:
    found = dataset_contribution(scores)
    assert found.dcs == pytest.approx(dcs, nan_ok=True)
    assert found.raw == pytest.approx(raw)
    assert found.raw == pytest.approx(found.helpful - found.harmful)


@given(arrays(np.float64, st.integers(1, 30), elements=st.floats(-1e6, 1e6, width=32)))
def test_it_lies_between_0_and_1_and_rises_when_the_most_harmful_row_goes(scores) -> None:
    found = dataset_contribution(scores)
    if not np.any(scores):
        return
    assert 0 <= found.dcs <= 1
    assert dataset_contribution(-scores).dcs == pytest.approx(1 - found.dcs)
    assert dataset_contribution(7 * scores).dcs == pytest.approx(found.dcs)
    rest = np.delete(scores, scores.argmax())
    if scores.max() > 0 and np.any(rest):
        assert dataset_contribution(rest).dcs >= found.dcs - 1e-12


@pytest.mark.parametrize("scores", [[], [1.0, math.nan], [[1.0]]])
def test_bad_scores_are_refused(scores) -> None:
    with pytest.raises(InputError, match="finite influence"):
        dataset_contribution(scores)
