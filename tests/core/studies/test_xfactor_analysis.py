"""The study's tables against slow computations on made-up scores, and against odd studies."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import pytest
from scipy import stats as scipy_stats

from core.errors import InputError
from core.studies.xfactor_analysis import Analysis, agreement, analyse, overlap_by_group
from core.studies.xfactor_analysis.published import PAPER, beside_paper
from core.studies.xfactor_analysis.readings import facts
from tests.core.studies.sample_scores import MODELS, paper_scores, scores, subsets

FEW = ("rf", "svc", "gnb", "mlp-1")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    return scores(models=FEW)


@pytest.fixture(scope="module")
def analysis(table) -> Analysis:
    return analyse(table, resamples=200)


def z_of(analysis: Analysis, model: str, group: str = "all") -> pd.Series:
    z = analysis.z_scores
    rows = z[(z["model"] == model) & ((z["group"] == group) | (group == "all"))]
    return rows.set_index("subset")["z"]


class TestTables:
    def test_z_scores_are_from_the_random_subsets_of_the_same_size_and_model(self, table, analysis):
        found = analysis.z_scores.set_index(["subset", "model"])["z"]
        for (model, size), cell in table.groupby(["model", "per_class"]):
            random = cell[cell["strategy"] == "random"]["error"]
            for row in cell.itertuples():
                z = (row.error - random.mean()) / random.std()
                assert found[row.subset, model] == pytest.approx(z), size

    def test_scaling_and_slopes(self, table, analysis):
        row = analysis.scaling.query("model == 'svc' and per_class == 30 and group == 'random'")
        cell = table.query("model == 'svc' and per_class == 30 and strategy == 'random'")["error"]
        assert row[["mean", "sd", "min", "max", "count"]].iloc[0].tolist() == pytest.approx(
            [cell.mean(), cell.std(), cell.min(), cell.max(), 100]
        )
        means = table.query("model == 'svc' and strategy == 'random'").groupby("per_class")["error"]
        expected = np.log(means.mean()[30] / means.mean()[10]) / np.log(3)
        slopes = analysis.slopes.set_index(["model", "group"])["slope"]
        assert slopes["svc", "random"] == pytest.approx(expected)

    def test_the_planted_slopes_are_found(self):
        found = analyse(paper_scores(), resamples=1).slopes.set_index(["model", "group"])["slope"]
        assert found["gnb", "random"] == pytest.approx(-0.02, abs=0.01)
        assert found["resnet34", "random"] == pytest.approx(-0.76, abs=0.01)

    def test_distribution_functions(self, analysis):
        curves = analysis.cdf.groupby(["group", "by", "value"])
        assert (curves["cdf"].max() == 1).all()
        assert curves["cdf"].apply(lambda curve: (curve.diff().dropna() > 0).all()).all()
        curve = curves.get_group(("random", "model", "rf"))
        z = z_of(analysis, "rf", "random")
        assert curve["n"].iloc[0] == 200
        for row in curve.itertuples():
            assert row.cdf == pytest.approx((z <= row.z).mean())

    def test_ks_pools_by_size_by_model_and_all(self, analysis):
        tests = analysis.ks.set_index(["by", "value"])
        assert len(tests) == 2 + len(FEW) + 1
        z = z_of(analysis, "svc", "random")
        expected = scipy_stats.kstest(z, "norm")
        row = tests.loc[("model", "svc")]
        assert (row["n"], row["p"]) == (200, pytest.approx(expected.pvalue))
        assert row["statistic"] == pytest.approx(expected.statistic)
        assert tests.loc[("all", "all"), "n"] == 200 * len(FEW)

    def test_variance_explained(self, table, analysis):
        kept = table[(table["model"] != "gnb") & (table["strategy"] != "random")]
        means = kept.groupby(["model", "per_class"])["error"].transform("mean")
        expected = means.var(ddof=0) / kept["error"].var(ddof=0)
        found = analysis.variance.set_index(["group", "scope"])
        assert found.loc[("selected", "without gnb"), "explained"] == pytest.approx(expected)
        assert (found["explained"] + found["residual"]).to_numpy() == pytest.approx(1)
        assert found.loc[("random", "rf"), "cells"] == 2

    @pytest.mark.parametrize("group", ["all", "selected", "random"])
    def test_r_squared_is_that_of_z_scores_pooled_over_sizes(self, analysis, group):
        pairs = analysis.r_squared[analysis.r_squared["group"] == group]
        assert len(pairs) == 6
        for row in pairs.itertuples():
            both = pd.concat(
                [z_of(analysis, row.model_a, group), z_of(analysis, row.model_b, group)], axis=1
            )
            r = scipy_stats.pearsonr(*both.to_numpy().T).statistic
            assert (row.r, row.r_squared) == pytest.approx((r, r**2))
            assert row.ci_low < row.r_squared < row.ci_high
            assert row.n == len(both)

    def test_the_planted_correlation_is_found_and_naive_bayes_left_out(self):
        found = analyse(scores(subsets(random=1000), shared=0.8), resamples=200).r_squared_mean
        row = found.query("group == 'random' and models == 'without gnb'").iloc[0]
        assert row["pairs"] == 36
        assert row["ci_low"] < 0.64 < row["ci_high"]
        assert found.query("group == 'random' and models == 'all'")["r_squared"].iloc[0] < 0.55

    def test_spearman_of_class_errors(self, table, analysis):
        one_size = table[table["per_class"] == 10]
        found = analyse(one_size, resamples=1).spearman.set_index(["model_a", "model_b", "class"])
        wide = one_size.pivot_table(index="subset", columns="model", values="class_accuracy_1")
        expected = scipy_stats.spearmanr(wide["rf"], wide["mlp-1"]).statistic
        assert found.loc[("rf", "mlp-1", "1"), "rho"] == pytest.approx(expected)
        assert set(analysis.spearman["class"]) == {"0", "1", "2"}
        mean = analysis.spearman_mean.query("`class` == 'all classes' and models == 'all'")
        assert mean["rho"].iloc[0] == pytest.approx(analysis.spearman["rho"].mean())

    def test_strategies(self, analysis):
        z = analysis.z_scores
        row = analysis.strategies.query(
            "strategy == 'own_mean' and direction == '-' and excess == 20"
        )
        cell = z.query("strategy == 'own_mean' and direction == '-' and excess == 20")["z"]
        assert row["z_mean"].iloc[0] == pytest.approx(cell.mean())
        assert row["better"].iloc[0] == pytest.approx((cell < 0).mean())

    def test_the_columns_that_people_were_promised(self, analysis):
        assert list(analysis.tables()["z_scores"])[:3] == ["subset", "model", "z"]
        pair = ["model_a", "model_b"]
        assert list(analysis.r_squared)[:6] == [*pair, "group", "r_squared", "ci_low", "ci_high"]
        assert list(analysis.spearman)[:4] == [*pair, "class", "rho"]


class TestRepeatability:
    def test_the_seed_and_not_the_order_of_rows_decides(self, table, analysis):
        shuffled = table.sample(frac=1, random_state=0)
        again = analyse(shuffled, resamples=200, models=FEW)
        for name, expected in analysis.tables().items():
            pd.testing.assert_frame_equal(again.tables()[name], expected)
        other = analyse(table, seed=1, resamples=200)
        assert not other.r_squared["ci_low"].equals(analysis.r_squared["ci_low"])
        assert other.r_squared["r_squared"].equals(analysis.r_squared["r_squared"])

    def test_the_order_of_models_is_kept(self, table):
        assert analyse(table, resamples=1, models=FEW[::-1]).models == list(FEW[::-1])

    def test_affine_changes_of_error_change_neither_z_nor_r_squared(self, table, analysis):
        moved = analyse(table.assign(error=0.5 * table["error"] + 0.1), resamples=200)
        np.testing.assert_allclose(moved.z_scores["z"], analysis.z_scores["z"], atol=1e-8)
        np.testing.assert_allclose(moved.r_squared["ci_high"], analysis.r_squared["ci_high"])

    def test_a_finished_study_leaves_nothing_to_note(self, analysis):
        assert analysis.notes == ()


class TestOddStudies:
    """What a study that runs, or asks little, still gets."""

    def readable(self, analysis: Analysis) -> str:
        texts = [fact.text for fact in facts(analysis)]
        assert not any("nan" in text for text in [*texts, *beside_paper(analysis)["here"]])
        return " ".join(analysis.notes)

    def test_no_random_subsets(self, table):
        found = analyse(table[table["strategy"] != "random"], resamples=20)
        notes = self.readable(found)
        assert found.z_scores["z"].isna().all()
        assert found.r_squared["r_squared"].isna().all()
        assert found.ks.empty
        assert found.cdf.empty
        assert found.spearman["rho"].notna().all()
        assert "they need at least 2 random subsets, and there are 0" in notes
        assert "There are no random subsets" in notes

    def test_random_subsets_only(self, table):
        found = analyse(table[table["strategy"] == "random"], resamples=20)
        assert "There are no selected subsets" in self.readable(found)
        assert found.r_squared.groupby("group")["r_squared"].count()["selected"] == 0
        assert found.ks["p"].notna().all()

    def test_equal_errors_at_one_size(self, table):
        same = (
            (table["model"] == "rf") & (table["per_class"] == 30) & (table["strategy"] == "random")
        )
        found = analyse(table.assign(error=table["error"].mask(same, 0.5)), resamples=20)
        notes = self.readable(found)
        assert "all 100 random subsets have the same error. This holds for rf at 30 images" in notes
        lost = found.z_scores[found.z_scores["z"].isna()]
        assert (set(lost["model"]), set(lost["per_class"])) == ({"rf"}, {30})
        assert found.r_squared["n"].min() < found.r_squared["n"].max()

    @pytest.mark.parametrize("model", ["rf", "gnb"])
    def test_one_model(self, table, model):
        found = analyse(table[table["model"] == model], resamples=20)
        assert "need at least two models" in self.readable(found)
        assert found.r_squared.empty
        assert found.spearman.empty
        assert (found.r_squared_mean["pairs"] == 0).all()

    def test_naive_bayes_and_one_other_are_still_a_pair(self, table):
        found = analyse(table[table["model"].isin(["rf", "gnb"])], resamples=20)
        self.readable(found)
        assert set(found.r_squared_mean["models"]) == {"all"}
        assert any(fact.topic == "r_squared_mean" for fact in facts(found))

    def test_one_size(self, table):
        found = analyse(table[table["per_class"] == 10], resamples=20)
        assert "needs at least two sizes" in self.readable(found)
        assert found.slopes["slope"].isna().all()
        assert found.variance.query("scope == 'rf'")["explained"].isna().all()
        assert found.variance.query("scope == 'all models'")["explained"].notna().all()

    def test_one_size_and_one_model(self, table):
        one = table[(table["per_class"] == 10) & (table["model"] == "rf")]
        found = analyse(one, resamples=20)
        self.readable(found)
        assert found.variance["explained"].isna().all()

    def test_a_single_score(self, table):
        found = analyse(table.head(1), resamples=20)
        self.readable(found)
        assert found.scaling["sd"].isna().all()

    @pytest.mark.parametrize("share", [0.02, 0.3, 0.9])
    def test_a_running_study(self, table, share):
        part = table.sample(frac=share, random_state=1)
        found = analyse(part, resamples=20, models=FEW)
        units = part["subset"].nunique() * part["model"].nunique()
        assert f"{units - len(part):,} of {units:,} (subset, model) scores" in self.readable(found)
        for row in found.r_squared[found.r_squared["group"] == "all"].itertuples():
            both = pd.concat([z_of(found, row.model_a), z_of(found, row.model_b)], axis=1).dropna()
            assert row.n == len(both)

    def test_few_random_subsets_are_named_with_their_uncertainty(self):
        found = analyse(scores(subsets(random=5), models=FEW), resamples=20)
        assert found.notes == (
            "Z-scores rest on 5 random subsets, so their unit, the standard deviation, is itself "
            "uncertain by about 35 %. This holds for rf, svc, gnb, mlp-1 at 10, 30 images per "
            "class.",
        )

    def test_no_class_accuracies(self, table):
        columns = [name for name in table if not name.startswith("class_accuracy_")]
        found = analyse(table[columns], resamples=20)
        assert "the table has none" in self.readable(found)
        assert found.spearman.empty

    def test_scores_without_an_error_are_left_out(self, table):
        failed = table.assign(error=table["error"].where(table.index != 3))
        assert "left out: 1." in self.readable(analyse(failed, resamples=20))


class TestBadInput:
    def test_no_score(self, table):
        with pytest.raises(InputError, match="no score to analyse yet"):
            analyse(table.head(0))

    def test_a_missing_column(self, table):
        with pytest.raises(InputError, match="needs the column 'error'"):
            analyse(table.drop(columns="error"))

    def test_a_score_that_comes_twice(self, table):
        with pytest.raises(InputError, match="must score a subset once"):
            analyse(pd.concat([table, table.head(1)]))

    def test_models_that_are_not_in_the_order(self, table):
        with pytest.raises(InputError, match="leaves out mlp-1, svc"):
            analyse(table, models=["gnb", "rf"])


class TestReadings:
    def test_figures_in_sentences_are_those_of_the_tables(self, analysis):
        texts = {fact.topic: fact.text for fact in facts(analysis)}
        means = analysis.r_squared_mean.query("models == 'without gnb'").set_index("group")
        row = means.loc["random"]
        assert (
            f"over the 3 model pairs without gnb is {row['r_squared']:.2f} (95 % CI "
            f"{row['ci_low']:.2f}–{row['ci_high']:.2f}) on the 200 random subsets"
        ) in texts["r_squared_mean"]
        z = analysis.z_scores
        assert f"{z[z['group'] == 'selected']['z'].max():+.2f}" in texts["z_scores"]
        assert {*texts} == {
            *("scaling", "variance", "ks", "z_scores", "strategies", "better"),
            *("r_squared_mean", "r_squared", "spearman_mean"),
        }

    def test_the_verdict_on_normality_follows_the_simulated_p(self):
        table = scores(models=FEW, seed=2)
        random = table["strategy"] == "random"
        rng = np.random.default_rng(0)
        skewed = table["error"].mask(random, 0.3 + 0.01 * rng.exponential(size=len(table)))
        for errors, verdict in ((table["error"], "show no departure"), (skewed, "depart from")):
            found = analyse(table.assign(error=errors), resamples=200)
            assert verdict in next(fact.text for fact in facts(found) if fact.topic == "ks")

    def test_selected_subsets_better_than_the_best_random_one(self, table, analysis):
        better = []
        for _, cell in table.groupby(["model", "per_class"]):
            random = cell["strategy"] == "random"
            better += list(cell["error"][~random] < cell["error"][random].min())
        share = f"{100 * np.mean(better):.1f} %"
        assert share in next(fact.text for fact in facts(analysis) if fact.topic == "z_scores")

    def test_the_paper_beside_the_study(self, analysis):
        found = beside_paper(analysis).set_index("paper")["here"]
        assert len(found) == len(PAPER)
        row = analysis.r_squared_mean.query("group == 'all' and models == 'without gnb'").iloc[0]
        assert found["0.82 (0.80–0.84)"].startswith(f"{row['r_squared']:.2f} (")
        gnb = analysis.scaling[analysis.scaling["model"] == "gnb"]
        assert found["32–83 %"] == f"{100 * gnb['min'].min():.1f}–{100 * gnb['max'].max():.1f} %"

    def test_the_blocks_of_the_papers_heatmap(self):
        analysis = analyse(paper_scores(), resamples=1)
        matrix = analysis.r_squared.query("group == 'all'").set_index(["model_a", "model_b"])
        matrix = matrix["r_squared"].to_dict()
        blocks = [f"mlp-{depth}" for depth in range(1, 6)], ["rf", "svc", "resnet18", "resnet34"]
        found = beside_paper(analysis).set_index("paper")["here"]
        for name, pairs in (
            ("very high", itertools.combinations(blocks[0], 2)),
            ("very high too", itertools.combinations(blocks[1], 2)),
            ("less", itertools.product(*blocks)),
        ):
            means = [matrix.get(pair, matrix.get(pair[::-1])) for pair in pairs]
            assert found[name] == f"{np.mean(means):.2f}"


class TestOverlap:
    def test_groups_average_over_different_subsets(self):
        table = subsets(sizes=(10,), random=3, excess=(6,), repeats=1, strategies=("own_mean",))
        percent = np.arange(25.0).reshape(5, 5)
        percent = percent + percent.T
        found = overlap_by_group(percent, table).set_index(["direction_a", "direction_b"])
        assert found.loc[("", ""), "percent"] == pytest.approx(percent[[0, 0, 1], [1, 2, 2]].mean())
        assert found.loc[("", ""), "pairs"] == 6
        assert found.loc[("+", ""), "percent_max"] == percent[3, :3].max()
        assert ("+", "+") not in found.index
        assert found.loc[("+", "-"), "percent"] == percent[3, 4]

    def test_of_a_study(self):
        plan = subsets(sizes=(1, 2), random=2, excess=(6,), repeats=1, strategies=("own_mean",))
        rng = np.random.default_rng(0)
        rows = {
            row.subset: rng.choice(30, 3 * row.per_class, replace=False).astype(np.int32)
            for row in plan.itertuples()
        }
        found = analyse(scores(plan, models=FEW), rows, resamples=5)
        table = found.tables()["overlap"].set_index(["per_class", "direction_a", "direction_b"])
        one, other = rows["2-own_mean+6-0"], rows["2-own_mean-6-0"]
        shared = 100 * np.isin(one, other).sum() / 6
        assert table.loc[(2, "+", "-"), "percent"] == pytest.approx(shared)
        assert "overlap" not in analyse(scores(plan, models=FEW), resamples=5).tables()

    def test_of_many_subsets_compares_the_first_of_each_kind(self, monkeypatch):
        plan = subsets(sizes=(2,), random=9, excess=(6,), repeats=3, strategies=("own_mean",))
        rows = {subset: np.arange(6, dtype=np.int32) for subset in plan["subset"]}
        monkeypatch.setattr("core.studies.xfactor_analysis.agreement.MOST_COMPARED", 12)
        table = scores(plan, models=FEW).query("model == @FEW[0]")
        found = agreement.overlap(table, rows).set_index(["direction_a", "direction_b"])
        assert found["pairs"].to_dict()["", "+"] == 4 * 3
        assert found["pairs"].to_dict()["", ""] == 4 * 3

    def test_rows_of_another_study(self, table):
        with pytest.raises(InputError, match="10-global_mean"):
            analyse(table, {"other": np.arange(3, dtype=np.int32)}, resamples=5)

    def test_a_matrix_of_another_size(self):
        with pytest.raises(InputError, match=r"must have shape \(101, 101\)"):
            overlap_by_group(np.zeros((3, 3)), subsets().head(101))


def test_a_study_of_the_papers_size_has_all_its_tables():
    found = analyse(paper_scores(), resamples=100)
    assert found.models == list(MODELS)
    assert len(found.r_squared) == 3 * 45
    assert len(found.spearman) == 10 * 45
    assert len(found.z_scores) == 25_000
