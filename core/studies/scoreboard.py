"""The scoreboard study: which detector can be trusted on one's own data.

Known faults and near-duplicates are put into a copy in memory, and every score is cut by every
threshold; what the default flags on the untouched images stands beside it.

References:
    Image-quality paper, evaluation by precision, recall and F1 under single and dual perturbations.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd

from core import datasets
from core.datasets.base import check_kind
from core.errors import InputError, JobCancelled
from core.quality import JUDGES, SCORES, scoreboard
from core.quality.perturb import SEVERITIES
from core.registry import Registry
from core.specs import Spec, check_known, check_text, check_whole, content_key, setting
from core.store import Blob, Store
from core.studies.base import Preset, Report, Study

if TYPE_CHECKING:
    from core.jobs import Context, Job

VERSION = 1
# A difference in F1 that is worth a sentence.
CLEARLY = 0.05
KINDS = {"single": "one fault", "dual": "two faults"}


@dataclass(frozen=True)
class ScoreboardSpec(Spec):
    """Which faults are put into a copy of which data set.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "scoreboard"

    dataset: str = setting(help="Name of the data set, as the list of data sets has it.")
    name: str = setting("scoreboard", help="What you call the study.")
    percent: int = setting(12, help="Share of the images that get faults, in per cent, 1 to 60.")
    severity: str = setting("medium", help="How strong the faults are: mild, medium or strong.")
    seed: int = setting(0, help="Decides which images get which fault.")

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        check_whole("percent", self.percent, 1)
        check_whole("seed", self.seed, 0)
        check_known("severity", self.severity, SEVERITIES)
        if self.percent > 60:
            raise InputError(f"percent must be a whole number from 1 to 60; got {self.percent}.")


def prepare(spec: ScoreboardSpec) -> tuple[str, dict[str, Any]]:
    """Key of the study on the data as they are now, which its table is stored under.

    Raises:
        InputError: The data set is not to be had, or holds no images.
    """
    dataset = datasets.load(spec.dataset)
    check_kind(dataset, {"image"}, "The scoreboard")
    content = {name: value for name, value in spec.to_dict().items() if name != "name"}
    values = {**content, "dataset": dataset.fingerprint, "version": VERSION}
    return content_key("scoreboard", values), {}


def run(spec: ScoreboardSpec, context: Context) -> str:
    """Score every copy and remember the table."""
    key, _ = prepare(spec)
    dataset = datasets.load(spec.dataset)

    def tell(done: int, total: int) -> None:
        if context.should_stop():
            raise JobCancelled("Stopped as asked; a scoreboard starts anew.")
        context.report("Scoring copies with faults", done, total, None)

    def compute() -> Blob:
        table = scoreboard(dataset, spec.percent / 100, spec.severity, spec.seed, progress=tell)
        texts = ("faults", "issue", "score", "threshold")
        types = {name: "str" if name in texts else "float64" for name in table}
        return Blob({str(name): table[name].to_numpy(types[name]) for name in table}, {})

    blob = context.store.remember(key, compute, context.say)
    return f"{len(blob.arrays['f1']):,} pairs of score and threshold judged."


def scores(job: Job, store: Store) -> pd.DataFrame:
    """The table of `core.quality.scoreboard`; without rows while there is none."""
    blob = store.blob(job.key)
    columns = ("faults", "issue", "score", "threshold", "precision", "recall", "f1")
    if blob is None:
        return pd.DataFrame(columns=[*columns, "clean_flagged", "images"])
    table = pd.DataFrame(blob.arrays)
    return table.assign(images=table["images"].astype(np.int64))


def report(job: Job, store: Store) -> Report:
    """The table, what the default reaches, and what both say."""
    table = scores(job, store)
    if table.empty:
        return Report({"scoreboard": table}, ("No copy has been scored yet.",))
    chosen = defaults(table)
    sentences = [*_found(chosen), _untouched(chosen), *_better(table, chosen)]
    return Report({"scoreboard": table, "default": chosen}, tuple(sentences))


def defaults(table: pd.DataFrame) -> pd.DataFrame:
    """The rows of what a scan uses: the default cut of the score that judges each issue."""
    judges = [*JUDGES.values(), "judges", "phash and pixels"]
    chosen = table[(table["threshold"] == "default") & table["score"].isin(judges)]
    return chosen.reset_index(drop=True)


def headline(job: Job, store: Store) -> str:
    """How well the default finds one fault an image."""
    return report(job, store).sentences[0]


def _found(chosen: pd.DataFrame) -> list[str]:
    sentences = []
    for kind, what in KINDS.items():
        rows = chosen[(chosen["faults"] == kind) & (chosen["issue"] != "any")]
        if rows.empty:
            continue
        worst = rows.sort_values("f1").to_dict("records")[0]
        sentences.append(
            f"With {what} in an image the default reaches a mean F1 of {rows['f1'].mean():.2f} "
            f"over {len(rows)} issues; the hardest is {_plain(worst['issue'])} "
            f"({worst['f1']:.2f}: precision {worst['precision']:.2f}, "
            f"recall {worst['recall']:.2f})."
        )
    copies = chosen[chosen["faults"] == "copies"]
    if len(copies):
        one = copies.iloc[0]
        sentences.append(
            f"Of near-duplicates with other brightness and contrast it finds "
            f"{one['recall']:.1%}, and {one['precision']:.1%} of the pairs it names are true."
        )
    return sentences


def _untouched(chosen: pd.DataFrame) -> str:
    anything = chosen[chosen["issue"] == "any"]
    rows = chosen[(chosen["faults"] == "single") & (chosen["clean_flagged"] > 0)]
    share = (anything if len(anything) else chosen)["clean_flagged"].max()
    count = int(chosen["images"].iloc[0])
    if not share:
        return f"Of the {count:,} untouched images the default flags none."
    parts = ", ".join(
        f"{_plain(issue)} {part:.2%}"
        for issue, part in zip(rows["issue"], rows["clean_flagged"], strict=True)
    )
    return f"Of the {count:,} untouched images the default flags {share:.2%} ({parts})."


def _better(table: pd.DataFrame, chosen: pd.DataFrame) -> list[str]:
    """Where another score or threshold does clearly better than the default."""
    sentences = []
    single = table[table["faults"] == "single"]
    for issue, rows in single.groupby("issue", sort=False):
        best = rows.sort_values("f1", ascending=False, kind="stable").to_dict("records")[0]
        default = chosen[(chosen["faults"] == "single") & (chosen["issue"] == issue)]
        if len(default) and best["f1"] > default["f1"].iloc[0] + CLEARLY:
            sentences.append(
                f"For {_plain(str(issue))}, {SCORES[best['score']].title} cut by "
                f"{best['threshold']} does better here: F1 {best['f1']:.2f} against "
                f"{default['f1'].iloc[0]:.2f}, flagging {best['clean_flagged']:.1%} of the "
                "untouched images."
            )
    return sentences


def _plain(issue: str) -> str:
    return issue.replace("_", " ")


SCOREBOARD = Study(
    "scoreboard",
    "Detector scoreboard",
    "Which score and threshold find known faults in these images, and what do they flag besides?",
    "scoreboard",
    ScoreboardSpec,
    Registry[Preset]("preset"),
    prepare,
    run,
    scores,
    report,
    headline,
)
