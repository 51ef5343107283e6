"""A file is whole or as it was: under kill -9 at every point of a save, on a full disk, and for a reader meanwhile."""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo import atomic_files
from hippo.atomic_files import remove, sweep, write_atomically
from hippo.errors import DataError
from hippo.persistence.model_persistence import ModelFiles
from hippo.training import TrainingState
from tests.persistence.saver import network

PROJECT = Path(__file__).resolve().parents[2]


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.is_file())


def orphans(folder: Path) -> list[str]:
    return [name for name in names(folder) if name.startswith(".unfinished-")]


# ---- Killed


@contextlib.contextmanager
def saver(folder: Path, where: str) -> Iterator[subprocess.Popen[str]]:
    """Run ``tests.persistence.saver``; at the end of the block it is killed with -9."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.persistence.saver", str(folder), where],
        cwd=PROJECT,
        env=os.environ | {"PYTHONPATH": "src", "OPENBLAS_NUM_THREADS": "1"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def read_until(process: subprocess.Popen[str], line: str) -> None:
    assert process.stdout is not None
    for read in process.stdout:
        if read.strip() == line:
            return
    pytest.fail(f"The saver ended before it said {line!r}")


def is_save(files: ModelFiles, number: int) -> bool:
    """Whether the file is exactly what save `number` wrote."""
    facts = files.read_facts("net")
    assert facts is not None
    saved, expected = files.load_model("net").model.parameters, network(number).model.parameters
    assert saved.keys() == expected.keys()
    return facts["revision"] == f"revision {number}" and all(
        np.array_equal(saved[name], expected[name]) for name in saved
    )


@pytest.mark.process
@pytest.mark.parametrize(("where", "saved", "left"), [("half", 1, 1), ("written", 1, 1), ("renamed", 2, 0)])
def test_a_kill_at_any_point_leaves_a_whole_file(where: str, saved: int, left: int, tmp_path: Path) -> None:
    with saver(tmp_path, where) as process:
        read_until(process, "here")
    files = ModelFiles(tmp_path)
    assert is_save(files, saved)
    assert len(orphans(tmp_path)) == left
    assert len(names(tmp_path)) == 1 + left
    assert files.saved_networks() == ["net"]
    files.sweep()
    assert names(tmp_path) == ["net.safetensors"]
    assert is_save(files, saved)


@pytest.mark.process
def test_writing_straight_into_the_file_would_be_noticed(tmp_path: Path) -> None:
    with saver(tmp_path, "plain-half") as process:
        read_until(process, "here")
    with pytest.raises(DataError, match=r"net\.safetensors is damaged"):
        ModelFiles(tmp_path).load_model("net")


@pytest.mark.process
def test_a_kill_at_no_particular_point_leaves_a_whole_file_and_so_does_reading_meanwhile(tmp_path: Path) -> None:
    files = ModelFiles(tmp_path)
    for kill in range(6):
        with saver(tmp_path, "never") as process:
            read_until(process, str(kill + 1))
            for _ in range(5):
                files.load_model("net")
        facts = files.read_facts("net")
        assert facts is not None
        number = int(facts["revision"].removeprefix("revision "))
        assert number >= kill + 1
        assert is_save(files, number)
        assert len(names(tmp_path)) <= 1 + len(orphans(tmp_path))
    files.sweep()
    assert names(tmp_path) == ["net.safetensors"]


# ---- Full or failing disks


@contextlib.contextmanager
def no_room() -> Iterator[None]:
    """The kernel cuts every file of this process off at 100 kB: a write fails when a part of it is done."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


@contextlib.contextmanager
def failing_flush() -> Iterator[None]:
    """The disk is found to be full when the file is flushed."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(atomic_files.os, "fsync", _no_space)
        yield


@contextlib.contextmanager
def failing_rename() -> Iterator[None]:
    """The folder has no room for another name."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "replace", _no_space)
        yield


def _no_space(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


FAILURES: dict[str, tuple[Callable[[], AbstractContextManager[None]], int]] = {
    "half written": (no_room, errno.EFBIG),
    "at the flush": (failing_flush, errno.ENOSPC),
    "at the rename": (failing_rename, errno.ENOSPC),
}


@pytest.mark.parametrize(("failing", "code"), FAILURES.values(), ids=FAILURES)
def test_a_full_disk_leaves_the_old_file(
    failing: Callable[[], AbstractContextManager[None]], code: int, tmp_path: Path
) -> None:
    files = ModelFiles(tmp_path)
    files.save_model("net", network(0), "revision 0", {})
    for save in (
        lambda: files.save_model("net", network(1), "revision 1", {}),
        lambda: files.save_outputs("net", np.zeros((10_000, 10), np.float32), np.zeros((500, 10), np.float32), "1"),
        lambda: files.save_checkpoint("job", network(1), TrainingState()),
    ):
        with failing(), pytest.raises(OSError, match=os.strerror(code)) as caught:
            save()
        assert caught.value.errno == code
    assert is_save(files, 0)
    assert names(tmp_path) == ["net.safetensors"]
    assert names(tmp_path / "checkpoints") == []
    files.save_model("net", network(1), "revision 1", {})  # there is room again
    assert is_save(files, 1)


def test_the_content_is_on_the_disk_before_the_name_and_the_name_before_the_return(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real_fsync, real_replace = os.fsync, Path.replace
    order: list[str] = []

    def fsync(descriptor: int) -> None:
        order.append(f"flush {'folder' if stat.S_ISDIR(os.fstat(descriptor).st_mode) else 'file'}")
        real_fsync(descriptor)

    def replace(path: Path, target: Path) -> Path:
        order.append(f"rename to {target.name}")
        return real_replace(path, target)

    monkeypatch.setattr(os, "fsync", fsync)
    monkeypatch.setattr(Path, "replace", replace)
    write_atomically(tmp_path / "file", b"content")
    assert order == ["flush file", "rename to file", "flush folder"]
    order.clear()
    assert remove(tmp_path / "file")
    assert order == ["flush folder"]


# ---- The functions by themselves


def test_a_file_is_written_replaced_and_removed(tmp_path: Path) -> None:
    path = tmp_path / "new folder" / "file"
    write_atomically(path, b"one")
    assert path.read_bytes() == b"one"
    write_atomically(path, b"")
    assert path.read_bytes() == b""
    assert names(path.parent) == ["file"]
    assert remove(path) is True
    assert remove(path) is False
    assert names(path.parent) == []


def test_a_file_has_the_permissions_of_any_new_file(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(b"")
    write_atomically(tmp_path / "file", b"")
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


def test_a_sweep_removes_orphans_and_nothing_else(tmp_path: Path) -> None:
    for name in (".unfinished-1", ".unfinished-abc", ".hidden", "unfinished-1", "net.safetensors"):
        (tmp_path / name).write_bytes(b"x")
    sweep(tmp_path)
    assert names(tmp_path) == [".hidden", "net.safetensors", "unfinished-1"]
