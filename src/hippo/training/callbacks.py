"""What may be attached to the training loop. The loop is mathematics; everything else is a callback.

A callback overrides the hooks it needs. They are called in the order of the list, `on_train_end` in the reverse order
and however the run ended. A hook ends the run after the epoch under way by setting ``run.stop_reason``, or at once by
raising.
"""

from collections.abc import Callable
from dataclasses import asdict

import numpy as np

from hippo.errors import InvalidValue
from hippo.nn import Array
from hippo.training.batches import Examples
from hippo.training.health import layer_health, some_images
from hippo.training.state import EpochRecord, TrainingRun


class Callback:
    """Hooks that do nothing; each is given the `TrainingRun`."""

    def on_train_begin(self, run: TrainingRun) -> None:
        """Before the first epoch; the state may be that of an interrupted run."""

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Before the first mini-batch of an epoch, or where an interrupted epoch goes on."""

    def on_chunk_end(self, run: TrainingRun) -> None:
        """Within a mini-batch too large to be computed at once, after each part but the last; no weight has changed."""

    def on_batch_end(self, run: TrainingRun) -> None:
        """After every step; called some 10,000 times a second, so it must be quick."""

    def on_epoch_end(self, run: TrainingRun) -> None:
        """After a whole epoch; its record is the last one of ``run.state.history``."""

    def on_train_end(self, run: TrainingRun) -> None:
        """After the last epoch, or after whatever ended the run before it."""


class Progress(Callback):
    """Hands the record of every epoch to a function.

    Parameters
    ----------
    report : callable
        Called with the record of each finished epoch.
    """

    def __init__(self, report: Callable[[EpochRecord], None]) -> None:
        self._report = report

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Report the epoch."""
        self._report(run.state.history[-1])


class Health(Callback):
    """Writes into the record of every epoch, as ``neurons``, how many neurons are not well; see `LayerHealth`.

    Parameters
    ----------
    data : Examples
        What the neurons are looked at with: the first 200 of it.
    """

    def __init__(self, data: Examples) -> None:
        self._images = some_images(data)

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Look, layer by layer."""
        found = layer_health(run.model, self._images)
        run.state.history[-1]["neurons"] = [asdict(layer) for layer in found]


class Pulse(Callback):
    """Tells how far an epoch is, for epochs that take long.

    Parameters
    ----------
    report : callable
        Called with the fraction of the epoch that is done, 0-1, and the mean loss so far.
    seconds : float
        Shortest time between two reports, and from the beginning of an epoch to its first.
    """

    def __init__(self, report: Callable[[float, float], None], seconds: float = 0.5) -> None:
        self._report = report
        self._seconds = seconds
        self._last = 0.0

    def on_epoch_begin(self, run: TrainingRun) -> None:
        """Start the clock."""
        self._last = run.elapsed

    def on_batch_end(self, run: TrainingRun) -> None:
        """Report, if it is time."""
        if run.elapsed - self._last < self._seconds:
            return
        self._last = run.elapsed
        done = run.state.batch * run.config.mini_batch_size
        if done < run.examples:
            self._report(done / run.examples, run.state.loss_sum / done)


class LastGood(Callback):
    """Remembers the weights of the last finished epoch, for a run that ends in the middle of one.

    Parameters
    ----------
    parameters : dict of str to ndarray, optional
        Those weights, for a run that goes on in the middle of an epoch; otherwise the run begins with them.

    Attributes
    ----------
    parameters : dict of str to ndarray
        Copies, changed in place at every epoch's end.
    epoch : int
        The finished epochs of this run that they hold.
    """

    def __init__(self, parameters: dict[str, Array] | None = None) -> None:
        self.parameters = parameters or {}
        self.epoch = 0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Take a first copy: a run that never finishes an epoch leaves the weights as they were."""
        if not self.parameters:
            self.parameters = {name: array.copy() for name, array in _learned(run).items()}
        self.epoch = run.state.epoch

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Copy the weights."""
        for name, array in _learned(run).items():
            np.copyto(self.parameters[name], array)
        self.epoch = run.state.epoch

    def restore(self, run_parameters: dict[str, Array]) -> None:
        """Write the remembered weights into `run_parameters`."""
        for name, array in run_parameters.items():
            np.copyto(array, self.parameters[name])


def _learned(run: TrainingRun) -> dict[str, Array]:
    return run.model.parameters | run.model.buffers


class Checkpoint(Callback):
    """Saves the run so that it can go on elsewhere, at an epoch's end and not more often than every `seconds`.

    Parameters
    ----------
    save : callable
        Called with the `TrainingRun`; what it does with weights and state is its own affair.
    seconds : float
        Shortest time between two checkpoints: short epochs need not be saved one by one.
    """

    def __init__(self, save: Callable[[TrainingRun], None], seconds: float = 2.0) -> None:
        self._save = save
        self._seconds = seconds
        self._last = 0.0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Start the clock."""
        self._last = run.elapsed

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Save, if it is time."""
        if run.elapsed - self._last >= self._seconds:
            self._save(run)
            self._last = run.elapsed


class EarlyStopping(Callback):
    """Ends the run when the validation loss has not fallen for a while (Prechelt, Early Stopping - But When?, 1998).

    It reads the history of the run, so that a run that was resumed stops where it would have stopped.

    Parameters
    ----------
    patience : int
        Epochs without a new lowest loss before the end, 1 or more.
    minimum : float
        By how much a loss must be lower to count, 0 or more.

    Raises
    ------
    InvalidValue
        For a number out of range, or, at the first epoch's end, a run without validation data.
    """

    def __init__(self, patience: int = 10, minimum: float = 0.0) -> None:
        if patience < 1 or not minimum >= 0:
            raise InvalidValue("patience must be 1 epoch or more, and minimum 0 or more.")
        self._patience, self._minimum = patience, minimum

    def on_train_begin(self, run: TrainingRun) -> None:
        """Stop a run at once that was resumed where it had been about to stop."""
        self.on_epoch_end(run)

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Look whether it is time to stop."""
        best, waited = float("inf"), 0
        for loss in validation_losses(run):
            best, waited = (loss, 0) if loss < best - self._minimum else (best, waited + 1)
        if waited >= self._patience:
            run.stop_reason = f"the validation loss has not fallen for {waited} epoch{'s' if waited > 1 else ''}"


class BestCheckpoint(Callback):
    """Saves the network whenever its validation loss is the lowest so far.

    Parameters
    ----------
    save : callable
        Called with the `TrainingRun` at the end of such an epoch.
    """

    def __init__(self, save: Callable[[TrainingRun], None]) -> None:
        self._save = save

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Save, if this epoch is the best one."""
        losses = validation_losses(run)
        if losses.index(min(losses)) == len(losses) - 1:
            self._save(run)


def validation_losses(run: TrainingRun) -> list[float]:
    """Return the validation loss of every epoch so far; raises InvalidValue where there is no validation set."""
    losses = [record["validation_loss"] for record in run.state.history]
    if None in losses:
        raise InvalidValue("To choose an epoch takes a validation set: give validation_data.")
    return losses


class Control(Callback):
    """Lets somebody else end the run between two mini-batches.

    Parameters
    ----------
    interruption : callable
        Asked after every mini-batch; returns None to go on, or the exception that ends the run.
    """

    def __init__(self, interruption: Callable[[], Exception | None]) -> None:
        self._interruption = interruption

    def on_chunk_end(self, run: TrainingRun) -> None:
        """Raise what was asked for, within a mini-batch that takes long."""
        self.on_batch_end(run)

    def on_batch_end(self, run: TrainingRun) -> None:
        """Raise what was asked for."""
        error = self._interruption()
        if error is not None:
            raise error
