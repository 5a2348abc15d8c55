"""What is asked of the rows of one training set: their scores, and what leaving some out does."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from core.errors import InputError
from core.influence.draw import TRAIN, VALIDATION, Sample
from core.models import Model
from core.specs import (
    MOST_REPEATS,
    Spec,
    check_list,
    check_share,
    check_text,
    check_whole,
    seed_from,
    setting,
)


@dataclass(frozen=True)
class InfluenceSpec(Spec):
    """A model on a draw of training rows, whose rows are scored.

    It is round 0 of the first seed of a refinement with the same settings.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "influence"

    dataset: str = setting(help="Name of the data set, as the list of data sets has it.")
    name: str = setting("influence", help="What you call the study.")
    model: str = setting(
        "logistic",
        help="Model that is trained and whose rows are scored: logistic, an mlp, boosting or "
        "embedding, with options such as mlp-1:width=64.",
    )
    train: int = setting(TRAIN, help="Rows to train on, drawn from the training split by class.")
    validation: int = setting(
        VALIDATION, help="Other rows of the training split to validate on; labels as given."
    )
    flip: float = setting(
        0.0, help="Share of the training labels that is made wrong on purpose, from 0 to 0.9."
    )
    seed: int = setting(0, help="Another seed gives another draw.")

    def __post_init__(self) -> None:
        for name in ("name", "dataset", "model"):
            check_text(name, getattr(self, name))
        check_share("flip", self.flip, 0.9)
        object.__setattr__(self, "flip", float(self.flip))
        for name in ("train", "validation"):
            check_whole(name, getattr(self, name), 1)
        check_whole("seed", self.seed, 0)

    @property
    def sample(self) -> Sample:
        """The recipe of the draw."""
        return Sample(self.train, self.validation, self.flip, seed_from("refinement", self.seed, 0))

    @property
    def fit_seed(self) -> int:
        """Seed of the model."""
        return seed_from("refinement-fit", self.seed, 0)

    def parsed_model(self) -> Model:
        """The model as a value."""
        return Model.parse(self.model)


@dataclass(frozen=True)
class LeaveOneOutSpec(InfluenceSpec):
    """Rows of such a draw that are left out one at a time.

    Raises:
        InputError: A value cannot be used; the sentence says what can.
    """

    study: ClassVar[str] = "leave-one-out"

    name: str = setting("leave-one-out", help="What you call the study.")
    rows: tuple[int, ...] = setting(
        (), help="Row numbers of the training split to leave out, each of them drawn to train on."
    )
    repeats: int = setting(
        1,
        help="Times that each model is trained, with other weights: a network's loss changes more "
        "from one training to the next than from one row.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_list("rows", self.rows)
        for row in self.rows:
            check_whole("Each of rows", row, 0)
        check_whole("repeats", self.repeats, 1, MOST_REPEATS)
        if len(self.rows) < 3:
            raise InputError(
                f"A spot check needs at least three rows to leave out; got {len(self.rows)}."
            )

    def fit_seeds(self) -> list[int]:
        """Seed of each repetition, the first that of the scores."""
        more = [seed_from("again", self.fit_seed, repeat) for repeat in range(1, self.repeats)]
        return [self.fit_seed, *more]
