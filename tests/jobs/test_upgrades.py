"""A database written before jobs could be paused is brought up to date and loses nothing."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

import pytest
import sqlalchemy as sa

from hippo.errors import TrainingInProgress
from hippo.jobs.job import JobState
from hippo.jobs.store import Store
from hippo.jobs.tables import METADATA
from hippo.network_spec import NetworkSpec
from hippo.training import TrainingConfig

#: What the first version wrote.
FIRST = """
CREATE TABLE networks (
    network_id VARCHAR(36) NOT NULL PRIMARY KEY, name TEXT, spec TEXT NOT NULL, created_at FLOAT NOT NULL,
    trained_at FLOAT, accuracy FLOAT, epochs_trained INTEGER NOT NULL, revision VARCHAR(36), deleted BOOLEAN NOT NULL
);
CREATE TABLE jobs (
    number INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, job_id VARCHAR(36) NOT NULL UNIQUE,
    network_id VARCHAR(36) NOT NULL, config TEXT NOT NULL, state VARCHAR(20) NOT NULL, epoch INTEGER NOT NULL,
    accuracy FLOAT, loss FLOAT, error TEXT, attempt INTEGER NOT NULL, created_at FLOAT NOT NULL, started_at FLOAT,
    finished_at FLOAT, updated_at FLOAT, elapsed FLOAT NOT NULL, last_seq INTEGER NOT NULL,
    cancel_requested BOOLEAN NOT NULL
);
CREATE INDEX ix_jobs_network_id ON jobs (network_id);
CREATE INDEX ix_jobs_state ON jobs (state);
CREATE UNIQUE INDEX one_unfinished_job_per_network ON jobs (network_id)
    WHERE state IN ('queued', 'running', 'interrupted');
CREATE TABLE events (
    job_id VARCHAR(36) NOT NULL, seq INTEGER NOT NULL, event VARCHAR(40) NOT NULL, data TEXT NOT NULL,
    PRIMARY KEY (job_id, seq)
);
CREATE TABLE notes (name VARCHAR(100) NOT NULL PRIMARY KEY, text TEXT NOT NULL);
"""
SPEC = NetworkSpec.make([784, 30, 10], seed=1)
CONFIG = '{"epochs": 3, "mini_batch_size": 10, "learning_rate": 3.0, "seed": 7}'
INSERT = """
INSERT INTO jobs (
    job_id, network_id, config, state, epoch, accuracy, loss, error, attempt, created_at, started_at, finished_at,
    updated_at, elapsed, last_seq, cancel_requested
) VALUES (:id, 'n1', :config, :state, 2, 0.5, 0.25, NULL, 1, 1.0, 2.0, 3.0, 4.0, 5.5, 3, 0)
"""


@pytest.fixture
def url(tmp_path: Path) -> str:
    with sqlite3.connect(tmp_path / "hippo.sqlite3") as old:
        old.executescript(FIRST)
        old.execute(
            "INSERT INTO networks VALUES ('n1', 'mine', ?, 1.0, NULL, NULL, 0, NULL, 0)", [json.dumps(SPEC.to_dict())]
        )
        for job_id, state in (("done", "completed"), ("under way", "interrupted")):
            old.execute(INSERT, {"id": job_id, "state": state, "config": CONFIG})
        old.execute("INSERT INTO events VALUES ('done', 1, 'training_update', '{\"seq\": 1}')")
    old.close()
    return f"sqlite:///{tmp_path}/hippo.sqlite3"


def test_what_was_there_is_there(url: str) -> None:
    store = Store(url)
    job = store.job("done")
    assert (job.state, job.epoch, job.elapsed, job.last_seq) == (JobState.COMPLETED, 2, 5.5, 3)
    assert job.config == TrainingConfig(3, 10, 3.0, 7)
    assert (job.batch, job.batches, job.step, job.pace, job.changes, job.wanted) == (0, None, 0, None, (), {})
    assert (job.priority, job.pause_requested, job.pause_at) == (0, False, None)
    assert store.network("n1").spec == SPEC
    assert [job.job_id for job in store.unfinished_jobs()] == ["under way"]
    assert store.events("done") == [{"event": "training_update", "data": {"seq": 1}}]
    store.close()


def test_it_can_be_used_and_opened_again(url: str) -> None:
    store = Store(url)
    paused = store.job("under way").after("pause", step=12, changes=({"step": 3, "epoch": 1, "batch": 3},))
    store.save(paused)
    store.close()
    again = Store(url)
    assert again.job("under way") == paused
    with pytest.raises(TrainingInProgress):
        again.add_job("other", "n1", TrainingConfig())
    again.close()


def test_the_rule_of_one_unfinished_job_now_counts_paused_ones(url: str) -> None:
    store = Store(url)
    store.save(store.job("under way").after("pause"))
    with pytest.raises(sa.exc.IntegrityError), store._transaction() as connection:
        connection.execute(sa.text(INSERT), {"id": "other", "state": "paused", "config": CONFIG})
    store.close()


def test_it_is_then_like_one_of_this_version(url: str, tmp_path: Path) -> None:
    def schema(address: str) -> dict[str, tuple[set[str], set[str | None]]]:
        Store(address).close()
        engine = sa.create_engine(address)
        inspector = sa.inspect(engine)
        found = {
            table.name: (
                {column["name"] for column in inspector.get_columns(table.name)},
                {index["name"] for index in inspector.get_indexes(table.name)},
            )
            for table in METADATA.sorted_tables
        }
        engine.dispose()
        return found

    assert schema(url) == schema(f"sqlite:///{tmp_path}/new.sqlite3")
