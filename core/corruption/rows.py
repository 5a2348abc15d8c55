"""Faults that take training rows away: a class, the balance of classes, the size."""

from __future__ import annotations

from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from core.corruption.fault import Case, Choice, Fault
from core.specs import TrainingSet


def _remove_class(case: Case) -> TrainingSet:
    of_class = np.flatnonzero(case.labels == case.choices["label"])
    lost = case.rng().permutation(of_class)[: round(case.level * of_class.size)]
    return case.keep(np.setdiff1d(np.arange(case.rows.size), lost))


def _long_tail(case: Case) -> TrainingSet:
    """Keep ratio^(-k / (K - 1)) of the k-th class, of classes in an order drawn by the seed.

    References:
        Cui et al., Class-Balanced Loss Based on Effective Number of Samples, CVPR 2019.
    """
    rng, classes = case.rng(), len(case.dataset.classes)
    place = rng.permutation(classes)
    kept = []
    for number in range(classes):
        of_class = rng.permutation(np.flatnonzero(case.labels == number))
        share = case.level ** (-place[number] / max(classes - 1, 1))
        kept.append(of_class[: max(1, round(share * of_class.size))])
    return case.keep(np.sort(np.concatenate(kept)))


def _keep_share(case: Case) -> TrainingSet:
    rng, count = case.rng(), round(case.level * case.rows.size)
    stratified = case.choices["stratified"]
    order = _stratified(case.labels, rng) if stratified else rng.permutation(case.rows.size)
    return case.keep(np.sort(order[:count]))


def _stratified(labels: npt.NDArray[np.int64], rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """A random order of which every beginning has each class's share to within one image."""
    depth = np.empty(labels.size)
    for number in np.unique(labels):
        of_class = np.flatnonzero(labels == number)
        depth[of_class] = (rng.permutation(of_class.size) + 0.5) / of_class.size
    return np.lexsort((rng.random(labels.size), depth))


REMOVE_CLASS = Fault(
    name="remove-class",
    title="A class removed",
    summary="A share of the images of one class is taken out of the training split.",
    aspect="equilibrium",
    parameter="share of the class",
    levels=(1.0,),
    least=0,
    most=1,
    clean=0,
    change=_remove_class,
    choices=MappingProxyType({"label": Choice("class", 0, "Class that is removed.")}),
)

LONG_TAIL = Fault(
    name="long-tail",
    title="Long tail",
    summary="Classes shrink exponentially, in an order drawn by the seed.",
    aspect="equilibrium",
    parameter="largest share kept of a class to the smallest",
    levels=(2.0, 5.0, 10.0, 50.0, 100.0),
    least=1,
    most=1e6,
    clean=1,
    change=_long_tail,
)

KEEP = Fault(
    name="keep",
    title="Fewer training rows",
    summary="Only a share of the training split is kept, drawn at random.",
    aspect="size",
    parameter="share kept",
    levels=(0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8),
    least=0,
    most=1,
    clean=1,
    change=_keep_share,
    choices=MappingProxyType(
        {"stratified": Choice("switch", False, "Keep the same share of every class.")}
    ),
)
