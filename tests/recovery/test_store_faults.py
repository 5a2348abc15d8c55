"""Whatever happens to the cache ends in one sentence with exit code 2, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

from core import database, jobs
from core.database import VERSION
from core.errors import StoreError
from core.settings import PROJECT
from core.store import Store
from core.studies import xfactor
from tests.recovery.test_recovery import command

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


def test_a_corrupt_file_is_set_aside_and_named(old: Path) -> None:
    path = old / "xfactor.sqlite"
    bytes_before = b"not a database " * 1000
    path.write_bytes(bytes_before)
    words = sentence(command(old, "jobs"))
    (aside,) = old.glob("xfactor-damaged-*.sqlite")
    assert f"{path} is damaged" in words
    assert f"was moved to {aside.name}" in words
    assert aside.read_bytes() == bytes_before
    # The next command has a store to work with, and goes on saying where the other one is.
    done = command(old, "jobs")
    assert done.returncode == 0, done.stderr
    assert str(aside) in done.stderr


@pytest.mark.parametrize("harm", ["hole", "cut"])
def test_damage_inside_the_file_is_found_when_it_is_read(tmp_path: Path, harm: str) -> None:
    """Two processes meet it at once; one sets the file aside, once."""
    store = Store(tmp_path)
    with store.connection() as db:
        db.executemany(
            "INSERT INTO job_log (key, time, text) VALUES (?, 0, ?)",
            [("k", "x" * 500) for _ in range(400)],
        )
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    path = tmp_path / "xfactor.sqlite"
    data = bytearray(path.read_bytes())
    if harm == "cut":
        del data[len(data) // 2 :]
    else:
        data[len(data) // 4 : len(data) // 2] = bytes(len(data) // 2 - len(data) // 4)
    path.write_bytes(data)
    code = (
        "import sys\nfrom pathlib import Path\nfrom core.errors import StoreError\n"
        "from core.store import Store\n"
        "try:\n"
        f"    with Store(Path({str(tmp_path)!r})).connection() as db:\n"
        "        db.execute('SELECT sum(length(text)) FROM job_log').fetchone()\n"
        "except StoreError as error:\n    print(error)\n"
    )
    readers = [
        subprocess.Popen([sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE)
        for _ in range(2)
    ]
    said = [reader.communicate()[0].decode() for reader in readers]
    assert [reader.returncode for reader in readers] == [0, 0]
    (aside,) = tmp_path.glob("xfactor-damaged-*.sqlite")
    assert aside.read_bytes() == data
    assert sum(aside.name in words for words in said) == 1
    assert jobs.all_jobs(Store(tmp_path)) == []


def test_arrays_that_were_cut_short_are_computed_again_and_nothing_else(
    spec: Path, tmp_path: Path
) -> None:
    cache = tmp_path / "cache"
    done = command(cache, "study", "run", str(spec))
    assert done.returncode == 0, done.stderr
    store = Store(cache)
    before = xfactor.results(jobs.find(store, "check"), store).scores
    for path in (cache / "blobs").glob("*.npz"):
        os.truncate(path, path.stat().st_size // 2)
    again = command(cache, "study", "run", str(spec))
    assert again.returncode == 0, again.stderr
    job = jobs.find(store, "check")
    said = [text for _, text in jobs.log(store, job.key)]
    assert [text.endswith("It is computed again when its study runs.") for text in said] == [
        False, True, False,
    ]  # fmt: skip
    # The same seconds, too: no model was trained again.
    pd.testing.assert_frame_equal(xfactor.results(job, store).scores, before)


HOLD = (
    "import sqlite3, sys, time\n"
    "db = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
    "db.execute('BEGIN EXCLUSIVE')\n"
    "print('locked', flush=True)\n"
    "time.sleep(float(sys.argv[2]))\n"
)


def locked(store: Store, seconds: float) -> subprocess.Popen[str]:
    """A process that has locked a store by now, for so many seconds."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(store.root / "xfactor.sqlite"), str(seconds)],
        stdout=subprocess.PIPE,
        text=True,
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "locked\n"
    return holder


def test_a_lock_of_ten_seconds_is_waited_for(tmp_path: Path) -> None:
    store = Store(tmp_path)
    began = time.monotonic()
    with locked(store, 10):
        assert jobs.all_jobs(store) == []  # Readers do not wait.
        assert time.monotonic() - began < 9
        store.add_failures([("u", "gnb", "none")])
    assert time.monotonic() - began >= 9
    assert len(store.failures(["u"])) == 1


def test_a_lock_that_nobody_gives_up_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(tmp_path)
    monkeypatch.setattr(database, "LOCKED_SECONDS", 0.1)
    with locked(store, 60) as holder:
        with pytest.raises(StoreError, match="Another program has locked"):
            store.add_failures([("u", "gnb", "none")])
        holder.kill()
    store.add_failures([("u", "gnb", "none")])


def mounted(script: str, *arguments: object) -> list[str]:
    """A command that runs a shell script where it may mount what nobody else sees."""
    alone = ["unshare", "--map-root-user", "--mount"]
    attempt = [*alone, "mount", "-t", "tmpfs", "tmpfs", "/tmp"]
    if shutil.which("unshare") is None or subprocess.run(attempt, check=False).returncode:
        pytest.skip("this machine lets nobody mount a file system of their own")
    return [*alone, "sh", "-ec", script, "sh", *map(str, arguments)]


def test_a_read_only_cache_is_one_sentence(tmp_path: Path) -> None:
    Store(tmp_path)
    read_only = 'mount --bind "$1" "$1"; mount -o remount,ro,bind "$1"'
    script = f'{read_only}; XFACTOR_CACHE="$1" exec "$2" -m core jobs'
    done = subprocess.run(
        mounted(script, tmp_path, sys.executable),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "read-only); make it writable or set XFACTOR_CACHE" in sentence(done)


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    script = 'mount -t tmpfs -o size=6m tmpfs "$1"; exec "$2" -m tests.recovery.on_small_disk "$1"'
    done = subprocess.run(
        mounted(script, tmp_path, sys.executable),
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
