"""The bridge to fastdup, against a stand-in for its environment, and the real one where it is."""

import json
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.errors import InputError, JobError
from core.quality import fastdup, find_duplicates

# What fastdup.run leaves behind: cosines of tiny thumbnails, every pair in both directions.
STAND_IN = """
import json, os, sys
from pathlib import Path
import numpy as np
from PIL import Image

def run(input_dir, work_dir, threshold, nearest_neighbors_k, nnf_mode, turi_param):
    if "FAIL" in os.environ.get("LANG", ""):
        print("no licence", file=sys.stderr)
        return 1
    work = Path(work_dir)
    work.mkdir()
    Path({seen!r}).write_text(json.dumps(dict(os.environ, turi_param=turi_param, cwd=os.getcwd())))
    files = sorted(Path(input_dir).iterdir())
    files = [file for file in files if min(Image.open(file).size) >= 10]
    x = np.stack([np.asarray(Image.open(f).convert("RGB").resize((4, 4))).ravel() for f in files])
    x = x - x.mean(axis=1, keepdims=True)
    x = x / np.linalg.norm(x, axis=1, keepdims=True)
    rows = ["from,to,distance"]
    for i in range(len(files)):
        for j in range(len(files)):
            if i != j and x[i] @ x[j] >= threshold:
                rows.append(f"{{files[i]}},{{files[j]}},{{x[i] @ x[j]:.6f}}")
    (work / "similarity.csv").write_text("\\n".join(rows))
    names = [f"{{i}},{{file}}" for i, file in enumerate(files)]
    (work / "atrain_features.dat.csv").write_text("\\n".join(["index,filename", *names]))
    return 0
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    """An environment whose Python has a `fastdup` that leaves the same files as the real one."""
    root = tmp_path / "environment"
    packages = root / "lib" / "python3.11" / "site-packages"
    (packages / "fastdup-9.9.dist-info").mkdir(parents=True)
    (packages / "fastdup.py").write_text(STAND_IN.format(seen=str(tmp_path / "seen.json")))
    python = root / "bin" / "python"
    python.parent.mkdir()
    start = f"import runpy, sys; sys.path.insert(0, {str(packages)!r}); sys.argv = sys.argv[2:]; "
    start += "runpy.run_path(sys.argv[0], run_name='__main__')"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{start}" "$@"\n')
    python.chmod(0o755)
    monkeypatch.setattr(fastdup, "ENVIRONMENT", root)
    return tmp_path / "seen.json"


@pytest.fixture
def images(tiles):
    """Photographs, and one of them once as it is and once a little darker."""
    some = tiles[:150:10]
    return np.concatenate([some, some[4:5], (some[4:5] * 0.9).astype(np.uint8)])


def test_without_it_one_sentence_says_how_to_add_it(images, tmp_path, monkeypatch):
    monkeypatch.setattr(fastdup, "ENVIRONMENT", tmp_path)
    assert fastdup.available() is None
    with pytest.raises(InputError, match=r"make fastdup adds it.*non-commercial use only"):
        find_duplicates(images, detector="fastdup")


def test_its_pairs_are_read_and_confirmed(stand_in, images):
    assert fastdup.available() == "9.9"
    found = find_duplicates(images, detector="fastdup")
    assert found.pairs[["a", "b"]].to_numpy().tolist() == [[4, 15], [4, 16], [15, 16]]
    assert found.pairs["exact"].tolist() == [True, False, False]
    assert found.members["cluster"].tolist() == [0, 0, 0]
    assert (found.pairs["distance"] <= 0.1).all()
    assert found.reason == "fastdup 9.9 with a cosine of at least 0.90, its own default."
    more = find_duplicates(images, detector="fastdup", confirm=False, radius=0.3)
    assert len(more.pairs) >= 3
    assert "0.70." in more.reason


def test_it_runs_alone_and_quietly(stand_in, images, monkeypatch):
    monkeypatch.setenv("PYTHONPATH", "/somewhere")
    monkeypatch.setenv("XFACTOR_SECRET", "1")
    find_duplicates(images, detector="fastdup")
    seen = json.loads(stand_in.read_text())
    assert seen["SENTRY_OPT_OUT"] == seen["FASTDUP_PRODUCTION"] == "1"
    assert "run_sentry=0" in seen["turi_param"]
    assert "PYTHONPATH" not in seen
    assert "XFACTOR_SECRET" not in seen
    assert seen["HOME"] == seen["cwd"] != str(Path.home())
    assert not Path(seen["HOME"]).exists()


def test_files_are_found_again_by_name_whatever_they_are_called(stand_in, images, tmp_path):
    folder = tmp_path / "photos, and more"
    (folder / "a").mkdir(parents=True)
    for name, image in (("a/1.png", images[4]), ("1.png", images[16]), ("x,y.png", images[0])):
        Image.fromarray(image).save(folder / name)
    Image.fromarray(images[4][:5, :5]).save(folder / "tiny.png")
    (folder / "bad.png").write_bytes(b"")
    found = find_duplicates(folder, detector="fastdup")
    assert found.pairs[["a", "b"]].to_numpy().tolist() == [["1.png", "a/1.png"]]
    assert "left out 1 images" in found.reason


def test_a_radius_out_of_range_is_refused(stand_in, images):
    with pytest.raises(InputError, match=r"0 to 0\.5, 1 - cosine, for fastdup; got 3"):
        find_duplicates(images, radius=3, detector="fastdup")


def test_its_failure_is_told_with_its_own_words(stand_in, images, monkeypatch):
    monkeypatch.setenv("LANG", "FAIL")
    with pytest.raises(JobError, match="ended with code 1 and said: no licence"):
        find_duplicates(images, detector="fastdup")


@pytest.mark.skipif(fastdup.available() is None, reason="make fastdup was not run")
def test_the_real_one_finds_a_copy(images):
    found = find_duplicates(images, detector="fastdup")
    assert {(4, 15), (4, 16)} <= set(zip(found.pairs["a"], found.pairs["b"], strict=True))
    assert os.environ.get("SENTRY_OPT_OUT") is None
