"""The manager with an engine that does nothing by itself: the test plays the worker, message by message."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from hippo.errors import DataError, JobEnded, NotReady, TooManyJobs, TrainingInProgress, UnknownJob, UnknownNetwork
from hippo.jobs import inbox
from hippo.jobs import manager as manager_module
from hippo.jobs.worker_keeper import Task
from hippo.network import NeuralNetwork
from hippo.persistence.model_persistence import ModelFiles
from tests.jobs.stage import COMPLETED, CONFIG, EPOCH, STARTED, Stage


def test_a_run_from_submit_to_completion(stage: Stage) -> None:
    job_id = stage.submit()
    assert stage.jobs.get(job_id)["status"] == "pending"
    stage.start(job_id)
    assert stage.jobs.get(job_id)["status"] == "training"
    stage.say(job_id, EPOCH | {"epoch": 1}, EPOCH | {"epoch": 2, "elapsed_time": 2.0}, COMPLETED)
    record = stage.jobs.get(job_id)
    assert (record["status"], record["progress"], record["epoch"], record["accuracy"]) == ("completed", 100.0, 2, 0.5)
    assert record["elapsed_time"] == 2.0
    assert [(name, payload["seq"]) for name, payload in stage.log.of(job_id)] == [
        ("training_update", 1),
        ("training_update", 2),
        ("training_complete", 3),
    ]
    update = stage.log.of(job_id)[0][1]
    assert (update["epoch"], update["total_epochs"], update["progress"]) == (1, 2, 50.0)
    assert (update["correct"], update["total"], update["accuracy"]) == (5000, 10000, 0.5)
    assert (update["elapsed_time"], update["eta_seconds"]) == (1.0, 1.0)
    assert (update["training_accuracy"], update["gradient_norm"]) == (0.4, 0.25)
    assert (update["loss"], update["validation_loss"], update["test_loss"]) == (0.1, 0.3, 0.2)
    assert update["neurons"] == [{"dead": 1, "saturated": 2, "alike": 3, "total": 30}]
    network = stage.store.network("a")
    assert (network.revision, network.accuracy, network.epochs_trained) == (job_id, 0.5, 2)


def test_a_run_that_an_older_version_began_tells_its_epochs_too(stage: Stage) -> None:
    job_id = stage.submit()
    stage.start(job_id)
    stage.say(job_id, {name: value for name, value in EPOCH.items() if name != "neurons"} | {"epoch": 1})
    assert stage.log.of(job_id)[0][1]["neurons"] == []


def test_progress_within_an_epoch_is_told_but_not_kept(stage: Stage) -> None:
    job_id = stage.submit()
    stage.start(job_id)
    stage.say(job_id, {"type": "progress", "epoch": 1, "loss": 0.3, "batch": 50, "batches": 100, "step": 50})
    [started, (name, payload)] = stage.log.events
    assert (started[0], started[1]["attempt"]) == ("training_started", 1)
    assert (name, payload["epoch"], payload["progress"], payload["loss"]) == ("training_progress", 1, 25.0, 0.3)
    assert payload["eta_seconds"] == pytest.approx(3 * payload["elapsed_time"])
    assert (payload["batch"], payload["batches"], payload["step"]) == (50, 100, 50)
    assert "seq" not in payload
    record = stage.jobs.get(job_id)
    assert (record["progress"], record["epoch"], record["last_seq"], record["loss_so_far"]) == (25.0, 0, 0, 0.3)
    assert stage.jobs.history(job_id) == ([], 0)
    stage.say(job_id, EPOCH | {"epoch": 1})
    assert stage.jobs.get(job_id)["progress"] == 50.0


def test_what_is_published_can_be_read_again_and_was_kept_first(stage: Stage) -> None:
    kept_before_published: list[bool] = []
    stage.bus.subscribe(
        lambda name, payload: kept_before_published.append(
            stage.store.events(payload["job_id"])[-1] == {"event": name, "data": payload}
        )
    )
    job_id = stage.submit()
    stage.start(job_id)
    stage.say(job_id, EPOCH | {"epoch": 1}, EPOCH | {"epoch": 2}, COMPLETED)
    assert kept_before_published == [True] * 3
    events, last_seq = stage.jobs.history(job_id, after=1)
    assert [(event["event"], event["data"]) for event in events] == stage.log.of(job_id)[1:]
    assert last_seq == 3


def test_a_submitted_job_waits_for_its_reply(stage: Stage) -> None:
    job_id = stage.jobs.submit("a", CONFIG)["job_id"]
    assert stage.backend.tasks == []
    stage.jobs.release(job_id)
    stage.jobs.release(job_id)
    assert [task.job_id for task in stage.backend.tasks] == [job_id]


def test_a_reply_that_never_ends_does_not_hold_its_job_for_ever(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager_module, "HOLD", 0.0)
    job_id = stage.jobs.submit("a", CONFIG)["job_id"]
    for timer in list(stage.jobs._held.values()):
        timer.join()
    assert [task.job_id for task in stage.backend.tasks] == [job_id]


def test_one_unfinished_job_per_network(stage: Stage) -> None:
    job_id = stage.submit()
    with pytest.raises(TrainingInProgress) as refusal:
        stage.submit()
    assert refusal.value.extra == {"job_id": job_id}
    assert stage.jobs.counts() == {"unfinished": 1, "running": 0, "paused": 0, "queued": 1}


def test_first_in_first_out(stage: Stage) -> None:
    jobs = [stage.submit(network_id) for network_id in ("a", "b", "c")]
    assert [task.job_id for task in stage.backend.tasks] == jobs
    assert [stage.jobs.get(job_id)["queue_position"] for job_id in jobs] == [1, 2, 3]
    stage.start(jobs[0])
    assert [stage.jobs.get(job_id)["queue_position"] for job_id in jobs] == [None, 1, 2]


def test_unknown_ids_and_full_queues(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UnknownNetwork):
        stage.jobs.submit("no", CONFIG)
    for call in (stage.jobs.get, stage.jobs.cancel, stage.jobs.history):
        with pytest.raises(UnknownJob):
            call("no")
    monkeypatch.setattr(manager_module, "MAX_UNFINISHED", 1)
    stage.submit("a")
    with pytest.raises(TooManyJobs):
        stage.submit("b")


def test_without_data_nothing_is_queued(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> None:
        raise DataError("MNIST is missing.")

    monkeypatch.setattr(stage.jobs, "_check_data", missing)
    with pytest.raises(DataError):
        stage.submit()
    assert stage.jobs.list() == ([], 0)


def test_cancel_while_waiting_ends_at_once(stage: Stage) -> None:
    job_id = stage.submit()
    record = stage.jobs.cancel(job_id)
    assert (record["status"], record["state"]) == ("failed", "cancelled")
    assert stage.backend.tasks == []
    [(name, payload)] = stage.log.of(job_id)
    assert (name, payload["status"], payload["state"], payload["seq"]) == ("training_error", "failed", "cancelled", 1)
    assert payload["error"] == payload["message"]
    with pytest.raises(JobEnded):
        stage.jobs.cancel(job_id)


def test_cancel_before_the_reply_is_out(stage: Stage) -> None:
    job_id = stage.jobs.submit("a", CONFIG)["job_id"]
    stage.jobs.cancel(job_id)
    stage.jobs.release(job_id)
    assert stage.backend.tasks == []


def test_cancel_while_running_waits_for_the_worker(stage: Stage) -> None:
    job_id = stage.submit()
    stage.start(job_id)
    record = stage.jobs.cancel(job_id)
    assert (record["state"], record["cancel_requested"]) == ("running", True)
    assert stage.log.of(job_id) == []
    stage.say(job_id, {"type": "cancelled", "epochs": 1, "accuracy": 0.4, "elapsed": 1.0})
    assert stage.jobs.get(job_id)["state"] == "cancelled"
    assert "1 epoch" in stage.log.of(job_id)[-1][1]["message"]
    assert stage.store.network("a").revision == job_id  # what it learned is kept


def test_a_cancelled_job_whose_worker_had_to_be_killed_is_cancelled(stage: Stage) -> None:
    job_id = stage.submit()
    stage.start(job_id)
    stage.jobs.cancel(job_id)
    stage.say(job_id, {"type": "lost", "reason": "it was killed"})
    assert stage.jobs.get(job_id)["state"] == "cancelled"
    assert stage.store.network("a").revision is None


def test_three_attempts_then_failed_with_the_reason(stage: Stage) -> None:
    job_id = stage.submit()
    stage.submit("b")
    for attempt in (1, 2, 3):
        assert stage.jobs.get(job_id)["attempt"] == attempt
        assert stage.backend.tasks[0].job_id == job_id  # before those that came later
        assert stage.backend.tasks[0].message["spec"]["reported"] == 0  # all anew
        stage.start(job_id)
        stage.say(job_id, EPOCH | {"epoch": 1})
        task = stage.backend.tasks.pop(0)
        task.report({"type": "lost", "reason": "it was killed", "job_id": job_id})
    record = stage.jobs.get(job_id)
    assert (record["state"], record["attempt"]) == ("failed", 3)
    assert "it was killed" in record["error"]
    events = stage.log.of(job_id)
    assert [payload["seq"] for _, payload in events] == [1, 2, 3, 4]
    assert [payload.get("attempt") for _, payload in events] == [1, 2, 3, None]
    assert len(stage.backend.tasks) == 1


def test_a_worker_that_dies_before_it_began_counts_as_an_attempt(stage: Stage) -> None:
    job_id = stage.submit()
    stage.say(job_id, {"type": "lost", "reason": "it exited with code 1"})
    assert (stage.jobs.get(job_id)["state"], stage.jobs.get(job_id)["attempt"]) == ("queued", 2)


def test_diverged_and_failed_end_with_their_reason(stage: Stage) -> None:
    diverged, failed = stage.submit("a"), stage.submit("b")
    stage.start(diverged)
    stage.say(diverged, {"type": "diverged", "error": "in epoch 2.", "epochs": 1, "accuracy": 0.3, "elapsed": 1.0})
    stage.say(failed, {"type": "failed", "error": "The disk is full."})
    assert stage.jobs.get(diverged)["state"] == "diverged"
    assert "epoch 2" in stage.jobs.get(diverged)["error"]
    assert "those after epoch 1" in stage.jobs.get(diverged)["error"]
    assert (stage.store.network("a").revision, stage.store.network("a").accuracy) == (diverged, 0.3)
    assert stage.jobs.get(failed)["error"] == "The disk is full."
    assert stage.jobs.list(status="failed")[1] == 2
    assert stage.jobs.list(status="diverged")[1] == 1
    assert stage.jobs.list(status="no such")[1] == 0


def test_a_report_after_the_end_changes_nothing(stage: Stage) -> None:
    job_id = stage.submit()
    stage.start(job_id)
    stage.say(job_id, COMPLETED, COMPLETED, EPOCH | {"epoch": 1}, {"type": "lost", "reason": "late"})
    assert stage.jobs.get(job_id)["state"] == "completed"
    assert len(stage.log.of(job_id)) == 1


def test_a_report_that_makes_no_sense_is_logged_and_survived(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    job_id = stage.submit()
    stage.start(job_id)
    stage.say(job_id, STARTED, {"type": "nonsense"}, {"type": "epoch"})
    assert caplog.text.count("could not be taken") == 3
    stage.say(job_id, COMPLETED)
    assert stage.jobs.get(job_id)["state"] == "completed"


def test_an_end_that_cannot_be_written_is_written_later(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(inbox, "RETRY", 0.0)
    job_id = stage.submit()
    stage.start(job_id)
    save, failures = stage.store.save, iter([True, True])

    def fail_twice(*arguments: Any) -> None:
        if next(failures, False):
            raise sa.exc.OperationalError("INSERT", {}, Exception("database or disk is full"))
        save(*arguments)

    monkeypatch.setattr(stage.store, "save", fail_twice)
    stage.say(job_id, COMPLETED)
    stage.log.wait_for_end(job_id)
    assert stage.jobs.get(job_id)["state"] == "completed"
    assert caplog.text.count("could not be written") == 2


@pytest.mark.parametrize("broken", ["job", "save"])
def test_reports_wait_in_order_for_a_database_that_fails(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    monkeypatch.setattr(inbox, "RETRY", 0.0)
    job_id = stage.submit()
    works, failures = getattr(stage.store, broken), iter([True] * 3)

    def fails_at_first(*arguments: Any) -> Any:
        if next(failures, False):
            raise NotReady("The database is locked.")
        return works(*arguments)

    monkeypatch.setattr(stage.store, broken, fails_at_first)
    stage.start(job_id)
    stage.say(job_id, EPOCH | {"epoch": 1}, EPOCH | {"epoch": 2}, COMPLETED)
    stage.log.wait_for_end(job_id)
    assert [payload["seq"] for _, payload in stage.log.of(job_id)] == [1, 2, 3]
    assert stage.jobs.get(job_id)["state"] == "completed"


def test_a_job_is_released_later_when_it_cannot_be_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(manager_module, "RETRY", 0.0)
    job_id = stage.jobs.submit("a", CONFIG)["job_id"]
    works, queued, failures = stage.store.job, threading.Event(), iter([True])

    def fails_once(wanted: str) -> Any:
        if next(failures, False):
            raise NotReady("The database is locked.")
        return works(wanted)

    submit = stage.backend.submit
    monkeypatch.setattr(stage.store, "job", fails_once)
    monkeypatch.setattr(stage.backend, "submit", lambda *arguments: (submit(*arguments), queued.set()))
    stage.jobs.release(job_id)
    assert queued.wait(10)
    assert [task.job_id for task in stage.backend.tasks] == [job_id]


def test_a_cancel_takes_a_file_that_was_written_at_its_word(stage: Stage, tmp_path: Path) -> None:
    job_id = stage.submit()
    stage.start(job_id)
    stage.jobs.cancel(job_id)
    network = NeuralNetwork([784, 10], seed=0)
    facts = {"outcome": COMPLETED, "history": []}
    ModelFiles(tmp_path).save_model("a", network, job_id, facts)
    stage.say(job_id, {"type": "lost", "reason": "it was killed"})  # before it could say so
    assert stage.jobs.get(job_id)["state"] == "completed"
    assert stage.store.network("a").revision == job_id


def test_a_stopped_server_goes_on_where_it_was(stage: Stage, tmp_path: Path) -> None:
    running, waiting, held = stage.submit("a"), stage.submit("b"), stage.jobs.submit("c", CONFIG)["job_id"]
    stage.start(running)
    stage.say(running, EPOCH | {"epoch": 1}, {"type": "interrupted", "elapsed": 1.5})
    stage.jobs.shutdown(1.0)
    with pytest.raises(NotReady):
        stage.jobs.submit("a", CONFIG)
    record = stage.jobs.get(running)
    assert (record["state"], record["status"]) == ("interrupted", "pending")

    again = Stage(tmp_path)
    again.jobs.start()
    assert [task.job_id for task in again.backend.tasks] == [running, waiting, held]
    assert again.backend.tasks[0].message["spec"]["reported"] == 1
    again.start(running)
    again.say(running, EPOCH | {"epoch": 2}, COMPLETED)
    assert [payload["seq"] for _, payload in again.log.of(running)] == [2, 3]
    assert [event["data"]["seq"] for event in again.jobs.history(running)[0]] == [1, 2, 3]
    assert again.jobs.get(running)["attempt"] == 1


def test_a_killed_server_finds_its_jobs_again(stage: Stage, tmp_path: Path) -> None:
    running, cancelled = stage.submit("a"), stage.submit("b")
    for job_id in (running, cancelled):
        stage.start(job_id)
    stage.jobs.cancel(cancelled)

    again = Stage(tmp_path)
    again.jobs.start()
    assert [task.job_id for task in again.backend.tasks] == [running]
    assert again.jobs.get(running)["state"] == "interrupted"
    assert again.jobs.get(cancelled)["state"] == "cancelled"


def test_requests_for_the_same_answers_share_one_pass(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks: list[Task] = []
    monkeypatch.setattr(stage.backend, "submit_short", tasks.append, raising=False)
    monkeypatch.setattr(stage.backend, "withdraw_short", lambda job_id: False, raising=False)  # it has been begun
    for _ in range(3):
        with pytest.raises(NotReady):
            stage.jobs.compute_outputs("a", timeout=0.0)
    assert len(tasks) == 1
    tasks[0].report({"type": "done", "job_id": tasks[0].job_id})
    with pytest.raises(NotReady):  # the weights may have changed since: made anew
        stage.jobs.compute_outputs("a", timeout=0.0)
    assert len(tasks) == 2


def test_answers_of_a_network_that_was_deleted_meanwhile_are_not_left(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    tasks: list[Task] = []
    monkeypatch.setattr(stage.backend, "submit_short", tasks.append, raising=False)
    monkeypatch.setattr(stage.backend, "withdraw_short", lambda job_id: False, raising=False)  # it has been begun
    for network_id in ("a", "b"):
        with pytest.raises(NotReady):
            stage.jobs.compute_outputs(network_id, timeout=0.0)
    stage.store.mark_deleted("a")
    for network_id, task in zip(("a", "b"), tasks, strict=True):
        stage.jobs._files.save_outputs(network_id, np.zeros((1, 10)), np.zeros((1, 10)), "initial")
        task.report({"type": "done", "job_id": task.job_id})
    assert not stage.jobs._files.outputs_path("a").exists()
    assert stage.jobs._files.outputs_path("b").exists()


def test_a_subscriber_that_fails_disturbs_nobody(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[str] = []
    stage.bus.subscribe(lambda name, payload: 1 / 0)
    unsubscribe = stage.bus.subscribe(lambda name, payload: heard.append(name))
    stage.jobs.cancel(stage.submit("a"))
    unsubscribe()
    stage.jobs.cancel(stage.submit("b"))
    assert heard == ["training_error"]
    assert "ZeroDivisionError" in caplog.text
