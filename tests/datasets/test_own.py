"""`--data PATH`: every format as a file, folders of IDX files such as Fashion-MNIST's, and what is refused."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from hippo.datasets.canonical import PACKAGE_DIR, Bytes
from hippo.datasets.mnist_loader import MNIST, MNISTLoader
from hippo.datasets.own import load_own
from tests.datasets import made_files
from tests.datasets.conftest import Refused

#: As published, for MNIST and Fashion-MNIST alike.
NAMES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")


def made(count: int, seed: int) -> tuple[Bytes, Bytes]:
    rng = np.random.default_rng(seed)
    return rng.integers(0, 256, (count, 784), np.uint8), rng.integers(0, 10, count, np.uint8)


TRAINING, TEST = made(60, 1), made(12, 2)


def fashion(folder: Path, packed: bool = False, names: tuple[str, ...] = NAMES) -> Path:
    """Write a small Fashion-MNIST: other pictures in files of the same names and shapes."""
    folder.mkdir()
    for name, array in zip(names, (*TRAINING, *TEST), strict=True):
        data = made_files.idx(array)
        (folder / (f"{name}.gz" if packed else name)).write_bytes(gzip.compress(data) if packed else data)
    return folder


def check(found: MNIST, *expected: tuple[Bytes, Bytes]) -> None:
    assert len(found) == len(expected) == 3
    for part, (images, labels) in zip(found, expected, strict=True):
        assert part.pixels.dtype == part.labels.dtype == np.uint8
        assert part.classes == 10
        np.testing.assert_array_equal(part.pixels, images)
        np.testing.assert_array_equal(part.labels, labels)


def as_divided() -> tuple[tuple[Bytes, Bytes], ...]:
    """The last sixth of the training pair is for validation."""
    images, labels = TRAINING
    return (images[:50], labels[:50]), (images[50:], labels[50:]), TEST


# ---- What is read


@pytest.mark.parametrize("packed", [False, True])
def test_the_four_files_of_fashion_mnist(packed: bool, tmp_path: Path) -> None:
    check(load_own(fashion(tmp_path / "fashion", packed)), *as_divided())


def test_names_say_nothing(tmp_path: Path) -> None:
    folder = fashion(tmp_path / "mine", names=("d", "t10k-images-idx3-ubyte", "train-labels-idx1-ubyte", "a.csv"))
    (folder / "README.md").write_text("What this is.")
    (folder / ".hidden.npz").write_bytes(b"PK\x03\x04")
    (folder / "more").mkdir()
    check(load_own(folder), *as_divided())


def test_a_packed_copy_beside_the_plain_file_is_no_second_set(tmp_path: Path) -> None:
    folder = fashion(tmp_path / "fashion")
    for name in NAMES:
        (folder / f"{name}.gz").write_bytes(gzip.compress((folder / name).read_bytes()))
    check(load_own(folder), *as_divided())


@pytest.mark.parametrize("in_folder", [False, True])
@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("kind", ["npz", "pickle", "csv"])
def test_one_file_with_everything(kind: str, packed: bool, in_folder: bool, tmp_path: Path) -> None:
    path = tmp_path / "digits"
    expected = as_divided()
    if kind == "npz":
        with path.open("wb") as file:
            np.savez(file, x_train=TRAINING[0], y_train=TRAINING[1], x_test=TEST[0], y_test=TEST[1])
    elif kind == "pickle":
        scaled = [
            ((images / np.float32(256)).astype(np.float32), labels.astype(np.int64)) for images, labels in expected
        ]
        path.write_bytes(made_files.nielsen(scaled))
    else:
        images, labels = made(42, 3)
        path.write_bytes(made_files.csv(images, labels, "label," + ",".join(f"pixel{i}" for i in range(784))))
        expected = (images[:30], labels[:30]), (images[30:36], labels[30:36]), (images[36:], labels[36:])
    if packed:
        path.write_bytes(gzip.compress(path.read_bytes()))
    check(load_own(tmp_path if in_folder else path), *expected)


def test_two_csv_files_are_training_and_test(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(made_files.csv(*TEST))
    (tmp_path / "b.csv").write_bytes(made_files.csv(*TRAINING))
    check(load_own(tmp_path), *as_divided())


def test_mnist_itself_is_divided_as_the_loader_divides_it() -> None:
    own, loaded = load_own(PACKAGE_DIR), MNISTLoader().load_data()
    for part, other in zip(own, loaded, strict=True):
        np.testing.assert_array_equal(part.pixels, other.pixels)
        np.testing.assert_array_equal(part.labels, other.labels)


# ---- What is refused


def test_nothing_there(tmp_path: Path, refused: Refused) -> None:
    with refused("mnist.npz cannot be read", "No such file"):
        load_own(tmp_path / "mnist.npz")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "notes.txt").write_text("nothing")
    with refused("folder holds no file of digits", "four IDX files", "data/README.md"):
        load_own(tmp_path / "folder")
    (tmp_path / "none.csv").write_bytes(b"")
    with refused("none.csv is empty"):
        load_own(tmp_path / "none.csv")
    (tmp_path / "text").write_text("hello")
    with refused("text is in no format"):
        load_own(tmp_path / "text")


def test_the_folder_one_stands_in_has_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, refused: Refused) -> None:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    with refused("here holds no file of digits"):
        load_own(Path())


def test_a_single_idx_file(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "fashion")
    with refused("train-images-idx3-ubyte is an IDX file and holds images only", "folder"):
        load_own(folder / NAMES[0])
    with refused("t10k-labels-idx1-ubyte is an IDX file and holds labels only", "folder"):
        load_own(folder / NAMES[3])


@pytest.mark.parametrize(
    ("left_out", "words"),
    [
        ((0,), ("train-labels-idx1-ubyte holds 60 labels without images",)),
        ((1,), ("train-images-idx3-ubyte holds 60 images", "t10k-labels-idx1-ubyte has 12")),
        ((2,), ("t10k-labels-idx1-ubyte holds 12 labels without images",)),
        ((3,), ("t10k-images-idx3-ubyte holds 12 images", "train-labels-idx1-ubyte has 60")),
        ((0, 2), ("holds labels and no images",)),
        ((1, 3), ("holds images and no labels",)),
        ((2, 3), ("lacks a second pair of images and labels, for testing",)),
    ],
)
def test_a_counterpart_is_missing(
    left_out: tuple[int, ...], words: tuple[str, ...], tmp_path: Path, refused: Refused
) -> None:
    folder = fashion(tmp_path / "fashion")
    for place in left_out:
        (folder / NAMES[place]).unlink()
    with refused(*words):
        load_own(folder)


def test_counts_that_do_not_match(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "fashion")
    (folder / NAMES[1]).write_bytes(made_files.idx(TRAINING[1][:59]))
    with refused("train-images-idx3-ubyte holds 60 images", "train-labels-idx1-ubyte has 59"):
        load_own(folder)


def test_two_sets_of_training_images(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "both")
    (folder / "other-images").write_bytes(made_files.idx(made(60, 5)[0]))
    with refused("more than two files of images", "other-images", "train-images-idx3-ubyte"):
        load_own(folder)


def test_two_sets_of_training_labels(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "both")
    (folder / NAMES[3]).write_bytes(made_files.idx(made(60, 5)[1]))
    (folder / NAMES[2]).unlink()
    with refused("t10k-labels-idx1-ubyte and", "train-labels-idx1-ubyte both fit", "train-images-idx3-ubyte"):
        load_own(folder)


def test_sets_of_one_size(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "same")
    for name, array in zip(NAMES[2:], made(60, 5), strict=True):
        (folder / name).write_bytes(made_files.idx(array))
    with refused("t10k-images-idx3-ubyte and", "train-images-idx3-ubyte both hold 60 images"):
        load_own(folder)
    for name in NAMES:
        (folder / name).unlink()
    for seed in (1, 2):
        (folder / f"{seed}.csv").write_bytes(made_files.csv(*made(9, seed)))
    with refused("same holds more than one set: 1.csv and 2.csv"):
        load_own(folder)


def test_several_files_with_everything(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "mixed")
    made_files.keras(folder / "mnist.npz", TRAINING, TEST)
    with refused("mixed holds more than one set", "mnist.npz", "train-images-idx3-ubyte", "Name the file"):
        load_own(folder)
    for name in NAMES:
        (folder / name).unlink()
    made_files.keras(folder / "fashion.npz", TRAINING, TEST)
    with refused("mixed holds more than one set: fashion.npz and mnist.npz"):
        load_own(folder)


def test_a_heap_of_files_is_not_read(tmp_path: Path, refused: Refused) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}").write_bytes(b"\0\0\x08\x03 cut off")
    with refused("07 and 22 more"):
        load_own(tmp_path)


def test_sets_without_examples(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "empty")
    for name, array in zip(NAMES[2:], made(0, 5), strict=True):
        (folder / name).write_bytes(made_files.idx(array))
    with refused("t10k-images-idx3-ubyte holds no images"):
        load_own(folder)
    made_files.keras(tmp_path / "empty.npz", TRAINING, made(0, 5))
    with refused("empty.npz holds 60 + 0 examples", "too few"):
        load_own(tmp_path / "empty.npz")


@pytest.mark.parametrize(("rows", "enough"), [(6, False), (7, True)])
def test_too_few_to_divide(rows: int, enough: bool, tmp_path: Path, refused: Refused) -> None:
    path = tmp_path / "few.csv"
    path.write_bytes(made_files.csv(*made(rows, 4)))
    if enough:
        assert [len(part) for part in load_own(path)] == [5, 1, 1]
        return
    with refused("few.csv holds 6 examples", "at least 7"):
        load_own(path)


def test_a_damaged_file_is_named(tmp_path: Path, refused: Refused) -> None:
    folder = fashion(tmp_path / "fashion")
    (folder / NAMES[2]).write_bytes((folder / NAMES[2]).read_bytes()[:-1])
    with refused("t10k-images-idx3-ubyte is cut off"):
        load_own(folder)
