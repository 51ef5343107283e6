"""Mini-batches: every example once, in an order that is a function of the generator, and large ones in chunks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hippo.datasets.dataset import as_dataset
from hippo.nn import Array, Linear, QuadraticLoss, Sequential, Sigmoid
from hippo.training import batches
from hippo.training.batches import GradientSum, minibatches

Bytes = NDArray[np.uint8]


@dataclass
class Rows:
    """A copy of a chunk, which the next one overwrites."""

    inputs: Array
    targets: Array
    place: tuple[int, bool, bool]


def numbered(count: int) -> tuple[Bytes, Bytes]:
    """Pictures (count, 784) whose first two pixels tell their number, and labels (count,)."""
    number = np.arange(count)
    pixels = np.random.default_rng(1).integers(0, 256, (count, 784), np.uint8)
    pixels[:, 0], pixels[:, 1] = number // 256, number % 256
    return pixels, (number % 10).astype(np.uint8)


def numbers(rows: Array) -> list[int]:
    """Which examples of `numbered` these inputs are."""
    first = np.rint(rows[:, :2] * 255).astype(int)
    return [int(number) for number in first[:, 0] * 256 + first[:, 1]]


def epoch(count: int, size: int, seed: int = 0, start: int = 0) -> list[Rows]:
    chunks = minibatches(*numbered(count), size, np.random.default_rng(seed), start)
    return [Rows(c.inputs.copy(), c.targets.copy(), (c.batch_size, c.is_first, c.is_last)) for c in chunks]


def order(chunks: list[Rows]) -> list[int]:
    return [number for chunk in chunks for number in numbers(chunk.inputs)]


@settings(derandomize=True, deadline=None, max_examples=40)
@given(count=st.integers(1, 50), size=st.integers(1, 60), seed=st.integers(0, 2**32), start=st.integers(0, 60))
def test_every_example_once_in_the_drawn_order(count: int, size: int, seed: int, start: int) -> None:
    chunks = epoch(count, size, seed)
    assert order(chunks) == np.random.default_rng(seed).permutation(count).tolist()
    assert [len(chunk.inputs) for chunk in chunks] == [min(size, count - begin) for begin in range(0, count, size)]
    assert all(chunk.place == (len(chunk.inputs), True, True) for chunk in chunks)
    assert order(epoch(count, size, seed, start)) == order(chunks[start:])


@pytest.mark.parametrize("size", [7, 50, 1_500])
def test_without_a_generator_the_examples_come_as_they_lie(size: int) -> None:
    for start in (0, 1):
        chunks = minibatches(*numbered(2_000), size, None, start)
        assert [number for chunk in chunks for number in numbers(chunk.inputs)] == list(range(start * size, 2_000))


def test_one_draw_for_an_epoch_wherever_it_starts() -> None:
    rngs = [np.random.default_rng(1) for _ in range(3)]
    list(minibatches(*numbered(20), 3, rngs[0]))
    list(minibatches(*numbered(20), 3, rngs[1], start=4))
    rngs[2].permutation(20)
    assert rngs[0].bit_generator.state == rngs[1].bit_generator.state == rngs[2].bit_generator.state


def test_pixels_are_divided_by_255_exactly_and_targets_are_one_hot() -> None:
    pixels, labels = numbered(300)
    pixels[:, 2] = np.arange(300) % 256  # every byte there is
    for chunk in minibatches(pixels, labels, 7, np.random.default_rng(2)):
        which = numbers(chunk.inputs)
        assert chunk.inputs.dtype == chunk.targets.dtype == np.float32
        np.testing.assert_array_equal(chunk.inputs, pixels[which].astype(np.float32) / np.float32(255))
        np.testing.assert_array_equal(chunk.inputs, (pixels[which] / 255.0).astype(np.float32))
        np.testing.assert_array_equal(chunk.targets, np.eye(10)[labels[which]])


def test_large_batches_come_in_chunks() -> None:
    chunks = epoch(4300, 2100)
    assert [len(chunk.inputs) for chunk in chunks] == [700, 700, 700, 700, 700, 700, 100]
    assert [chunk.place for chunk in chunks] == [
        (2100, True, False),
        (2100, False, False),
        (2100, False, True),
        (2100, True, False),
        (2100, False, False),
        (2100, False, True),
        (100, True, True),
    ]
    assert sorted(order(chunks)) == list(range(4300))


def test_batches_are_the_same_however_many_are_made_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = epoch(25, 3)
    monkeypatch.setattr(batches, "CHUNK", 8)  # two batches of 3 at once; the last time one of 1
    for start in range(10):
        parts = epoch(25, 3, start=start)
        assert [part.place for part in parts] == [one.place for one in whole[start:]]
        for part, one in zip(parts, whole[start:], strict=True):
            np.testing.assert_array_equal(part.inputs, one.inputs)
            np.testing.assert_array_equal(part.targets, one.targets)


@pytest.mark.parametrize("count", [7, 8, 9, 24, 25])
def test_chunks_have_exactly_the_gradient_of_the_whole_batch(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly: weights, pixels and targets are small integers here, so that no sum is rounded, in whatever order."""
    pixels, labels = numbered(count)
    pixels = (pixels > 127).astype(np.uint8) * 255  # 0 or 1 when scaled
    layer = Linear(784, 10, "zeros", dtype=np.float64)
    layer.parameters["weights"][:] = np.random.default_rng(3).integers(-3, 4, (784, 10))
    loss = QuadraticLoss()
    loss_of: dict[int, float] = {}
    gradients_of: dict[int, dict[str, Array]] = {}
    for chunk_size in (8, 1000):
        monkeypatch.setattr(batches, "CHUNK", chunk_size)
        sums = GradientSum(layer.gradients)
        loss_of[chunk_size] = 0.0
        for _ in range(2):  # twice, so that what is left of the first batch would show in the second
            for chunk in minibatches(pixels, labels, count, np.random.default_rng(4)):
                loss_of[chunk_size] += loss.forward(layer.forward(chunk.inputs), chunk.targets, 32)
                layer.backward(loss.backward())
                sums.add(chunk)
        gradients_of[chunk_size] = {name: gradient.copy() for name, gradient in layer.gradients.items()}
    assert loss_of[8] == loss_of[1000] > 0
    for name, gradient in gradients_of[1000].items():
        assert gradient.any()
        np.testing.assert_array_equal(gradients_of[8][name], gradient)


def test_chunks_of_a_real_network_give_the_gradient_of_the_whole_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    pixels, labels = numbered(53)
    rng = np.random.default_rng(5)
    model = Sequential([Linear(784, 6, rng=rng, dtype=np.float64), Sigmoid(), Linear(6, 10, rng=rng, dtype=np.float64)])
    loss = QuadraticLoss()
    found = []
    for chunk_size in (10, 1000):
        monkeypatch.setattr(batches, "CHUNK", chunk_size)
        sums = GradientSum(model.gradients)
        for chunk in minibatches(pixels, labels, 53, np.random.default_rng(6)):
            loss.forward(model.forward(chunk.inputs), chunk.targets, chunk.batch_size)
            model.backward(loss.backward())
            sums.add(chunk)
        found.append({name: gradient.copy() for name, gradient in model.gradients.items()})
    for name, gradient in found[1].items():
        np.testing.assert_allclose(found[0][name], gradient, rtol=1e-10, atol=1e-13)


def test_pairs_are_learned_from_with_their_exact_numbers() -> None:
    pairs = [
        (np.full((784, 1), value, np.float32), np.eye(10, dtype=np.float32)[:, [k]])
        for k, value in enumerate((0.1234, -2.5))
    ]
    data = as_dataset(pairs)
    chunk = next(minibatches(data.inputs, data.labels, 2, np.random.default_rng(0)))
    assert sorted(chunk.inputs[:, 0].tolist()) == [-2.5, pytest.approx(0.1234)]
    assert np.array_equal(data[:1].inputs, data.images[:1])


@pytest.mark.parametrize("size", [4, 2000])
def test_any_table_of_floats_is_taken_as_it_is_with_any_number_of_classes(size: int) -> None:
    rng = np.random.default_rng(1)
    table = (rng.standard_normal((2300, 3)) * 1e4).astype(np.float32)
    labels = np.arange(2300) % 300  # more than a byte can tell apart
    order = np.random.default_rng(2).permutation(2300)
    begin = 0
    for chunk in minibatches(table, labels, size, np.random.default_rng(2), smoothing=0.3, classes=300):
        which = order[begin : begin + len(chunk.inputs)]
        begin += len(chunk.inputs)
        np.testing.assert_array_equal(chunk.inputs, table[which])
        np.testing.assert_array_equal(chunk.labels, labels[which])
        assert chunk.targets.shape == (len(which), 300)
        np.testing.assert_allclose(chunk.targets.sum(axis=1), 1, rtol=1e-5)
        np.testing.assert_array_equal(chunk.targets.argmax(axis=1), labels[which])
    assert begin == 2300
