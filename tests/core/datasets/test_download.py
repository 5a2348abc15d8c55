"""Downloads from a server on this machine: whole and checked, or nothing and one sentence."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from torchvision.datasets import MNIST

from core import datasets
from core.datasets import cifar10, download, idx
from core.errors import DatasetUnavailable, JobCancelled


class Handler(http.server.BaseHTTPRequestHandler):
    files: ClassVar[dict[str, bytes]] = {}
    promised: ClassVar[int] = 0  # Bytes announced beyond those sent.

    def do_GET(self) -> None:
        data = self.files.get(self.path.rpartition("/")[2])
        if data is None:
            self.send_error(404)
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(data) + self.promised))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setattr(Handler, "files", {})
    monkeypatch.setattr(Handler, "promised", 0)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.01,))
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/"
        running.shutdown()
        thread.join()


@pytest.fixture
def offer_mnist(server: str, tmp_path: Path, write_set, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small MNIST on the server, and torchvision told to fetch it there."""
    write_set(tmp_path / "offered", ".gz")
    resources = []
    for name in idx.NAMES:
        data = (tmp_path / "offered" / f"{name}.gz").read_bytes()
        Handler.files[f"{name}.gz"] = data
        resources.append((f"{name}.gz", hashlib.md5(data).hexdigest()))
    monkeypatch.setattr(MNIST, "mirrors", [server])
    monkeypatch.setattr(MNIST, "resources", resources)


@pytest.mark.usefixtures("offer_mnist")
def test_first_use_downloads_and_reports_progress(root: Path) -> None:
    assert {item.name: item.state for item in datasets.catalogue()}["mnist"] == "download"
    told: list[tuple[int, int, str]] = []
    data = datasets.load("mnist", lambda *args: told.append(args))
    assert len(data.train) == 30
    size = len(Handler.files["train-images-idx3-ubyte.gz"])
    assert (size, size, "Downloading train-images-idx3-ubyte.gz") in told
    assert {item.name: item.state for item in datasets.catalogue()}["mnist"] == "on disk"
    assert sorted(path.name for path in (root / "MNIST" / "raw").iterdir()) == sorted(
        f"{name}.gz" for name in idx.NAMES
    )
    Handler.files.clear()
    assert datasets.load("mnist").fingerprint == data.fingerprint


@pytest.mark.usefixtures("offer_mnist")
def test_torchvision_takes_the_downloaded_files(root: Path) -> None:
    data = datasets.load("mnist")
    Handler.files.clear()
    other = MNIST(root, download=True)
    assert other.data.numpy().tobytes() == data.train.x.tobytes()


@pytest.mark.usefixtures("offer_mnist")
@pytest.mark.parametrize("fault", ["missing", "wrong", "short", "refused"])
def test_a_failed_download_leaves_nothing_and_says_what_to_do(
    root: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    if fault == "missing":
        Handler.files.clear()
    elif fault == "wrong":
        Handler.files["train-images-idx3-ubyte.gz"] = gzip.compress(b"something else")
    elif fault == "short":
        Handler.files = {name: data[:-100] for name, data in Handler.files.items()}
        monkeypatch.setattr(Handler, "promised", 100)
    else:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            monkeypatch.setattr(MNIST, "mirrors", [f"http://127.0.0.1:{unused.getsockname()[1]}/"])
    with pytest.raises(DatasetUnavailable) as caught:
        datasets.load("mnist")
    sentence = str(caught.value)
    assert "connect this machine to the network" in sentence
    assert all(name in sentence for name in idx.NAMES)
    assert f"into {root / 'MNIST' / 'raw'}" in sentence
    assert [path for path in root.rglob("*") if path.is_file()] == []


def test_the_next_mirror_is_tried(root: Path, server: str) -> None:
    Handler.files["a.bin"] = b"12345"
    path = root / "new" / "a.bin"
    urls = [server + "not-there", server + "a.bin"]
    download.fetch(urls, hashlib.md5(b"12345").hexdigest(), path, "", lambda *args: None)
    assert path.read_bytes() == b"12345"


def test_too_much_is_cut_off(root: Path, server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "LARGEST", 10)
    Handler.files["a.bin"] = bytes(100)
    with pytest.raises(DatasetUnavailable, match="more than"):
        download.fetch([server + "a.bin"], "", root / "a.bin", "", lambda *args: None)
    assert list(root.iterdir()) == []


def test_cancelling_leaves_nothing(root: Path, server: str) -> None:
    Handler.files["a.bin"] = b"12345"

    def cancel(done: int, total: int, what: str) -> None:
        raise JobCancelled("stop")

    with pytest.raises(JobCancelled):
        download.fetch([server + "a.bin"], "", root / "a.bin", "", cancel)
    assert list(root.iterdir()) == []


@pytest.mark.usefixtures("offer_mnist")
def test_a_root_that_cannot_be_written_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XFACTOR_DATA", str(tmp_path / "file"))
    with pytest.raises(DatasetUnavailable, match="Not a directory"):
        datasets.load("mnist")


def test_cifar10_offline_names_both_ways_to_bring_it(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cifar10, "URL", "http://127.0.0.1:9/cifar-10-binary.tar.gz")
    monkeypatch.setenv("no_proxy", "*")
    with pytest.raises(DatasetUnavailable) as caught:
        datasets.load("cifar10")
    assert f"cifar-10-binary.tar.gz into {root}" in str(caught.value)
    assert f"Parquet files into {root / 'cifar10'}" in str(caught.value)
    assert list(root.iterdir()) == []
