"""What a study is: the question, its spec, how it runs and what it reports."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, Self

import pandas as pd

from core.registry import Registry
from core.store import Store

if TYPE_CHECKING:
    from core.datasets import Dataset
    from core.jobs import Context, Job


class StudySpec(Protocol):
    """What every study's spec can do."""

    study: ClassVar[str]

    @property
    def name(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    def to_toml(self) -> str: ...
    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self: ...


@dataclass(frozen=True)
class Preset:
    """Settings to start from.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        settings: By name; what is not here has its default.
        dataset: The data set that it is made for; empty for any.
    """

    name: str
    title: str
    summary: str
    settings: Mapping[str, Any]
    dataset: str = ""


@dataclass(frozen=True, eq=False)
class Report:
    """What a study has found so far.

    Args:
        tables: By file name without its ending; each is one CSV file.
        sentences: What they say, the most telling first.
    """

    tables: dict[str, pd.DataFrame]
    sentences: tuple[str, ...]


@dataclass(frozen=True)
class Study:
    """One kind of study.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        page: The page that shows its results.
        spec: Class of its spec.
        presets: Settings to start from.
        prepare: Checks a spec against its data set; gives the study's key and the facts that
            reading its results needs.
        run: Does it all; gives a closing sentence.
        scores: One row a trained model.
        report: What the scores say.
        headline: The most telling sentence of the report, found faster; empty if there is none.
        estimate: Units that a spec has left to do on its data set, the seconds that they take
            one process, and whether that was measured; None where only running tells.
    """

    name: str
    title: str
    summary: str
    page: str
    spec: type[StudySpec]
    presets: Registry[Preset]
    prepare: Callable[[Any], tuple[str, dict[str, Any]]]
    run: Callable[[Any, Context], str]
    scores: Callable[[Job, Store], pd.DataFrame]
    report: Callable[[Job, Store], Report]
    headline: Callable[[Job, Store], str]
    estimate: Callable[[Any, Dataset, Store], tuple[int, float, bool]] | None = None

    def from_preset(self, name: str, dataset: str) -> StudySpec:
        """A preset for a data set, named after both."""
        settings = self.presets[name].settings
        return self.spec.from_dict({"name": f"{name}-{dataset}", "dataset": dataset, **settings})
