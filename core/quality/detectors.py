"""How well each score and threshold finds faults that were put there, and what it flags besides.

References:
    Image-quality paper, evaluation by precision, recall and F1 under single and dual perturbations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import pandas as pd

from core.datasets.base import Dataset
from core.quality.audit import pixels, scan
from core.quality.duplicates import find_duplicates
from core.quality.perturb import PERTURBATIONS, Injected, Perturbation, inject, near_copies
from core.quality.policy import JUDGES, decide
from core.quality.scores import SCORES, score_images
from core.quality.thresholds import THRESHOLDS
from core.registry import Registry

Images = npt.NDArray[np.uint8]
Bools = npt.NDArray[np.bool_]
Pairs = set[tuple[int, int]]
Told = Callable[[int, int], None]

MOST_IMAGES = 5000
COLUMNS = (
    "faults", "issue", "score", "threshold", "precision", "recall", "f1", "clean_flagged", "images",
)  # fmt: skip


def scoreboard(
    source: Images | Dataset,
    share: float = 0.12,
    severity: str = "medium",
    seed: int = 0,
    registry: Registry[Perturbation] = PERTURBATIONS,
    progress: Told | None = None,
) -> pd.DataFrame:
    """Precision, recall and F1 of every score and threshold on known faults.

    Args:
        source: uint8 images, shape (n, height, width, channels), or a data set (its training
            split); 5,000 images drawn at random stand for more. The copy with the faults is in
            memory only.
        share: Share of the images that get faults.
        severity: `mild`, `medium` or `strong`.
        seed: Decides which images get which fault.
        registry: The faults; see `core.quality.perturb`.
        progress: Called with the copies scored so far and their number; may raise to stop it.

    Returns:
        One row for each of: `faults` (`single`: each issue in a copy of its own; `dual`: two
        different issues in each image; `copies`: near-duplicates), `issue` (`any` for flagged at
        all), `score`, `threshold` (`default` is what a scan uses). `clean_flagged` is the share
        of the untouched images that would be flagged.
    """
    images = _sample(pixels(source, "train") if isinstance(source, Dataset) else source, seed)
    tell = progress or _silent
    faults = score_faults(images, share, severity, seed, registry, tell)
    copies = score_copies(images, share, seed)
    tell(*[_steps(_issues(images, registry))] * 2)
    return pd.concat([faults, copies], ignore_index=True)


def _silent(done: int, total: int) -> None:
    """The progress callback that tells nobody."""


def _steps(issues: tuple[str, ...]) -> int:
    """Copies that are scored: the untouched one, one for each issue, both kinds of several."""
    return len(issues) + 3


def score_faults(
    images: Images,
    share: float,
    severity: str,
    seed: int,
    registry: Registry[Perturbation],
    progress: Told = _silent,
) -> pd.DataFrame:
    """The rows of `scoreboard` for single and dual faults in all of these images."""
    issues = _issues(images, registry)
    progress(0, _steps(issues))
    clean = score_images(images)
    rows: list[tuple[object, ...]] = []
    for number, issue in enumerate(issues):
        progress(number + 1, _steps(issues))
        faulty = inject(images, share, seed + number, severity, (issue,), registry=registry)
        rows += _rows("single", clean, faulty, (issue,))
    progress(len(issues) + 1, _steps(issues))
    if len(issues) > 1:
        faulty = inject(images, share, seed, severity, issues, faults=2, registry=registry)
        rows += _rows("dual", clean, faulty, issues)
    progress(len(issues) + 2, _steps(issues))
    return pd.DataFrame(rows, columns=list(COLUMNS))


def score_copies(images: Images, share: float, seed: int) -> pd.DataFrame:
    """The rows of `scoreboard` for near-duplicates: the default, the hash alone, equal hashes."""
    copies = near_copies(images, share, seed)
    both = np.concatenate([images, copies.images])
    tables = scan(images), scan(both)
    true = {(int(row), len(images) + i) for i, row in enumerate(copies.rows)}
    rows = []
    for score, threshold, confirm, radius in (
        ("phash and pixels", "default", True, None),
        ("phash", "curve", False, None),
        ("phash", "equal", False, 0),
    ):
        untouched, found = (
            _pairs(part, table, confirm, radius)
            for part, table in zip((images, both), tables, strict=True)
        )
        quality = _quality(len(found & true), len(found), len(true))
        involved = len({row for pair in untouched for row in pair}) / len(images)
        rows.append(
            ("copies", "near_duplicates", score, threshold, *quality, involved, len(images))
        )
    return pd.DataFrame(rows, columns=list(COLUMNS))


def precision_recall_f1(flagged: Bools, truth: Bools) -> tuple[float, float, float]:
    """Precision (1 where nothing is flagged), recall and F1 of flags, each of shape (n,)."""
    return _quality(int((flagged & truth).sum()), int(flagged.sum()), int(truth.sum()))


def _quality(hits: int, flagged: int, true: int) -> tuple[float, float, float]:
    precision = hits / flagged if flagged else 1.0
    return precision, hits / true, 2 * hits / (flagged + true)


def _sample(images: Images, seed: int) -> Images:
    images = images if images.ndim == 4 else images[..., None]
    if len(images) <= MOST_IMAGES:
        return images
    chosen = np.random.default_rng(seed).choice(len(images), MOST_IMAGES, replace=False)
    return images[np.sort(chosen)]


def _issues(images: Images, registry: Registry[Perturbation]) -> tuple[str, ...]:
    """Issues that can be put into these images: grey ones cannot be made grey."""
    names = dict.fromkeys(perturbation.issue for perturbation in registry.values())
    return tuple(name for name in names if name != "grayscale" or images.shape[-1] == 3)


def _rows(
    kind: str, clean: pd.DataFrame, faulty: Injected, issues: tuple[str, ...]
) -> Iterator[tuple[object, ...]]:
    """Scoreboard rows of one copy: every threshold on every score, then flagged at all."""
    table = clean.copy()
    changed = score_images(faulty.images)
    columns = [score.column for score in SCORES.values()]
    table.loc[faulty.rows, columns] = changed[columns].to_numpy()
    for threshold in ("default", *THRESHOLDS):
        any_faulty, any_clean = np.zeros(len(table), bool), np.zeros(len(table), bool)
        any_truth = np.zeros(len(table), bool)
        any_truth[faulty.rows] = True
        for issue in issues:
            # An image that is grey already is no false alarm.
            truth = (clean["grayscale_content_score"] == 0).to_numpy() & (issue == "grayscale")
            truth[faulty.rows] |= faulty.truth[issue].to_numpy()
            for name in (score.name for score in SCORES.values() if score.issue == issue):
                flagged, untouched = (_flag(t, name, threshold) for t in (table, clean))
                quality = precision_recall_f1(flagged, truth)
                yield kind, issue, name, threshold, *quality, untouched.mean(), len(table)
                if JUDGES[issue] == name:
                    any_faulty |= flagged
                    any_clean |= untouched
        if len(issues) > 1:
            quality = precision_recall_f1(any_faulty, any_truth)
            yield kind, "any", "judges", threshold, *quality, any_clean.mean(), len(table)


def _flag(table: pd.DataFrame, name: str, threshold: str) -> Bools:
    values = table[SCORES[name].column].to_numpy()
    if threshold == "default":
        return np.asarray(values < decide(values, SCORES[name]).threshold)
    return np.asarray(values < THRESHOLDS[threshold](values, SCORES[name]))


def _pairs(images: Images, table: pd.DataFrame, confirm: bool, radius: int | None) -> Pairs:
    pairs = find_duplicates(images, table, radius=radius, confirm=confirm).pairs
    return set(zip(pairs["a"], pairs["b"], strict=True))
