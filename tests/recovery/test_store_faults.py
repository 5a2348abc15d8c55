"""Whatever happens to the cache ends in one sentence with exit code 2, and nothing is lost."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from pathlib import Path

import pytest

from core import jobs
from core.database import VERSION
from core.settings import PROJECT
from core.store import Store

HERE = Path(__file__).parent
SPEC = """
dataset = "digits"
per_class = [4]
random = 4
strategies = []
models = ["gnb"]
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "check.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture
def old(tmp_path: Path) -> Path:
    """A cache that a program of store version 1 left: one finished study, two tags."""
    cache = tmp_path / "old"
    cache.mkdir()
    with closing(sqlite3.connect(cache / "xfactor.sqlite", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.executescript((HERE / "store-version-1.sql").read_text(encoding="utf-8"))
    return cache


def sentence(done: subprocess.CompletedProcess[str]) -> str:
    """The one sentence that a command ended with."""
    assert done.returncode == 2, (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr + done.stdout
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("error: ")]
    return line


def content(path: Path, ask: str = "SELECT * FROM {}") -> dict[str, list[tuple[object, ...]]]:
    """All rows of all tables of a SQLite file, or what else is asked of each."""
    with closing(sqlite3.connect(path)) as db:
        found = db.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
        return {name: db.execute(ask.format(name)).fetchall() for (name,) in found}


def test_a_store_of_an_older_version_is_migrated_once_with_a_backup(old: Path) -> None:
    before = content(old / "xfactor.sqlite")
    open_it = f"from pathlib import Path; from core.store import Store; Store(Path({str(old)!r}))"
    readers = [
        subprocess.Popen(
            [sys.executable, "-c", open_it], cwd=PROJECT, stderr=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = "".join(reader.communicate()[1] for reader in readers)
    assert [reader.returncode for reader in readers] == [0, 0, 0]
    (backup,) = old.glob("xfactor-version-1-*.sqlite")
    assert said.count("was of version 1 and is now of version") == 1
    assert backup.name in said
    assert content(backup) == before
    after = content(old / "xfactor.sqlite")
    assert {name: rows for name, rows in after.items() if name != "jobs"} == {
        name: rows for name, rows in before.items() if name != "jobs"
    }
    assert [row[: len(before["jobs"][0])] for row in after["jobs"]] == before["jobs"]
    Store(old.parent / "new")
    columns = "PRAGMA table_info({})"
    fresh = content(old.parent / "new" / "xfactor.sqlite", columns)
    assert fresh.items() <= content(old / "xfactor.sqlite", columns).items()
    job = jobs.find(Store(old), "old")
    assert (job.state, job.done, job.spent) == ("done", 2, 0.0)


def test_a_migration_that_is_killed_is_done_again(old: Path) -> None:
    """The process dies between the backup and the end of the migration."""
    code = """
        import os
        from pathlib import Path
        from core.database import Database
        from core.store import Store
        back_up = Database._back_up
        def die(self, version):
            back_up(self, version)
            os.kill(os.getpid(), 9)
        Database._back_up = die
        Store(Path(%r))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code) % str(old)], cwd=PROJECT, check=False
    )
    assert done.returncode == -9
    assert len(list(old.glob("xfactor-version-1-*.sqlite"))) == 1
    assert jobs.find(Store(old), "old").done == 2
    with closing(sqlite3.connect(old / "xfactor.sqlite")) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (VERSION,)
