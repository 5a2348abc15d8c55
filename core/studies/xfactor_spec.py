"""What an X-Factor study consists of, and the presets to start from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, ClassVar

from core.errors import InputError
from core.models import Model
from core.registry import Registry
from core.selection import STRATEGIES
from core.specs import Spec, check_known, check_list, check_text, check_whole, setting
from core.studies.base import Preset

SELECTING = tuple(name for name in STRATEGIES if name != "random")
DIRECTIONS = ("+", "-")
MOST_UNITS = 10_000_000


def directions_of(strategy: str, asked: Iterable[str]) -> list[str]:
    """Those of the directions asked for that a strategy has."""
    return [direction for direction in asked if direction in STRATEGIES[strategy].directions]


@dataclass(frozen=True)
class XFactorSpec(Spec):
    """Which subsets of a data set are drawn and which models are trained on each.

    The defaults are the quick preset.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "xfactor"

    dataset: str = setting(help="Name of the data set, as the list of data sets has it.")
    name: str = setting("quick", help="What you call the study.")
    per_class: tuple[int, ...] = setting(
        (10, 30), help="Sizes: images of each class in a subset (the paper's n)."
    )
    random: int = setting(
        30, help="Subsets of each size drawn at random: the baseline of all Z-scores."
    )
    strategies: tuple[str, ...] = setting(
        ("uniqueness", "global_mean", "other_mean", "own_mean"),
        help="Strategies that select the other subsets.",
    )
    directions: tuple[str, ...] = setting(
        DIRECTIONS,
        help="Positive selection, negative selection or both; some strategies have + alone.",
    )
    excess: tuple[int, ...] = setting(
        (10, 60),
        help="Images of each class drawn in excess and discarded by the strategy (the paper's m).",
    )
    repeats: int = setting(3, help="Subsets for each strategy, direction and excess.")
    models: tuple[str, ...] = setting(
        ("rf", "svc", "gnb", "mlp-1", "mlp-3"), help="Models trained on every subset."
    )
    seed: int = setting(0, help="Seed of all draws: another seed gives other subsets.")
    replicates: int = setting(
        0,
        help="Times that some subsets are trained again under other seeds, which shows how far a "
        "model agrees with itself, the most that two models can; 0 for never.",
    )
    replicate_subsets: int = setting(
        60, help="Subsets of each size that are trained again, half of them random ones."
    )

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        check_whole("random", self.random, 0)
        check_whole("repeats", self.repeats, 1)
        check_whole("seed", self.seed, 0)
        check_whole("replicates", self.replicates, 0)
        check_whole("replicate_subsets", self.replicate_subsets, 3)
        for name in ("per_class", "excess", "strategies", "directions", "models"):
            check_list(name, getattr(self, name))
        for size in self.per_class:
            check_whole("Each value of per_class", size, 1)
        for excess in self.excess:
            check_whole("Each value of excess", excess, 1)
        for strategy in self.strategies:
            check_known("strategy", strategy, SELECTING)
        for direction in self.directions:
            check_known("direction", direction, DIRECTIONS)
        for strategy in self.strategies:
            if self.directions and not directions_of(strategy, self.directions):
                raise InputError(
                    f'Strategy {strategy} has direction "{STRATEGIES[strategy].directions[0]}" '
                    f'alone; directions has only "{self.directions[0]}". Add one or leave out the '
                    "other."
                )
        check_list("models", tuple(model.label for model in self.parsed_models()))
        if not self.per_class or not self.models:
            raise InputError("A study needs at least one value of per_class and one model.")
        if not self.random and not (self.strategies and self.directions and self.excess):
            raise InputError("A study needs random subsets, selected ones or both; got neither.")
        if self.most_units > MOST_UNITS:
            raise InputError(
                f"A study can have {MOST_UNITS:,} units at most; this one asks for up to "
                f"{self.most_units:,}: lower random, repeats or replicates."
            )

    @property
    def most_units(self) -> int:
        """Models trained in all, if subsets of every size and all models can be repeated."""
        kinds = sum(len(directions_of(one, self.directions)) for one in self.strategies)
        subsets = self.random + kinds * len(self.excess) * self.repeats
        repeated = self.replicates * self.replicate_subsets
        return len(self.per_class) * len(self.models) * (subsets + repeated)

    def parsed_models(self) -> list[Model]:
        """The models as values, in the order given."""
        return [Model.parse(text) for text in self.models]

    def content(self) -> dict[str, Any]:
        """What decides the results: all settings but the name, and replicates only if any."""
        unused = {"name"} if self.replicates else {"name", "replicates", "replicate_subsets"}
        return {name: value for name, value in self.to_dict().items() if name not in unused}


PRESETS = Registry(
    "preset",
    Preset("quick", "Quick", "Two small sizes and five models: minutes on a laptop.", {}),
    Preset(
        "paper",
        "Paper",
        "The paper's whole grid: 2,500 subsets of five sizes, ten models.",
        {
            "per_class": [10, 30, 100, 300, 1000],
            "random": 100,
            "excess": [6, 10, 20, 30, 60, 100, 200, 300, 600, 1000],
            "repeats": 5,
            "models": [
                *("rf", "svc", "gnb", "mlp-1", "mlp-2", "mlp-3", "mlp-4", "mlp-5"),
                *("resnet18", "resnet34"),
            ],
        },
    ),
    Preset(
        "colour",
        "Colour",
        "For photographs such as CIFAR-10 or a folder of images: one size, convolutional networks "
        "among eight models; hours without a GPU.",
        {
            "per_class": [10],
            "models": [
                *("rf", "svc", "gnb", "mlp-1", "mlp-3"),
                *("cnn", "resnet20", "resnet18"),
            ],
        },
    ),
    Preset(
        "better",
        "Better",
        "Strategies that aim to improve on random subsets: two sizes and four models.",
        {
            "random": 50,
            "strategies": ["prototype", "k_center", "herding", "facility_location"],
            "excess": [20, 80],
            "repeats": 5,
            "models": ["rf", "svc", "mlp-1", "mlp-3"],
        },
    ),
)
