"""Nielsen's pickle: read exactly, whoever wrote it; and no pickle gets anything executed."""

from __future__ import annotations

import gzip
import pickle
import struct
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hippo.datasets import nielsen_pickle, read_file
from hippo.datasets.canonical import Bytes
from tests.datasets import made_files

Refused = Callable[..., AbstractContextManager[None]]
Digits = tuple[Bytes, Bytes]


def three_pairs(digits: Digits, kind: Any = np.float32, scale: int = 256) -> list[made_files.Pair]:
    pixels = (digits[0] / kind(scale)).astype(kind)
    labels = digits[1].astype(np.int64)
    return [(pixels[a:b], labels[a:b]) for a, b in ((0, 50), (50, 60), (60, 70))]


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("writer", ["python 2", "protocol 2", "protocol 3", "protocol 4"])
def test_three_pairs_are_read_exactly(tmp_path: Path, digits: Digits, writer: str, packed: bool) -> None:
    pairs = three_pairs(digits)
    data = made_files.nielsen(pairs) if writer == "python 2" else pickle.dumps(tuple(pairs), int(writer[-1]))
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    contents = read_file(path)
    assert (contents.format, contents.parts) == ("pickle", (50, 10, 10))
    assert contents.images is not None
    assert contents.labels is not None
    assert np.array_equal(contents.images, digits[0])
    assert np.array_equal(contents.labels, digits[1])
    assert [len(images) for images, _ in contents.split()] == [50, 10, 10]


def test_the_made_python_2_pickle_is_what_numpy_understands(digits: Digits) -> None:
    pairs = three_pairs(digits)
    loaded = pickle.loads(made_files.nielsen(pairs), encoding="latin1")  # noqa: S301 - made three lines above
    for (images, labels), (x, y) in zip(pairs, loaded, strict=True):
        assert np.array_equal(images, x)
        assert np.array_equal(labels, y)


@pytest.mark.parametrize(("kind", "scale"), [(np.float64, 256), (np.float32, 255), (np.float64, 255)])
def test_other_scales_give_the_same_bytes(tmp_path: Path, digits: Digits, kind: Any, scale: int) -> None:
    (tmp_path / "mnist.pkl").write_bytes(made_files.nielsen(three_pairs(digits, kind, scale)))
    contents = read_file(tmp_path / "mnist.pkl")
    assert contents.images is not None
    assert np.array_equal(contents.images, digits[0])


class Calls:
    """Pickles as a call of the given function."""

    def __init__(self, function: Callable[..., object], *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[Any, ...]:
        return self.call


@pytest.mark.parametrize("place", ["alone", "in a pair", "by Python 2"])
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
def test_an_attack_is_refused_and_not_executed(
    tmp_path: Path, digits: Digits, refused: Refused, place: str, protocol: int
) -> None:
    mark = tmp_path / "executed"
    attack = Calls(Path.touch, mark)
    pairs: list[Any] = list(three_pairs(digits))
    pairs[1] = (attack, pairs[1][1]) if place == "in a pair" else pairs[1]
    data = pickle.dumps(attack if place == "alone" else tuple(pairs), protocol)
    if place == "by Python 2":
        data = b"\x80\x02cos\nsystem\nU" + bytes([6 + len(str(mark))]) + b"touch " + str(mark).encode() + b"\x85R."
    path = tmp_path / "mnist.pkl.gz"
    path.write_bytes(gzip.compress(data))
    with refused("mnist.pkl.gz is a pickle", "Nothing in it was executed", "fetch it again"):
        read_file(path)
    assert not mark.exists()


def test_the_attack_would_have_worked(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Calls(Path.touch, tmp_path / "executed")))  # noqa: S301 - checks the checker
    assert (tmp_path / "executed").exists()


ARRAY = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85U\x01b\x87R"


@pytest.mark.parametrize(
    "data",
    [
        b"\x80\x02cbuiltins\neval\nU\x011\x85R.",
        b"\x80\x02cnumpy\nload\nU\x01x\x85R.",
        b"\x80\x02c_codecs\ndecode\nU\x01x\x85R.",
        b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x01x\x85R.",
        b"\x80\x02(ios\nsystem\n.",  # INST
        b"\x80\x02U\x01xQ.",  # a persistent id
        b"\x80\x02\x82\x01.",  # the extension registry
        b"\x80\x02Nr\xff\xff\xff\x7f.",  # a place in the memo that would take 16 GB
        b"\x80\x02" + b"N0" * 5000 + b"N.",
        b"\x80\x02" + b"(" * 1000 + b"t" * 1000 + b".",
        b"\x80\x02T\xff\xff\xff\x7fshort.",
        b"\x80\x02cnumpy\nndarray\n}U\x01xK\x01sb.",
        b"\x80\x02c_codecs\nencode\nN}U\x01xK\x01s\x86b.",
        b"\x80\x02c_codecs\nencode\nX\x01\0\0\0xX\x04\0\0\0zlib\x86R.",
        b"\x80\x02" + ARRAY * 6 + b"\x86\x86\x86.",
        b"\x80\x02" + (ARRAY + ARRAY + b"\x86") * 3 + b"\x87.",
        b"\x80\x02N.",
        b"\x80\x02",
    ],
)
def test_hostile_and_foreign_pickles_are_refused(tmp_path: Path, refused: Refused, data: bytes) -> None:
    (tmp_path / "mnist.pkl").write_bytes(data)
    with refused("mnist.pkl is a pickle"):
        read_file(tmp_path / "mnist.pkl")


@pytest.mark.parametrize("data", [b"\x80\x02Nr\xff\xff\xff\x7f.", b"\x80\x02" + b"N0" * 5000 + b"N.", b"\x80\x02}."])
def test_steps_are_refused_before_the_first_is_obeyed(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, data: bytes
) -> None:
    begun: list[object] = []
    monkeypatch.setattr(nielsen_pickle, "_Unpickler", lambda *arguments, **_: begun.append(arguments))
    (tmp_path / "mnist.pkl").write_bytes(data)
    with refused("mnist.pkl"):
        read_file(tmp_path / "mnist.pkl")
    assert begun == []


def test_only_latin_1_is_encoded() -> None:
    assert nielsen_pickle._Encode("\xff", "latin1") == b"\xff"
    with pytest.raises(nielsen_pickle._RefusedError):
        nielsen_pickle._Encode("x", "zlib")


def test_a_refused_pickle_leaves_the_stand_ins_as_they_were(tmp_path: Path, digits: Digits, refused: Refused) -> None:
    before = {kind: dict(vars(kind)) for kind in (nielsen_pickle._Array, nielsen_pickle._Dtype, nielsen_pickle._Encode)}
    for name in (b"numpy\nndarray", b"numpy\ndtype", b"_codecs\nencode"):
        (tmp_path / "mnist.pkl").write_bytes(b"\x80\x02c" + name + b"\nN}U\x01xNs\x86b.")
        with refused("mnist.pkl"):
            read_file(tmp_path / "mnist.pkl")
    assert before == {kind: dict(vars(kind)) for kind in before}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"U\x02f4", b"U\x02O8"),  # objects
        (b"U\x02f4", b"U\x02V4"),
        (b"J" + struct.pack("<i", 50), b"J" + struct.pack("<i", 51)),
        (b"J" + struct.pack("<i", 50), b"J" + struct.pack("<i", -50)),
        (b"J" + struct.pack("<i", 784), b"J" + struct.pack("<i", 2**31 - 1)),
        (b"U\x01<", b"U\x01="),
    ],
)
def test_arrays_whose_state_lies(tmp_path: Path, digits: Digits, refused: Refused, old: bytes, new: bytes) -> None:
    data = made_files.nielsen(three_pairs(digits))
    assert old in data
    (tmp_path / "mnist.pkl").write_bytes(data.replace(old, new, 1))
    with refused("mnist.pkl is a pickle, but not an intact"):
        read_file(tmp_path / "mnist.pkl")


@pytest.mark.parametrize("keep", [3, 50, 5000, -1])
def test_a_pickle_that_is_cut_off(tmp_path: Path, digits: Digits, refused: Refused, keep: int) -> None:
    (tmp_path / "mnist.pkl").write_bytes(made_files.nielsen(three_pairs(digits))[:keep])
    with refused("mnist.pkl is a pickle, but not an intact"):
        read_file(tmp_path / "mnist.pkl")
