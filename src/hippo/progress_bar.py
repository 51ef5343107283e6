"""Progress of a run in a terminal: a bar with the time left, or one line an epoch where there is no terminal.

All of it goes to standard error, so that standard output holds results only.
"""

from __future__ import annotations

import shutil
import sys
from typing import Any

from tqdm import tqdm

from hippo.training import Callback, EpochRecord, TrainingRun

#: Seconds between two looks at the bar; drawing it for every mini-batch would take a third of the time.
INTERVAL = 0.1


class ProgressBar(Callback):
    """Draws the progress of a run.

    Parameters
    ----------
    stream : text file
        Where to draw; a bar if it is a terminal, lines otherwise.
    """

    def __init__(self, stream: Any = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._bar: tqdm[Any] | None = None
        self._last = 0.0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Draw the empty bar, or that of a run that goes on."""
        if self._stream.isatty():
            size = shutil.get_terminal_size()  # 80 by 24 where the terminal does not say; tqdm would draw nothing there
            self._bar = tqdm(
                total=run.config.epochs,
                initial=self._done(run),
                file=self._stream,
                ncols=size.columns,
                nrows=size.lines,
                bar_format="{desc} {percentage:3.0f} %|{bar}| {elapsed}, {remaining} left{postfix}",
            )
        self._last = run.elapsed
        self._describe(run)

    def on_batch_end(self, run: TrainingRun) -> None:
        """Move the bar, if it is time."""
        if self._bar is not None and run.elapsed - self._last >= INTERVAL:
            self._last = run.elapsed
            self._move(run)

    def on_epoch_end(self, run: TrainingRun) -> None:
        """Show what the epoch has brought."""
        record = run.state.history[-1]
        if self._bar is None:
            left = record["elapsed_time"] / record["epoch"] * (run.config.epochs - record["epoch"])
            self._stream.write(f"epoch {record['epoch']}/{run.config.epochs}: {summary(record)}, {left:.0f} s left\n")
            self._stream.flush()
        else:
            self._bar.set_postfix_str(summary(record), refresh=False)
            self._move(run)

    def on_train_end(self, run: TrainingRun) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()

    def _move(self, run: TrainingRun) -> None:
        assert self._bar is not None
        self._describe(run)
        self._bar.n = self._done(run)
        self._bar.refresh()

    def _describe(self, run: TrainingRun) -> None:
        if self._bar is not None:
            epoch = min(run.state.epoch + 1, run.config.epochs)
            self._bar.set_description_str(f"epoch {epoch}/{run.config.epochs}", refresh=False)

    @staticmethod
    def _done(run: TrainingRun) -> float:
        return run.state.epoch + min(run.state.batch * run.config.mini_batch_size / run.examples, 1.0)


def summary(record: EpochRecord) -> str:
    """Return the figures of an epoch in one line."""
    parts = [f"loss {record['loss']:.4f}"]
    if record["validation_loss"] is not None:
        parts.append(f"validation {record['validation_loss']:.4f}, {record['validation_accuracy']:.2%}")
    if record["accuracy"] is not None:
        parts.append(f"test {record['accuracy']:.2%}")
    return ", ".join(parts)
