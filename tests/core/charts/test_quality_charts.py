"""Charts of scores, pairs and clusters: their numbers, and that every one can be rendered."""

import numpy as np
import pandas as pd

from core.charts import quality as charts
from core.charts.export import png


def test_bars_count_every_score_once_on_its_side_of_the_cut() -> None:
    values = np.concatenate([np.random.default_rng(0).random(500), [0, 1, np.nan]])
    table = charts.score_table(values, 0.3)
    counts = table.groupby("fate")["images"].sum()
    assert counts["flagged"] == (values < 0.3).sum()
    assert counts["kept"] == (values >= 0.3).sum()
    assert (table.loc[table["fate"] == "flagged", "low"] < 0.3).all()
    assert (table.loc[table["fate"] == "kept", "high"] > 0.3).all()


def test_every_chart_can_be_rendered() -> None:
    cuts = pd.DataFrame(
        {
            "threshold": ["Default", "Li"],
            "cut": [0.2, 0.9],
            "flagged": [3, 4000],
            "chosen": [True, False],
        }
    )
    bars = charts.score_table(np.linspace(0, 1, 50), 0.2)
    pairs = charts.pair_table(np.array([5, 0, 2, 0, 30]))
    corners = pd.DataFrame(
        {"branch": 0, "point": range(4), "place": [5, 5, 15, 15], "height": [0, 4, 4, 0]}
    )
    leaves = pd.DataFrame({"place": [5, 15], "image": ["3", "17"]})
    for figure in (
        charts.scores(bars, cuts, "Dark"),
        charts.cuts(cuts, "Dark"),
        charts.pairs(pairs, 2, 4),
        charts.pairs(pairs, None, 4),
        charts.tree(corners, leaves, 4),
    ):
        assert png(figure).startswith(b"\x89PNG")
