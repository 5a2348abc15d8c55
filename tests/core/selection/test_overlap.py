"""Overlap between subsets against set intersections."""

import numpy as np
import pytest

from core.selection import overlap as module
from core.selection.overlap import overlap


@pytest.mark.parametrize("columns", [1, 7, 4096])
def test_percent_of_images_in_common(monkeypatch, columns):
    monkeypatch.setattr(module, "COLUMNS", columns)
    rng = np.random.default_rng(0)
    rows = np.stack([rng.permutation(60)[:13] for _ in range(9)]).astype(np.int32)
    expected = [[100 * len(set(a) & set(b)) / 13 for b in rows.tolist()] for a in rows.tolist()]
    result = overlap(rows)
    assert result.dtype == np.float64
    np.testing.assert_allclose(result, expected, rtol=1e-15)
    assert (result.diagonal() == 100).all()


def test_equal_and_disjoint_subsets():
    rows = np.array([[0, 1], [2, 3], [1, 0]], dtype=np.int32)
    assert overlap(rows).tolist() == [[100, 0, 100], [0, 100, 0], [100, 0, 100]]


def test_a_row_twice_in_a_subset_is_refused():
    with pytest.raises(ValueError, match="holds a row twice"):
        overlap(np.array([[1, 1]], dtype=np.int32))


@pytest.mark.parametrize("shape", [(3,), (0, 4), (4, 0)])
def test_a_shape_without_subsets_or_rows_is_refused(shape):
    with pytest.raises(ValueError, match="shape"):
        overlap(np.zeros(shape, dtype=np.int32))
