"""The table of states: what it allows happens, what it does not allow raises and changes nothing."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from hippo.jobs.job import FINAL, PUBLIC_STATUS, TRANSITIONS, UNFINISHED, IllegalTransition, Job, JobState
from hippo.training import Throughput, TrainingConfig

ACTIONS = sorted({action for _, action in TRANSITIONS})


def make_job(state: JobState = JobState.QUEUED, **fields: object) -> Job:
    return Job(1, "job", "network", TrainingConfig(epochs=10), state, **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(("state", "action"), list(itertools.product(JobState, ACTIONS)))
def test_only_the_table_changes_a_state(state: JobState, action: str) -> None:
    job = make_job(state)
    if (state, action) in TRANSITIONS:
        assert job.after(action).state is TRANSITIONS[state, action]
    else:
        with pytest.raises(IllegalTransition, match=f"{state} cannot {action}"):
            job.after(action)
    assert job.state is state


def test_final_states_are_those_that_clients_wait_for() -> None:
    assert {str(state) for state in FINAL} == {"completed", "failed", "cancelled", "diverged"}
    assert set(JobState) == UNFINISHED | FINAL


def test_every_state_has_a_public_word() -> None:
    assert PUBLIC_STATUS.keys() == set(JobState)
    assert set(PUBLIC_STATUS.values()) == {"pending", "training", "completed", "failed"}
    assert all(PUBLIC_STATUS[state] in ("completed", "failed") for state in FINAL)
    assert all(PUBLIC_STATUS[state] in ("pending", "training") for state in UNFINISHED)


def test_progress_and_time_left() -> None:
    job = make_job(JobState.RUNNING, epoch=4, elapsed=8.0, updated_at=100.0)
    assert job.progress == 40.0
    assert replace(job, batch=25, batches=50).progress == 45.0
    assert job.elapsed_at(101.0) == 9.0
    assert job.eta_at(100.0) == 12.0  # 2 s an epoch, 6 epochs to go
    assert job.eta_at(103.0) == 9.0
    assert job.eta_at(1000.0) == 0.0


def test_time_left_within_an_epoch_follows_what_is_done_of_it() -> None:
    job = make_job(JobState.RUNNING, updated_at=100.0, elapsed=2.0, batch=5, batches=20)
    assert job.eta_at(100.0) == 78.0  # a quarter epoch took 2 s, 39 quarters to go
    assert job.eta_at(101.0) == 77.0


def test_time_left_counts_mini_batches_the_pace_and_changed_sizes() -> None:
    job = make_job(JobState.RUNNING, epoch=4, elapsed=8.0, updated_at=100.0, batch=500, batches=5000)
    assert job.config.mini_batch_size == 10
    measured = Throughput(50_000, mini_batch_size=10, batch_seconds=0.001, epoch_seconds=0.5)
    assert job.eta_at(100.0, measured) == pytest.approx(4.5 + 5 * 5 + 6 * 0.5)
    assert job.eta_at(101.0, measured) == pytest.approx(4.5 + 5 * 5 + 6 * 0.5 - 1)
    slow = replace(job, pace=1.0)
    assert slow.eta_at(100.0, measured) == pytest.approx(4500 + 5 * 5000 + 6 * 0.5)
    assert (job.speed(measured), slow.speed(measured)) == (pytest.approx(10_000), pytest.approx(10))
    larger = replace(job, pace=1.0, wanted={"mini_batch_size": 100})
    assert larger.eta_at(100.0, measured) == pytest.approx(4500 + 5 * 500 + 6 * 0.5)
    assert replace(job, epoch=10, batch=0).eta_at(100.0, measured) == 0.0
    assert replace(job, state=JobState.PAUSED).speed(measured) is None


def test_a_paused_job_stands_still() -> None:
    job = make_job(JobState.PAUSED, epoch=4, elapsed=8.0, updated_at=100.0, batch=5, batches=10)
    assert (job.progress, job.elapsed_at(1000.0), job.eta_at(1000.0)) == (45.0, 8.0, None)


def test_settings_are_those_of_now() -> None:
    changes = ({"step": 5, "epoch": 1, "batch": 5, "learning_rate": 0.5, "momentum": 0.9},)
    job = make_job(changes=changes, wanted={"mini_batch_size": 20, "momentum": 0.5}, pace=2.5)
    record = job.record()
    assert (record["learning_rate"], record["momentum"], record["mini_batch_size"]) == (0.5, 0.5, 20)
    assert (record["changes"], record["pending_changes"]) == (list(changes), job.wanted)
    assert (record["pace"], record["optimizer"], record["epochs"]) == (2.5, "sgd", 10)
    assert record["initial_settings"] == {"learning_rate": 3.0, "momentum": 0.0, "mini_batch_size": 10}


def test_no_time_left_is_guessed_before_anything_is_known_or_when_waiting() -> None:
    assert make_job(JobState.RUNNING, updated_at=1.0).eta_at(2.0) is None
    assert make_job(JobState.QUEUED, epoch=4, elapsed=8.0, updated_at=1.0).eta_at(2.0) is None


def test_the_record_names_every_setting() -> None:
    config = TrainingConfig(3, 20, 0.1, 7, momentum=0.5, schedule="cosine", clip_norm=2.0, augment=("shift",))
    record = replace(make_job(), config=config).record()
    assert {name: record[name] for name in config.to_dict()} == config.to_dict()
    assert (record["augment"], record["epochs"], record["total_epochs"]) == (["shift"], 3, 3)


def test_the_record_has_numbers_where_clients_count_on_them() -> None:
    record = make_job().record(queue_position=3)
    assert record["status"] == "pending"
    assert record["progress"] == 0.0
    assert record["elapsed_time"] == 0.0
    assert record["queue_position"] == 3
    assert record["accuracy"] is record["eta_seconds"] is record["started_at"] is record["finished_at"] is None
    assert record["created_at"].endswith("Z")
