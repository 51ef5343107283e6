"""The tables of the database, and how objects become rows of them and rows objects again.

What is asked of the tables, and in which transaction, is in ``store``. Specs, settings and events are JSON in one
column each, for nothing is searched for inside them.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from hippo.clock import iso_time
from hippo.jobs.job import UNFINISHED, Job, JobState
from hippo.network import NetworkSpec
from hippo.training import TrainingConfig

UNFINISHED_STATES = sorted(str(state) for state in UNFINISHED)

METADATA = sa.MetaData()

NETWORKS = sa.Table(
    "networks",
    METADATA,
    sa.Column("network_id", sa.String(36), primary_key=True),
    sa.Column("name", sa.Text),
    sa.Column("spec", sa.Text, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("trained_at", sa.Float),
    sa.Column("accuracy", sa.Float),
    sa.Column("epochs_trained", sa.Integer, nullable=False, default=0),
    sa.Column("revision", sa.String(36)),
    sa.Column("deleted", sa.Boolean, nullable=False, default=False),
)

JOBS = sa.Table(
    "jobs",
    METADATA,
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("job_id", sa.String(36), nullable=False, unique=True),
    sa.Column("network_id", sa.String(36), nullable=False, index=True),
    sa.Column("config", sa.Text, nullable=False),
    sa.Column("state", sa.String(20), nullable=False, index=True),
    sa.Column("epoch", sa.Integer, nullable=False),
    sa.Column("accuracy", sa.Float),
    sa.Column("loss", sa.Float),
    sa.Column("error", sa.Text),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("created_at", sa.Float, nullable=False),
    sa.Column("started_at", sa.Float),
    sa.Column("finished_at", sa.Float),
    sa.Column("updated_at", sa.Float),
    sa.Column("elapsed", sa.Float, nullable=False),
    sa.Column("last_seq", sa.Integer, nullable=False),
    sa.Column("cancel_requested", sa.Boolean, nullable=False),
    # From here on the columns came later: they have defaults, with which `upgrades` adds them to older databases.
    sa.Column("priority", sa.Integer, nullable=False, server_default="0"),
    sa.Column("batch", sa.Integer, nullable=False, server_default="0"),
    sa.Column("batches", sa.Integer),
    sa.Column("step", sa.Integer, nullable=False, server_default="0"),
    sa.Column("pace", sa.Float),
    sa.Column("changes", sa.Text, nullable=False, server_default="[]"),
    sa.Column("wanted", sa.Text, nullable=False, server_default="{}"),
    sa.Column("pause_requested", sa.Boolean, nullable=False, server_default=sa.false()),
    sa.Column("pause_at", sa.Integer),
    sa.Column("phase_seconds", sa.Float),
    sa.Column("loss_so_far", sa.Float),
    sqlite_autoincrement=True,
)
# At most one unfinished job per network, whatever the code above the database does.
sa.Index(
    "one_unfinished_or_paused_job_per_network",
    JOBS.c.network_id,
    unique=True,
    sqlite_where=JOBS.c.state.in_(UNFINISHED_STATES),
    postgresql_where=JOBS.c.state.in_(UNFINISHED_STATES),
)

EVENTS = sa.Table(
    "events",
    METADATA,
    sa.Column("job_id", sa.String(36), primary_key=True),
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("event", sa.String(40), nullable=False),
    sa.Column("data", sa.Text, nullable=False),
)

NOTES = sa.Table(
    "notes",
    METADATA,
    sa.Column("name", sa.String(100), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)


@dataclass(frozen=True)
class StoredNetwork:
    """One network, as the store keeps it. Times are seconds since 1970.

    Attributes
    ----------
    accuracy : float or None
        Of the saved weights on the test set, 0-1.
    epochs_trained : int
        Epochs behind the saved weights, over all runs.
    revision : str or None
        Which weights are the current ones: the id of the job that wrote them; None before the first.
    """

    network_id: str
    name: str | None
    spec: NetworkSpec
    created_at: float
    trained_at: float | None = None
    accuracy: float | None = None
    epochs_trained: int = 0
    revision: str | None = None

    def for_worker(self) -> dict[str, Any]:
        """Return what a worker needs to have the network's weights (see `hippo.jobs.training_spec.load_network`)."""
        return {"network_id": self.network_id, "network": self.spec.to_dict(), "revision": self.revision}

    def record(self, in_memory: bool, active_job_id: str | None) -> dict[str, Any]:
        """Return what clients are told about the network."""
        sizes = list(self.spec.layer_sizes)
        return {
            "network_id": self.network_id,
            "name": self.name,
            "architecture": sizes,
            "layer_sizes": sizes,
            "activation": self.spec.activation,
            "loss": self.spec.loss,
            "initializer": self.spec.initializer,
            "seed": self.spec.seed,
            "dropout": self.spec.dropout,
            "parameters": self.spec.parameter_count,
            "trained": self.revision is not None,
            "accuracy": self.accuracy,
            "epochs_trained": self.epochs_trained,
            "status": "in_memory" if in_memory else "saved",
            "created_at": iso_time(self.created_at),
            "trained_at": iso_time(self.trained_at),
            "active_job_id": active_job_id,
        }


def network_row(network: StoredNetwork) -> dict[str, Any]:
    """Return the columns of a network, but for `deleted`."""
    values = {name: getattr(network, name) for name in StoredNetwork.__dataclass_fields__}
    return values | {"spec": json.dumps(network.spec.to_dict())}


def to_network(row: Any) -> StoredNetwork:
    """Return the network of a row."""
    values = {name: row[name] for name in StoredNetwork.__dataclass_fields__}
    return StoredNetwork(**(values | {"spec": NetworkSpec.from_dict(json.loads(row["spec"]))}))


def job_row(job: Job) -> dict[str, Any]:
    """Return the columns of a job."""
    values = {name: getattr(job, name) for name in Job.__dataclass_fields__}
    texts = {
        "config": json.dumps(job.config.to_dict()),
        "changes": json.dumps(job.changes),
        "wanted": json.dumps(job.wanted),
    }
    return values | texts | {"state": str(job.state)}


def to_job(row: Any) -> Job:
    """Return the job of a row."""
    values = {
        "config": TrainingConfig(**json.loads(row["config"])),
        "changes": tuple(json.loads(row["changes"])),
        "wanted": json.loads(row["wanted"]),
        "state": JobState(row["state"]),
    }
    return Job(**(dict(row) | values))
