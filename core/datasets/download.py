"""One file from the network, whole and checked, or nothing."""

from __future__ import annotations

import hashlib
import http.client
import os
import tempfile
import urllib.request
from collections.abc import Sequence
from pathlib import Path

from core.datasets.source import Progress
from core.errors import DatasetUnavailable

TIMEOUT = 30
CHUNK = 1 << 18
LARGEST = 1 << 30


def fetch(urls: Sequence[str], md5: str, path: Path, advice: str, progress: Progress) -> None:
    """Download a file to `path` from the first address that gives the right bytes.

    The bytes go to a temporary name in the same folder, which is removed on any failure.
    torchvision's own downloader has no time limit, no progress callback and leaves half a file.

    Args:
        urls: Addresses of the same file.
        md5: Checksum the file must have, in hex.
        path: Where it goes; the folder is made.
        advice: What somebody without a network has to put where; ends the error's sentence.
        progress: Told the bytes so far and in all, 0 when the server does not say.

    Raises:
        DatasetUnavailable: No address gave the file, or the folder cannot be written.
    """
    failures = []
    for url in urls:
        try:
            _fetch_one(url, md5, path, progress)
            return
        except (OSError, http.client.HTTPException, _WrongBytes) as error:
            failures.append(f"{url}: {error}")
    raise DatasetUnavailable(
        f"{path} is not there and could not be downloaded ({'; '.join(failures)}): "
        f"connect this machine to the network, or {advice}."
    )


class _WrongBytes(Exception):
    pass


def _fetch_one(url: str, md5: str, path: Path, progress: Progress) -> None:
    request = urllib.request.Request(url, headers={"User-Agent": "xfactor-lab"})
    with urllib.request.urlopen(request, timeout=TIMEOUT) as response:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
        try:
            with os.fdopen(handle, "wb") as file:
                total = int(response.headers.get("Content-Length") or 0)
                digest = hashlib.md5(usedforsecurity=False)
                while chunk := response.read(CHUNK):
                    file.write(chunk)
                    digest.update(chunk)
                    if file.tell() > LARGEST:
                        raise _WrongBytes(f"more than {LARGEST >> 20} MiB came")
                    progress(file.tell(), total, f"Downloading {path.name}")
            if digest.hexdigest() != md5:
                raise _WrongBytes(f"MD5 {digest.hexdigest()} instead of {md5}")
            Path(temporary).replace(path)
        finally:
            Path(temporary).unlink(missing_ok=True)
