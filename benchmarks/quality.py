"""Detectors against CleanVision and Li's threshold, on faults made by another implementation.

    python -m benchmarks.quality [--quick]

Fixed cuts and windows were chosen on CIFAR-10's training split with the NumPy faults of
`core.quality.perturb`; everything here is the test split with Pillow's. `single` is one fault in
12 % of 5,000 images, each issue in a copy of its own; `dual` is two different faults in each of
them; F1 is the mean over the five issues. An image that is grey before it is touched counts as
grey. CleanVision's scores are our batched ones, which its own equal to the last bit; its time is
its own, with `n_jobs=1`.

A sixth of the photographs' tiles is flagged, and rightly: they are dark leaves out of focus, blown
out skies and blurred backgrounds.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from time import process_time

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from benchmarks import quality_copies
from benchmarks.quality_faults import FAULTS
from core import datasets
from core.quality import SCORES, THRESHOLDS, judge, scan, score_images
from core.quality.detectors import score_copies, score_faults
from core.quality.pairs import pairs_within
from core.quality.perturb import SEVERITIES
from core.quality.policy import JUDGES

SHARES = (0.02, 0.05, 0.12, 0.3, 0.6)
LIBRARY = ("dark", "light", "blurry", "low_information", "grayscale")
SETTINGS = {
    "default": (tuple(JUDGES.values()), "default"),
    "CleanVision": (LIBRARY, "fixed"),
    "CleanVision + Li": (LIBRARY, "li"),
}


def timed(function: Callable[[], object]) -> tuple[object, float]:
    """What the function returns, and its CPU time in seconds."""
    start = process_time()
    return function(), process_time() - start


def settings(quick: bool) -> Iterator[tuple[float, str, int]]:
    """Share, severity and seed of each run."""
    yield from ((0.12, "medium", seed) for seed in range(1 if quick else 3))
    if not quick:
        yield from ((share, "medium", 0) for share in SHARES if share != 0.12)
        yield from ((0.12, severity, 0) for severity in SEVERITIES if severity != "medium")


def faults(images: np.ndarray, quick: bool) -> pd.DataFrame:
    """Mean F1 for each setting and share, severity and seed."""
    rows = []
    for share, severity, seed in settings(quick):
        board = score_faults(images, share, severity, seed, FAULTS)
        for name, (scores, threshold) in SETTINGS.items():
            part = board[(board["threshold"] == threshold) & board["score"].isin(scores)]
            f1 = part.groupby("faults")["f1"].mean()
            row = {"share": share, "severity": severity, "seed": seed, "setting": name}
            row |= {"single": f1["single"], "dual": f1["dual"]}
            found = board[(board["issue"] == "any") & (board["threshold"] == threshold)]
            if name == "default":
                row |= {"any recall": found["recall"].item(), "any F1": found["f1"].item()}
                row |= part[part["faults"] == "single"].set_index("issue")["f1"].to_dict()
            rows.append(row)
    return pd.DataFrame(rows)


def false_alarms(name: str, images: np.ndarray) -> dict[str, object]:
    """Share of untouched images with any issue."""
    table = score_images(images)
    out: dict[str, object] = {"images": name, "n": len(images)}
    for method in ("default", "cleanvision"):
        flags, _ = judge(table, method)
        out[method] = flags.filter(like="is_").any(axis=1).mean()
    li = THRESHOLDS["li"]
    under = [
        table[f"{name}_score"] < li(table[f"{name}_score"].to_numpy(), SCORES[name])
        for name in LIBRARY
    ]
    out["cleanvision + li"] = np.any(under, axis=0).mean()
    return out


def tiles(side: int) -> np.ndarray:
    """Colour photographs inside scikit-learn and scikit-image, cut into tiles."""
    from skimage import data
    from sklearn.datasets import load_sample_images

    photos = [*load_sample_images().images, data.astronaut(), data.coffee(), data.chelsea()]
    return np.stack(
        [
            photo[top : top + side, left : left + side]
            for photo in photos
            for top in range(0, photo.shape[0] - side + 1, side // 2)
            for left in range(0, photo.shape[1] - side + 1, side // 2)
        ]
    )


def library_time(images: np.ndarray) -> float:
    """CPU seconds of CleanVision itself, every issue, one process."""
    import contextlib
    import io

    from cleanvision.imagelab import Imagelab
    from PIL import Image

    class Pictures:
        def __len__(self) -> int:
            return len(images)

        def __getitem__(self, row: int) -> tuple[Image.Image, int]:
            return Image.fromarray(images[row]), 0

    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        lab = Imagelab(torchvision_dataset=Pictures())
        return timed(lambda: lab.find_issues(n_jobs=1, verbose=False))[1]


def main(quick: bool) -> None:
    """Print every table."""
    cifar = datasets.load("cifar10")
    test = cifar.test.x[5000:]  # the first half was looked at while the scores were designed
    pd.set_option("display.width", 160, "display.max_columns", 20, "display.precision", 4)
    print(faults(test[:2000] if quick else test, quick).to_string(index=False), flush=True)
    clean = [false_alarms("cifar10 test", test), false_alarms("tiles 128", tiles(128))]
    clean.append(false_alarms("mnist test", datasets.load("mnist").test.x))
    print(pd.DataFrame(clean).to_string(index=False), flush=True)
    sizes = (test,) if quick else (test, cifar.train.x[:42_800])
    copies = pd.concat([score_copies(images, 0.12, seed=0) for images in sizes])
    print(copies.drop(columns=["faults", "issue"]).to_string(index=False), flush=True)
    quality_copies.main(quick)
    many = cifar.train.x[: 2000 if quick else 10_000]
    score_images(many[:100])
    table, ours = timed(lambda: scan(many))
    theirs = library_time(many)
    print(f"scan of {len(many):,}: {ours:.2f} s, CleanVision {theirs:.2f} s, {theirs / ours:.1f} x")
    assert isinstance(table, pd.DataFrame)
    hashes = scan(cifar)["phash"].to_numpy(np.uint64)
    _, seconds = timed(lambda: pairs_within(hashes, 6))
    print(f"all pairs within 6 bits among {len(hashes):,} hashes: {seconds:.2f} s CPU")


if __name__ == "__main__":
    with threadpool_limits(1):
        main("--quick" in sys.argv[1:])
