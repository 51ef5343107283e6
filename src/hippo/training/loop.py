"""The only training loop in the project: gradient descent over mini-batches.

`train` is what a notebook, the command line and a worker process all run. Everything that is not the mathematics of a
step (reporting, checkpoints, cancelling, early stopping) is a `Callback` and stands in ``callbacks``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits

from hippo.errors import InvalidValue
from hippo.nn import Loss, Sequential, clip_gradients, gradient_norm
from hippo.training.batches import Examples, GradientSum, minibatches
from hippo.training.chance import Chance
from hippo.training.config import TrainingConfig
from hippo.training.metrics import Answers, evaluate
from hippo.training.state import Diverged, EpochRecord, TrainingRun, TrainingState

if TYPE_CHECKING:
    from hippo.training.callbacks import Callback

#: The gradient's norm is taken of the first mini-batch of an epoch and of each 100th after it: it would cost a tenth of
#: the time to take it of all.
NORM_EVERY = 100


def train(
    model: Sequential,
    loss: Loss,
    training_data: Examples,
    config: TrainingConfig,
    rng: np.random.Generator,
    test_data: Examples | None = None,
    callbacks: Sequence[Callback] = (),
    state: TrainingState | None = None,
    validation_data: Examples | None = None,
) -> list[EpochRecord]:
    """Train `model` in place and return one record per epoch.

    Parameters
    ----------
    model : Sequential
        Takes (batch, features), returns (batch, classes): (batch, 784) and (batch, 10) for digits.
    loss : Loss
        What is made small.
    training_data, test_data, validation_data : Dataset, or other Examples
        What is learned from, and what is measured after each epoch. For choices (early stopping, the best epoch) only
        the validation set may be used; who wants an honest test result looks at the test set once, after training.
    config : TrainingConfig
        Epochs, mini-batch size, learning rate, optimizer. A callback may change some on the way (`TrainingRun.change`).
    rng : numpy.random.Generator
        Decides the order of the examples, if they are shuffled.
    callbacks : sequence of Callback
        Called in this order.
    state : TrainingState, optional
        Where to go on; the weights must be those of that moment.

    Returns
    -------
    list of dict
        Per epoch: ``epoch`` (from 1), ``loss`` and ``training_accuracy`` (0-1; means over the epoch, while the network
        learned), ``validation_loss``, ``validation_accuracy`` (0-1), ``test_loss``, ``test_accuracy`` (a count),
        ``test_total``, ``accuracy`` (0-1, of the test set), ``learning_rate`` (of the last step), ``gradient_norm``
        (mean over each 100th mini-batch), ``duration_seconds``, ``elapsed_time`` (seconds), ``images_per_second``,
        ``augmentation_share`` (0-1, of the duration). What concerns a set that was not given is None.

    Raises
    ------
    InvalidValue
        For a set without examples, or sets with different numbers of classes.
    Diverged
        When the loss or a weight stops being finite.

    Notes
    -----
    Nielsen, Neural Networks and Deep Learning, chapter 1, "Implementing our network to classify digits".
    """
    for data in (training_data, validation_data, test_data):
        if data is not None and (not len(data) or data.classes != training_data.classes):
            raise InvalidValue("Each set must hold at least one example, and all the same number of classes.")
    state = state or TrainingState()
    optimizer, schedule = state.settings(config).make_optimizer(model), config.make_schedule()
    run = TrainingRun(model, loss, optimizer, config, state, len(training_data))
    if state.batch > run.batches:
        raise InvalidValue(f"This run was in mini-batch {state.batch} of an epoch; the set has only {run.batches}.")
    if state.steps:
        try:
            optimizer.restore(state.steps, state.arrays)
        except ValueError as error:
            raise InvalidValue(str(error)) from None
    state.arrays = optimizer.state
    gradients, answers, chance = GradientSum(model.gradients), Answers(state), Chance(model, config, state)
    run.count_answers = answers.count
    if schedule and state.batch:  # an epoch that has no step left is recorded with the rate of its last one
        optimizer.lr = run.config.learning_rate * schedule(state.epoch + (state.batch - 1) / run.batches, config.epochs)
    if state.rng_state is not None:
        rng.bit_generator.state = state.rng_state

    with _fast(model, loss), _hooks(run, answers, callbacks):
        while state.epoch < config.epochs and run.stop_reason is None:
            timer = _Timer(run, chance)
            state.rng_state = rng.bit_generator.state
            for callback in callbacks:
                callback.on_epoch_begin(run)
            run.config = state.settings(config)  # a mini-batch size that was changed holds from here on

            batch_loss = 0.0
            for chunk in minibatches(
                training_data.inputs,
                training_data.labels,
                run.config.mini_batch_size,
                rng if config.shuffle else None,
                state.batch,
                config.label_smoothing,
                chance.augment,
                training_data.classes,
            ):
                if chunk.is_first:
                    chance.begin_batch()
                outputs = model.forward(chunk.inputs)
                batch_loss += loss.forward(outputs, chunk.targets, chunk.batch_size)
                model.backward(loss.backward())
                gradients.add(chunk)
                answers.add(outputs, chunk)
                if not chunk.is_last:
                    for callback in callbacks:
                        callback.on_chunk_end(run)
                    continue
                if not math.isfinite(batch_loss):
                    raise Diverged(state.epoch + 1, f", in mini-batch {state.batch + 1:,} of {run.batches:,}")
                if state.batch % NORM_EVERY == 0:
                    state.norm_sum += gradient_norm(model)
                if config.clip_norm:
                    clip_gradients(model, config.clip_norm)
                if schedule:
                    now = state.epoch + state.batch / run.batches
                    optimizer.lr = run.config.learning_rate * schedule(now, config.epochs)
                optimizer.step()

                state.batch += 1
                state.steps += 1
                state.loss_sum += batch_loss * chunk.batch_size
                timer.seen += chunk.batch_size
                batch_loss = 0.0
                for callback in callbacks:
                    callback.on_batch_end(run)

            answers.count()
            _finish_epoch(run, timer.stop(), validation_data, test_data)
            state.rng_state = rng.bit_generator.state
            for callback in callbacks:
                callback.on_epoch_end(run)
    return state.history


class _Timer:
    """How long an epoch, or the rest of an interrupted one, takes, and how many examples it sees."""

    def __init__(self, run: TrainingRun, chance: Chance) -> None:
        self._run, self._chance = run, chance
        self._began, self._augmented = run.elapsed, chance.augmentation_seconds
        self.seen = 0

    def stop(self) -> EpochRecord:
        """Return what the record of the epoch says of time."""
        seconds = self._run.elapsed - self._began
        return {
            "duration_seconds": seconds,
            "images_per_second": self.seen / seconds,
            "augmentation_share": (self._chance.augmentation_seconds - self._augmented) / seconds,
        }


def _finish_epoch(
    run: TrainingRun, times: EpochRecord, validation_data: Examples | None, test_data: Examples | None
) -> None:
    """Measure the epoch that just ended and move `run.state` to the beginning of the next one."""
    state = run.state
    validation, test = (
        evaluate(run.model, run.loss, data) if data is not None else None for data in (validation_data, test_data)
    )
    learned = [*run.model.parameters.values(), *run.model.buffers.values()]
    finite = all(np.isfinite(array).all() for array in learned)
    if not finite or any(result and not math.isfinite(result.loss) for result in (validation, test)):
        raise Diverged(state.epoch + 1)
    state.epoch += 1
    state.elapsed = run.elapsed
    state.history.append(
        {
            "epoch": state.epoch,
            "loss": state.loss_sum / run.examples,
            "training_accuracy": state.correct / run.examples,
            "validation_loss": validation.loss if validation else None,
            "validation_accuracy": validation.accuracy if validation else None,
            "test_loss": test.loss if test else None,
            "test_accuracy": test.correct if test else None,
            "test_total": test.total if test else None,
            "accuracy": test.accuracy if test else None,
            "learning_rate": run.optimizer.lr,
            "gradient_norm": state.norm_sum / -(-state.batch // NORM_EVERY),
            "elapsed_time": state.elapsed,
            **times,
        }
    )
    state.answers = [*state.answers[-1:], *([test.predicted] if test else [])]
    state.batch, state.loss_sum, state.correct, state.norm_sum = 0, 0.0, 0, 0.0


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
        with threadpool_limits(1), np.errstate(over="ignore", invalid="ignore"), model.mode(training=True):
            yield
    finally:
        model.keeps_arrays, loss.keeps_arrays, first.wants_input_gradient = before


@contextmanager
def _hooks(run: TrainingRun, answers: Answers, callbacks: Sequence[Callback]) -> Iterator[None]:
    """Call `on_train_begin`, and `on_train_end` however the run ends, for every callback that was begun."""
    with ExitStack() as ends:  # which calls every end, also when the one before it fails
        try:
            for callback in callbacks:
                ends.callback(callback.on_train_end, run)
                callback.on_train_begin(run)
            yield
        finally:
            answers.count()
            run.state.elapsed = run.elapsed
