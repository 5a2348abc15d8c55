"""Model families by name, and the value that names one with its options.

Adding a model is one file here and one line in `MODELS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Self

from core.datasets.base import Dataset, check_kind
from core.errors import InputError, TrainingDiverged, UnknownName
from core.models import (
    classical,
    embedding,
    logistic,
    mlp,
    naive_bayes,
    resnet,
    support_vectors,
    vision,
)
from core.models.base import Family, Fit, Option
from core.registry import Registry
from core.specs import TrainingSet, content_key

__all__ = ["MODELS", "Family", "Fit", "Model", "Option", "resolve"]

MODELS: Registry[Family] = Registry(
    "model",
    classical.RANDOM_FOREST,
    support_vectors.SUPPORT_VECTORS,
    naive_bayes.NAIVE_BAYES,
    mlp.family(1),
    mlp.family(2),
    mlp.family(3),
    mlp.family(4),
    mlp.family(5),
    resnet.family(18),
    resnet.family(34),
    vision.LENET5,
    vision.CNN,
    vision.RESNET20,
    vision.NIN,
    vision.VIT,
    logistic.LOGISTIC,
    classical.BOOSTING,
    embedding.EMBEDDING,
)


@dataclass(frozen=True)
class Model:
    """A model family with every option settled.

    Args:
        name: Of the family.
        values: Name and value of each option, in the family's order.
    """

    name: str
    values: tuple[tuple[str, int], ...]

    @classmethod
    def of(cls, name: str, options: Mapping[str, int] | None = None) -> Self:
        """A family with the options given and the defaults of the others.

        Raises:
            UnknownName: No family, or none of its options, has that name.
            InputError: An option's value is not allowed.
        """
        family, given = MODELS[name], dict(options or {})
        unknown = given.keys() - family.options.keys()
        if unknown:
            known = family.options or ["none"]
            raise UnknownName(f"option of {name}", min(unknown), known)
        values = {key: given.get(key, option.default) for key, option in family.options.items()}
        return cls(name, tuple((k, family.options[k].check(k, v)) for k, v in values.items()))

    @classmethod
    def parse(cls, text: str) -> Self:
        """A model from its text: `mlp-2`, or with options `mlp-2:width=64`.

        Raises:
            UnknownName: No family, or none of its options, has that name.
            InputError: An option is not of the form `name=number`, or its value is not allowed.
        """
        name, colon, rest = text.partition(":")
        options: dict[str, int] = {}
        for part in rest.split(",") if colon else []:
            key, _, value = part.partition("=")
            if not (value.isascii() and value.isdecimal()) or key in options:
                raise InputError(
                    f"Options of a model are written name=number, each once, as in "
                    f"mlp-2:width=64; got {text!r}."
                )
            options[key] = int(value)
        return cls.of(name, options)

    @property
    def family(self) -> Family:
        """The registry's entry."""
        return MODELS[self.name]

    @property
    def options(self) -> dict[str, int]:
        """Every option by name."""
        return dict(self.values)

    @property
    def label(self) -> str:
        """Canonical text, which `parse` reads; options at their default are left out."""
        defaults = self.family.options
        given = [f"{k}={v}" for k, v in self.values if v != defaults[k].default]
        return ":".join([self.name, ",".join(given)] if given else [self.name])

    @cached_property
    def key(self) -> str:
        """Content key: family, its version and every option, but late ones at their default."""
        known = self.family.options
        options = {k: v for k, v in self.values if v != known[k].default or not known[k].late}
        return content_key(
            "model", {"family": self.name, "version": self.family.version, "options": options}
        )

    def batch(self, images: int, device: str) -> int:
        """How many training sets of this many images are worth one call of `fit_many`."""
        return self.family.batch(images, device)

    def check(self, dataset: Dataset) -> None:
        """Raise an InputError unless the model takes data sets of this kind."""
        check_kind(dataset, self.family.kinds, f"The model {self.label}")

    def fit_many(
        self,
        dataset: Dataset,
        training_sets: Sequence[TrainingSet],
        seeds: Sequence[int],
        device: str,
        history: bool = False,
    ) -> list[Fit]:
        """Train this model on each training set and test it on the whole test split.

        Args:
            dataset: The data set that the training sets are of.
            training_sets: Training sets of one size, tested on the same images.
            seeds: One for each; with the training set it decides the result.
            device: A torch device, `"cpu"` or `"cuda"`; scikit-learn's models use the CPU.
            history: Whether to give the accuracies after each epoch, where the family can.

        Raises:
            InputError: The data set is of a kind that the model does not take, or the training
                sets do not fit together or to it.
            TrainingDiverged: A network's outputs are no longer finite.
        """
        self.check(dataset)
        if len(training_sets) != len(seeds):
            raise InputError(
                f"Each training set needs a seed; got {len(training_sets)} and {len(seeds)}."
            )
        if any(training_set.dataset != dataset.fingerprint for training_set in training_sets):
            raise InputError(f"A training set is not of the data set {dataset.name}; select again.")
        sizes = {training_set.rows.size for training_set in training_sets}
        if len(sizes) > 1 or 0 in sizes:
            raise InputError(
                "Training sets trained together must be of one size, at least one image; "
                f"got sizes {sorted(sizes)}."
            )
        if len({training_set.test_damage for training_set in training_sets}) > 1:
            raise InputError("Training sets trained together must be tested on the same images.")
        if not training_sets:
            return []
        traced = self.family.fit_with_history if history else None
        fit_many = traced or self.family.fit_many
        try:
            return fit_many(dataset, training_sets, seeds, self.options, device)
        except TrainingDiverged as error:
            raise TrainingDiverged(
                f"Training {self.label} diverged on {dataset.name} with {sizes.pop()} images: "
                "its outputs are not finite numbers."
            ) from error


def resolve(models: Iterable[Model]) -> tuple[list[Model], list[str]]:
    """Settle, once when a job starts, what its models can have on this machine.

    Returns:
        The models with the options they will be trained with, and a sentence for each that
        differs from what was asked, saying why and what to do.
    """
    settled, notes = [], []
    for model in models:
        options, note = model.family.settle(model.options)
        settled.append(Model.of(model.name, options))
        if note:
            notes.append(note)
    return settled, notes
