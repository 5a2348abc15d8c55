"""What a study of faults found: one tab a question, of which only the open one is drawn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from core.charts import faults as charts
from core.charts.heatmap import r_squared
from core.corruption.faults import FAULTS
from core.studies import faults_analysis
from core.studies.faults import Results
from core.studies.faults_analysis import Analysis
from core.studies.faults_details import by_epoch, confusion_difference, moved
from core.studies.faults_published import beside_papers
from core.studies.faults_spec import Line
from pages.shared import export, layout, loaders
from pages.shared.shown import gaps, in_tabs, table
from pages.shared.text import plain


@dataclass(frozen=True, eq=False)
class Found:
    """The results of the job `key` at a Unix time, and their analysis."""

    key: str
    moment: float
    results: Results
    analysis: Analysis

    @property
    def models(self) -> list[str]:
        """In the order asked for."""
        return [model.label for model in self.results.spec.parsed_models()]


def show(key: str, moment: float) -> None:
    """Draw the results of a study.

    Args:
        key: Key of the job.
        moment: Unix time when it ended, or when somebody asked for what there was.
    """
    results = loaders.faults(key, moment)
    if results.scores.empty:
        st.info("No model has been scored yet.", icon=":material/hourglass_empty:")
        return
    found = Found(key, moment, results, loaders.faults_analysis(key, moment))
    gaps(results.notes, results.failures, "fault-failures")
    in_tabs(TABS, found)


def _findings(found: Found) -> None:
    lines = faults_analysis.readings(found.analysis)
    st.markdown("\n".join(f"- {plain(text)}" for text in lines))
    _losses(found.analysis.ranking, found.models, "faults-ranking")
    papers = beside_papers(found.analysis.curves)
    if not papers.empty:
        st.subheader("Beside the papers", anchor=False)
        table(papers, "faults-papers")


def _losses(ranking: pd.DataFrame, models: list[str], stem: str) -> None:
    figure = charts.losses(ranking, models)
    st.altair_chart(figure, alt="Loss of accuracy of each fault and model, the worst on top")
    export.chart(figure, ranking, stem)


def _title(line: str) -> str:
    """A fault as people read it, with its choices."""
    name, _, choices = line.partition(":")
    return FAULTS[name].title + (f" ({choices})" if choices else "")


def _curves(found: Found) -> None:
    lines = list(dict.fromkeys(found.analysis.curves["line"]))
    shown = [line for line in lines if found.analysis.curves["line"].eq(line).sum() > 0]
    st.caption(
        "Mean test accuracy over the repeats, with 95 % t intervals. Where a level changes nothing "
        "the clean sets stand."
    )
    with layout.panels():
        for line in shown:
            with layout.panel():
                st.subheader(_title(line), anchor=False)
                part = found.analysis.curves[found.analysis.curves["line"] == line]
                figure = charts.curves(part, line, FAULTS[Line.parse(line).fault].parameter)
                st.altair_chart(
                    figure, alt=f"Accuracy against level of {_title(line)}", key=f"curve-{line}"
                )
                export.chart(figure, part, f"curve-{line}".replace(":", "-"))


def _ranking(found: Found) -> None:
    scored, _ = faults_analysis.with_losses(found.results.scores)
    share = st.slider(
        "Share of the rows damaged", 0.0, 1.0, faults_analysis.SHARE, 0.05, key="share",
        bind="query-params", width=2 * layout.WIDGET,
        help="Of each fault the level is taken that touches about this share: rows missing, "
        "relabelled or with other pixels.",
    )  # fmt: skip
    ranking = faults_analysis.ranking(scored, share)
    _losses(ranking, found.models, "faults-ranking-share")
    table(ranking, "faults-ranking-table")
    st.subheader("How much can it bear?", anchor=False)
    points = st.slider(
        "Points of accuracy lost", 0.5, 30.0, faults_analysis.POINTS, 0.5, key="points",
        bind="query-params", width=2 * layout.WIDGET,
        help="The level of each fault at which accuracy has fallen by so many percentage points.",
    )  # fmt: skip
    table(faults_analysis.tolerance(scored, points), "faults-tolerance")


def _classes(found: Found) -> None:
    removed = found.analysis.removed
    if removed.empty:
        st.info(
            "No fault of this study takes the classes one by one; remove-class:label=each does.",
            icon=":material/info:",
        )
        return
    for (line, level), part in removed.groupby(["line", "level"], sort=False):
        st.subheader(f"{_title(str(line))}, level {level:g}", anchor=False)
        figure = charts.by_class(part, found.models)
        st.altair_chart(figure, alt="Loss of accuracy by class", key=f"classes-{line}-{level:g}")
        export.chart(figure, part, f"classes-{line}-{level:g}".replace(":", "-"))


def _model_and_line(found: Found, key: str) -> pd.DataFrame:
    """The scores of a model and a fault that the user chooses, with the clean sets."""
    scores = found.results.scores
    lines = [line for line in dict.fromkeys(scores["line"]) if line != faults_analysis.CLEAN]
    with st.container(horizontal=True):
        model = st.selectbox(
            "Model", found.models, key=f"{key}-model", width=layout.WIDGET,
            help="Whose predictions or training is shown.",
        )  # fmt: skip
        line = st.selectbox(
            "Fault", lines, key=f"{key}-line", format_func=_title, width=layout.WIDGET,
            help="Which fault of the study is shown.",
        )  # fmt: skip
    chosen = (scores["line"] == line) | (scores["fault"] == faults_analysis.CLEAN)
    part: pd.DataFrame = scores[chosen & (scores["model"] == model)]
    return part


def _predictions(found: Found) -> None:
    kept, truth = loaders.faults_details(found.key, found.moment)
    scores = _model_and_line(found, "predictions")
    moves = moved(scores, kept, truth)
    if moves.empty:
        st.info("This study kept no predictions; run it with details.", icon=":material/info:")
        return
    st.caption(
        "Test rows that get another label than from the clean model of the same repeat: broken "
        "were right before, mended are right now; the others are wrong in another way."
    )
    table(moves, "faults-moved")
    places = moves[["level", "of_class"]].drop_duplicates().to_records(index=False).tolist()
    names = {
        f"level {level:g}"
        + (f", class {found.results.classes[of_class]}" if of_class >= 0 else ""): place
        for place in places
        for level, of_class in [place]
    }
    name = st.selectbox(
        "Damaged sets", list(names), key="predictions-level", width=layout.WIDGET,
        help="Whose confusion matrix is compared with the clean one's.",
    )  # fmt: skip
    level, of_class = names[name]
    some = scores[
        (scores["fault"] == faults_analysis.CLEAN)
        | ((scores["level"] == level) & (scores["of_class"] == of_class))
    ]
    cells = confusion_difference(some, kept, truth, found.results.classes)
    figure = charts.confusion(cells, list(found.results.classes))
    st.altair_chart(figure, alt="Confusion matrix minus that of the clean model")
    export.chart(figure, cells, "faults-confusion")


def _epochs(found: Found) -> None:
    kept, _ = loaders.faults_details(found.key, found.moment)
    history = by_epoch(_model_and_line(found, "epochs"), kept)
    if history.empty:
        st.info(
            "There is no accuracy by epoch: the model has no epochs or keeps none, or the study "
            "ran without details.",
            icon=":material/info:",
        )
        return
    st.caption(
        "Mean over repeats; one that has ended keeps its last accuracy. Dotted: on the training "
        "rows, under the labels they are trained with."
    )
    figure = charts.epochs(history)
    st.altair_chart(figure, alt="Training and test accuracy by epoch, a line a level")
    export.chart(figure, history, "faults-epochs")


def _agreement(found: Found) -> None:
    analysis = found.analysis
    st.markdown(
        "Is what a fault costs a property of the data? If so, models lose alike: R² between "
        "their losses over all damaged sets is near 1."
    )
    if analysis.r_squared.empty:
        st.info("It takes two models and three damaged sets.", icon=":material/info:")
        return
    with layout.panels():
        with layout.panel():
            figure = r_squared(analysis.r_squared, "all", found.models)
            st.altair_chart(figure, alt="R² of losses between every pair of models")
            export.chart(figure, analysis.r_squared, "faults-r2")
        with layout.panel():
            st.subheader("Mean over pairs", anchor=False)
            table(analysis.r_squared_mean, "faults-r2-mean")
    st.subheader("Z-scores against clean random sets of the same size", anchor=False)
    table(analysis.z_scores, "faults-z")


def _scores(found: Found) -> None:
    table(found.results.scores, "faults-scores")


TABS: dict[str, Callable[[Found], None]] = {
    "Findings": _findings,
    "Curves": _curves,
    "Ranking": _ranking,
    "Classes": _classes,
    "Predictions": _predictions,
    "Epochs": _epochs,
    "Agreement": _agreement,
    "Scores": _scores,
}
