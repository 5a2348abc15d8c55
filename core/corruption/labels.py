"""Faults that change labels: a whole class, at random, to one class, to classes alike."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from core.corruption.confusion import confusable
from core.corruption.fault import Case, Choice, Fault
from core.errors import InputError
from core.specs import TrainingSet

TO = Choice("class", 0, "Class whose name they get.")


def _relabel_class(case: Case) -> TrainingSet:
    label, to = case.choices["label"], case.choices["to"]
    if label == to:
        raise InputError(f"A class must be relabelled as another one; got {label} for both.")
    return _to_class(case, np.flatnonzero(case.labels == label), to)


def _flip_to_class(case: Case) -> TrainingSet:
    to = case.choices["to"]
    return _to_class(case, np.flatnonzero(case.labels != to), to)


def _to_class(case: Case, places: npt.NDArray[np.intp], to: int) -> TrainingSet:
    """A share of the rows at these places gets one label."""
    labels = case.labels.copy()
    labels[case.rng().permutation(places)[: round(case.level * places.size)]] = to
    return case.relabel(labels)


def _flip_random(case: Case) -> TrainingSet:
    classes = _classes(case)
    rng, labels = case.rng(), case.labels
    hit = _hit(case, rng)
    other = (labels + rng.integers(1, classes, labels.size)) % classes
    return case.relabel(np.where(hit, other, labels))


def _flip_confusable(case: Case) -> TrainingSet:
    """New labels drawn from the row of a transition matrix that belongs to the true class."""
    classes, transition = _classes(case), case.choices["transition"]
    if transition is None:
        transition = confusable(case.dataset)
    rng, labels = case.rng(), case.labels
    hit = _hit(case, rng)
    cumulated = _cumulated(np.asarray(transition, dtype=np.float64), classes)
    other = (rng.random((labels.size, 1)) >= cumulated[labels]).sum(axis=1)
    return case.relabel(np.where(hit, other, labels))


def _hit(case: Case, rng: np.random.Generator) -> npt.NDArray[np.bool_]:
    """Which rows are flipped: an exact share of all, those of a lower level among them."""
    hit = np.zeros(case.rows.size, dtype=bool)
    hit[rng.permutation(case.rows.size)[: round(case.level * case.rows.size)]] = True
    return hit


def _classes(case: Case) -> int:
    classes = len(case.dataset.classes)
    if classes < 2:
        raise InputError(f"Labels can be flipped among two classes or more; got {classes}.")
    return classes


def _cumulated(transition: npt.NDArray[np.float64], classes: int) -> npt.NDArray[np.float64]:
    """Cumulative probabilities of each new class; none stays what it is."""
    if transition.shape != (classes, classes) or not (
        np.isfinite(transition).all() and (transition >= 0).all()
    ):
        raise InputError(
            f"A transition matrix needs {classes} rows and columns of numbers from 0 up; "
            f"got shape {transition.shape}."
        )
    cumulated = (transition * (1 - np.eye(classes))).cumsum(axis=1)
    if not cumulated[:, -1].all():
        raise InputError("Every row of a transition matrix needs another class than its own.")
    return np.asarray(cumulated / cumulated[:, -1:])


RELABEL_CLASS = Fault(
    name="relabel-class",
    title="A class relabelled",
    summary="A share of the images of one class gets the label of another one.",
    aspect="equilibrium",
    parameter="share of the class",
    levels=(1.0,),
    least=0,
    most=1,
    clean=0,
    change=_relabel_class,
    choices=MappingProxyType(
        {
            "label": Choice("class", 1, "Class that is relabelled."),
            "to": TO,
        }
    ),
)

FLIP_RANDOM = Fault(
    name="flip-random",
    title="Labels flipped at random",
    summary="A share of the labels becomes any other class, all equally likely.",
    aspect="labels",
    parameter="share of the labels",
    levels=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    least=0,
    most=1,
    clean=0,
    change=_flip_random,
)

FLIP_TO_CLASS = Fault(
    name="flip-to-class",
    title="Labels flipped to one class",
    summary="A share of the other classes' labels becomes one class.",
    aspect="labels",
    parameter="share of the other classes' labels",
    levels=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    least=0,
    most=1,
    clean=0,
    change=_flip_to_class,
    choices=MappingProxyType({"to": TO}),
)

FLIP_CONFUSABLE = Fault(
    name="flip-confusable",
    title="Labels flipped between classes alike",
    summary="A share of the labels becomes what a quick model takes the class for.",
    aspect="labels",
    parameter="share of the labels",
    levels=(0.1, 0.2, 0.3, 0.4, 0.5, 0.6),
    least=0,
    most=1,
    clean=0,
    change=_flip_confusable,
    choices=MappingProxyType(
        {
            "transition": Choice(
                "matrix", None, "Odds of each new class (columns) for each class (rows)."
            )
        }
    ),
)
