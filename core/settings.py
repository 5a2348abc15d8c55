"""What the operator sets, all through environment variables, read when asked for.

| variable | meaning | default |
|---|---|---|
| `XFACTOR_DATA` | folder that data sets are read from and downloaded to | `data/` |
| `XFACTOR_FOLDERS` | further folders that may be read, separated by `:` | none |
| `XFACTOR_CACHE` | folder for scores, decoded arrays and the job queue | `cache/` |
| `XFACTOR_DEVICE` | `auto`, `cpu` or `cuda` | `auto`: CUDA where there is one |
| `XFACTOR_WORKERS` | worker processes on this machine | one per core, of which each GPU has one |
| `XFACTOR_SCHEDULER` | address of a Dask scheduler to use instead, `tcp://…` | none |
| `XFACTOR_MOST_UNITS` | units that one study may have left to do | no limit |
| `XFACTOR_MOST_HOURS` | hours that one study may run in all | no limit |
| `XFACTOR_MOST_GB` | gigabytes that the cache may hold | no limit |
| `XFACTOR_RUNNERS` | who may start and tag: addresses or `@domain`, by commas | see `people` |
| `XFACTOR_VIEWERS` | who else may look, where people sign in, likewise | all who can sign in |
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from core.errors import InputError

PROJECT = Path(__file__).resolve().parent.parent


def data_root() -> Path:
    """Folder that data sets are read from and downloaded to."""
    return Path(os.environ.get("XFACTOR_DATA") or PROJECT / "data").expanduser().resolve()


def allowed_folders() -> tuple[Path, ...]:
    """The data root and the further folders that the operator allows to be read."""
    extra = os.environ.get("XFACTOR_FOLDERS", "").split(os.pathsep)
    return (data_root(), *(Path(part).expanduser().resolve() for part in extra if part))


def cache_root() -> Path:
    """Folder for everything generated; made on first use, safe to delete."""
    return Path(os.environ.get("XFACTOR_CACHE") or PROJECT / "cache").expanduser().resolve()


def device() -> str:
    """`"cuda"` or `"cpu"`: what models are trained on in this process.

    Raises:
        InputError: `XFACTOR_DEVICE` is not one of the three, or asks for a GPU that is not there.
    """
    wanted = os.environ.get("XFACTOR_DEVICE") or "auto"
    if wanted not in ("auto", "cpu", "cuda"):
        raise InputError(f"XFACTOR_DEVICE must be auto, cpu or cuda; got {wanted!r}.")
    if wanted == "cpu":
        return "cpu"
    import torch

    if torch.cuda.is_available():
        return "cuda"
    if wanted == "cuda":
        raise InputError(
            "XFACTOR_DEVICE is cuda but torch finds no CUDA device; set it to auto or cpu."
        )
    return "cpu"


def gpus() -> int:
    """How many GPUs models are trained on; 0 where that is the CPU.

    Raises:
        InputError: As `device`.
    """
    if device() == "cpu":
        return 0
    import torch

    return torch.cuda.device_count()


def workers() -> int:
    """How many worker processes this machine runs.

    Raises:
        InputError: `XFACTOR_WORKERS` is not a positive whole number; or as `device`.
    """
    text = os.environ.get("XFACTOR_WORKERS")
    if text:
        if not text.isdecimal() or int(text) < 1:
            raise InputError(f"XFACTOR_WORKERS must be a positive whole number; got {text!r}.")
        return int(text)
    affinity = hasattr(os, "sched_getaffinity")
    cores = len(os.sched_getaffinity(0)) if affinity else os.cpu_count() or 1
    return max(cores, gpus())


def processes(gpu: bool) -> int:
    """How many of the worker processes train models that use a GPU, or those that do not.

    A process for each GPU trains nothing else; all train everything where there is no GPU, or no
    more processes than GPUs.
    """
    every, own = workers(), gpus()
    if not 0 < own < every:
        return every
    return own if gpu else every - own


def machine_seconds(seconds: float, gpu: bool) -> float:
    """Seconds of all worker processes that go by while those of one kind work some seconds.

    The same seconds where studies go to a cluster, of whose workers nothing is known here.
    """
    return seconds if scheduler() else seconds * workers() / processes(gpu)


def scheduler() -> str | None:
    """Address of the Dask scheduler to use, or None for processes on this machine."""
    return os.environ.get("XFACTOR_SCHEDULER") or None


def most(what: str) -> float | None:
    """The operator's limit of `UNITS`, `HOURS` or `GB`, or None where there is none.

    Raises:
        InputError: `XFACTOR_MOST_…` is not a positive number.
    """
    text = os.environ.get(f"XFACTOR_MOST_{what}")
    if not text:
        return None
    try:
        limit = float(text)
    except ValueError:
        limit = 0.0
    if not 0 < limit < math.inf:
        raise InputError(f"XFACTOR_MOST_{what} must be a positive number; got {text!r}.")
    return limit


def people(role: str) -> tuple[str, ...]:
    """Those on the operator's list of `RUNNERS` or `VIEWERS`, in lower case; empty without one.

    Without a list of runners everybody may run where nobody signs in, and nobody where people do.

    Raises:
        InputError: An entry of `XFACTOR_…` is neither an e-mail address nor `@` and a domain.
    """
    text = os.environ.get(f"XFACTOR_{role}", "")
    found = tuple(part.strip().casefold() for part in text.split(",") if part.strip())
    for one in found:
        if "@" not in one[:-1] or " " in one:
            raise InputError(
                f"XFACTOR_{role} must be e-mail addresses, or @ and a domain, separated by commas; "
                f"got {one!r}."
            )
    return found
