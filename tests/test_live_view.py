"""For whom something is trained to be shown: one job for each client, that ends with it, whatever happens meanwhile."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hippo import live_view as module
from hippo.answers import Answers
from hippo.errors import DataError, NotReady, TooManyJobs
from hippo.jobs.manager import JobManager
from hippo.live_view import LiveView
from hippo.network_registry import NetworkRegistry
from tests.jobs.stage import COMPLETED, EPOCH, PAUSED, STARTED, Stage

PHASE = {"type": "phase", "event": "network_update", "data": {"phase": "init"}}


class House(Stage):
    """A stage with a live view, what each client was shown, and timers that the test rings."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        super().__init__(folder)
        self.build()
        self.shown: dict[str, list[Any]] = {}
        self.later: list[tuple[Any, ...]] = []
        monkeypatch.setattr(module, "later", lambda seconds, call, *arguments: self.later.append((call, *arguments)))

    def build(self) -> None:
        answers = Answers(self.store, self.files, self.jobs.compute_outputs, lambda: None)  # type: ignore[arg-type,return-value]
        self.networks = NetworkRegistry(self.store, self.files, self.jobs.active_jobs, answers, None)  # type: ignore[arg-type]
        self.live = LiveView(self.jobs, self.networks, 0.25)

    def begin(self, client: str = "me") -> str:
        shown = self.shown.setdefault(client, [])
        return self.live.start(client, lambda name, data: shown.append((name, data)))["job_id"]

    def ring(self) -> None:
        """Let what is to be done later be done."""
        due, self.later = self.later, []
        for call, *arguments in due:
            call(*arguments)

    def state(self, job_id: str) -> str:
        return str(self.jobs.get(job_id)["state"])

    def kill(self) -> None:
        """Let the server be killed, and another one start."""
        self.store.close()
        self.backend.tasks.clear()
        self.jobs = JobManager(self.store, self.files, self.backend, self.bus)  # type: ignore[arg-type]
        self.build()
        self.jobs.start()


@pytest.fixture
def house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    house = House(tmp_path, monkeypatch)
    yield house
    house.store.close()


def test_a_network_and_a_job_like_all_others(house: House) -> None:
    job_id = house.begin()
    (network,) = house.networks.list()
    (record,), total = house.jobs.list()
    assert (network["name"], network["layer_sizes"]) == ("Live view", [784, 100, 10])
    assert (network["activation"], network["loss"], network["active_job_id"]) == ("sigmoid", "quadratic", job_id)
    assert (total, record["job_id"], record["state"]) == (1, job_id, "queued")
    settings = ("total_epochs", "mini_batch_size", "learning_rate", "optimizer", "momentum", "schedule")
    assert [record[name] for name in settings] == [500, 50_000, 0.5, "sgd", 0.0, "constant"]
    (task,) = house.backend.tasks
    assert task.message["spec"]["phase_seconds"] == 0.25


def test_phases_go_to_the_client_alone_and_the_job_tells_everybody_as_always(house: House) -> None:
    mine, other = house.begin(), house.begin("other")
    house.start(mine)
    house.say(mine, PHASE, EPOCH | {"epoch": 1}, PHASE | {"event": "validation_metrics", "data": {"iteration": 10}})
    assert house.shown["me"] == [("network_update", {"phase": "init"}), ("validation_metrics", {"iteration": 10})]
    assert house.shown["other"] == []
    assert [name for name, _ in house.log.of(mine)] == ["training_update"]
    assert house.state(other) == "queued"


def test_phases_wait_for_no_lock(house: House) -> None:
    job_id = house.begin()
    house.start(job_id)
    with house.jobs._lock:
        taking = threading.Thread(target=house.say, args=(job_id, PHASE))
        taking.start()
        taking.join(10)
        assert not taking.is_alive()
    assert len(house.shown["me"]) == 1


def test_a_second_start_does_nothing_until_the_job_has_ended(house: House) -> None:
    job_id = house.begin()
    assert house.begin() == job_id
    house.start(job_id)
    assert house.begin() == job_id
    house.rest(job_id)
    assert house.begin() == job_id
    house.jobs.controls.resume(job_id)
    house.start(job_id)
    house.say(job_id, COMPLETED)
    assert house.state(job_id) == "completed"
    again = house.begin()
    assert again != job_id
    assert len(house.networks.list()) == 2


def test_one_start_at_a_time_makes_one_job(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    make, second = house.live._make, threading.Thread(target=house.begin)

    def slowly() -> dict[str, str]:
        second.start()
        second.join(0.2)  # it waits for this one
        return make()

    monkeypatch.setattr(house.live, "_make", slowly)
    job_id = house.begin()
    second.join(10)
    assert house.begin() == job_id
    assert house.jobs.counts()["unfinished"] == 1


def test_stop_ends_it(house: House) -> None:
    job_id = house.begin()
    house.start(job_id)
    house.live.stop("me")
    assert house.backend.cancelled == [job_id]
    assert house.jobs.get(job_id)["cancel_requested"]
    house.say(job_id, PHASE)
    assert house.shown["me"] == []
    assert house.begin() != job_id
    house.live.stop("nobody")


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_who_leaves_ends_it(house: House, state: str) -> None:
    job_id = house.begin()
    if state != "queued":
        house.start(job_id)
    if state == "paused":
        house.rest(job_id)
    assert house.state(job_id) == state
    house.live.leave("me")
    house.ring()
    record = house.jobs.get(job_id)
    assert record["cancel_requested"] or record["state"] == "cancelled"
    if state == "paused":
        house.say_short({"type": "cancelled", "accuracy": None, "epochs": 0, "elapsed": 1.0})
    elif state == "running":
        house.say(job_id, {"type": "cancelled", "accuracy": None, "epochs": 0, "elapsed": 1.0})
    assert house.state(job_id) == "cancelled"
    assert not house.later


def test_who_leaves_waits_for_nobody(house: House) -> None:
    """A client that does not read is dropped while events are told, under the lock of the jobs."""
    job_id = house.begin()
    with house.live._making, house.jobs._lock:
        leaving = threading.Thread(target=house.live.leave, args=("me",))
        leaving.start()
        leaving.join(10)
        assert not leaving.is_alive()
    house.ring()
    assert house.state(job_id) == "cancelled"


def test_a_worker_that_dies_meanwhile_does_not_bring_it_back(house: House) -> None:
    job_id = house.begin()
    house.start(job_id)
    house.live.leave("me")
    house.ring()
    house.say(job_id, {"type": "lost", "reason": "it was killed"})
    assert house.state(job_id) == "cancelled"


def test_a_worker_that_dies_under_it_goes_on_for_a_client_that_is_there(house: House) -> None:
    job_id = house.begin()
    house.start(job_id)
    house.say(job_id, {"type": "lost", "reason": "it was killed"})
    assert house.state(job_id) == "queued"
    house.say(job_id, STARTED, PHASE)
    assert len(house.shown["me"]) == 1
    assert house.begin() == job_id


def test_an_end_that_cannot_be_written_down_is_tried_again(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    job_id = house.begin()
    house.live.leave("me")
    with monkeypatch.context() as broken:
        broken.setattr(house.store, "save", lambda *_: (_ for _ in ()).throw(NotReady("The disk is full.")))
        house.ring()
        house.ring()
    assert house.state(job_id) == "queued"
    house.ring()
    assert house.state(job_id) == "cancelled"
    assert not house.later


@pytest.mark.parametrize("state", ["queued", "running", "paused"])
def test_the_next_start_of_the_server_ends_what_a_kill_has_left(house: House, state: str) -> None:
    house.add_network("a")
    other = house.submit("a")
    job_id = house.begin()
    if state != "queued":
        house.start(job_id)
    if state == "paused":
        house.say(job_id, PAUSED)
    house.kill()
    assert house.state(job_id) == "cancelled"
    assert house.state(other) == "queued"
    assert [task.job_id for task in house.backend.tasks] == [other]


def test_the_next_start_keeps_what_a_checkpoint_holds(house: House) -> None:
    job_id = house.begin()
    house.start(job_id)
    house.files.checkpoint_path(job_id).touch()
    house.kill()
    task = house.say_short({"type": "cancelled", "accuracy": 0.25, "epochs": 3, "elapsed": 1.0})
    assert task.message["spec"]["cancelled"]
    assert house.state(job_id) == "cancelled"
    assert house.networks.list()[0]["epochs_trained"] == 3


def test_a_stop_of_the_server_leaves_the_job_to_the_next_start(house: House) -> None:
    job_id = house.begin()
    house.start(job_id)
    house.live.close()
    house.live.leave("me")
    house.live.stop("me")
    house.ring()
    assert not house.backend.cancelled
    assert house.state(job_id) == "running"


@pytest.mark.parametrize("error", [TooManyJobs("Too many."), NotReady("Stopping."), DataError("MNIST is missing.")])
def test_where_nothing_can_be_trained_no_network_is_left(
    house: House, monkeypatch: pytest.MonkeyPatch, error: Any
) -> None:
    with monkeypatch.context() as refusing:
        refusing.setattr(house.jobs, "submit", lambda *_: (_ for _ in ()).throw(error))
        with pytest.raises(type(error)):
            house.begin()
    assert house.networks.list() == []
    house.begin()
    assert len(house.networks.list()) == 1
