"""What a model family is: one entry of the registry."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Protocol

from core.datasets.base import Dataset, Kind
from core.errors import InputError
from core.specs import TrainingSet
from core.training.fit import Fit

__all__ = ["Family", "Fit", "FitMany", "Option", "Options"]

Options = Mapping[str, int]


@dataclass(frozen=True)
class Option:
    """A whole-number parameter of a model family.

    Args:
        default: Its value when it is not given.
        least: Smallest value allowed.
        most: Largest value allowed.
        help: One sentence.
        late: Whether it came when scores were stored already: then a key names it only where it
            is not at its default, so that those scores stay.
    """

    default: int
    least: int
    most: int
    help: str
    late: bool = False

    def check(self, name: str, value: object) -> int:
        """The value, when it is a whole number within bounds.

        Raises:
            InputError: It is not.
        """
        if type(value) is not int or not self.least <= value <= self.most:
            raise InputError(
                f"Option {name} must be a whole number from {self.least} to {self.most}; "
                f"got {value!r}."
            )
        return value


class FitMany(Protocol):
    """Trains on many training sets of one size.

    Takes the data set, its training sets, one seed for each, every option and a torch device.
    """

    def __call__(
        self,
        dataset: Dataset,
        training_sets: Sequence[TrainingSet],
        seeds: Sequence[int],
        options: Options,
        device: str,
        /,
    ) -> list[Fit]: ...


def as_given(options: Options) -> tuple[Options, str]:
    """Settle nothing: what most families do."""
    return options, ""


def in_stacks(networks: int) -> Callable[[int, str], int]:
    """`Family.batch` of networks that a GPU trains in stacks of so many.

    A CPU trains them one after another: stacks are slower there, see docs/faults.md.
    """
    return lambda images, device: 1 if device == "cpu" else networks


@dataclass(frozen=True, eq=False)
class Family:
    """One entry of the model registry.

    Args:
        name: What is typed, such as `mlp-1`.
        title: What is shown.
        summary: One sentence.
        fit_many: Trains on many training sets of one size.
        version: Raised whenever results change; part of every score's key.
        seconds: Rough seconds for one training set on one core, by (rows in a set, values in
            a row, test rows); used for estimates until real times are stored.
        options: Parameters by name.
        batch: How many training sets are worth one call, by (images in a set, device).
        gpu: Whether it trains on a GPU where there is one.
        settle: Replaces options that this machine cannot honour, with a sentence that says so
            and what to do about it, or an empty one.
        kinds: Kinds of data sets that it takes.
        fit_with_history: As `fit_many`, with the accuracies by epoch; None where there are none.
        deterministic: Whether every seed gives the same model.
    """

    name: str
    title: str
    summary: str
    fit_many: FitMany
    version: int
    seconds: Callable[[int, int, int], float]
    options: Mapping[str, Option] = field(default_factory=lambda: MappingProxyType({}))
    batch: Callable[[int, str], int] = lambda images, device: 1
    gpu: bool = True
    settle: Callable[[Options], tuple[Options, str]] = as_given
    kinds: frozenset[Kind] = frozenset({"image"})
    fit_with_history: FitMany | None = None
    deterministic: bool = False
