"""What a study of unions consists of: pairs of an X-Factor study's subsets, and models."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from core import selection
from core.errors import InputError
from core.models import Model
from core.specs import (
    MOST_REPEATS,
    Selection,
    Spec,
    check_list,
    check_text,
    check_whole,
    seed_from,
    setting,
)

BY_HAND = "by hand"
SUBSET = re.compile(r"([a-z_]+?)([+-]?)_n(\d+)_m(\d+)_r(\d+)")


def subset_selection(name: str, seed: int) -> Selection:
    """The recipe of a subset of an X-Factor study by its id, such as `uniqueness+_n10_m20_r3`.

    Args:
        name: The id.
        seed: Seed of the study.

    Raises:
        InputError: It is no such id, or no such subset can be selected.
    """
    parts = SUBSET.fullmatch(name)
    if parts is None:
        raise InputError(
            "A subset is called as in an X-Factor study, such as uniqueness+_n10_m20_r3; "
            f"got {name!r}."
        )
    strategy, direction, *numbers = parts.groups()
    per_class, excess, repeat = map(int, numbers)
    recipe = (strategy, direction, per_class, excess)
    found = Selection(*recipe, seed_from("subset", seed, *recipe, repeat))
    selection.check(found)
    return found


@dataclass(frozen=True)
class Pair:
    """Two subsets that are put together, and why these two."""

    kind: str
    a: str
    b: str

    @classmethod
    def parse(cls, text: str) -> Pair:
        """From `A & B` or `kind: A & B`.

        Raises:
            InputError: It is neither.
        """
        check_text("Each of pairs", text)
        kind, colon, rest = text.rpartition(":")
        names = [name.strip() for name in rest.split("&")]
        if len(names) != 2 or not all(names) or names[0] == names[1]:
            raise InputError(
                f"Each of pairs is two different subsets, such as {text_of('A', 'B')!r}; "
                f"got {text!r}."
            )
        return cls(kind.strip() if colon else BY_HAND, *names)

    @property
    def name(self) -> str:
        """The two subsets."""
        return text_of(self.a, self.b)


def text_of(a: str, b: str) -> str:
    """A pair as it is written in a spec."""
    return f"{a} & {b}"


@dataclass(frozen=True)
class UnionSpec(Spec):
    """Which pairs of subsets are put together, and which models are trained on the unions.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "union"

    dataset: str = setting(help="Name of the data set, as the list of data sets has it.")
    pairs: tuple[str, ...] = setting(
        help='Subsets to put together, by their ids in an X-Factor study: "A & B", or '
        '"kind: A & B" with any word for why these two; all of one size.'
    )
    name: str = setting("union", help="What you call the study.")
    random: int = setting(
        30, help="Random subsets of each size that subsets and unions stand against."
    )
    models: tuple[str, ...] = setting(("rf", "svc"), help="Models trained on every union.")
    seed: int = setting(0, help="Seed of the X-Factor study that the subsets are of.")

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        check_whole("random", self.random, 2, MOST_REPEATS)
        check_whole("seed", self.seed, 0)
        check_list("pairs", self.pairs)
        check_list("models", self.models)
        check_list("pairs", tuple(pair.name for pair in self.parsed_pairs()))
        check_list("models", tuple(model.label for model in self.parsed_models()))
        if not self.pairs or not self.models:
            raise InputError("A study of unions needs at least one pair and one model.")
        sizes = sorted({recipe.per_class for recipe in self.subsets().values()})
        if len(sizes) > 1:
            raise InputError(
                f"All subsets must be of one size; these have {', '.join(map(str, sizes))} images "
                "per class."
            )

    def parsed_models(self) -> list[Model]:
        """The models as values, in the order given."""
        return [Model.parse(text) for text in self.models]

    def parsed_pairs(self) -> list[Pair]:
        """The pairs as values, in the order given."""
        return [Pair.parse(text) for text in self.pairs]

    def subsets(self) -> dict[str, Selection]:
        """Recipe of each subset by its id."""
        names = [name for pair in self.parsed_pairs() for name in (pair.a, pair.b)]
        return {name: subset_selection(name, self.seed) for name in dict.fromkeys(names)}

    @property
    def per_class(self) -> int:
        """Images of each class in every subset, the paper's n."""
        return next(iter(self.subsets().values())).per_class
