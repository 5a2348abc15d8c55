"""Every chart is drawn from real tables, stays light, and can be read by everyone."""

from __future__ import annotations

import json
import struct
from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from core.charts import better, cdf, export, heatmap, overlap, scaling, strategies, style, variance
from core.charts.z_scatter import pair_table, z_scatter
from core.studies.xfactor_analysis import Analysis, analyse, overlap_by_group
from core.studies.xfactor_spec import SELECTING
from tests.core.studies.sample_scores import PAPER_EXCESS, paper_scores, scores, subsets

BACKGROUNDS = ("#ffffff", "#11161c")
# How protan, deutan and tritan readers see linear RGB (Machado et al. 2009, severity 1).
COLOUR_BLIND = (
    [[0.152, 1.053, -0.205], [0.115, 0.786, 0.099], [-0.004, -0.048, 1.052]],
    [[0.367, 0.861, -0.228], [0.280, 0.673, 0.047], [-0.012, 0.043, 0.969]],
    [[1.256, -0.077, -0.179], [-0.078, 0.931, 0.148], [0.005, 0.691, 0.304]],
)  # fmt: skip
# At 0, 0.1 … 1.
VIRIDIS = (
    *("#440154", "#482475", "#414487", "#355f8d", "#2a788e", "#21918c"),
    *("#22a884", "#44bf70", "#7ad151", "#bddf26", "#fde725"),
)


@pytest.fixture(scope="module")
def paper() -> Analysis:
    return analyse(paper_scores(), resamples=20)


@pytest.fixture(scope="module")
def quick() -> Analysis:
    """One size, few models, some scores missing: what a running quick study looks like."""
    plan = subsets((10,), 6, (6, 20), 2, ("uniqueness", "own_mean"))
    table = scores(plan, models=("rf", "svc", "gnb", "mlp-1"), test_images=360)
    return analyse(table.sample(frac=0.8, random_state=0), resamples=20)


@pytest.fixture(scope="module")
def shared() -> pd.DataFrame:
    plan = subsets((10,), 10, PAPER_EXCESS, 2)
    percent = np.random.default_rng(0).random((len(plan), len(plan)))
    return overlap_by_group(percent + percent.T, plan)


def charts(found: Analysis) -> dict[str, style.Figure]:
    models, (a, b) = found.models, found.models[:2]
    drawn = {
        "variance": variance.variance(found.variance),
        "strategies": strategies.strategies(found.strategies),
        "better-share": better.shares(found.better),
        "better-z": better.means(found.better),
        "z_scatter": z_scatter(found.z_scores, a, b),
        "spearman-mean": heatmap.spearman(found.spearman, None, models),
        "spearman-class": heatmap.spearman(found.spearman, "1", models),
        "spearman-all": heatmap.spearman_by_class(found.spearman),
    }
    for group in ("random", "selected"):
        drawn[f"scaling-{group}"] = scaling.scaling(found.scaling, group)
        for by in ("per_class", "model", "all"):
            drawn[f"cdf-{group}-{by}"] = cdf.cdf(found.cdf, group, by)
    for group in ("all", "random", "selected"):
        drawn[f"r_squared-{group}"] = heatmap.r_squared(found.r_squared, group, models)
    return drawn


def rows_of(chart: style.Figure) -> list[dict]:
    return [row for data in chart.to_dict()["datasets"].values() for row in data]


def size_of(png: bytes) -> tuple[int, int]:
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", png[16:24])
    return width, height


def test_charts_of_a_large_study_are_light_and_leave_colours_to_the_theme(paper):
    for name, chart in charts(paper).items():
        spec = chart.to_dict()
        assert len(rows_of(chart)) <= style.MOST_ROWS, name
        assert len(json.dumps(spec)) < 800_000, name
        assert spec["width"] == "container", name
        assert "background" not in spec, name
        assert "labelColor" not in json.dumps(spec), name


def test_charts_of_a_running_study_are_drawn(quick):
    for name, chart in charts(quick).items():
        width, height = size_of(export.png(chart, width=300, scale=1))
        assert min(width, height) > 120, name


class TestPalette:
    @pytest.mark.parametrize(
        "colour", sorted({*style.SAFE, *style.ORDERED, *style.STRATEGIES.values()})
    )
    @pytest.mark.parametrize("background", BACKGROUNDS)
    def test_marks_stand_out_from_both_themes(self, colour, background):
        assert contrast(colour, background) >= 3

    @pytest.mark.parametrize("sight", COLOUR_BLIND)
    def test_strategies_are_told_apart_without_full_colour_vision(self, sight):
        chosen = [colour for name, colour in style.STRATEGIES.items() if name != "random"]
        assert len(chosen) == len(SELECTING)
        for one, other in combinations(chosen, 2):
            assert np.linalg.norm(seen(one, sight) - seen(other, sight)) > 15

    def test_no_two_of_a_dozen_models_look_the_same(self):
        names = [f"model-{i}" for i in range(12)]
        for second in (style.series_dash, style.series_shape):
            colours = style.series_colour(names).to_dict()["range"]
            looks = zip(colours, map(str, second(names).to_dict()["range"]), strict=True)
            assert len(set(looks)) == 12

    def test_sizes_go_through_the_scale_in_order(self):
        colours = style.ordered_colour(list("abcde")).to_dict()["range"]
        assert colours == list(style.ORDERED)
        assert style.ordered_colour(["10"]).to_dict()["range"] == [style.ORDERED[0]]

    def test_a_strategy_keeps_its_colour_and_a_new_one_gets_a_free_one(self):
        scale = style.strategy_colour(["own_mean", "mine", "random"]).to_dict()
        colours = dict(zip(scale["domain"], scale["range"], strict=True))
        assert (colours["own_mean"], colours["random"]) == (style.PURPLE, style.MUTED)
        assert colours["mine"] in set(style.SAFE) - {style.PURPLE}

    def test_figures_can_be_read_on_every_cell(self):
        for place, shade in zip(np.linspace(0, 1, 11), VIRIDIS, strict=True):
            text = "#000000" if place >= style.VIRIDIS_BLACK_FROM else "#ffffff"
            assert contrast(shade, text) >= 4.5


class TestScatter:
    def test_a_click_gives_the_subset(self, paper):
        params = {
            item["name"]: item
            for item in z_scatter(paper.z_scores, "rf", "svc").to_dict()["params"]
        }
        assert params["picked"]["select"]["fields"] == ["subset"]
        assert params["picked"]["select"]["type"] == "point"
        assert params["zoom"]["bind"] == "scales"
        assert params["strategy"]["bind"] == "legend"

    def test_a_point_is_a_subset_with_both_z_scores(self, paper):
        table = pair_table(paper.z_scores, "rf", "svc").set_index("subset")
        assert len(table) == 2500
        z = paper.z_scores.set_index(["model", "subset"])["z"]
        for subset in table.index[::250]:
            assert table.loc[subset, "z_a"] == z["rf", subset]
            assert table.loc[subset, "z_b"] == z["svc", subset]

    def test_random_subsets_are_drawn_last(self, paper):
        is_random = pair_table(paper.z_scores, "rf", "svc")["strategy"] == "random"
        assert is_random.is_monotonic_increasing

    def test_a_large_study_is_thinned_and_says_so(self, paper):
        many = pd.concat(
            [paper.z_scores.assign(subset=paper.z_scores["subset"] + f"-{i}") for i in range(3)]
        )
        chart = z_scatter(many, "rf", "svc")
        assert len(rows_of(chart)) <= style.MOST_ROWS
        assert "3,750 of 7,500 subsets" in chart.to_json()

    def test_two_models_without_a_subset_in_common(self, paper):
        z = paper.z_scores
        apart = z[
            ((z["model"] == "rf") & (z["per_class"] == 10))
            | ((z["model"] == "svc") & (z["per_class"] == 30))
        ]
        assert all("subset" not in row for row in rows_of(z_scatter(apart, "rf", "svc")))


class TestCdf:
    def test_thinned_curves_stay_within_a_step_of_the_data(self, paper):
        full = paper.cdf.query("group == 'selected' and by == 'model' and value == 'rf'")
        drawn = pd.DataFrame(rows_of(cdf.cdf(paper.cdf, "selected", "model"))).query(
            "curve == 'rf'"
        )
        assert len(drawn) <= cdf.STEPS + 1
        assert drawn["cdf"].agg(["min", "max"]).tolist() == [0, 1]
        place = np.searchsorted(drawn["z"], full["z"] + 1e-4, side="right") - 1
        error = full["cdf"].to_numpy() - drawn["cdf"].to_numpy()[place]
        assert np.abs(error[1:]).max() < 1.01 / (cdf.STEPS - 1)

    def test_the_normal_distribution_is_beside_every_plot(self, quick):
        drawn = pd.DataFrame(rows_of(cdf.cdf(quick.cdf, "random", "per_class")))
        normal = drawn[drawn["curve"] == cdf.NORMAL].set_index("z")["cdf"]
        assert normal[0.0] == pytest.approx(0.5)
        assert np.interp(1.96, normal.index, normal) == pytest.approx(0.975, abs=0.001)

    def test_no_z_scores_leave_the_normal_curve(self, quick):
        chart = cdf.cdf(quick.cdf.head(0), "random", "model")
        assert {row["curve"] for row in rows_of(chart)} == {cdf.NORMAL}


class TestScaling:
    def test_models_stand_apart_and_keep_their_size(self, paper):
        rows = pd.DataFrame(rows_of(scaling.scaling(paper.scaling, "random")))
        at_ten = rows[rows["per_class"] == 10].sort_values("place")
        assert at_ten["place"].is_unique
        assert np.log(at_ten["place"] / 10).abs().max() < np.log(3) / 2
        assert at_ten["model"].tolist() == paper.models

    def test_an_error_of_zero_is_drawn_at_the_foot_and_told(self, paper):
        table = paper.scaling.assign(min=paper.scaling["min"].mask(paper.scaling.index == 1, 0.0))
        rows = rows_of(scaling.scaling(table, table.loc[1, "group"]))
        zero = next(row for row in rows if row["min"] == 0)
        assert zero["low"] > 0


class TestHeatMaps:
    def test_a_pair_fills_both_its_cells(self, paper):
        rows = pd.DataFrame(rows_of(heatmap.r_squared(paper.r_squared, "random", paper.models)))
        assert len(rows) == 10 * 9
        cell = rows.set_index(["model_a", "model_b"])["r_squared"]
        assert cell["rf", "svc"] == cell["svc", "rf"]

    def test_the_interval_is_in_the_tooltip(self, paper):
        spec = heatmap.r_squared(paper.r_squared, "all", paper.models).to_json()
        assert all(f'"{field}"' in spec for field in ("ci_low", "ci_high", "n"))

    def test_negative_correlations_have_colours_of_their_own(self, paper):
        table = paper.spearman.assign(
            rho=paper.spearman["rho"].mask(paper.spearman.index == 0, -0.5)
        )
        assert [-0.5, 1.0] in domains(heatmap.spearman(table, "0", paper.models).to_dict())

    def test_a_pair_without_a_figure_gets_a_dash(self, quick):
        table = quick.r_squared.assign(r_squared=np.nan)
        size_of(export.png(heatmap.r_squared(table, "all", quick.models), scale=1))


class TestOverlap:
    def test_lower_half_of_all_kinds_of_subset(self, shared):
        rows = pd.DataFrame(rows_of(overlap.overlap(shared)))
        kinds = 1 + 4 * 2 * 10
        assert len(rows) == kinds * (kinds + 1) / 2
        assert (rows["place_a"] >= rows["place_b"]).all()
        assert rows.loc[rows["place_a"] == kinds - 1, "kind_a"].unique().tolist() == ["random"]
        assert "own_mean − excess 1000" in set(rows["kind_a"])
        size_of(export.png(overlap.overlap(shared), scale=1))

    def test_too_many_kinds_are_taken_together(self, shared):
        more = pd.concat([shared.assign(excess_a=shared["excess_a"] * 7**i + i) for i in range(2)])
        rows = pd.DataFrame(rows_of(overlap.overlap(more)))
        assert len(rows) == 9 * 10 / 2
        cell = rows[(rows["kind_a"] == "uniqueness −") & (rows["kind_b"] == "uniqueness +")]
        part = shared.query(
            "strategy_a == 'uniqueness' and strategy_b == 'uniqueness'"
            " and direction_a == '-' and direction_b == '+'"
        )
        assert cell["percent"].iloc[0] == pytest.approx(
            np.average(part["percent"], weights=part["pairs"]), abs=0.001
        )


class TestExport:
    def test_print_is_dark_on_white_and_of_the_size_asked_for(self, quick):
        chart = variance.variance(quick.variance)
        width, _ = size_of(export.png(chart, width=500, scale=3))
        assert width == pytest.approx(1500, abs=100)
        text = export.svg(chart).decode()
        assert text.startswith("<svg")
        assert 'fill="#ffffff"' in text
        assert export.INK in text

    def test_fonts_and_pictures_are_not_fetched(self, quick):
        text = export.svg(variance.variance(quick.variance)).decode()
        assert text.count("http") == text.count("http://www.w3.org")


def domains(spec: object) -> list[object]:
    """Every scale domain in a specification."""
    if isinstance(spec, list):
        return [found for item in spec for found in domains(item)]
    if not isinstance(spec, dict):
        return []
    own = [spec["domain"]] if isinstance(spec.get("domain"), list) else []
    return own + [found for item in spec.values() for found in domains(item)]


def linear(colour: str) -> np.ndarray:
    value = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def contrast(one: str, other: str) -> float:
    """Contrast ratio of WCAG 2, 1 to 21."""
    dark, light = sorted(linear(colour) @ [0.2126, 0.7152, 0.0722] for colour in (one, other))
    return float((light + 0.05) / (dark + 0.05))


def seen(colour: str, sight: list[list[float]]) -> np.ndarray:
    """The colour in CIELAB as a colour-blind reader sees it."""
    rgb = np.clip(np.array(sight) @ linear(colour), 0, 1)
    to_xyz = [[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]
    xyz = np.array(to_xyz) @ rgb / [0.9505, 1, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])
