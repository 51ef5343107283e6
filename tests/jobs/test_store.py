"""The store keeps what it was given, in order, across a restart, and holds the one-job rule by itself."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from hippo.errors import TrainingInProgress, UnknownJob, UnknownNetwork
from hippo.jobs.events import TrainingComplete
from hippo.jobs.job import Job, JobState
from hippo.jobs.store import Store, StoredNetwork
from hippo.network import NetworkSpec
from hippo.training import TrainingConfig

SPEC = NetworkSpec.make([784, 30, 10], seed=1)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    store = Store(f"sqlite:///{tmp_path}/hippo.sqlite3")
    store.add_network(StoredNetwork("n1", "first", SPEC, created_at=1.0))
    store.add_network(StoredNetwork("n2", None, SPEC, created_at=2.0))
    return store


def finished(job: Job) -> Job:
    return job.after("start").after("complete", finished_at=9.0)


def test_networks_come_back_as_they_were(store: Store, tmp_path: Path) -> None:
    store.change_network("n1", accuracy=0.5, revision="j", trained_at=3.0, epochs_trained=7)
    store.close()
    again = Store(f"sqlite:///{tmp_path}/hippo.sqlite3")
    assert again.network("n1") == StoredNetwork("n1", "first", SPEC, 1.0, 3.0, 0.5, 7, "j")
    assert [n.network_id for n in again.networks()] == ["n2", "n1"]


def test_jobs_come_back_as_they_were(store: Store, tmp_path: Path) -> None:
    job = store.add_job("j1", "n1", TrainingConfig(epochs=3, learning_rate=0.1, seed=2**53 - 1))
    job = replace(job.after("start"), epoch=2, accuracy=0.25, attempt=2, elapsed=1.5, last_seq=4)
    store.save(job)
    store.close()
    assert Store(f"sqlite:///{tmp_path}/hippo.sqlite3").job("j1") == job


def test_rows_of_older_versions_are_read_with_the_settings_there_were(store: Store) -> None:
    job = store.add_job("j1", "n1", TrainingConfig(epochs=3))
    with store._transaction() as connection:
        config = '{"epochs": 3, "mini_batch_size": 10, "learning_rate": 3.0, "seed": 0}'
        spec = (
            '{"layer_sizes": [784, 30, 10], "activation": "sigmoid", "loss": "quadratic", "initializer": "xavier",'
            ' "seed": 1}'
        )
        connection.execute(sa.text("UPDATE jobs SET config = :text"), {"text": config})
        connection.execute(sa.text("UPDATE networks SET spec = :text"), {"text": spec})
    assert store.job("j1") == job
    assert store.job("j1").record()["shuffle"] is True
    assert store.network("n1").spec == SPEC
    assert store.network("n1").record(True, None)["dropout"] == 0


def test_unknown_ids(store: Store) -> None:
    with pytest.raises(UnknownNetwork):
        store.network("no")
    with pytest.raises(UnknownJob):
        store.job("no")
    with pytest.raises(UnknownNetwork):
        store.add_job("j", "no", TrainingConfig())
    with pytest.raises(UnknownNetwork):
        store.mark_deleted("no")


def test_a_second_job_of_a_network_is_refused_with_the_id_of_the_first(store: Store) -> None:
    first = store.add_job("j1", "n1", TrainingConfig())
    with pytest.raises(TrainingInProgress) as refusal:
        store.add_job("j2", "n1", TrainingConfig())
    assert refusal.value.extra == {"job_id": "j1"}
    store.add_job("j3", "n2", TrainingConfig())
    store.save(finished(first))
    store.add_job("j2", "n1", TrainingConfig())


def test_the_database_itself_refuses_a_second_unfinished_job(store: Store) -> None:
    store.add_job("j1", "n1", TrainingConfig())
    with pytest.raises(sa.exc.IntegrityError), store._transaction() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO jobs (job_id, network_id, config, state, epoch, attempt, created_at, elapsed, last_seq,"
                " cancel_requested) VALUES ('j2', 'n1', '{}', 'queued', 0, 1, 0, 0, 0, 0)"
            )
        )


def test_a_network_in_training_is_not_deleted(store: Store) -> None:
    job = store.add_job("j1", "n1", TrainingConfig())
    with pytest.raises(TrainingInProgress):
        store.mark_deleted("n1")
    assert store.network("n1")
    store.save(finished(job))
    store.mark_deleted("n1")
    with pytest.raises(UnknownNetwork):
        store.network("n1")
    assert store.deleted_networks() == ["n1"]
    store.remove_network("n1")
    assert store.deleted_networks() == []
    assert store.job("j1").state is JobState.COMPLETED  # finished jobs stay readable


def test_pages_are_newest_first_and_filtered(store: Store) -> None:
    for n in range(5):
        store.save(finished(store.add_job(f"j{n}", "n1", TrainingConfig())))
    store.add_job("j5", "n2", TrainingConfig())
    page, total = store.jobs(limit=2, offset=1)
    assert ([job.job_id for job in page], total) == (["j4", "j3"], 6)
    page, total = store.jobs(frozenset({JobState.QUEUED}))
    assert ([job.job_id for job in page], total) == (["j5"], 1)
    page, total = store.jobs(network_id="n1", limit=50)
    assert ([job.job_id for job in page], total) == (["j4", "j3", "j2", "j1", "j0"], 5)
    assert [job.job_id for job in store.unfinished_jobs()] == ["j5"]


def test_job_event_and_network_change_together_or_not_at_all(store: Store) -> None:
    job = store.add_job("j1", "n1", TrainingConfig())
    event = TrainingComplete(job_id="j1", network_id="n1", seq=1, timestamp="t", accuracy=0.5, message="m")
    store.save(replace(job.after("start"), last_seq=1), event, {"accuracy": 0.5})
    with pytest.raises(sa.exc.IntegrityError):  # seq 1 exists
        store.save(store.job("j1").after("complete"), event, {"accuracy": 0.9})
    assert store.job("j1").state is JobState.RUNNING
    assert store.network("n1").accuracy == 0.5
    assert store.events("j1") == [{"event": "training_complete", "data": event.payload()}]
    assert store.events("j1", after=1) == []
