"""What docs/extending.md shows is added to a copy of the program, and does what it says."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from core.settings import PROJECT

PAGE = (PROJECT / "docs" / "extending.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"`((?:core|tests)/[\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL))
LINES = re.findall(
    r"Two lines in `([\w/]+\.py)`: `([^`]+)`, and in `(\w+)` the entry `([\w.]+)`", PAGE
)
STUDIES = re.findall(r"With `(\w+\.toml)`:\n\n```toml\n(.*?)```", PAGE, re.DOTALL)
COMMANDS = re.findall(r"^python -m core (.*)$", PAGE, re.MULTILINE)
# In the copy: the tests of the page, then its commands; a study is run here, without Dask.
RUN = """
    import runpy, shlex, sys
    from pathlib import Path
    from core import jobs, studies
    from core.cli import main
    from core.store import Store
    from tests.core.studies.serial import serial
    tests, files, commands = {given!r}
    for path in tests:
        found = [one for name, one in runpy.run_path(path).items() if name.startswith("test_")]
        assert found, path
        for one in found:
            one()
    with serial(Path("cache")):
        for file in files:
            kind, spec = studies.from_toml(Path(file))
            jobs.submit(Store(), kind.name, spec)
        jobs.run_queue(Store())
        assert all(job.done == job.total for job in jobs.all_jobs(Store()))
        for command in commands:
            assert main(shlex.split(command)) == 0, command
"""


def registered(source: str, line: str, registry: str, entry: str) -> str:
    """A module with an import, and an entry at the end of a registry."""
    source = re.sub("^from core", f"{line}\nfrom core", source, count=1, flags=re.MULTILINE)
    start = re.search(rf"^{registry}\b.*Registry\($", source, re.MULTILINE)
    assert start, f"no registry {registry}"
    end = source.index("\n)\n", start.end())
    return f"{source[:end]}\n    {entry},{source[end:]}"


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """The program with everything that the page adds."""
    shutil.copytree(PROJECT / "core", tmp_path / "core", ignore=shutil.ignore_patterns("*.pyc"))
    (tmp_path / "tests").symlink_to(PROJECT / "tests")
    for name, content in FILES.items():
        path = tmp_path / name.replace("tests/", "new_tests/")
        assert not path.exists()
        assert not (PROJECT / name).exists(), f"{name} is there already; show another example"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    for module, *rest in LINES:
        path = tmp_path / module
        path.write_text(registered(path.read_text(), *rest))
    for name, content in STUDIES:
        (tmp_path / name).write_text(content)
    return tmp_path


def test_the_examples_work_in_a_copy_of_the_program(copy: Path) -> None:
    tests = [name.replace("tests/", "new_tests/", 1) for name in FILES if name.startswith("tests")]
    assert (len(FILES) - len(tests), len(LINES), len(tests)) == (5, 5, 4)
    given = tests, [name for name, _ in STUDIES], COMMANDS
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(RUN).format(given=given)],
        cwd=copy,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert all(
        (copy / name).is_file() for name in ("rows.csv", "pairs.csv", "results/scores.parquet")
    )


def test_the_examples_are_clean(copy: Path) -> None:
    """As strict as the program's own: what is copied from here passes `make check`."""
    names = [str(copy / name) for name in FILES if name.startswith("core")]
    config = ["--config", str(PROJECT / "pyproject.toml")]
    for command in (["check"], ["format", "--check"]):
        done = subprocess.run(
            [sys.executable, "-m", "ruff", *command, *config, *names],
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout
