"""Units of an X-Factor study to train on a machine apart, and their scores on the way back.

A work file is a gzip of uncompressed arrays: the data set, the rows of each subset and the units
that have no score. A scores file is text: a line that says what it is, then a line a unit, added
as soon as the unit is done, each after its SHA-256, so that a run that is killed loses a few
seconds. That finds damage and edits by hand; it is no signature.
"""

from __future__ import annotations

import gzip
import io
import json
import tempfile
import time
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from core import datasets, engine, models, settings
from core.bundle.archive import MOST_BYTES
from core.bundle.members import BadBundle, from_json, from_npz, to_json, to_npz
from core.bundle.scores_file import VERSION, check, line, read_scores
from core.datasets.base import Dataset, Split, fingerprint
from core.errors import InputError
from core.models import Model
from core.specs import TrainingSet
from core.store import Score, Store
from core.studies.xfactor import check_sizes, every_unit
from core.studies.xfactor_spec import XFactorSpec
from core.studies.xfactor_subsets import Units, bunches, keep, plan, selected, stored
from core.training.pixels import one_thread
from core.units import Task, Unit, pending

ABOUT = ("name", "title", "classes", "fingerprint", "source", "licence", "peak")
PART = 1 << 20
ZIP = b"PK\3\4"


def packed(spec: XFactorSpec, store: Store, labels: Collection[str] = ()) -> tuple[bytes, int]:
    """A work file of the units that have no score, and how many they are.

    Args:
        spec: The study.
        store: Where its rows and scores are; rows that are not there are selected and put there.
        labels: Models to take, as the study names them; all when empty.

    Raises:
        InputError: The study has no such model, or nothing is left to do.
    """
    dataset = datasets.load(spec.dataset)
    if unknown := set(labels) - {model.label for model in spec.parsed_models()}:
        raise InputError(f"Study {spec.name!r} has no model {sorted(unknown)[0]!r}.")
    kept = [one for one in spec.parsed_models() if not labels or one.label in labels]
    wanted = {model.label for model in models.resolve(kept)[0]}
    every = _units(spec, dataset, store)
    left = [unit for unit in pending(every, store) if unit.model.label in wanted]
    if not left:
        raise InputError(f"Study {spec.name!r} has nothing left to train.")
    sets = list({unit.training_set.key: unit.training_set for unit in left}.values())
    place = {one.key: number for number, one in enumerate(sets)}
    names = sorted({unit.model.label for unit in left})
    about = {
        **_header("work", spec, dataset.fingerprint),
        "models": names,
        "dataset": {name: getattr(dataset, name) for name in ABOUT},
    }
    content = to_npz(
        {
            "about": np.frombuffer(to_json(about), np.uint8),
            **{f"{part}_x": getattr(dataset, part).x for part in ("train", "test")},
            **{f"{part}_y": getattr(dataset, part).y for part in ("train", "test")},
            "rows": np.concatenate([one.rows for one in sets]),
            "sizes": np.array([one.rows.size for one in sets]),
            "units": np.array(
                [
                    (place[one.training_set.key], names.index(one.model.label), one.replicate)
                    for one in left
                ]
            ),
        }
    )
    return gzip.compress(content, 6, mtime=0), len(left)


def worked(
    content: bytes, out: Path, minutes: float, say: Callable[[str], None]
) -> tuple[int, int]:
    """Train as many units of a work file as fit; gives how many have a score, and how many not.

    Subset by subset over all models, so that however far it comes models can be compared.

    Args:
        content: The work file.
        out: The scores file; a run that was cut short goes on with it.
        minutes: No unit is begun after them, nor one that is expected to end after them; on a
            GPU nothing is expected of a model before it has run once, because rough figures are
            those of one core.
        say: Told, in one sentence, of each unit that failed.

    Raises:
        BadBundle: The work file, or the scores file to go on with, is not what it should be.
    """
    began = time.monotonic()
    header, dataset, units = _read_work(content)
    with tempfile.TemporaryDirectory() as folder, one_thread():
        store = Store(Path(folder))
        _begin(out, header, store)
        work = pending(units, store)
        sizes, kinds = {kind.size for kind in work.kinds}, {kind.model for kind in work.kinds}
        expected = engine.seconds_per_unit(dataset, sizes, kinds, store)
        seconds = {cost: found for cost, (found, _) in expected.items()}
        device = settings.device()
        rough = {cost for cost, (_, measured) in expected.items() if not measured}
        done = work.total - len(work)
        with out.open("ab") as file:
            for task in work.tasks(seconds, device):
                need = seconds[task.kind.cost] * len(task.units)
                if task.kind.cost in rough and task.kind.model.family.gpu and device != "cpu":
                    need = 0.0
                if time.monotonic() - began + need > 60 * minutes:
                    continue
                for part in _fitted(dataset, task, say):
                    file.writelines(line(asdict(score)) for score in part)
                    file.flush()
                    done += len(part)
                    if len(part) == len(task.units):  # Alone each takes longer than in a stack.
                        seconds[task.kind.cost] = sum(one.seconds for one in part) / len(part)
                        rough.discard(task.kind.cost)
    return done, work.total - done


def merged(content: bytes, store: Store) -> tuple[int, int]:
    """Put the scores of a scores file into the store; gives how many were new, and how many not.

    Raises:
        BadBundle: The file is damaged, was edited, or holds what the study does not ask for.
        InputError: The study's data set is another one here, or not to be had.
    """
    header, found = read_scores(content)
    spec = XFactorSpec.from_dict(header["spec"])
    dataset = datasets.load(spec.dataset)
    if dataset.fingerprint != header["fingerprint"]:
        raise BadBundle(f"The scores are of another data set than {spec.dataset} is here.")
    known = {unit.key: unit for unit in _units(spec, dataset, store)}
    for one in found:
        check(one, known.get(one.unit), dataset)
    if len({one.unit for one in found}) < len(found):
        raise BadBundle("The scores file holds a unit twice.")
    had = store.scored([one.unit for one in found])
    store.add_scores(one for one in found if one.unit not in had)
    return len(found) - len(had), len(had)


def _units(spec: XFactorSpec, dataset: Dataset, store: Store) -> Units:
    """Every unit of a study; rows that are not stored are selected."""
    check_sizes(spec, dataset)
    groups = plan(spec)
    there = set(stored(groups, dataset.fingerprint, store, lambda _: None))
    for bunch in bunches([group for group in groups if group not in there]):
        keep(bunch, selected(dataset, bunch), dataset.fingerprint, store)
    resolved, _ = models.resolve(spec.parsed_models())
    return every_unit(spec, groups, resolved, dataset.fingerprint, store)


def _header(kind: str, spec: XFactorSpec, data: str) -> dict[str, Any]:
    named = {"format": f"xfactor-{kind}", "version": VERSION}
    return {**named, "spec": spec.to_dict(), "fingerprint": data}


def _read_work(content: bytes) -> tuple[dict[str, Any], Dataset, list[Unit]]:
    """The header of the scores to come, the data set and the units of a work file."""
    try:
        arrays = from_npz("the work file", _unpacked(content))
        about = from_json("about", arrays["about"].tobytes(), dict)
        if (about["format"], about["version"]) != ("xfactor-work", VERSION):
            raise BadBundle("it is of another version of this program")
        train, test = (
            Split(arrays[f"{part}_x"], arrays[f"{part}_y"]) for part in ("train", "test")
        )
        described = {**about["dataset"], "classes": tuple(about["dataset"]["classes"])}
        dataset = Dataset(train=train, test=test, **described)
        if fingerprint(train, test, dataset.classes) != dataset.fingerprint:
            raise BadBundle("its data are not those it was packed with")
        rows = np.split(arrays["rows"], np.cumsum(arrays["sizes"])[:-1])
        sets = [TrainingSet(dataset.fingerprint, one) for one in rows]
        chosen = [Model.parse(label) for label in about["models"]]
        units = [
            Unit(sets[place], chosen[model], replicate)
            for place, model, replicate in arrays["units"].tolist()
        ]
        spec = XFactorSpec.from_dict(about["spec"])
    except (
        *(OSError, EOFError, zlib.error, KeyError, TypeError, ValueError, IndexError, InputError),
    ) as error:
        reason = str(error).removesuffix(".")
        raise BadBundle(f"This is no work file, or it is damaged: {reason}.") from error
    return _header("scores", spec, dataset.fingerprint), dataset, units


def _unpacked(content: bytes) -> bytes:
    """A gzip unpacked by parts: read whole, it would take the most that is allowed at once."""
    parts: list[bytes] = []
    size = 0
    with gzip.open(io.BytesIO(content)) as file:
        while part := file.read(PART):
            if not parts and not part.startswith(ZIP):
                raise BadBundle("it holds no arrays")
            parts.append(part)
            size += len(part)
            if size > MOST_BYTES:
                raise BadBundle(f"it unpacks to more than {MOST_BYTES / 1e9:.1f} GB")
    return b"".join(parts)


def _begin(out: Path, header: dict[str, Any], store: Store) -> None:
    """Write the first line of a new scores file, or take up the scores of one begun before."""
    content = out.read_bytes() if out.exists() else b""
    whole = content[: content.rfind(b"\n") + 1]
    if not whole:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_bytes(line(header))
        return
    before, scores = read_scores(whole)
    if before != json.loads(json.dumps(header)):
        raise BadBundle(f"{out} holds scores of another study; name another file.")
    if whole != content:
        out.write_bytes(whole)  # Without the line that was being written when it was killed.
    store.add_scores(scores)


def _fitted(dataset: Dataset, task: Task, say: Callable[[str], None]) -> Iterator[list[Score]]:
    """The scores of a task; of its units one by one where it fails as a whole."""
    try:
        scores = engine.fit(dataset, task.units, settings.device())
    # As in a study that Dask runs: whatever one unit ends in, such as CUDA out of memory, the
    # others are trained, and what it was is said.
    except Exception as error:
        if len(task.units) == 1:
            kind = task.kind
            say(f"{kind.model.label} on {kind.size} images: {type(error).__name__}: {error}")
            return
    else:
        yield scores
        return
    # Out of the exception, which holds what was on the GPU.
    for one in task.split():
        yield from _fitted(dataset, one, say)
