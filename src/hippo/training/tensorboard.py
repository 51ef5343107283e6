"""The curves and weights of a run as event files, for TensorBoard to show: ``tensorboard --logdir FOLDER``.

The files are written by the package tensorboardX, which is imported only by who asks for them. TensorBoard itself is
not needed here.
"""

import logging
import os
import time
import uuid
from pathlib import Path
from typing import Any

from hippo.errors import InvalidValue
from hippo.training.callbacks import Callback
from hippo.training.state import EpochRecord, TrainingRun
from hippo.training.training_logger import linear_layers

log = logging.getLogger(__name__)

#: The scalars, by tag, and where they stand in an epoch's record. Accuracies are 0-1.
SCALARS = {
    "loss/training": "loss",
    "loss/validation": "validation_loss",
    "loss/test": "test_loss",
    "accuracy/training": "training_accuracy",
    "accuracy/validation": "validation_accuracy",
    "accuracy/test": "accuracy",
    "learning_rate": "learning_rate",
    "gradient_norm": "gradient_norm",
    "images_per_second": "images_per_second",
}
BINS = 64


class TensorBoard(Callback):
    """Writes scalars and histograms of weights and biases after each epoch; the step is the epoch, from 1.

    What was not measured (there is no test set, say) has no scalar. Layers are numbered from 1: ``weights/layer_1``. A
    resumed run writes another file into the same folder; TensorBoard joins them by step. When nothing can be written,
    this is said once, as a warning, and the training goes on without.

    Parameters
    ----------
    folder : Path
        One folder for each run; made when the run begins.

    Raises
    ------
    InvalidValue
        When tensorboardX is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            import tensorboardX  # type: ignore[import-untyped]  # noqa: F401
        except ImportError as error:
            raise InvalidValue(
                "Event files for TensorBoard need the package tensorboardX, which is not installed. "
                "Install it with: pip install tensorboardX==2.6.5"
            ) from error
        self._folder = Path(folder).absolute()
        self._writer: Any = None

    def on_train_begin(self, run: TrainingRun) -> None:
        """Begin an event file."""
        # Not the package's SummaryWriter: it writes in a thread, which a full disk ends, after which the run would wait
        # for it for ever.
        from tensorboardX.event_file_writer import EventsWriter  # type: ignore[import-untyped]

        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            # The name holds the second and the machine; two runs at once need more.
            self._writer = EventsWriter(str(self._folder / "events"), f".{os.getpid()}.{uuid.uuid4().hex[:8]}")
            self._writer.flush()
        except OSError as error:
            self._give_up(error)

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Write the epoch and see that it is on the disk."""
        if self._writer is None:
            return
        record = run.state.history[-1]
        try:
            for summary in [*_scalars(record), *_histograms(run)]:
                self._writer.write_event(_event(summary, record["epoch"]))
            self._writer.flush()
        except OSError as error:
            self._give_up(error)

    def on_train_end(self, run: TrainingRun) -> None:
        """Close the file."""
        if self._writer is not None:
            try:
                self._writer.close()
            except OSError as error:
                self._give_up(error)
            self._writer = None

    def _give_up(self, error: OSError) -> None:
        self._writer = None
        log.warning("The training goes on, but its event files cannot be written: %s.", error.strerror)


def _event(summary: Any, step: int) -> Any:
    from tensorboardX.proto.event_pb2 import Event  # type: ignore[import-untyped]

    return Event(summary=summary, step=step, wall_time=time.time())


def _scalars(record: EpochRecord) -> list[Any]:
    from tensorboardX.summary import scalar  # type: ignore[import-untyped]

    return [scalar(tag, record[name]) for tag, name in SCALARS.items() if record.get(name) is not None]


def _histograms(run: TrainingRun) -> list[Any]:
    from tensorboardX.summary import histogram

    return [
        histogram(f"{tag}/layer_{number}", layer.parameters[name], BINS)
        for number, layer in enumerate(linear_layers(run.model), start=1)
        for tag, name in (("weights", "weights"), ("biases", "bias"))
    ]
