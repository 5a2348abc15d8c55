"""The questions that can be asked of a data set; each plans training sets and reads the scores."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, Self

from core.registry import Registry
from core.studies import xfactor
from core.studies.xfactor_spec import XFactorSpec

if TYPE_CHECKING:
    from core.jobs import Context


class StudySpec(Protocol):
    """What every study's spec can do."""

    @property
    def name(self) -> str: ...
    @property
    def dataset(self) -> str: ...
    def to_dict(self) -> dict[str, Any]: ...
    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self: ...


@dataclass(frozen=True)
class Study:
    """One kind of study.

    Args:
        name: What is typed.
        title: What is shown.
        summary: One sentence.
        spec: Class of its spec.
        prepare: Checks a spec against its data set; gives the study's key and the facts that
            reading its results needs.
        run: Does it all; gives a closing sentence.
    """

    name: str
    title: str
    summary: str
    spec: type[StudySpec]
    prepare: Callable[[Any], tuple[str, dict[str, Any]]]
    run: Callable[[Any, Context], str]


STUDIES = Registry(
    "study",
    Study(
        "xfactor",
        "X-Factor",
        "Is quality a property of the data? Many subsets of one size, many models, one table.",
        XFactorSpec,
        xfactor.prepare,
        xfactor.run,
    ),
)
