"""Progress of training in a terminal: a bar with the time left, or lines of text where there is no terminal.

`ProgressBar` shows one run, `SeriesBar` several runs that follow each other. All of it goes to standard error, so that
standard output holds results only.
"""

from __future__ import annotations

import shutil
import sys
import time
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
        Where to draw; a bar if it is a terminal, a line an epoch otherwise.
    """

    def __init__(self, stream: Any = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._bar: tqdm[Any] | None = None
        self._last = 0.0

    def on_train_begin(self, run: TrainingRun) -> None:
        """Draw the empty bar, or that of a run that goes on."""
        if self._stream.isatty():
            self._bar = _bar(self._stream, run.config.epochs, done(run))
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
        self._bar.n = done(run)
        self._bar.refresh()

    def _describe(self, run: TrainingRun) -> None:
        if self._bar is not None:
            epoch = min(run.state.epoch + 1, run.config.epochs)
            self._bar.set_description_str(f"epoch {epoch}/{run.config.epochs}", refresh=False)


class SeriesBar(Callback):
    """Draws the progress of several runs as one: attach it to each of them, and name each before it begins.

    Parameters
    ----------
    runs, total : int
        Number of runs, and the sum of their epochs.
    stream : text file
        Where to draw; a bar if it is a terminal, a line a run otherwise.
    """

    def __init__(self, runs: int, total: int, stream: Any = None) -> None:
        self._stream = sys.stderr if stream is None else stream
        self._bar = _bar(self._stream, total, 0) if self._stream.isatty() else None
        self._runs, self._total = runs, total
        self._number = self._before = 0
        self._last, self._began = 0.0, time.perf_counter()
        self._name = ""

    def next(self, name: str) -> None:
        """Say what is trained next."""
        self._number += 1
        self._name = f"{name} ({self._number}/{self._runs})"
        if self._bar is not None:
            self._bar.set_description_str(self._name)
        self._last = 0.0

    def on_batch_end(self, run: TrainingRun) -> None:
        """Move the bar, if it is time."""
        if self._bar is not None and run.elapsed - self._last >= INTERVAL:
            self._last = run.elapsed
            self._bar.n = self._before + done(run)
            self._bar.refresh()

    def on_train_end(self, run: TrainingRun) -> None:
        """Show how the run ended. One that ended early counts as done: what it has left will never be trained."""
        self._before += run.config.epochs
        is_whole = run.state.epoch == run.config.epochs
        end = summary(run.state.history[-1]) if is_whole else f"ended in epoch {run.state.epoch + 1}"
        if self._bar is None:
            left = (time.perf_counter() - self._began) / self._before * (self._total - self._before)
            self._stream.write(f"{self._name}: {end}, {left:.0f} s left\n")
            self._stream.flush()
        else:
            self._bar.n = self._before
            self._bar.set_postfix_str(end)

    def close(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()


def _bar(stream: Any, total: int, initial: float) -> tqdm[Any]:
    size = shutil.get_terminal_size()  # 80 by 24 where the terminal does not say; tqdm would draw nothing there
    return tqdm(
        total=total,
        initial=initial,
        file=stream,
        ncols=size.columns,
        nrows=size.lines,
        bar_format="{desc} {percentage:3.0f} %|{bar}| {elapsed}, {remaining} left{postfix}",
    )


def done(run: TrainingRun) -> float:
    """Return how many epochs of a run are done, with the share of the one under way."""
    return run.state.epoch + min(run.state.batch * run.config.mini_batch_size / run.examples, 1.0)


def summary(record: EpochRecord) -> str:
    """Return the figures of an epoch in one line."""
    parts = [f"loss {record['loss']:.4f}"]
    if record["validation_loss"] is not None:
        parts.append(f"validation {record['validation_loss']:.4f}, {percent(record['validation_accuracy'])}")
    if record["accuracy"] is not None:
        parts.append(f"test {percent(record['accuracy'])}")
    return ", ".join(parts)


def percent(share: float) -> str:
    """Return a share, 0-1, in words."""
    return f"{100 * share:.2f} %"


def epochs(count: int) -> str:
    """Return a number of epochs in words."""
    return f"{count} epoch{'' if count == 1 else 's'}"
