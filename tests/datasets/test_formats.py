"""The readers: what others write is read exactly, and what lies, is cut off or swells is refused by name."""

from __future__ import annotations

import gzip
import io
import zipfile
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from hippo.datasets import formats, read_file
from hippo.datasets.canonical import Bytes, idx_header
from hippo.datasets.formats import FileContents
from hippo.errors import DataError
from tests.datasets import made_files

Refused = Callable[..., AbstractContextManager[None]]
Digits = tuple[Bytes, Bytes]

KAGGLE = "label," + ",".join(f"pixel{n}" for n in range(784))
COMMON = "label," + ",".join(f"{row}x{column}" for row in range(1, 29) for column in range(1, 29))


def written(path: Path, data: bytes, packed: bool = False) -> Path:
    path.write_bytes(gzip.compress(data, 1) if packed else data)
    return path


def npz_bytes(digits: Digits, **replaced: object) -> bytes:
    images, labels = digits
    arrays: dict[str, object] = {"x_train": images[:60].reshape(-1, 28, 28), "y_train": labels[:60]}
    arrays |= {"x_test": images[60:].reshape(-1, 28, 28), "y_test": labels[60:]} | replaced
    buffer = io.BytesIO()
    np.savez_compressed(buffer, allow_pickle=True, **arrays)  # type: ignore[arg-type]  # some are wrong on purpose
    return buffer.getvalue()


@pytest.mark.parametrize("packed", [False, True])
def test_idx(tmp_path: Path, digits: Digits, packed: bool) -> None:
    images = read_file(written(tmp_path / "any.name", made_files.idx(digits[0]), packed))
    labels = read_file(written(tmp_path / "other.name", made_files.idx(digits[1]), packed))
    assert images.format == labels.format == "IDX"
    assert images.images is not None
    assert labels.labels is not None
    assert np.array_equal(images.images, digits[0])
    assert np.array_equal(labels.labels, digits[1])
    assert images.labels is labels.images is None


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("header", [None, KAGGLE, COMMON])
@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
def test_csv(tmp_path: Path, digits: Digits, packed: bool, header: str | None, end: bytes) -> None:
    path = written(tmp_path / "digits.dat", made_files.csv(*digits, header=header, end=end), packed)
    assert_holds(read_file(path), digits, "CSV", (70,))


def test_csv_with_byte_order_mark_and_no_last_line_end(tmp_path: Path, digits: Digits) -> None:
    for header in (None, COMMON):
        data = b"\xef\xbb\xbf" + made_files.csv(*digits, header=header).rstrip(b"\n")
        assert_holds(read_file(written(tmp_path / "digits.csv", data)), digits, "CSV", (70,))


@pytest.mark.parametrize(
    ("parts", "sizes"),
    [
        ((42000,), [30000, 6000, 6000]),  # Kaggle's train.csv
        ((70000,), [50000, 10000, 10000]),
        ((60000, 10000), [50000, 10000, 10000]),
        ((50000, 10000, 10000), [50000, 10000, 10000]),
        ((5,), [5, 0, 0]),
    ],
)
def test_split(parts: tuple[int, ...], sizes: list[int]) -> None:
    images, labels = np.zeros((sum(parts), 784), np.uint8), np.arange(sum(parts)).astype(np.uint8)
    sets = FileContents("CSV", images, labels, parts).split()
    assert [len(part) for part, _ in sets] == [len(part) for _, part in sets] == sizes
    assert np.array_equal(np.concatenate([part for _, part in sets]), labels)


@pytest.mark.parametrize("packed", [False, True])
def test_keras_npz(tmp_path: Path, digits: Digits, packed: bool) -> None:
    path = written(tmp_path / "mnist", npz_bytes(digits), packed)
    contents = read_file(path)
    assert_holds(contents, digits, "npz", (60, 10))
    assert [len(part) for part, _ in contents.split()] == [50, 10, 10]


@pytest.mark.parametrize("kind", [np.float32, np.float64, np.int64, np.uint16, ">f4"])
def test_npz_of_other_number_types(tmp_path: Path, digits: Digits, kind: str) -> None:
    images, labels = digits
    scaled = images / 255 if np.dtype(kind).kind == "f" else images
    arrays = {"x_train": scaled[:60].astype(kind), "x_test": np.asfortranarray(scaled[60:].astype(kind))}
    path = written(tmp_path / "mnist.npz", npz_bytes(digits, y_train=labels[:60].astype(kind), **arrays))
    assert_holds(read_file(path), digits, "npz", (60, 10))


def assert_holds(contents: FileContents, digits: Digits, kind: str, parts: tuple[int, ...]) -> None:
    assert contents.format == kind
    assert contents.parts == parts
    assert contents.images is not None
    assert contents.labels is not None
    assert contents.images.dtype == contents.labels.dtype == np.uint8
    assert np.array_equal(contents.images, digits[0])
    assert np.array_equal(contents.labels, digits[1])


def test_a_single_idx_file_cannot_be_split(tmp_path: Path, digits: Digits, refused: Refused) -> None:
    contents = read_file(written(tmp_path / "images", made_files.idx(digits[0])))
    with refused("only images or only labels"):
        contents.split()


def changed(data: bytes, at: int, new: bytes) -> bytes:
    return data[:at] + new + data[at + len(new) :]


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: data + b"\0",
        lambda data: data[:10],
        lambda data: data[:4],
        lambda data: changed(data, 4, b"\xff\xff\xff\xff"),  # a header that announces 3 TB
        lambda data: changed(data, 4, b"\0\0\0\0"),
        lambda data: changed(data, 8, b"\0\0\0\x0e\0\0\0\x38"),  # 14 x 56
    ],
)
def test_idx_that_lies_or_is_cut_off(
    tmp_path: Path, digits: Digits, refused: Refused, damage: Callable[[bytes], bytes]
) -> None:
    with refused("bad-images"):
        read_file(written(tmp_path / "bad-images", damage(made_files.idx(digits[0]))))


def test_labels_that_are_no_digits(tmp_path: Path, refused: Refused) -> None:
    with refused("letters", "0 to 9"):
        read_file(written(tmp_path / "letters", made_files.idx(np.array([1, 26], np.uint8))))


@pytest.mark.parametrize("content", [b"", b"\n", b"hello, world\n", b"\x89PNG\r\n", b"\0" * 5000, b"cos\nsystem\n."])
def test_other_files_are_in_no_format(tmp_path: Path, refused: Refused, content: bytes) -> None:
    with refused("notes.txt", "data/README.md"):
        read_file(written(tmp_path / "notes.txt", content))
    assert formats.detect(tmp_path / "notes.txt") is None


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path, refused: Refused) -> None:
    with refused("gone.npz cannot be read", "No such file"):
        read_file(tmp_path / "gone.npz")
    (tmp_path / "folder").mkdir()
    with refused("folder cannot be read"):
        read_file(tmp_path / "folder")


@pytest.mark.parametrize("keep", [15, -10, -1])
def test_a_gz_that_is_cut_off(tmp_path: Path, digits: Digits, refused: Refused, keep: int) -> None:
    with refused("labels.gz is cut off or damaged"):
        read_file(written(tmp_path / "labels.gz", gzip.compress(made_files.idx(digits[1]))[:keep]))


def test_a_gz_with_a_changed_byte(tmp_path: Path, digits: Digits, refused: Refused) -> None:
    packed = bytearray(gzip.compress(made_files.idx(digits[0]), 0))
    packed[40] ^= 1
    with refused("images.gz is cut off or damaged"):
        read_file(written(tmp_path / "images.gz", bytes(packed)))


@pytest.mark.parametrize("start", [idx_header((70, 784)), COMMON.encode() + b"\n", b"\x80\x02"])
def test_a_gz_bomb_is_given_up_at_the_cap(
    tmp_path: Path, refused: Refused, monkeypatch: pytest.MonkeyPatch, start: bytes
) -> None:
    monkeypatch.setattr(formats, "MAX_BYTES", 2**20)
    path = written(tmp_path / "bomb.gz", start + b"\0" * 2**23, packed=True)
    assert path.stat().st_size < 10**5
    with refused("bomb.gz holds more than 1 MB"):
        read_file(path)


def test_an_npz_bomb_is_refused_before_it_is_unpacked(
    tmp_path: Path, digits: Digits, refused: Refused, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "bomb.npz", npz_bytes(digits, x_train=np.zeros((10000, 784), np.uint8)))
    monkeypatch.setattr(formats, "MAX_BYTES", 2**20)
    monkeypatch.setattr(zipfile.ZipFile, "open", lambda *_: pytest.fail("a member was opened"))
    with refused("bomb.npz unpacks to more than 1 MB"):
        read_file(path)


def test_an_npz_with_objects_is_not_unpickled(tmp_path: Path, digits: Digits, refused: Refused) -> None:
    class Attack:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "executed",))

    objects = np.empty(60, object)
    objects[:] = [Attack()] * 60
    path = written(tmp_path / "objects.npz", npz_bytes(digits, y_train=objects))
    with refused("objects.npz: y_train.npy holds objects"):
        read_file(path)
    assert not (tmp_path / "executed").exists()


def test_an_npz_member_whose_header_lies(tmp_path: Path, digits: Digits, refused: Refused) -> None:
    path = tmp_path / "lying.npz"
    with zipfile.ZipFile(io.BytesIO(npz_bytes(digits))) as good, zipfile.ZipFile(path, "w") as bad:
        for entry in good.namelist():
            bad.writestr(entry, good.read(entry).replace(b"(60, 28, 28)", b"(9**9,28,28)".replace(b"9**9", b"9999")))
    with refused("lying.npz: x_train.npy has a header that does not fit"):
        read_file(path)


@pytest.mark.parametrize(
    ("replaced", "words"),
    [
        ({"x_train": np.zeros((60, 32, 32), np.uint8)}, "(60, 32, 32)"),
        ({"y_train": np.zeros(59, np.uint8)}, "one for each"),
        ({"x_train": np.float64(3)}, "lying"),
        ({"y_train": np.full(60, np.nan)}, "0 to 9"),
        ({"x_train": np.full((60, 784), 0.3)}, "neither bytes nor"),
        ({"x_train": np.full((60, 784), np.nan)}, "neither bytes nor"),
        ({"x_train": np.full((60, 784), np.inf)}, "neither bytes nor"),
        ({"x_train": np.full((60, 784), 256)}, "neither bytes nor"),
        ({"x_train": np.full((60, 784), -1)}, "neither bytes nor"),
        ({"x_train": np.array(["0"] * 60)}, "objects"),
    ],
)
def test_npz_of_something_else(
    tmp_path: Path, digits: Digits, refused: Refused, replaced: dict[str, object], words: str
) -> None:
    with refused("lying.npz", words):
        read_file(written(tmp_path / "lying.npz", npz_bytes(digits, **replaced)))


def test_npz_without_the_arrays_of_keras(tmp_path: Path, refused: Refused) -> None:
    np.savez(tmp_path / "weights.npz", W0=np.zeros(3))
    with refused("weights.npz lacks x_train, y_train, x_test, y_test"):
        read_file(tmp_path / "weights.npz")


@pytest.mark.parametrize("keep", [30, 2000, -30])
def test_npz_that_is_cut_off(tmp_path: Path, digits: Digits, refused: Refused, keep: int) -> None:
    with refused("mnist.npz is cut off or damaged"):
        read_file(written(tmp_path / "mnist.npz", npz_bytes(digits)[:keep]))


@pytest.mark.parametrize(
    ("cell", "line"), [(b"256", 3), (b"-1", 3), (b"1.5", 3), (b"", 3), (b"x", 3), (b"1,1", 3), (b"1e1", 3)]
)
@pytest.mark.parametrize("header", [None, COMMON])
def test_csv_with_a_wrong_cell_names_the_line(
    tmp_path: Path, digits: Digits, refused: Refused, cell: bytes, line: int, header: str | None
) -> None:
    lines = made_files.csv(*digits, header=header).split(b"\n")
    lines[line - 1] = lines[line - 1].rpartition(b",")[0] + b"," + cell
    with refused(f"digits.csv: line {line} is not 785 whole numbers"):
        read_file(written(tmp_path / "digits.csv", b"\n".join(lines)))


def test_csv_of_other_shapes(tmp_path: Path, digits: Digits, refused: Refused) -> None:
    body = made_files.csv(*digits)
    with refused("test.csv", "no labels"):
        read_file(written(tmp_path / "test.csv", KAGGLE.removeprefix("label,").encode() + b"\n"))
    with refused("empty.csv", "no examples"):
        read_file(written(tmp_path / "empty.csv", COMMON.encode() + b"\n"))
    with refused("wide.csv has 786 columns"):
        read_file(written(tmp_path / "wide.csv", body.replace(b"\n", b",0\n")))
    narrow = b"\n".join(line.rpartition(b",")[0] for line in body.split(b"\n"))
    with refused("narrow.csv: line 2"):
        read_file(written(tmp_path / "narrow.csv", COMMON.encode() + b"\n" + narrow))
    with refused("letters.csv", "0 to 9"):
        read_file(written(tmp_path / "letters.csv", made_files.csv(digits[0], digits[1] + 5)))


def test_no_damage_to_a_file_raises_anything_but_a_data_error(tmp_path: Path, digits: Digits) -> None:
    rng = np.random.default_rng(3)
    pairs = [(images / np.float32(256), labels.astype(np.int64)) for images, labels in [digits] * 3]
    for whole in (npz_bytes(digits), made_files.nielsen(pairs), made_files.idx(digits[0])):
        for _ in range(60):
            damaged = bytearray(whole[: int(rng.integers(4, len(whole))) if rng.random() < 0.5 else len(whole)])
            for at in rng.integers(2, min(len(damaged), 400), 3):
                damaged[at] = int(rng.integers(256))
            try:
                read_file(written(tmp_path / "damaged", bytes(damaged)))
            except DataError as error:
                assert "damaged" in error.message
