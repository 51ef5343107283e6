"""A mini-batch allocates nothing once the loop is warm: measured at the loop itself, and the measurement is checked."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

from hippo.network import NeuralNetwork
from hippo.training import Callback, TrainingRun, batches
from tests.jobs.made_data import made_mnist

WARM, LAST = 20, 320
SIZE = 100
TIMES = 3
#: Room for Python's own small objects (views, slices, numbers), and as large as the smallest array of a step: (100, 10)
#: in float32.
LIMIT = 4_000


class Measure(Callback):
    """Measures by how much the memory in use grew at most between two mini-batches.

    Attributes
    ----------
    growth : int
        The highest peak above what was in use at mini-batch `WARM`, in bytes.
    """

    def __init__(self, spoil: Callable[[TrainingRun], None] = lambda run: None) -> None:
        self._spoil = spoil
        self._steps = 0
        self._before = 0
        self.growth: int | None = None

    def on_train_begin(self, run: TrainingRun) -> None:
        self._spoil(run)

    def on_batch_end(self, run: TrainingRun) -> None:
        self._steps += 1
        if self._steps == WARM:
            self._before, _ = tracemalloc.get_traced_memory()
            tracemalloc.reset_peak()
        elif self._steps == LAST:
            _, peak = tracemalloc.get_traced_memory()
            self.growth = peak - self._before


@pytest.fixture
def traced() -> Iterator[None]:
    """Trace memory, with NumPy's own buffer made small: it takes one for every broadcast and would hide our arrays."""
    before = np.setbufsize(64)
    tracemalloc.start()
    yield
    tracemalloc.stop()
    np.setbufsize(before)


def growth(
    activation: str, loss: str, spoil: Callable[[TrainingRun], None] = lambda run: None, size: int = SIZE
) -> int:
    """Train through `LAST` mini-batches of one epoch and return the least that `Measure` found in a warm process.

    What the loop allocates it allocates every time; another thread of the process, which is traced as well, does not.
    """
    data = made_mnist(train=LAST * SIZE // 10, test=10).training_data
    data = type(data)(data.pixels.repeat(10 * size // SIZE, axis=0), data.labels.repeat(10 * size // SIZE))
    network = NeuralNetwork([784, 100, 10], activation, loss, seed=1)
    # The process gets warm too: NumPy keeps small descriptions of the arrays that it has seen.
    network.train(data, 1, size, 0.01)
    found = []
    for _ in range(TIMES):
        measure = Measure(spoil)
        network.train(data, 1, size, 0.01, callbacks=[measure])
        assert measure.growth is not None
        found.append(measure.growth)
    return min(found)


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("loss", ["quadratic", "cross_entropy"])
@pytest.mark.parametrize("activation", ["sigmoid", "tanh", "relu"])
def test_a_warm_loop_allocates_nothing(activation: str, loss: str) -> None:
    assert growth(activation, loss) < LIMIT


@pytest.mark.usefixtures("traced")
def test_a_warm_loop_over_large_batches_in_chunks_allocates_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batches, "CHUNK", 60)
    assert growth("sigmoid", "quadratic") < LIMIT


def _fresh_layers(run: TrainingRun) -> None:
    run.model.keeps_arrays = False


def _fresh_loss(run: TrainingRun) -> None:
    run.loss.keeps_arrays = False


def _fresh_output(run: TrainingRun) -> None:
    run.model.modules[-1].keeps_arrays = False


def _fresh_step(run: TrainingRun) -> None:
    def step() -> None:
        for name, parameter in run.model.parameters.items():
            parameter -= run.optimizer.lr * run.model.gradients[name]

    optimizer: Any = run.optimizer
    optimizer.step = step


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("spoil", [_fresh_layers, _fresh_loss, _fresh_output, _fresh_step])
def test_the_measurement_notices_arrays_made_anew(spoil: Callable[[TrainingRun], None]) -> None:
    assert growth("sigmoid", "cross_entropy", spoil) > LIMIT
