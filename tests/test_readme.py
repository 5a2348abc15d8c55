"""What the README shows runs."""

import os
import re
import subprocess
import sys
from pathlib import Path

from core import studies
from core.settings import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)


def test_the_python_runs(tmp_path: Path) -> None:
    (code,) = blocks("python")
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT,
        env=os.environ | {"XFACTOR_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    row, residual = done.stdout.split()
    assert 0 <= int(row) < 1300
    assert float(residual) < 1e-3


def test_the_study_is_one(tmp_path: Path) -> None:
    (text,) = blocks("toml")
    path = tmp_path / "check.toml"
    path.write_text(text, encoding="utf-8")
    assert studies.from_toml(path)[1].name == "check"
