"""fastdup as a detector of near-duplicates, in an environment of its own.

It pins numpy < 2 and other versions, is licensed for non-commercial use only, and by itself
reports to Sentry and asks PyPI for newer versions. So nothing here depends on it: `make fastdup`
installs it beside this project, it runs as a subprocess with all of that turned off, and what it
finds is read back from its CSV files.

References:
    https://github.com/visual-layer/fastdup
"""

from __future__ import annotations

import os
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.sparse import coo_array

from core.datasets.base import Dataset
from core.errors import InputError, JobError
from core.quality.alignment import SAME_PART
from core.quality.audit import pixels
from core.quality.by_vector import STEP, pixel_confirmed
from core.quality.clusters import Listed
from core.quality.search import Found, Search
from core.settings import PROJECT

ENVIRONMENT = PROJECT / ".fastdup"
SCRIPT = Path(__file__).with_name("fastdup_script.py")
ABSENT = (
    "fastdup is optional and not installed here: make fastdup adds it, in an environment of its "
    "own; its licence allows non-commercial use only."
)
# The first two stop its reports to Sentry and its look for newer versions on PyPI.
QUIET = {"SENTRY_OPT_OUT": "1", "FASTDUP_PRODUCTION": "1"}
KEPT = ("PATH", "LANG", "LD_LIBRARY_PATH", "TMPDIR")
LARGEST_RADIUS = 0.5
OWN_RADIUS = 0.1
NEIGHBOURS = 6


def available() -> str | None:
    """The version of fastdup that is installed in its environment, None where there is none."""
    found = sorted(ENVIRONMENT.glob("lib/python3*/site-packages/fastdup-*.dist-info"))
    return found[-1].name.removeprefix("fastdup-").removesuffix(".dist-info") if found else None


def find(search: Search) -> Found:
    """Pairs that fastdup finds within its own threshold, or the radius asked for.

    Raises:
        InputError: fastdup is not installed, or the radius is not from 0 to 0.5.
        JobError: it ended without a result.
    """
    version = available()
    if version is None:
        raise InputError(ABSENT)
    radius = OWN_RADIUS if search.radius is None else search.radius
    if not 0 <= radius <= LARGEST_RADIUS:
        raise InputError(
            f"The radius must be 0 to {LARGEST_RADIUS:g}, 1 - cosine, for fastdup; got {radius:g}."
        )
    with tempfile.TemporaryDirectory(prefix="fastdup-") as folder:
        images, work = Path(folder, "images"), Path(folder, "work")
        images.mkdir()
        _lay_out(search, images)
        near, seen = _run(images, work)
    near["exact"] = _equal(search, near)
    near["mirrored"] = False
    curve = np.bincount((near["distance"] // STEP).astype(int), minlength=1)
    pairs = near[near["distance"] <= radius]
    if search.confirm:
        pairs = pixel_confirmed(search, pairs, np.full(len(pairs), SAME_PART))
    n = len(search.known)
    lies = coo_array((1 - near["distance"], (near["a"], near["b"])), shape=(n, n)).tocsr()
    reason = f"fastdup {version} with a cosine of at least {1 - radius:.2f}"
    reason += ", its own default." if search.radius is None else "."
    if seen < n:
        reason += f" It left out {n - seen:,} images that it cannot read or that are too small."
    space = Listed(np.arange(n), lies + lies.T)
    return Found(pairs.reset_index(drop=True), space, curve, STEP, radius, reason)


def _lay_out(search: Search, folder: Path) -> None:
    """The images as files that are named by their places."""
    from PIL import Image

    source = search.source
    if isinstance(source, Dataset):
        source = pixels(source, "train")
    if isinstance(source, np.ndarray):
        for place, image in enumerate(source):
            picture = Image.fromarray(image.squeeze(-1) if image.shape[-1] == 1 else image)
            picture.save(folder / f"{place}.png", compress_level=1)
        return
    for place, name in enumerate(search.known["path"]):
        file = Path(source, name).resolve()
        (folder / f"{place}{file.suffix}").symlink_to(file)


def _run(images: Path, work: Path) -> tuple[pd.DataFrame, int]:
    """Pairs `a` < `b` with their `distance`, and how many images fastdup could read."""
    python = ENVIRONMENT / "bin" / "python"
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(
        [python, "-I", SCRIPT, images, work, str(1 - LARGEST_RADIUS), str(NEIGHBOURS)],
        env=environment | QUIET | {"HOME": str(work.parent)},
        cwd=work.parent,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    pairs, read = work / "similarity.csv", work / "atrain_features.dat.csv"
    if done.returncode or not pairs.is_file() or not read.is_file():
        said = (done.stderr.strip() or done.stdout.strip() or "nothing").splitlines()[-1]
        raise JobError(f"fastdup ended with code {done.returncode} and said: {said}")
    table = pd.read_csv(pairs, usecols=["from", "to", "distance"])
    a, b = (_places(table[name]) for name in ("from", "to"))
    found = pd.DataFrame(
        {
            "a": np.minimum(a, b),
            "b": np.maximum(a, b),
            "distance": np.clip(1 - table["distance"].to_numpy(np.float64), 0, None),
        }
    )
    found = found[found["a"] < found["b"]].sort_values(["a", "b", "distance"])
    return found.drop_duplicates(["a", "b"], ignore_index=True), len(pd.read_csv(read))


def _places(names: pd.Series) -> npt.NDArray[np.int64]:
    return np.array([int(Path(name).stem) for name in names], dtype=np.int64)


def _equal(search: Search, near: pd.DataFrame) -> npt.NDArray[np.bool_]:
    digests = search.known["digest"].to_numpy()
    return np.asarray(digests[near["a"]] == digests[near["b"]], dtype=bool)
