"""What may be done to a job in which state, and what follows; the test plays the worker, message by message."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from hippo.errors import HippoError, InvalidValue, JobEnded, NotReady, TrainingInProgress, UnknownJob, WrongState
from hippo.jobs.job import JobState
from tests.jobs.stage import COMPLETED, CONFIG, EPOCH, STARTED, Stage

CONTROLS: dict[str, Callable[[Stage, str], dict[str, Any]]] = {
    "pause": lambda stage, job_id: stage.jobs.controls.pause(job_id),
    "resume": lambda stage, job_id: stage.jobs.controls.resume(job_id),
    "step batch": lambda stage, job_id: stage.jobs.controls.step(job_id, "batch"),
    "step epoch": lambda stage, job_id: stage.jobs.controls.step(job_id, "epoch"),
    "pace": lambda stage, job_id: stage.jobs.controls.set_pace(job_id, 2.0),
    "change": lambda stage, job_id: stage.jobs.controls.change(job_id, {"learning_rate": 0.5}),
    "cancel": lambda stage, job_id: stage.jobs.cancel(job_id),
}
CANCELLED = {"type": "cancelled", "epochs": 1, "accuracy": 0.4, "elapsed": 1.0}
LOST = {"type": "lost", "reason": "it was killed"}


def held(stage: Stage) -> str:
    job_id: str = stage.jobs.submit("a", CONFIG)["job_id"]
    return job_id


def running(stage: Stage) -> str:
    job_id = stage.submit()
    stage.start(job_id)
    return job_id


def pausing(stage: Stage) -> str:
    job_id = running(stage)
    stage.jobs.controls.pause(job_id)
    return job_id


def paused(stage: Stage) -> str:
    job_id = pausing(stage)
    stage.rest(job_id)
    return job_id


def stepping(stage: Stage) -> str:
    job_id = paused(stage)
    stage.jobs.controls.step(job_id, "batch")
    return job_id


def interrupted(stage: Stage) -> str:
    job_id = running(stage)
    stage.say(job_id, {"type": "interrupted", "elapsed": 1.0, "epoch": 1, "batch": 3, "batches": 100, "step": 3})
    stage.backend.running.discard(job_id)
    return job_id


def cancelling(stage: Stage) -> str:
    job_id = running(stage)
    stage.jobs.cancel(job_id)
    return job_id


def ended(stage: Stage) -> str:
    job_id = running(stage)
    stage.say(job_id, COMPLETED)
    return job_id


#: By the situation: which controls are allowed, and the state of the job right after each.
ALLOWED: dict[Callable[[Stage], str], dict[str, str]] = {
    held: {"pause": "paused", "pace": "queued", "change": "queued", "cancel": "cancelled"},
    Stage.submit: {"pause": "paused", "pace": "queued", "change": "queued", "cancel": "cancelled"},
    running: {"pause": "running", "pace": "running", "change": "running", "cancel": "running"},
    pausing: {"pause": "running", "pace": "running", "change": "running", "cancel": "running"},
    paused: {
        "resume": "queued",
        "step batch": "paused",
        "step epoch": "queued",
        "pace": "paused",
        "change": "paused",
        "cancel": "paused",  # the assistant ends it, and keeps what it learned
    },
    stepping: {"pace": "paused", "change": "paused", "cancel": "paused"},
    interrupted: {"pause": "paused", "pace": "interrupted", "change": "interrupted", "cancel": "cancelled"},
    cancelling: {"cancel": "running"},
    ended: {},
}


@pytest.mark.parametrize("control", CONTROLS)
@pytest.mark.parametrize("situation", ALLOWED, ids=lambda situation: situation.__name__)
def test_the_table_of_controls(stage: Stage, situation: Callable[[Stage], str], control: str) -> None:
    job_id = situation(stage)
    before = stage.store.job(job_id)
    expected = ALLOWED[situation].get(control)
    if expected is not None:
        assert CONTROLS[control](stage, job_id)["state"] == expected
        assert stage.store.job(job_id).state == expected
        return
    wrong: type[HippoError] = JobEnded if situation is ended else WrongState
    with pytest.raises(wrong) as refusal:
        CONTROLS[control](stage, job_id)
    assert len(refusal.value.message) > 30
    assert stage.store.job(job_id) == before


@pytest.mark.parametrize("control", CONTROLS)
def test_there_must_be_such_a_job(stage: Stage, control: str) -> None:
    with pytest.raises(UnknownJob):
        CONTROLS[control](stage, "no")


def test_a_pause_rests_where_the_worker_says(stage: Stage) -> None:
    job_id = running(stage)
    record = stage.jobs.controls.pause(job_id)
    assert (record["state"], record["pause_requested"]) == ("running", True)
    assert stage.backend.told == [{"type": "pause"}]
    stage.rest(job_id)
    record = stage.jobs.get(job_id)
    assert (record["state"], record["status"], record["pause_requested"]) == ("paused", "training", False)
    assert (record["batch"], record["batches"], record["step"], record["elapsed_time"]) == (7, 100, 7, 1.5)
    assert record["progress"] == pytest.approx(3.5)
    assert record["eta_seconds"] is record["queue_position"] is None
    name, payload = stage.log.events[-1]
    assert name == "training_paused"
    place = {name: payload[name] for name in ("epoch", "batch", "batches", "step", "loss")}
    assert place == {"epoch": 1, "batch": 7, "batches": 100, "step": 7, "loss": 0.5}
    assert record["loss_so_far"] == 0.5
    assert "seq" not in payload
    assert stage.jobs.counts() == {"unfinished": 1, "running": 0, "paused": 1, "queued": 0}
    assert stage.jobs.list(status="training")[1] == stage.jobs.list(status="paused")[1] == 1
    with pytest.raises(TrainingInProgress):
        stage.submit()


def test_the_loss_so_far_of_a_run_that_rests_is_known_as_long_as_it_stands_there(stage: Stage) -> None:
    def loss() -> float | None:
        return stage.store.job(job_id).loss_so_far

    job_id = paused(stage)
    assert loss() == 0.5
    stage.jobs.controls.resume(job_id)
    stage.jobs.controls.pause(job_id)
    assert (loss(), stage.log.events[-1][1]["loss"]) == (0.5, 0.5)
    stage.jobs.controls.resume(job_id)
    stage.backend.running.add(job_id)
    stage.say(job_id, STARTED | {"batch": 7, "step": 7})
    assert loss() == 0.5
    stage.say(job_id, EPOCH | {"epoch": 1})
    assert loss() is None
    stage.rest(job_id, epoch=2)
    stage.jobs.controls.resume(job_id)
    stage.backend.running.add(job_id)
    stage.say(job_id, STARTED | {"batch": 0, "step": 0})  # its checkpoint could not be read
    assert loss() is None


def test_the_loss_so_far_of_an_ended_run_is_none(stage: Stage) -> None:
    job_id = paused(stage)
    stage.jobs.controls.resume(job_id)
    stage.backend.running.add(job_id)
    stage.say(
        job_id, STARTED | {"batch": 7, "step": 7}, {"type": "diverged", "error": "No.", "elapsed": 2.0, "epochs": 0}
    )
    assert stage.jobs.get(job_id)["loss_so_far"] is None


def test_a_pause_and_settings_that_came_too_late_are_forgotten(stage: Stage) -> None:
    job_id = pausing(stage)
    stage.jobs.controls.change(job_id, {"learning_rate": 0.5})
    stage.say(job_id, COMPLETED)
    record = stage.jobs.get(job_id)
    assert (record["state"], record["pause_requested"], record["pending_changes"]) == ("completed", False, {})
    assert record["learning_rate"] == 3.0


def test_a_job_that_waits_is_paused_at_once(stage: Stage) -> None:
    job_id = stage.submit()
    stage.jobs.controls.pause(job_id)
    assert stage.backend.tasks == []
    [(name, payload)] = stage.log.events
    assert (name, payload["epoch"], payload["batch"], payload["batches"], payload["loss"]) == (
        "training_paused",
        1,
        0,
        None,
        None,
    )


def test_a_job_paused_before_its_reply_is_out_does_not_start(stage: Stage) -> None:
    job_id = held(stage)
    stage.jobs.controls.pause(job_id)
    stage.jobs.release(job_id)
    assert stage.backend.tasks == []


def test_a_resumed_job_is_before_all_others(stage: Stage) -> None:
    first, second = stage.submit("b"), stage.submit("c")
    job_id = stage.submit("a")
    stage.jobs.controls.pause(job_id)
    assert stage.jobs.controls.resume(job_id)["queue_position"] == 1
    assert [task.job_id for task in stage.backend.tasks] == [job_id, first, second]
    assert [stage.jobs.get(one)["queue_position"] for one in (job_id, first, second)] == [1, 2, 3]
    stage.jobs.controls.pause(second)
    stage.jobs.controls.resume(second)  # now this one is
    assert [stage.jobs.get(one)["queue_position"] for one in (second, job_id, first)] == [1, 2, 3]
    assert [job.job_id for job in stage.store.unfinished_jobs()] == [second, job_id, first]  # after a restart, too


def test_the_assistant_makes_a_step(stage: Stage) -> None:
    job_id = paused(stage)
    record = stage.jobs.controls.step(job_id, "batch")
    assert (record["state"], record["pause_requested"]) == ("paused", True)
    assert stage.backend.tasks == []
    [task] = stage.backend.short
    assert (task.message["spec"]["batches"], task.message["spec"]["pause_at"]) == (1, None)
    stage.say_short(
        STARTED | {"batch": 7, "step": 7},
        {"type": "paused", "epoch": 1, "batch": 8, "batches": 100, "step": 8, "loss": 0.4, "elapsed": 1.6, "epochs": 0},
    )
    record = stage.jobs.get(job_id)
    assert (record["state"], record["pause_requested"], record["step"]) == ("paused", False, 8)
    assert [name for name, _ in stage.log.events[-2:]] == ["training_started", "training_paused"]
    stage.jobs.controls.step(job_id, "batch")


def test_an_epoch_is_queued_and_rests_at_its_end(stage: Stage) -> None:
    job_id = paused(stage)
    stage.submit("b")
    assert stage.jobs.controls.step(job_id, "epoch")["pause_at"] == 1
    assert stage.log.events[-1][1]["pause_at"] == 1
    assert stage.backend.tasks[0].job_id == job_id
    spec = stage.backend.tasks[0].message["spec"]
    assert (spec["batches"], spec["pause_at"], spec["reported"]) == (None, 1, 0)
    stage.start(job_id)
    stage.say(job_id, EPOCH | {"epoch": 1, "batch": 0, "batches": 100, "step": 100})
    stage.rest(job_id, epoch=2, batch=0, step=100, loss=None)
    record = stage.jobs.get(job_id)
    assert (record["state"], record["epoch"], record["batch"], record["step"]) == ("paused", 1, 0, 100)
    assert record["pause_at"] is None
    stage.jobs.controls.resume(job_id)
    assert stage.backend.tasks[0].message["spec"]["pause_at"] is None


def test_the_last_step_ends_the_run(stage: Stage) -> None:
    job_id = stepping(stage)
    stage.say_short(STARTED, EPOCH | {"epoch": 1}, EPOCH | {"epoch": 2}, COMPLETED)
    assert stage.jobs.get(job_id)["state"] == "completed"


@pytest.mark.parametrize("requested", [True, False])
def test_a_worker_that_dies_leaves_a_job_paused_that_was_to_pause(stage: Stage, requested: bool) -> None:
    job_id = pausing(stage) if requested else running(stage)
    stage.backend.running.clear()
    stage.backend.tasks.pop(0).report(LOST | {"job_id": job_id})
    record = stage.jobs.get(job_id)
    assert (record["state"], record["attempt"]) == ("paused" if requested else "queued", 2)
    assert len(stage.backend.tasks) == (0 if requested else 1)
    assert [name for name, _ in stage.log.events].count("training_paused") == requested


def test_an_assistant_that_dies_under_a_step_leaves_it_paused(stage: Stage) -> None:
    job_id = stepping(stage)
    stage.say_short(STARTED, LOST)
    record = stage.jobs.get(job_id)
    assert (record["state"], record["attempt"], record["pause_requested"]) == ("paused", 2, False)


def test_a_killed_server_leaves_paused_what_was(stage: Stage, tmp_path: Path) -> None:
    at_rest = paused(stage)
    to_pause = stage.submit("b")
    stage.start(to_pause)
    stage.jobs.controls.pause(to_pause)
    in_step = stage.submit("c")
    stage.jobs.controls.pause(in_step)
    stage.jobs.controls.step(in_step, "batch")
    stage.store.close()

    again = Stage(tmp_path)
    again.jobs.start()
    records = [again.jobs.get(job_id) for job_id in (at_rest, to_pause, in_step)]
    assert [(r["state"], r["pause_requested"], r["attempt"]) for r in records] == [("paused", False, 1)] * 3
    assert again.backend.tasks == again.backend.short == []
    again.store.close()


def test_a_server_that_stops_leaves_paused_what_was_to_pause(stage: Stage) -> None:
    job_id, other = pausing(stage), paused_of(stage, "b")
    stage.jobs.shutdown(0.0)
    assert stage.jobs.get(job_id)["state"] == "paused"
    for control in ("resume", "step batch", "step epoch"):
        with pytest.raises(NotReady):
            CONTROLS[control](stage, other)


def paused_of(stage: Stage, network_id: str) -> str:
    job_id = stage.submit(network_id)
    stage.jobs.controls.pause(job_id)
    return job_id


def test_a_paused_job_that_is_cancelled_keeps_what_it_learned(stage: Stage) -> None:
    job_id = paused(stage)
    record = stage.jobs.cancel(job_id)
    assert (record["state"], record["cancel_requested"]) == ("paused", True)
    task = stage.say_short(CANCELLED)
    assert task.message["spec"]["cancelled"] is True
    assert stage.jobs.get(job_id)["state"] == "cancelled"
    assert stage.store.network("a").revision == job_id
    assert not stage.files.checkpoint_path(job_id).exists()


def test_a_resumed_job_that_is_cancelled_in_the_queue_keeps_it_too(stage: Stage) -> None:
    job_id = paused(stage)
    stage.jobs.controls.resume(job_id)
    assert stage.jobs.cancel(job_id)["state"] == "queued"
    assert stage.backend.tasks == []
    stage.say_short(CANCELLED)
    assert stage.store.network("a").revision == job_id


def test_a_cancel_that_comes_with_the_pause_ends_the_job(stage: Stage) -> None:
    job_id = pausing(stage)
    stage.jobs.cancel(job_id)
    stage.rest(job_id)  # the worker had begun to rest
    stage.say_short(CANCELLED)
    assert stage.jobs.get(job_id)["state"] == "cancelled"


def test_a_server_killed_while_a_paused_job_is_being_cancelled(stage: Stage, tmp_path: Path) -> None:
    job_id = paused(stage)
    stage.jobs.cancel(job_id)
    stage.store.close()
    again = Stage(tmp_path)
    again.jobs.start()
    again.say_short(CANCELLED)
    assert again.jobs.get(job_id)["state"] == "cancelled"
    again.store.close()


def test_a_pace_goes_to_the_worker_and_into_tasks_that_wait(stage: Stage) -> None:
    first, second = running(stage), stage.submit("b")
    for job_id in (first, second):
        assert stage.jobs.controls.set_pace(job_id, 2.5)["pace"] == 2.5
    assert stage.backend.told == [{"type": "pace", "batches_per_second": 2.5}]
    assert stage.backend.tasks[1].message["spec"]["pace"] == 2.5
    assert stage.jobs.controls.set_pace(second, None)["pace"] is None
    stage.jobs.controls.pause(first)
    stage.rest(first)
    stage.jobs.controls.resume(first)
    assert stage.backend.tasks[0].message["spec"]["pace"] == 2.5


def test_settings_are_wanted_until_the_run_has_taken_them(stage: Stage) -> None:
    job_id = running(stage)
    record = stage.jobs.controls.change(job_id, {"learning_rate": 0.5})
    assert (record["learning_rate"], record["pending_changes"]) == (0.5, {"learning_rate": 0.5})
    stage.jobs.controls.change(job_id, {"momentum": 0.9})
    both = {"learning_rate": 0.5, "momentum": 0.9}
    assert [message["settings"] for message in stage.backend.told] == [{"learning_rate": 0.5}, both]

    place = {"type": "changed", "step": 5, "epoch": 1, "batch": 5}
    rate, momentum = {"learning_rate": {"from": 3.0, "to": 0.5}}, {"momentum": {"from": 0.0, "to": 0.9}}
    stage.say(job_id, place | {"changes": rate, "wanted": {"learning_rate": 0.5}})
    # The worker has yet to say that it took the later one.
    assert stage.jobs.get(job_id)["pending_changes"] == stage.log.events[-1][1]["pending_changes"] == {"momentum": 0.9}
    stage.say(job_id, place | {"step": 6, "batch": 6, "changes": momentum, "wanted": both})
    record = stage.jobs.get(job_id)
    assert (record["pending_changes"], record["momentum"], record["learning_rate"]) == ({}, 0.9, 0.5)
    assert record["changes"] == [
        {"step": 5, "epoch": 1, "batch": 5, "learning_rate": 0.5},
        {"step": 6, "epoch": 1, "batch": 6, "momentum": 0.9},
    ]
    events = stage.log.of(job_id)
    assert [(name, data["seq"], data["step"], data["changes"]) for name, data in events] == [
        ("training_changed", 1, 5, rate),
        ("training_changed", 2, 6, momentum),
    ]
    assert [event["data"] for event in stage.jobs.history(job_id)[0]] == [data for _, data in events]


def test_what_is_so_already_changes_nothing(stage: Stage) -> None:
    job_id = running(stage)
    assert stage.jobs.controls.change(job_id, {"learning_rate": 3.0})["pending_changes"] == {}
    assert stage.jobs.controls.change(job_id, {})["pending_changes"] == {}
    assert stage.backend.told == []
    stage.jobs.controls.change(job_id, {"momentum": 0.5})
    place = {"type": "changed", "step": 5, "epoch": 1, "batch": 5}
    stage.say(job_id, place | {"changes": {}, "wanted": {"momentum": 0.5}})  # it had been so since the checkpoint
    assert (stage.jobs.get(job_id)["pending_changes"], stage.log.of(job_id)) == ({}, [])


def test_every_control_is_told_to_all(stage: Stage) -> None:
    job_id = running(stage)
    asked: list[tuple[str, dict[str, Any]]] = [
        ("pace", {"pace": 2.0}),
        ("change", {"learning_rate": 0.5, "pending_changes": {"learning_rate": 0.5}}),
        ("pause", {"state": "running", "pause_requested": True}),
        ("step batch", {"state": "paused", "pause_requested": True}),
        ("cancel", {"state": "paused", "cancel_requested": True}),
    ]
    for control, holds in asked:
        if control == "step batch":
            stage.rest(job_id)
        record = CONTROLS[control](stage, job_id)
        name, payload = stage.log.events[-1]
        assert name == "training_controlled"
        assert payload.items() >= holds.items()
        assert all(record[key] == value for key, value in payload.items() if key != "timestamp")
        assert "seq" not in payload
    other = paused_of(stage, "b")
    CONTROLS["resume"](stage, other)
    assert stage.log.events[-1][1]["state"] == "queued"


def test_settings_taken_without_effect_are_told(stage: Stage) -> None:
    job_id = running(stage)
    stage.jobs.controls.change(job_id, {"momentum": 0.5})
    place = {"type": "changed", "step": 5, "epoch": 1, "batch": 5}
    stage.say(job_id, place | {"changes": {}, "wanted": {"momentum": 0.5}})
    name, payload = stage.log.events[-1]
    assert (name, payload["pending_changes"]) == ("training_controlled", {})


def test_a_change_that_a_checkpoint_tells_of_leaves_what_is_still_wanted(stage: Stage) -> None:
    job_id = running(stage)
    stage.jobs.controls.change(job_id, {"momentum": 0.5})
    place = {"type": "changed", "step": 0, "epoch": 1, "batch": 0}
    stage.say(job_id, place | {"changes": {"momentum": {"from": 0.0, "to": 0.5}}, "wanted": None})
    assert stage.jobs.get(job_id)["pending_changes"] == {"momentum": 0.5}
    stage.say(job_id, place | {"changes": {}, "wanted": {"momentum": 0.5}})
    record = stage.jobs.get(job_id)
    assert (record["pending_changes"], record["momentum"], len(record["changes"])) == ({}, 0.5, 1)


def test_settings_out_of_range_are_refused(stage: Stage) -> None:
    job_id = running(stage)
    with pytest.raises(InvalidValue, match="momentum"):
        stage.jobs.controls.change(job_id, {"momentum": 1.5})
    assert stage.jobs.get(job_id)["pending_changes"] == {}


def test_settings_for_a_job_that_waits_go_with_it(stage: Stage) -> None:
    job_id = stage.submit()
    stage.jobs.controls.change(job_id, {"mini_batch_size": 20})
    assert stage.backend.tasks[0].message["spec"]["wanted"] == {"mini_batch_size": 20}
    stage.jobs.controls.pause(job_id)
    stage.jobs.controls.change(job_id, {"momentum": 0.5})
    stage.jobs.controls.resume(job_id)
    assert stage.backend.tasks[0].message["spec"]["wanted"] == {"mini_batch_size": 20, "momentum": 0.5}


def test_states_of_the_table_are_all_there() -> None:
    unfinished = {JobState.QUEUED, JobState.RUNNING, JobState.PAUSED, JobState.INTERRUPTED}
    reached = {state for allowed in ALLOWED.values() for state in allowed.values()}
    assert {str(state) for state in unfinished} <= reached
