"""The Dataset: exact numbers, pairs as the older code has them, and no hidden copies."""

from __future__ import annotations

import numpy as np
import pytest

from hippo.datasets import Dataset, as_dataset
from hippo.datasets.canonical import Bytes
from hippo.errors import InvalidValue

Digits = tuple[Bytes, Bytes]


def test_images_are_pixels_over_255_in_float32(digits: Digits) -> None:
    images = Dataset(*digits).images
    assert images.dtype == np.float32
    assert images.shape == (70, 784)
    assert np.array_equal(images, (digits[0].astype(np.float64) / 255).astype(np.float32))
    assert images.min() == 0
    assert images.max() == 1


def test_images_are_computed_once_and_cannot_be_written(digits: Digits) -> None:
    data = Dataset(*digits)
    assert data.images is data.images
    with pytest.raises(ValueError, match="read-only"):
        data.images[0, 0] = 1


@pytest.mark.parametrize("cached", [False, True])
def test_iterates_as_pairs_of_columns(digits: Digits, cached: bool) -> None:
    data = Dataset(*digits)
    if cached:
        assert len(data.images) == 70
    pairs = list(data)
    assert len(pairs) == len(data) == 70
    for index, (x, y) in enumerate(pairs):
        assert (x.shape, y.shape) == ((784, 1), (10, 1))
        assert x.dtype == y.dtype == np.float32
        assert np.array_equal(x[:, 0], data.images[index])
        assert y.sum() == y[digits[1][index]] == 1


def test_indexing(digits: Digits) -> None:
    data = Dataset(*digits)
    assert np.array_equal(data[-1][0], data[69][0])
    assert np.array_equal(data[np.int64(3)][1], data[3][1])
    with pytest.raises(IndexError):
        data[70]
    with pytest.raises(TypeError):
        data["3"]  # type: ignore[call-overload]  # the point of the test


@pytest.mark.parametrize("cached", [False, True])
def test_a_slice_is_a_dataset_over_the_same_memory(digits: Digits, cached: bool) -> None:
    data = Dataset(*digits)
    images = data.images if cached else None
    part = data[10:20]
    assert isinstance(part, Dataset)
    assert len(part) == 10
    assert np.shares_memory(part.pixels, digits[0])
    assert images is None or np.shares_memory(part.images, images)
    assert np.array_equal(part.images, Dataset(*digits).images[10:20])
    assert part.labels.tolist() == list(range(10))


def test_pairs_make_the_same_dataset(digits: Digits) -> None:
    data = Dataset(*digits)
    again = as_dataset(list(data))
    assert np.array_equal(again.pixels, data.pixels)
    assert np.array_equal(again.images, data.images)
    assert np.array_equal(again.labels, data.labels)
    assert as_dataset(data) is data


def test_pairs_keep_their_exact_inputs() -> None:
    x = np.array([[-2.5], [0.1], [7.0]], np.float32)
    data = as_dataset([(x, np.array([[0.0], [1.0]])), (x * 2, np.array([[1.0], [0.0]]))])
    assert np.array_equal(data[1][0], x * 2)
    assert data[0][1].tolist() == [[0], [1]]
    assert data.labels.tolist() == [1, 0]


def test_bare_labels_are_accepted_beside_columns() -> None:
    x = np.zeros((784, 1))
    assert as_dataset([(x, 7), (x, np.int64(2)), (x, np.eye(10)[:, 3:4])]).labels.tolist() == [7, 2, 3]


def test_no_pairs_make_an_empty_set() -> None:
    data = as_dataset([])
    assert len(data) == 0
    assert data.images.shape == (0, 784)


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ((np.zeros((783, 1)), 3), "Example 1 has 783 inputs"),
        ((np.full((784, 1), np.nan), 3), "not finite"),
        ((np.zeros((784, 1)), np.full((10, 1), 0.1)), "one-hot"),
        ((np.zeros((784, 1)), np.zeros((10, 1))), "one-hot"),
        ((np.zeros((784, 1)), np.eye(10)[:, :1] * 2), "one-hot"),
        ((np.zeros((784, 1)), 1.5), "one-hot"),
        ((np.zeros((784, 1)), -1), "one-hot"),
        ((np.zeros((784, 1)), "seven"), "not a pair"),
        ((np.zeros((784, 1)),), "not a pair"),
        (5, "not a pair"),
    ],
)
def test_bad_pairs_are_refused_by_index(bad: tuple[object, object], words: str) -> None:
    with pytest.raises(InvalidValue, match=words) as caught:
        as_dataset([(np.zeros((784, 1)), 3), bad])
    assert "xample 1 " in caught.value.message


@pytest.mark.parametrize(
    ("pixels", "labels"),
    [
        (np.zeros((2, 784), np.float32), np.zeros(2, np.uint8)),
        (np.zeros((2, 28, 28), np.uint8), np.zeros(2, np.uint8)),
        (np.zeros((2, 784), np.uint8), np.zeros(3, np.uint8)),
        (np.zeros((2, 784), np.uint8), np.zeros(2, np.int64)),
        (np.zeros((2, 784), np.uint8), np.array([1, 10], np.uint8)),
    ],
)
def test_wrong_arrays_are_refused(pixels: Bytes, labels: Bytes) -> None:
    with pytest.raises(InvalidValue):
        Dataset(pixels, labels)
