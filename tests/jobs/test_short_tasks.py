"""Short tasks for the assistant, from the side of who waits: given up, too many, and lost at a stop."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hippo.errors import NotReady
from hippo.jobs.passes import MOST_UNDER_WAY, Passes
from hippo.jobs.process_backend import ProcessBackend
from hippo.jobs.questions import MOST_WAITING, Questions
from hippo.jobs.store import StoredNetwork
from hippo.jobs.transfers import Transfers
from hippo.jobs.worker_keeper import Task
from hippo.network import NetworkSpec
from hippo.persistence.model_persistence import ModelFiles

SPEC = NetworkSpec.make([784, 5, 10], seed=1)


class Asleep:
    """An assistant that takes no task unless the test has it take one."""

    def start(self) -> None:
        pass

    def feed(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def join(self, deadline: float) -> None:
        pass


@pytest.fixture
def backend(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ProcessBackend:
    made = ProcessBackend(1, tmp_path, tmp_path)
    monkeypatch.setattr(made, "_assistant", Asleep())
    return made


def stored(number: int = 0) -> StoredNetwork:
    return StoredNetwork(str(number), None, SPEC, 0.0)


def queued(backend: ProcessBackend) -> list[Task]:
    return list(backend._short_tasks)


def wait_for(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.001)


def waits(backend: ProcessBackend, count: int) -> None:
    wait_for(lambda: len(queued(backend)) == count)


class Asking:
    """A request in a thread of its own."""

    def __init__(self, ask: Callable[[], object]) -> None:
        self.error: NotReady | None = None
        self._ask = ask
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._ask()
        except NotReady as error:
            self.error = error

    def end(self) -> str:
        """Wait for the answer and return the error's text, empty for none."""
        self._thread.join(10)
        assert not self._thread.is_alive()
        return self.error.message if self.error else ""


def test_what_waits_at_a_stop_is_lost_and_said_to_be(backend: ProcessBackend, tmp_path: Path) -> None:
    questions, passes, transfers = Questions(backend), Passes(backend), Transfers(backend, ModelFiles(tmp_path))
    asks: list[Callable[[], object]] = [
        lambda: questions.statistics(stored()),
        lambda: questions.read(b"{}"),
        lambda: passes.make(stored(), 60.0),
        lambda: transfers.give_out(stored(), "npz"),
    ]
    asking = [Asking(ask) for ask in asks]
    waits(backend, len(asks))
    backend.stop(0.0)
    text = "The server is stopping. Try again in a moment."
    assert [one.end() for one in asking] == [text] * len(asks)
    assert [Asking(ask).end() for ask in asks] == [text] * len(asks)  # what is asked from then on, too
    assert queued(backend) == []


def test_a_question_that_is_given_up_is_withdrawn_and_leaves_its_place(backend: ProcessBackend) -> None:
    questions = Questions(backend, patience=0.0)
    for _ in range(MOST_WAITING + 1):
        with pytest.raises(NotReady, match="takes too long"):
            questions.read(b"{}")
        assert queued(backend) == []


def test_so_many_questions_wait_and_no_more(backend: ProcessBackend) -> None:
    questions = Questions(backend)
    asking = [Asking(lambda: questions.read(b"{}")) for _ in range(MOST_WAITING)]
    waits(backend, MOST_WAITING)
    with pytest.raises(NotReady, match="Too many"):
        questions.read(b"{}")
    while task := backend._next_short_task():
        task.report({"type": "done", "fields": {}, "is_list": None})
    assert [one.end() for one in asking] == [""] * MOST_WAITING


def test_a_pass_that_nobody_waits_for_is_withdrawn(backend: ProcessBackend) -> None:
    passes = Passes(backend)
    for number in range(MOST_UNDER_WAY + 1):
        with pytest.raises(NotReady, match="not finished yet"):
            passes.make(stored(number), 0.0)
        assert queued(backend) == []


def test_a_pass_that_somebody_waits_for_is_made_once(backend: ProcessBackend) -> None:
    passes = Passes(backend)
    patient = Asking(lambda: passes.make(stored(), 60.0))
    waits(backend, 1)
    with pytest.raises(NotReady, match="not finished yet"):
        passes.make(stored(), 0.0)
    [task] = queued(backend)
    assert backend._next_short_task() is task
    task.report({"type": "done"})
    assert patient.end() == ""


def test_a_pass_that_has_begun_is_shared_by_who_comes_later(backend: ProcessBackend) -> None:
    passes = Passes(backend)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(backend, "withdraw_short", lambda job_id: False)
        with pytest.raises(NotReady, match="not finished yet"):
            passes.make(stored(), 0.0)
    task = backend._next_short_task()
    assert task is not None
    later = Asking(lambda: passes.make(stored(), 60.0))
    wait_for(lambda: passes._under_way["0", None].waiting == 1)
    task.report({"type": "done"})
    assert later.end() == ""
    assert queued(backend) == []


def test_so_many_passes_wait_and_no_more(backend: ProcessBackend) -> None:
    passes = Passes(backend)
    asking = [Asking(lambda n=number: passes.make(stored(n), 60.0)) for number in range(MOST_UNDER_WAY)]
    waits(backend, MOST_UNDER_WAY)
    with pytest.raises(NotReady, match="Too many networks"):
        passes.make(stored(99), 60.0)
    while task := backend._next_short_task():
        task.report({"type": "done"})
    assert [one.end() for one in asking] == [""] * MOST_UNDER_WAY
