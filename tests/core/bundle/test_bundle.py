"""Bundles: the same numbers in another store, and a reason for everything that is refused."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import stat
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from core import datasets, jobs
from core.bundle import again, bundled, opened
from core.bundle.members import from_scores
from core.cli import main
from core.details import details
from core.errors import DamagedBlob, InputError
from core.settings import PROJECT
from core.store import Store
from core.studies import STUDIES
from tests.core.studies.several import REMOVAL, studies

NAMES = ("tiny", "damage", REMOVAL.name)
Members = dict[str, bytes]


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    with studies(tmp_path_factory.mktemp("bundles")) as store:
        yield store


@pytest.fixture(scope="module")
def tiny(store: Store) -> bytes:
    return bundled(jobs.find(store, "tiny"), store)


@pytest.fixture(scope="module")
def damage(store: Store) -> bytes:
    return bundled(jobs.find(store, "damage"), store)


@pytest.fixture
def other(tmp_path: Path) -> Store:
    return Store(tmp_path / "other")


def unpacked(content: bytes) -> Members:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def packed(members: Members, signed: bool = True) -> bytes:
    """A zip of members; with a manifest and a comment that fit them, if it is to be believed."""
    members = dict(members)
    if signed:
        manifest = json.loads(members.pop("manifest.json"))
        manifest["members"] = {
            name: {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
            for name, data in members.items()
        }
        members["manifest.json"] = json.dumps(manifest).encode()
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
        archive.comment = hashlib.sha256(members.get("manifest.json", b"")).hexdigest().encode()
    return file.getvalue()


def refused(content: bytes, store: Store) -> str:
    """The reason, one sentence; and the store is as it was."""
    with pytest.raises(InputError) as error:
        opened(io.BytesIO(content), store, "f.zip")
    assert jobs.all_jobs(store) == []
    with store.connection() as db:
        for table in ("scores", "failures", "blobs"):
            assert db.execute(f"SELECT count(*) FROM {table}").fetchone() == (0,)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("name", NAMES)
def test_another_store_gives_the_same_numbers(name: str, store: Store, other: Store) -> None:
    job = jobs.find(store, name)
    found = opened(io.BytesIO(bundled(job, store)), other, "f.zip")
    assert (found.key, found.name, found.spec, found.state) == (job.key, name, job.spec, "done")
    assert found.imported
    assert "f.zip" in found.message
    assert not job.imported
    study = STUDIES[job.study]
    before, after = study.report(job, store), study.report(found, other)
    assert before.sentences == after.sentences
    assert list(before.tables) == list(after.tables)
    for table in before.tables:
        pd.testing.assert_frame_equal(before.tables[table], after.tables[table], check_exact=True)
    order = ["model", "seed", "accuracy", "seconds"]
    scores = [
        study.scores(one, where).sort_values(order, ignore_index=True)
        for one, where in ((job, store), (found, other))
    ]
    pd.testing.assert_frame_equal(*scores, check_exact=True)


def test_predictions_and_histories_come_along(store: Store, damage: bytes, other: Store) -> None:
    opened(io.BytesIO(damage), other, "f.zip")
    with store.connection() as db:
        units = [unit for (unit,) in db.execute("SELECT unit FROM details")]
    assert units
    before, after = details(store, units), details(other, units)
    assert set(before) == set(after)
    for unit, one in before.items():
        np.testing.assert_array_equal(one.predictions, after[unit].predictions)
        assert (one.history is None) == (after[unit].history is None)


def test_a_bundle_holds_the_sums_of_its_members(tiny: bytes) -> None:
    members = unpacked(tiny)
    manifest = json.loads(members.pop("manifest.json"))
    assert {n: hashlib.sha256(d).hexdigest() for n, d in members.items()} == {
        name: values["sha256"] for name, values in manifest["members"].items()
    }
    assert len(tiny) < sum(map(len, members.values()))


def test_an_imported_study_stays_as_it_is_until_it_is_run_again(
    store: Store, tiny: bytes, other: Store
) -> None:
    job = opened(io.BytesIO(tiny), other, "f.zip")
    with pytest.raises(InputError, match="has the study already"):
        opened(io.BytesIO(tiny), other, "f.zip")
    with other.connection() as db:  # As if units were left, which makes another job resumable.
        db.execute("UPDATE jobs SET done = 0")
    jobs.resume(other, job.key)
    assert jobs.find(other, job.key).state == "done"
    queued = again(jobs.find(other, job.key), other)
    assert (queued.state, queued.imported) == ("queued", False)
    with other.connection() as db:
        assert db.execute("SELECT count(*) FROM scores").fetchone() == (0,)
        assert db.execute("SELECT count(*) FROM blobs").fetchone() == (0,)
    jobs.run_queue(other)
    done = jobs.find(other, job.key)
    assert done.state == "done"
    columns = ["subset", "model", "error"]
    before, after = (
        STUDIES["xfactor"].scores(one, where)[columns].sort_values(columns[:2], ignore_index=True)
        for one, where in ((jobs.find(store, "tiny"), store), (done, other))
    )
    pd.testing.assert_frame_equal(before, after)
    with pytest.raises(InputError, match="was run here"):
        again(done, other)


def test_running_again_needs_the_same_data(
    tiny: bytes, other: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    job = opened(io.BytesIO(tiny), other, "f.zip")
    changed = datasets.load("breast-cancer")
    monkeypatch.setattr(datasets, "load", lambda name: changed)
    with pytest.raises(InputError):
        again(job, other)
    assert jobs.find(other, job.key).imported


def test_what_is_here_already_is_kept_or_stands_against_it(
    store: Store, tiny: bytes, other: Store
) -> None:
    members = unpacked(tiny)
    scores = from_scores(json.loads(members["scores.json"]))
    other.add_scores(scores[:3])
    job = opened(io.BytesIO(tiny), other, "f.zip")
    again(job, other)  # Forgets what came along alone.
    assert other.scored([one.unit for one in scores]) == {one.unit for one in scores[:3]}


def test_other_numbers_here_stand_against_it(tiny: bytes, other: Store) -> None:
    scores = from_scores(json.loads(unpacked(tiny)["scores.json"]))
    other.add_scores([replace(scores[0], accuracy=0.123)])
    with pytest.raises(InputError, match="other results for 1 parts"):
        opened(io.BytesIO(tiny), other, "f.zip")
    assert jobs.all_jobs(other) == []


@pytest.mark.parametrize("place", [0.02, 0.3, 0.6, 0.9, 0.999])
def test_damage_anywhere_is_found(place: float, tiny: bytes, other: Store) -> None:
    content = bytearray(tiny)
    content[int(place * len(content))] ^= 0xFF
    refused(bytes(content), other)


@pytest.mark.parametrize("share", [0.0, 0.01, 0.5, 0.9999])
def test_a_part_is_no_bundle(share: float, tiny: bytes, other: Store) -> None:
    refused(tiny[: int(share * len(tiny))], other)


def test_edits_by_hand_are_found(tiny: bytes, other: Store) -> None:
    members = unpacked(tiny)
    scores = json.loads(members["scores.json"])
    scores[0]["accuracy"] = 0.999
    edited = {**members, "scores.json": json.dumps(scores).encode()}
    assert "names another format" in refused(
        packed({**edited, "manifest.json": b"{}"}, False), other
    )
    assert "scores.json does not match its checksum" in refused(packed(edited, False), other)
    manifest = json.loads(members["manifest.json"])
    manifest["members"]["scores.json"]["sha256"] = hashlib.sha256(edited["scores.json"]).hexdigest()
    file = io.BytesIO(packed({**edited, "manifest.json": json.dumps(manifest).encode()}, False))
    with zipfile.ZipFile(file, "a") as archive:
        archive.comment = b""
    assert "manifest is not the one" in refused(file.getvalue(), other)
    blob = next(name for name in members if name.startswith("blobs/"))
    assert "members" in refused(
        packed({n: d for n, d in members.items() if n != blob}, False), other
    )


def changed(members: Members, name: str, edit: Any) -> bytes:
    """A bundle whose sums fit, after an edit of one member's JSON."""
    value = edit(json.loads(members[name]))
    return packed({**members, name: json.dumps(value).encode()})


@pytest.mark.parametrize(
    ("name", "edit"),
    [
        ("job.json", lambda job: {**job, "study": "nothing"}),
        ("job.json", lambda job: {**job, "spec": {"dataset": "digits", "size": 3}}),
        ("job.json", lambda job: {**job, "facts": {}}),
        ("job.json", lambda job: {**job, "key": 5}),
        ("job.json", lambda job: {**job, "more": 1}),
        ("job.json", lambda job: []),
        ("scores.json", lambda rows: [{"unit": "x"}]),
        ("scores.json", lambda rows: [{**rows[0], "accuracy": "high"}]),
        ("scores.json", lambda rows: [*rows, {**rows[0], "unit": "0" * 32}]),
        ("failures.json", lambda rows: [["a", "b"]]),
        ("failures.json", lambda rows: [["0" * 32, "rf", "made up"]]),
        ("notes.json", lambda notes: "text"),
    ],
)
def test_members_that_fit_their_sums_must_make_sense(
    name: str, edit: Any, tiny: bytes, other: Store
) -> None:
    refused(changed(unpacked(tiny), name, edit), other)


def test_results_of_other_studies_are_not_smuggled_in(
    tiny: bytes, damage: bytes, other: Store
) -> None:
    more = {n: d for n, d in unpacked(damage).items() if n.startswith("blobs/")}
    assert "does not read" in refused(packed({**unpacked(tiny), **more}), other)


@pytest.mark.parametrize("name", ["../x", "/etc/passwd", "blobs/../../x.npz", "a\\b", "x" * 5000])
def test_no_other_names(name: str, tiny: bytes, other: Store, tmp_path: Path) -> None:
    reason = refused(packed({**unpacked(tiny), name: b"x"}), other)
    assert "no part of a bundle" in reason
    assert len(reason) < 200


def test_links_copies_and_bombs(tiny: bytes, other: Store) -> None:
    file = io.BytesIO(tiny)
    with zipfile.ZipFile(file, "a") as archive:
        link = zipfile.ZipInfo("details.npz")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    assert "is a link" in refused(file.getvalue(), other)
    file = io.BytesIO(tiny)
    with zipfile.ZipFile(file, "a") as archive, pytest.warns(UserWarning, match="Duplicate"):
        archive.writestr("job.json", b"{}")
    assert "twice" in refused(file.getvalue(), other)


def lying(content: bytes, name: str, size: int) -> bytes:
    """The zip with another unpacked size of a member in its list and before its data."""
    data = bytearray(content)
    for mark, offset, start in ((b"PK\1\2", 24, 46), (b"PK\3\4", 22, 30)):
        place = data.find(mark)
        while place >= 0 and data[place + start : place + start + len(name)] != name.encode():
            place = data.find(mark, place + 1)
        data[place + offset : place + offset + 4] = struct.pack("<L", size)
    return bytes(data)


def test_claims_of_size_are_held_to(tiny: bytes, other: Store) -> None:
    assert "the most that is opened" in refused(lying(tiny, "notes.json", 3 << 30), other)
    refused(lying(tiny, "scores.json", 10), other)
    refused(lying(tiny, "scores.json", 1 << 20), other)
    many = bytearray(tiny)
    end = many.rfind(b"PK\5\6")
    many[end + 10 : end + 12] = struct.pack("<H", 60_000)
    assert "more than 50,000 members" in refused(bytes(many), other)


def npz(**arrays: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


def test_arrays_are_plain_and_as_large_as_they_say(tiny: bytes, other: Store) -> None:
    members = unpacked(tiny)
    name = next(name for name in members if name.startswith("blobs/"))
    pickled = npz(rows=np.array([{}], dtype=object))
    assert "objects" in refused(packed({**members, name: pickled}), other)
    file = io.BytesIO()
    np.savez_compressed(file, rows=np.zeros(10_000_000))
    assert "compressed" in refused(packed({**members, name: file.getvalue()}), other)
    huge = npz(rows=np.zeros(10)).replace(b"(10,)", b"(99,)")
    refused(packed({**members, name: huge}), other)
    refused(packed({**members, name: b"no zip"}), other)
    refused(packed({**members, name: npz(other=np.zeros(3))}), other)


def test_a_study_that_is_not_done_or_damaged_is_not_bundled(store: Store, tmp_path: Path) -> None:
    job = jobs.find(store, "tiny")
    with pytest.raises(InputError, match="running"):
        bundled(replace(job, state="running"), store)
    copy = Store(shutil.copytree(store.root, tmp_path / "copy"))
    for path in (copy.root / "blobs").iterdir():
        path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(DamagedBlob, match="Run the study again"):
        bundled(job, copy)


def test_the_command_line(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    file = tmp_path / "deep" / "tiny.zip"
    assert main(["study", "bundle", "tiny", "--out", str(file)]) == 0
    assert main(["study", "bundle", "tiny", "--out", "tiny.tar"]) == 2
    monkeypatch.setenv("XFACTOR_CACHE", str(tmp_path / "fresh"))
    assert main(["study", "open", str(file)]) == 0
    assert "until it is run again" in capsys.readouterr().out
    assert main(["study", "open", str(file)]) == 2
    assert main(["study", "open", str(tmp_path / "nothing.zip")]) == 2
    assert main(["study", "open", str(PROJECT / "README.md")]) == 2
    assert "a bundle is a zip" in capsys.readouterr().err
    assert main(["study", "again", "tiny"]) == 0
    assert "queued" in capsys.readouterr().out
