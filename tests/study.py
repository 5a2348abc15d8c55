"""A small finished study, made by the real engine, for the tests of what people see."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from core import jobs
from core.settings import PROJECT
from core.store import Store
from core.studies.xfactor_spec import XFactorSpec

SPEC = XFactorSpec(
    dataset="digits",
    name="tiny",
    per_class=(2, 4),
    random=8,
    strategies=("uniqueness", "own_mean"),
    excess=(4, 12),
    repeats=2,
    models=("svc", "gnb", "rf"),
)


def finished(cache: Path) -> str:
    """Run the study in a cache folder with the command line; returns its key."""
    cache.mkdir(parents=True, exist_ok=True)
    spec = cache / "tiny.toml"
    spec.write_text(SPEC.to_toml())
    environment = {**os.environ, "XFACTOR_CACHE": str(cache), "XFACTOR_DEVICE": "cpu"}
    command = [sys.executable, "-m", "core", "study", "run", str(spec)]
    subprocess.run(command, cwd=PROJECT, env=environment, check=True, capture_output=True)
    return jobs.find(Store(cache), "tiny").key
