"""Progress on a made terminal and without one."""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator

import pytest

from hippo.network import NeuralNetwork
from hippo.progress_bar import ProgressBar, SeriesBar, epochs, percent, summary
from hippo.training import Callback, Control, Diverged, TrainingState
from tests.jobs.made_data import made_mnist

DATA = made_mnist(train=100, test=20)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True

    def frames(self) -> list[str]:
        """All that was drawn, one over the other."""
        return [frame.strip() for frame in re.split(r"[\r\n]", self.getvalue()) if frame.strip()]


@pytest.fixture(autouse=True)
def a_wide_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setattr("hippo.progress_bar.INTERVAL", 0.0)


def train(callbacks: list[Callback], state: TrainingState | None = None, rate: float = 0.1, count: int = 3) -> None:
    network = NeuralNetwork([784, 10], "relu", seed=1)
    network.train(
        DATA.training_data, count, 25, rate, validation_data=DATA.validation_data, callbacks=callbacks, state=state
    )


def shares(frames: list[str]) -> list[int]:
    return [int(found[1]) for frame in frames if (found := re.search(r"(\d+) %\|", frame))]


def test_a_terminal_is_drawn_a_bar_with_the_time_left() -> None:
    terminal = Terminal()
    train([ProgressBar(terminal)])
    frames = terminal.frames()
    assert shares(frames) == sorted(shares(frames))
    assert set(shares(frames)) == {0, 8, 17, 25, 33, 42, 50, 58, 67, 75, 83, 92, 100}  # of 3 epochs of 4 mini-batches
    assert frames[-1].startswith("epoch 3/3 100 %|")
    assert re.search(r"\| \d\d:\d\d, \d\d:\d\d left, loss .*, validation \d\.\d{4}, \d+\.\d\d %$", frames[-1])
    assert all(len(frame) <= 120 for frame in frames)
    assert terminal.getvalue().endswith("\n")


def test_without_a_terminal_there_is_a_line_an_epoch() -> None:
    text = io.StringIO()
    train([ProgressBar(text)])
    lines = text.getvalue().splitlines()
    assert [line.split(":")[0] for line in lines] == ["epoch 1/3", "epoch 2/3", "epoch 3/3"]
    assert all(re.search(r", \d+ s left$", line) for line in lines)


def test_the_bar_of_a_run_that_goes_on_begins_where_the_run_is() -> None:
    state = TrainingState()
    with pytest.raises(InterruptedError):
        train([Control(_after(6))], state)
    terminal = Terminal()
    train([ProgressBar(terminal)], state)
    frames = terminal.frames()
    assert shares(frames)[0] == 50  # of 3 epochs of 4 mini-batches, 6 are done
    assert frames[-1].startswith("epoch 3/3 100 %|")


def test_a_run_that_ends_early_leaves_the_bar_where_it_was() -> None:
    terminal = Terminal()
    with pytest.raises(InterruptedError):
        train([ProgressBar(terminal), Control(_after(6))])
    assert terminal.frames()[-1].startswith("epoch 2/3  50 %|")
    assert terminal.getvalue().endswith("\n")


def test_several_runs_are_drawn_as_one_bar() -> None:
    terminal = Terminal()
    bar = SeriesBar(2, 6, terminal)
    for name in ("first", "second"):
        bar.next(name)
        train([bar])
    bar.close()
    frames = terminal.frames()
    assert shares(frames) == sorted(shares(frames))
    assert {0, 25, 50, 75, 100} <= set(shares(frames))
    assert frames[-1].startswith("second (2/2) 100 %|")
    assert terminal.getvalue().count("\n") == 1


def test_several_runs_without_a_terminal_are_a_line_each_and_a_lost_one_counts_as_done() -> None:
    text = io.StringIO()
    bar = SeriesBar(2, 6, text)
    bar.next("lost")
    with pytest.raises(Diverged):
        train([bar], rate=1e38)
    bar.next("won")
    train([bar])
    bar.close()
    lost, won = text.getvalue().splitlines()
    assert re.fullmatch(r"lost \(1/2\): ended in epoch 1, \d+ s left", lost)
    assert re.fullmatch(r"won \(2/2\): loss .*, 0 s left", won)


def test_figures_in_words() -> None:
    record = {"loss": 0.12345, "validation_loss": None, "validation_accuracy": None, "accuracy": None}
    assert summary(record) == "loss 0.1235"
    assert summary(record | {"validation_loss": 1, "validation_accuracy": 1, "accuracy": 0.5}) == (
        "loss 0.1235, validation 1.0000, 100.00 %, test 50.00 %"
    )
    assert (percent(0.97845), epochs(1), epochs(2)) == ("97.84 %", "1 epoch", "2 epochs")


def _after(batches: int) -> Callable[[], Exception | None]:
    """What `Control` asks: to be interrupted after so many mini-batches."""
    answers: Iterator[Exception | None] = iter([*[None] * (batches - 1), InterruptedError()])
    return lambda: next(answers)
