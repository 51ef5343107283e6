"""The only training loop in the project: stochastic gradient descent over mini-batches.

`train` is what a notebook, the command line and a worker process all run. Everything that is not the mathematics of a
step (reporting, checkpoints, cancelling, early stopping) is a `Callback` and stands in ``callbacks``.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits

from hippo.datasets.dataset import Dataset
from hippo.nn import SGD, Loss, Sequential
from hippo.training.batches import GradientSum, minibatches
from hippo.training.config import TrainingConfig
from hippo.training.metrics import evaluate

if TYPE_CHECKING:
    from hippo.training.callbacks import Callback

#: What is known of an epoch, by name; see `train`.
EpochRecord = dict[str, Any]


class Diverged(ArithmeticError):
    """The loss or a weight stopped being finite in `epoch` (from 1): the learning rate is too high for this network."""

    def __init__(self, epoch: int) -> None:
        super().__init__(
            f"The training diverged in epoch {epoch}: the loss is no longer a finite number. "
            "Try a smaller learning rate."
        )
        self.epoch = epoch


@dataclass
class TrainingState:
    """Where a run is: with the weights, all that is needed to go on as if it had never stopped.

    Attributes
    ----------
    epoch : int
        Finished epochs.
    batch : int
        Finished mini-batches of the epoch under way.
    loss_sum : float
        Sum of the losses of the examples seen in the epoch under way.
    elapsed : float
        Seconds of computing so far.
    rng_state : mapping or None
        State of the random generator at the beginning of the epoch under way, or of the next one. With `batch` it gives
        the place in the shuffle: the order is drawn again and the finished mini-batches are left out.
    history : list of dict
        One record for each finished epoch.
    """

    epoch: int = 0
    batch: int = 0
    loss_sum: float = 0.0
    elapsed: float = 0.0
    rng_state: Mapping[str, Any] | None = None
    history: list[EpochRecord] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Return the state as numbers, texts, lists and dicts: what JSON can hold."""
        return asdict(self)


class TrainingRun:
    """What callbacks see of a run: network, optimizer, settings, and the `state`, which the loop keeps current."""

    def __init__(
        self,
        model: Sequential,
        loss: Loss,
        optimizer: SGD,
        config: TrainingConfig,
        state: TrainingState,
        examples: int,
    ) -> None:
        self.model = model
        self.loss = loss
        self.optimizer = optimizer
        self.config = config
        self.state = state
        self.examples = examples
        self._clock = time.perf_counter() - state.elapsed

    @property
    def elapsed(self) -> float:
        """Seconds of computing so far, those before an interruption included."""
        return time.perf_counter() - self._clock


def train(
    model: Sequential,
    loss: Loss,
    training_data: Dataset,
    config: TrainingConfig,
    rng: np.random.Generator,
    test_data: Dataset | None = None,
    callbacks: Sequence[Callback] = (),
    state: TrainingState | None = None,
) -> list[EpochRecord]:
    """Train `model` in place and return one record per epoch.

    Parameters
    ----------
    model : Sequential
        Takes (batch, 784), returns (batch, 10).
    loss : Loss
        What is made small.
    training_data, test_data : Dataset
        What is learned from, and what each epoch's accuracy is measured on.
    config : TrainingConfig
        Epochs, mini-batch size, learning rate.
    rng : numpy.random.Generator
        Decides the order of the examples.
    callbacks : sequence of Callback
        Called in this order.
    state : TrainingState, optional
        Where to go on; the weights must be those of that moment.

    Returns
    -------
    list of dict
        Per epoch: ``epoch`` (from 1), ``loss`` (training, mean over the epoch), ``test_loss``, ``test_accuracy`` (a
        count), ``test_total``, ``accuracy`` (0-1), ``learning_rate``, ``duration_seconds``, ``elapsed_time`` (seconds),
        ``images_per_second``. What concerns the test set is None without one.

    Raises
    ------
    Diverged
        When the loss or a weight stops being finite.

    Notes
    -----
    Nielsen, Neural Networks and Deep Learning, chapter 1, "Implementing our network to classify digits".
    """
    state = state or TrainingState()
    optimizer = SGD(model, config.learning_rate)
    run = TrainingRun(model, loss, optimizer, config, state, len(training_data))
    gradients = GradientSum(model.gradients)
    if state.rng_state is not None:
        rng.bit_generator.state = state.rng_state

    with _fast(model, loss), _hooks(run, callbacks):
        while state.epoch < config.epochs:
            began, seen = run.elapsed, 0
            state.rng_state = rng.bit_generator.state
            for callback in callbacks:
                callback.on_epoch_begin(run)

            batch_loss = 0.0
            for chunk in minibatches(
                training_data.inputs, training_data.labels, config.mini_batch_size, rng, start=state.batch
            ):
                outputs = model.forward(chunk.inputs)
                batch_loss += loss.forward(outputs, chunk.targets, chunk.batch_size)
                model.backward(loss.backward())
                gradients.add(chunk)
                if not chunk.is_last:
                    for callback in callbacks:
                        callback.on_chunk_end(run)
                    continue
                if not math.isfinite(batch_loss):
                    raise Diverged(state.epoch + 1)
                optimizer.step()

                state.batch += 1
                state.loss_sum += batch_loss * chunk.batch_size
                seen += chunk.batch_size
                batch_loss = 0.0
                for callback in callbacks:
                    callback.on_batch_end(run)

            _finish_epoch(run, test_data, run.elapsed - began, seen)
            state.rng_state = rng.bit_generator.state
            for callback in callbacks:
                callback.on_epoch_end(run)
    return state.history


def _finish_epoch(run: TrainingRun, test_data: Dataset | None, seconds: float, seen: int) -> None:
    """Measure the epoch that just ended and move `run.state` to the beginning of the next one."""
    state = run.state
    evaluation = evaluate(run.model, run.loss, test_data) if test_data is not None else None
    finite = all(np.isfinite(parameter).all() for parameter in run.model.parameters.values())
    if not finite or (evaluation and not math.isfinite(evaluation.loss)):
        raise Diverged(state.epoch + 1)
    state.epoch += 1
    state.elapsed = run.elapsed
    state.history.append(
        {
            "epoch": state.epoch,
            "loss": state.loss_sum / run.examples,
            "test_loss": evaluation.loss if evaluation else None,
            "test_accuracy": evaluation.correct if evaluation else None,
            "test_total": evaluation.total if evaluation else None,
            "accuracy": evaluation.accuracy if evaluation else None,
            "learning_rate": run.optimizer.lr,
            "duration_seconds": seconds,
            "elapsed_time": state.elapsed,
            "images_per_second": seen / seconds,
        }
    )
    state.batch, state.loss_sum = 0, 0.0


@contextmanager
def _fast(model: Sequential, loss: Loss) -> Iterator[None]:
    """Reuse memory from step to step, skip the gradient of the pictures, and keep BLAS to one thread.

    One thread, because threads that wait for each other on a busy machine are slower than one, and because the order in
    which they add up would decide the last bits of the weights. Overflow is no warning here: the loop looks at the loss
    itself.
    """
    first = model.modules[0]
    before = model.keeps_arrays, loss.keeps_arrays, first.wants_input_gradient
    model.keeps_arrays, loss.keeps_arrays, first.wants_input_gradient = True, True, False
    try:
        with threadpool_limits(1), np.errstate(over="ignore", invalid="ignore"):
            yield
    finally:
        model.keeps_arrays, loss.keeps_arrays, first.wants_input_gradient = before


@contextmanager
def _hooks(run: TrainingRun, callbacks: Sequence[Callback]) -> Iterator[None]:
    """Call `on_train_begin`, and `on_train_end` however the run ends, for every callback that was begun."""
    with ExitStack() as ends:  # which calls every end, also when the one before it fails
        try:
            for callback in callbacks:
                ends.callback(callback.on_train_end, run)
                callback.on_train_begin(run)
            yield
        finally:
            run.state.elapsed = run.elapsed
