"""What a refinement study consists of, and the presets to start from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import InputError
from core.influence.draw import TRAIN, VALIDATION, share_of
from core.models import Model
from core.registry import Registry
from core.specs import (
    MOST_REPEATS,
    Spec,
    check_known,
    check_list,
    check_share,
    check_text,
    check_whole,
    setting,
)
from core.studies.base import Preset

GUIDED = "influence"
CONTROLS = ("random", "loss")


@dataclass(frozen=True)
class RefinementSpec(Spec):
    """Rounds of removing harmful rows, for several seeds, beside controls of the same size.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "refinement"

    dataset: str = setting(help="Name of the data set, as the list of data sets has it.")
    name: str = setting("refinement", help="What you call the study.")
    model: str = setting(
        "logistic",
        help="Model that is trained and whose rows are scored: logistic, an mlp, boosting or "
        "embedding, with options such as mlp-1:width=64.",
    )
    train: int = setting(
        TRAIN, help="Rows to train on, drawn for each seed from the training split, by class."
    )
    validation: int = setting(
        VALIDATION,
        help="Other rows of the training split that decisions are taken on; labels as given.",
    )
    flip: float = setting(
        0.0, help="Share of the training labels that is made wrong on purpose, from 0 to 0.9."
    )
    share: float = setting(
        0.03, help="Most rows that a round removes, as a share of those left, from 0 to 0.5."
    )
    rounds: int = setting(3, help="Rounds of removing and training again.")
    seeds: int = setting(
        10,
        help="Repetitions with other rows, labels and weights; with five or fewer no comparison "
        "can be significant.",
    )
    controls: tuple[str, ...] = setting(
        CONTROLS,
        help="What removes as many rows beside influence: random, or loss, which takes those with "
        "the highest training loss.",
    )
    seed: int = setting(0, help="Another seed gives other draws.")

    def __post_init__(self) -> None:
        check_text("name", self.name)
        check_text("dataset", self.dataset)
        check_text("model", self.model)
        check_share("share", self.share, 0.5)
        check_share("flip", self.flip, 0.9)
        for name in ("flip", "share"):
            object.__setattr__(self, name, float(getattr(self, name)))
        for name in ("train", "validation"):
            check_whole(name, getattr(self, name), 1)
        for name in ("rounds", "seeds"):
            check_whole(name, getattr(self, name), 1, MOST_REPEATS)
        check_whole("seed", self.seed, 0)
        check_list("controls", self.controls)
        for control in self.controls:
            check_known("control", control, CONTROLS)
        if not share_of(self.share, self.train):
            raise InputError(
                f"A share of {self.share:g} of {self.train} rows is less than one row; give a "
                "larger share or more rows."
            )

    @property
    def arms(self) -> tuple[str, ...]:
        """What removes rows: influence, then the controls."""
        return (GUIDED, *self.controls)

    @property
    def total(self) -> int:
        """Models trained in all; the first of each seed belongs to all arms."""
        return self.seeds * (1 + len(self.arms) * self.rounds)

    def parsed_model(self) -> Model:
        """The model as a value."""
        return Model.parse(self.model)


def _paper(dataset: str, title: str, train: int, validation: int) -> tuple[Preset, Preset]:
    """The paper's experiment on a data set, on clean labels and with a tenth made wrong."""
    rows = {"train": train, "validation": validation}
    what = f"Logistic regression on {train:,} rows, ten seeds"
    return (
        Preset(f"refine-{dataset}", title, f"{what}, labels as given.", rows, dataset),
        Preset(
            f"refine-{dataset}-noisy",
            f"{title}, noisy",
            f"{what}, a tenth of the labels made wrong.",
            {**rows, "flip": 0.1},
            dataset,
        ),
    )


PRESETS = Registry(
    "preset",
    Preset(
        "refine-quick",
        "Quick",
        "Logistic regression on 600 rows, ten seeds, a tenth of the labels made wrong: under two "
        "minutes.",
        {"train": 600, "validation": 300, "flip": 0.1},
        "digits",
    ),
    *_paper("cifar10", "CIFAR-10", 1000, 500),
    *_paper("imdb", "IMDB", 4000, 2000),
    *_paper("adult", "Adult", 4000, 2000),
)
