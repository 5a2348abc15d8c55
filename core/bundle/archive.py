"""A zip file from somewhere else, read only once its claims are known to be harmless."""

from __future__ import annotations

import hashlib
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from typing import Any, BinaryIO

from core.bundle.members import BLOB, FIXED, FORMAT, MANIFEST, VERSION, BadBundle, from_json

MOST_MEMBERS = 50_000
MOST_BYTES = 1 << 30
# What stands in a zip for each member: 46 bytes and its name, of which ours have at most 42.
MOST_DIRECTORY = MOST_MEMBERS * 128
END = struct.Struct("<4s4H2LH")
MOST_COMMENT = 65_535
PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def read_archive(file: BinaryIO) -> dict[str, bytes]:
    """The members of a bundle but the manifest, each as its manifest says.

    Args:
        file: The zip file, seekable.

    Raises:
        BadBundle: It is damaged, was changed, is too large or no bundle; the sentence says which.
    """
    _check_directory(file)
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            _check_members(members)
            content = {one.filename: _read(archive, one) for one in members}
            comment = archive.comment
    except (
        *(zipfile.BadZipFile, zlib.error, OSError, EOFError, ValueError, NotImplementedError),
    ) as error:
        raise BadBundle(f"The bundle is damaged: {error}.") from error
    manifest = content.pop(MANIFEST, None)
    if manifest is None:
        raise BadBundle("The file is a zip but no bundle: it has no manifest.json.")
    if comment != hashlib.sha256(manifest).hexdigest().encode():
        raise BadBundle("The bundle was changed: its manifest is not the one it was written with.")
    _check_sums(from_json(MANIFEST, manifest, dict), content)
    return content


def _check_directory(file: BinaryIO) -> None:
    """Refuse a list of members that would fill the memory when read."""
    size = file.seek(0, os.SEEK_END)
    start = file.seek(max(0, size - END.size - MOST_COMMENT))
    tail = file.read()
    place = tail.rfind(b"PK\5\6")
    if place < 0 or len(tail) - place < END.size:
        raise BadBundle("The file is no zip, or its end is missing; a bundle is a zip.")
    _, _, _, _, count, length, _, _ = END.unpack_from(tail, place)
    far = start + place >= 20 and tail[max(0, place - 20) :].startswith(b"PK\6\7")
    if far or count > MOST_MEMBERS or length > MOST_DIRECTORY:
        raise BadBundle(f"The zip lists more than {MOST_MEMBERS:,} members; no bundle has so many.")
    file.seek(0)


def _check_members(members: Sequence[zipfile.ZipInfo]) -> None:
    names = set()
    for one in members:
        name = one.filename
        shown = repr(name[:80])
        if name != MANIFEST and name not in FIXED and not BLOB.fullmatch(name):
            raise BadBundle(f"The zip holds {shown}, which is no part of a bundle.")
        if name in names:
            raise BadBundle(f"The zip holds {shown} twice.")
        if stat.S_ISLNK(one.external_attr >> 16):
            raise BadBundle(f"{shown} in the zip is a link; a bundle holds files only.")
        if one.flag_bits & 1 or one.compress_type not in PACKINGS:
            raise BadBundle(f"{shown} in the zip is encrypted or packed unlike a bundle.")
        names.add(name)
    total = sum(one.file_size for one in members)
    if total > MOST_BYTES:
        raise BadBundle(
            f"Unpacked, the zip would hold {total / 1e9:,.1f} GB; the most that is opened is "
            f"{MOST_BYTES / 1e9:.1f} GB."
        )


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    # With a size given no more than that is unpacked, whatever the data hold.
    with archive.open(member) as stream:
        content = stream.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise BadBundle(f"{member.filename} in the bundle has another size than the zip says.")
    return content


def _check_sums(manifest: dict[str, Any], content: dict[str, bytes]) -> None:
    if manifest.get("format") != FORMAT:
        raise BadBundle("The file is a zip but no bundle: its manifest names another format.")
    if manifest.get("version") != VERSION:
        raise BadBundle(
            f"The bundle has version {manifest.get('version')!r}, this program opens {VERSION}; "
            "open it with the version of the program that wrote it."
        )
    sums = manifest.get("members")
    if not isinstance(sums, dict) or set(sums) != set(content):
        raise BadBundle("The bundle was changed: its members are not those that it was written of.")
    for name, data in content.items():
        expected = {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}
        if sums[name] != expected:
            raise BadBundle(f"The bundle was changed: {name} does not match its checksum.")
