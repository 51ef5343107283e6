"""Who is sent which frame: one that is not acknowledged for each viewer, then the latest, at its own rate."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hippo.errors import InvalidValue, JobEnded, TooManyViews, UnknownJob
from hippo.jobs import viewers as module
from hippo.jobs.bus import EventBus
from hippo.jobs.events import TrainingComplete, TrainingStarted
from hippo.jobs.job import JobState
from hippo.jobs.store import Store, StoredNetwork
from hippo.jobs.viewers import MOST_WISHES, PATIENCE, Viewers
from hippo.jobs.worker_keeper import Task
from hippo.network_spec import NetworkSpec
from hippo.training import TrainingConfig
from hippo.training.frame import Frame
from hippo.training.snapshots import Wish

WHOSE = {"network_id": "net", "timestamp": ""}


class Backend:
    """Remembers what workers are told and the assistant is asked."""

    def __init__(self) -> None:
        self.running: set[str] = set()
        self.told: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[Task] = []

    def tell(self, job_id: str, message: dict[str, Any]) -> bool:
        self.told.append((job_id, message))
        return job_id in self.running

    def submit_short(self, task: Task) -> None:
        self.asked.append(task)

    @property
    def last(self) -> tuple[list[int], float]:
        """The examples and the rate that were told last."""
        _, message = self.told[-1]
        return [wish["example"] for wish in message["wishes"]], message["rate"]


class Stage:
    """Viewers around a real store, a clock that the test moves, and what everybody was sent."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store = Store(f"sqlite:///{folder}/hippo.sqlite3")
        self.backend, self.bus = Backend(), EventBus()
        self.viewers = Viewers(self.store, self.backend, self.bus)  # type: ignore[arg-type]
        self.now = 1000.0
        self.sent: dict[str, list[int]] = {}
        monkeypatch.setattr(module.time, "monotonic", lambda: self.now)
        for number in (1, 2):
            spec = NetworkSpec.make([784, 12, 7, 10], seed=1)
            self.store.add_network(StoredNetwork(f"net{number}", None, spec, 0.0))
            self.store.add_job(f"job{number}", f"net{number}", TrainingConfig(epochs=2))
        self.backend.running = {"job1", "job2"}

    def watch(self, name: str, job: str = "job1", rate: float = 10, wish: Wish | None = None) -> None:
        def send(frame: Frame) -> None:
            self.sent.setdefault(name, []).append(frame.header["step"])

        self.viewers.watch(name, job, wish or Wish(), rate, send)

    def frame(self, step: int, job: str = "job1", after: float = 0.0, **more: Any) -> None:
        """Let so many seconds pass, and a frame come from the worker."""
        self.now += after
        wish = {"example": 0, "layer": None, "neuron": None} | more.pop("wish", {})
        message = {"type": "frame", "wish": wish, "header": {"step": step}, "payload": b""}
        self.viewers.take(job, message | more)

    def end(self, job: str = "job1") -> None:
        stored = self.store.job(job)
        if stored.is_final:
            return
        if stored.state is JobState.QUEUED:
            stored = stored.after("start")
        self.store.save(stored.after("complete"))
        event = TrainingComplete(job_id=job, **WHOSE, seq=1, accuracy=0.5, message="")
        self.bus.publish(event)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    stage = Stage(tmp_path, monkeypatch)
    yield stage
    stage.store.close()


def test_the_worker_is_told_what_is_wanted_and_no_longer(stage: Stage) -> None:
    stage.watch("a", rate=5, wish=Wish(3, 1, 2))
    assert stage.backend.told == [
        ("job1", {"type": "watch", "wishes": [{"example": 3, "layer": 1, "neuron": 2}], "rate": 5})
    ]
    stage.viewers.unwatch("a")
    assert stage.backend.last == ([], 1.0)
    stage.viewers.unwatch("a")
    assert len(stage.backend.told) == 2


def test_the_highest_rate_and_each_wish_once(stage: Stage) -> None:
    stage.watch("a", rate=5)
    stage.watch("b", rate=20)
    stage.watch("c", rate=1, wish=Wish(7))
    assert stage.backend.last == ([0, 7], 20)
    stage.viewers.leave("b")
    assert stage.backend.last == ([0, 7], 5)
    stage.viewers.leave("a")
    assert stage.backend.last == ([7], 1)
    stage.viewers.leave("a")


def test_a_frame_goes_to_those_who_wished_for_it(stage: Stage) -> None:
    stage.watch("a")
    stage.watch("b", wish=Wish(7))
    stage.watch("c", "job2")
    stage.frame(1)
    stage.frame(2, wish={"example": 7})
    stage.frame(3, "job2")
    stage.frame(4, wish={"example": 9})
    assert stage.sent == {"a": [1], "b": [2], "c": [3]}


def test_nothing_more_is_sent_before_the_acknowledgement_and_then_the_latest(stage: Stage) -> None:
    stage.watch("slow")
    stage.watch("quick")
    for step in range(1, 11):
        stage.frame(step, after=0.1)
        stage.viewers.acknowledged("quick")
    assert stage.sent == {"slow": [1], "quick": list(range(1, 11))}
    stage.viewers.acknowledged("slow")
    assert stage.sent["slow"] == [1, 10]
    stage.viewers.acknowledged("slow")  # nothing new came
    stage.frame(11, after=0.1)
    assert stage.sent["slow"] == [1, 10, 11]


def test_each_has_its_own_rate(stage: Stage) -> None:
    stage.watch("seldom", rate=2)
    stage.watch("often", rate=20)
    for step in range(40):
        stage.frame(step, after=0.05)
        for name in ("seldom", "often"):
            stage.viewers.acknowledged(name)
    assert len(stage.sent["often"]) == 40
    assert 4 <= len(stage.sent["seldom"]) <= 5


def test_the_first_frame_of_something_else_is_sent_however_soon(stage: Stage) -> None:
    stage.watch("a", rate=1)
    stage.frame(1)
    stage.viewers.acknowledged("a")
    stage.watch("a", rate=1, wish=Wish(5))
    stage.frame(1, wish={"example": 5}, after=0.01)
    assert stage.sent == {"a": [1, 1]}


def test_the_last_frame_of_a_run_is_sent_however_soon(stage: Stage) -> None:
    stage.watch("a", rate=1)
    stage.frame(1)
    stage.viewers.acknowledged("a")
    stage.frame(2, after=0.01)
    assert stage.sent == {"a": [1]}
    stage.frame(3, is_last=True)
    assert stage.sent == {"a": [1, 3]}


def test_the_last_frame_waits_for_a_slow_viewer_beyond_the_end_of_the_job(stage: Stage) -> None:
    stage.watch("a")
    stage.frame(1)
    stage.frame(2, after=0.01, is_last=True)
    stage.end()
    stage.viewers.acknowledged("a")
    assert stage.sent == {"a": [1, 2]}
    stage.viewers.acknowledged("a")
    stage.frame(3, after=1.0)
    assert stage.sent == {"a": [1, 2]}


def test_for_a_viewer_that_stays_silent_no_frames_are_made(stage: Stage) -> None:
    stage.watch("silent", rate=20)
    stage.watch("awake", rate=5)
    stage.frame(1)
    stage.viewers.acknowledged("awake")
    stage.frame(2, after=PATIENCE + 0.1)
    assert stage.backend.last == ([0], 5)
    stage.frame(3, after=PATIENCE + 0.1)  # now neither has acknowledged in time
    assert stage.backend.last == ([], 1.0)
    count = len(stage.backend.told)
    stage.viewers.acknowledged("silent")
    assert stage.backend.last == ([0], 20)
    assert stage.sent["silent"] == [1, 3]
    assert len(stage.backend.told) == count + 1


def test_a_viewer_is_one_however_often_it_asks(stage: Stage) -> None:
    for example in range(30):
        stage.watch("a", wish=Wish(example))
    assert stage.backend.last == ([29], 10)
    stage.frame(1, wish={"example": 29})
    for example in range(30):
        stage.watch("a", wish=Wish(example))  # asking again is no acknowledgement
        stage.frame(2 + example, wish={"example": example}, after=0.5)
    assert stage.sent == {"a": [1]}
    stage.viewers.acknowledged("a")
    assert stage.sent == {"a": [1, 31]}


def test_who_turns_to_another_job_leaves_the_first(stage: Stage) -> None:
    stage.watch("a")
    stage.watch("a", "job2")
    assert [(job, len(message["wishes"])) for job, message in stage.backend.told] == [
        ("job1", 1),
        ("job1", 0),
        ("job2", 1),
    ]
    stage.frame(1)
    stage.frame(2, "job2")
    assert stage.sent == {"a": [2]}


def test_a_job_that_starts_is_told_again(stage: Stage) -> None:
    stage.watch("a")
    stage.bus.publish(TrainingStarted(job_id="job1", **WHOSE, attempt=2))
    stage.bus.publish(TrainingStarted(job_id="job2", **WHOSE, attempt=1))
    assert [job for job, _ in stage.backend.told] == ["job1", "job1"]
    assert stage.viewers.wanted("job1") == {"wishes": [vars(Wish())], "rate": 10}
    assert stage.viewers.wanted("job2") is None


def test_errors_name_what_is_wrong_and_leave_what_was_watched(stage: Stage) -> None:
    stage.watch("a")
    stage.end("job2")
    for job, wish, error, text in (
        ("nobody", Wish(), UnknownJob, "job"),
        ("job2", Wish(), JobEnded, "it is completed"),
        ("job1", Wish(0, 1), InvalidValue, "go together"),
        ("job1", Wish(0, None, 1), InvalidValue, "go together"),
        ("job1", Wish(0, 4, 0), InvalidValue, "from 1 to 3"),
        ("job1", Wish(0, 0, 0), InvalidValue, "from 1 to 3"),
        ("job1", Wish(0, 2, 7), InvalidValue, "from 0 to 6 in layer 2"),
    ):
        with pytest.raises(error, match=text):
            stage.watch("a", job, wish=wish)
    stage.frame(1)
    assert stage.sent == {"a": [1]}


def test_a_job_is_shown_in_so_many_ways_and_no_more(stage: Stage) -> None:
    for number in range(MOST_WISHES):
        stage.watch(f"v{number}", wish=Wish(number))
    with pytest.raises(TooManyViews, match="8 different ways"):
        stage.watch("one more", wish=Wish(99))
    stage.watch("one more", wish=Wish(3))
    stage.watch("v0", wish=Wish(50))  # in place of its own
    assert len(stage.backend.last[0]) == MOST_WISHES


def test_a_job_that_ends_while_somebody_begins_to_watch_is_not_watched(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell = stage.backend.tell
    monkeypatch.setattr(stage.backend, "tell", lambda *told: (stage.end(), tell(*told))[1])
    with pytest.raises(JobEnded):
        stage.watch("a")
    stage.frame(1)
    assert stage.sent == {}


def test_a_job_that_waits_is_shown_by_the_assistant(stage: Stage) -> None:
    stage.backend.running = set()
    stage.watch("a", wish=Wish(4))
    (task,) = stage.backend.asked
    assert (task.message["type"], task.message["job"]["job_id"]) == ("stills", "job1")
    assert task.message["wishes"] == [vars(Wish(4))]
    task.report({"type": "frame", "wish": vars(Wish(4)), "header": {"step": 0}, "payload": b""})
    task.report({"type": "done"})
    assert stage.sent == {"a": [0]}


def test_wishes_that_come_while_the_assistant_is_asked_are_asked_together(stage: Stage) -> None:
    stage.backend.running = set()
    for example in (1, 2, 3, 2):
        stage.watch("a", wish=Wish(example))
    (first,) = stage.backend.asked
    first.report({"type": "failed", "error": "for a reason"})
    assert [task.message["wishes"] for task in stage.backend.asked[1:]] == [[vars(Wish(2)), vars(Wish(3))]]
    stage.backend.asked[1].report({"type": "lost", "reason": "it died"})
    stage.watch("a", wish=Wish(9))
    assert len(stage.backend.asked) == 3


def test_a_picture_of_where_a_run_was_is_not_shown_after_what_came_since(stage: Stage) -> None:
    stage.backend.running = set()
    stage.watch("a")
    stage.frame(50)
    stage.viewers.acknowledged("a")
    stage.backend.asked[0].report({"type": "frame", "wish": vars(Wish()), "header": {"step": 7}, "payload": b""})
    assert stage.sent == {"a": [50]}


def test_a_paused_job_is_shown_unless_its_worker_has_done_so(stage: Stage) -> None:
    stage.watch("a")
    stage.watch("b", wish=Wish(5))
    stage.frame(50, is_last=True)
    stage.viewers._hear("training_paused", {"job_id": "job1", "step": 50})
    (task,) = stage.backend.asked
    assert task.message["wishes"] == [vars(Wish(5))]


def test_events_of_others_are_passed_over(stage: Stage) -> None:
    stage.viewers._hear("server_event", {})
    stage.viewers._hear("training_complete", {"job_id": "nobody's"})
    stage.viewers.acknowledged("nobody")
    stage.viewers.unwatch("nobody")
    assert stage.backend.told == []
