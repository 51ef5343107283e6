"""Files with a header or arrays that Hippo never writes are refused by name."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import pytest

from hippo.errors import DataError
from hippo.persistence.arrays_file import read, read_header


def write(path: Path, hippo: str, dtype: str = "F32", size: int = 4) -> None:
    """Write a safetensors file by hand."""
    header = {"__metadata__": {"hippo": hippo}, "a": {"dtype": dtype, "shape": [1], "data_offsets": [0, size]}}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + bytes(size))


def test_a_file_as_hippo_writes_it(tmp_path: Path) -> None:
    write(tmp_path / "a.safetensors", '{"spec": 1}')
    header, arrays = read(tmp_path / "a.safetensors")
    assert header == read_header(tmp_path / "a.safetensors") == {"spec": 1}
    assert arrays["a"].tolist() == [0]


@pytest.mark.parametrize(("dtype", "size"), [("BF16", 2), ("F8_E4M3", 1)])
@pytest.mark.parametrize("known", [False, True])
def test_numbers_that_numpy_does_not_know(known: bool, dtype: str, size: int, tmp_path: Path) -> None:
    if known:
        import ml_dtypes  # as ONNX does  # noqa: F401
    write(tmp_path / "a.safetensors", "{}", dtype, size)
    with pytest.raises(DataError, match=r"^a\.safetensors holds an array of a type"):
        read(tmp_path / "a.safetensors")


@pytest.mark.parametrize("text", ["[" * 100_000, "[]", "5", "", "{"])
def test_a_header_that_is_none(text: str, tmp_path: Path) -> None:
    write(tmp_path / "a.safetensors", text)
    for reader in (read, read_header):
        with pytest.raises(DataError, match=r"^a\.safetensors was not written by Hippo"):
            reader(tmp_path / "a.safetensors")


@pytest.mark.parametrize("kind", ["junk", "empty", "cut", "folder"])
def test_a_damaged_file_is_said_to_be_and_the_log_says_why(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "a.safetensors"
    if kind == "folder":
        path.mkdir()
    else:
        write(path, "{}")
        path.write_bytes({"junk": b"no network", "empty": b"", "cut": path.read_bytes()[:-1]}[kind])
    for reader in (read, read_header):
        with pytest.raises(DataError) as caught:
            reader(path)
        assert caught.value.message == "a.safetensors is damaged, or no file that Hippo wrote."
    assert "Error: " in caplog.text
