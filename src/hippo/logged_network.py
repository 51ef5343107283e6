"""A network that keeps a log of its training: `LoggedNeuralNetwork([784, 30, 10])`, otherwise a `NeuralNetwork`.

What is logged, and how, stands in ``training.training_logger``.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hippo.datasets.dataset import as_dataset
from hippo.errors import InvalidValue
from hippo.network import Data, NetworkSpec, NeuralNetwork
from hippo.nn import Array
from hippo.training.state import EpochRecord
from hippo.training.training_logger import TrainingLogger


class LoggedNeuralNetwork(NeuralNetwork):
    """A network each of whose trainings is written into a file of its own, as `TrainingLogger` does it.

    Parameters
    ----------
    sizes : sequence of int, or NetworkSpec
        Neurons per layer, such as ``[784, 30, 10]``.
    *spec, **options
        As for `NeuralNetwork`.
    log_dir : Path
        Where the logs go; made when it is needed.
    """

    # For a network made in another way, by `from_parameters`.
    log_dir: Path = Path("logs")
    _logger: TrainingLogger | None = None

    def __init__(
        self, sizes: Sequence[int] | NetworkSpec, *spec: Any, log_dir: Path = Path("logs"), **options: Any
    ) -> None:
        super().__init__(sizes, *spec, **options)
        self.log_dir = Path(log_dir)

    @property
    def log_file(self) -> Path | None:
        """The log of the training under way, or of the last one; None before the first, or if it could not be made."""
        return self._logger.log_file if self._logger else None

    def train(self, training_data: Data, *settings: Any, **options: Any) -> list[EpochRecord]:
        """Train as `NeuralNetwork.train` does, and write the log of it."""
        call = inspect.signature(super().train).bind(training_data, *settings, **options)
        # First, so that an epoch is in the log before any other callback can end the run.
        call.arguments["callbacks"] = [self._log(), *call.arguments.get("callbacks", ())]
        return super().train(*call.args, **call.kwargs)

    def log_activation(self, sample: tuple[Array, Array | int], sample_idx: int = 0) -> None:
        """Log what every layer shows for one example, into `log_file`; before the first training, into a new one.

        Parameters
        ----------
        sample : pair
            The picture, 784 numbers 0-1 in any shape, and its label or one-hot column (10, 1), as a Dataset has them.
        sample_idx : int
            Its place in its set.

        Raises
        ------
        InvalidValue
            When `sample` is no such pair of the network's size.
        """
        example = as_dataset([sample])
        if example.images.shape[1] != self.sizes[0]:
            raise InvalidValue(f"A picture must have {self.sizes[0]} pixels, not {example.images.shape[1]}.")
        self._log().log_activation(self, example.images[0], int(example.labels[0]), sample_idx)

    def _log(self) -> TrainingLogger:
        if self._logger is None:
            self._logger = TrainingLogger(self.log_dir)
        return self._logger
